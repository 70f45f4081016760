"""`rollcall dlq`: dead letters from the command line."""
