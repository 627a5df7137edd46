"""A house as it happens, for programs that draw it: streams in threads, and what they have told."""
