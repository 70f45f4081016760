"""SQL of the service: one file of statements beside the one class that runs them."""
