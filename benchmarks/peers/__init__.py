"""Other services that do the same job, to measure against."""
