"""Output side: events to segments in the chunk's transaction, segments to Kafka exactly once."""
