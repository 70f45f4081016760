"""Benchmarks of Rollcall against what a team would write or use instead: `python -m benchmarks`."""
