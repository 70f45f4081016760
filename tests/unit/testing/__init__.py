"""The cluster test manager and its client."""
