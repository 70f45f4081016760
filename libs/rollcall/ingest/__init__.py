"""A way in over HTTP, for upstreams without Kafka: validated events become records of input topics."""
