"""`rollcall console`: the console's page, with what only the machine of the processes knows."""
