"""The web console: one page that shows what all replicas of a service do, as it happens."""
