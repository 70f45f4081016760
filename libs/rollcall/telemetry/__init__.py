"""What a service tells about itself: metrics, logs, health."""
