"""What the house can do on this machine, measured: ``xached bench``."""
