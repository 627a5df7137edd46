"""The sessions actor: the one writer of the vault, one file for each area of identity."""
