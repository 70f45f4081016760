"""Where the servers of a test run come from."""
