"""The checks, one module for each group of invariants; numbers are those of the design's section 9."""
