"""Parity certificates: what was recorded, told again and compared."""
