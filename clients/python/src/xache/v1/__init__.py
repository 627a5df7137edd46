"""Stubs generated from protos/xache/v1."""
