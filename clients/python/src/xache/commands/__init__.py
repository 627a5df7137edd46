"""The commands of ``xache``, by noun. Each module is imported when one of its commands runs."""
