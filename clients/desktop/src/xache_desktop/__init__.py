"""A house in a window. It looks and asks; everything is decided in the house."""
