"""Coordination through Redis, beside what a team would use instead."""
