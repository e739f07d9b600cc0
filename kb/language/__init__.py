"""Articles into other languages: segments, engines, memory, and what a translation must keep."""
