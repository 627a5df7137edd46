"""Quotes both sides of a market around a venue's mid price."""
