"""XACHE: a crypto trading house that one person can run on one machine."""
