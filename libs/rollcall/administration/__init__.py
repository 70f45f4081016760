"""What operators do over HTTP: dead letters and pauses, behind bearer tokens."""
