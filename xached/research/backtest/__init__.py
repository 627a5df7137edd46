"""Runs of strategies over recorded markets."""
