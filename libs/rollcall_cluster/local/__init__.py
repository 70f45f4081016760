"""A cluster on this machine: embedded servers and replicas that outlive the command that starts them."""
