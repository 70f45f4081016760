"""A thousand replicas and ten thousand partitions on the runtime's own decisions, without servers.

What is real: the client's assignor, `Ownership`, `Span`, `ChunkBuffer`, `check_position`, and the
relay's sharing of lanes. What is not: Kafka, PostgreSQL, time. A step is a poll and a commit of every
replica; a beat is one second of the relay.
"""
