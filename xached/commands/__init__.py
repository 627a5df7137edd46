"""What the operator types: looking at a house, looking after it, deciding on plugins."""
