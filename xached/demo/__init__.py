"""The demo: a living market on recorded data."""
