"""Sends a venue's trades into the house's market as taker orders."""
