"""The pure core: synchronous, integer, deterministic. Everything that can be wrong about money."""
