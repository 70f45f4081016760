"""`rollcall scenarios`: what several instances must do together, done to a real cluster and measured."""
