"""The checks, one module for each group of invariants; numbers are explained in docs/architecture/auditor.md."""
