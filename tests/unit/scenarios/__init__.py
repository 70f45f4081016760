"""Scenarios: verdicts and the writers of results."""
