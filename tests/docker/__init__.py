"""The whole rig in containers: `make test-docker`."""
