"""The XACHE client."""
