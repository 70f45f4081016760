"""Replicas that die or stall at every failpoint, and what they leave to the others."""
