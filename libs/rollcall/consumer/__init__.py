"""Input side: records to chunks, chunks to transactions, positions and ownership of partitions."""
