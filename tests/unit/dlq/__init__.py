"""`rollcall dlq`: what it shows."""
