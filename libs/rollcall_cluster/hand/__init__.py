"""`rollcall audit`, `rollcall position` and `rollcall batch`: what operators do by hand."""
