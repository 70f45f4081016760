"""Takes batches that ended long ago out of the database."""
