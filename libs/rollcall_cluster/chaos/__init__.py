"""Breaks a cluster under load in every way there is, and audits what came of it.

Nothing is imported here: the replicas' launcher must come before everything else.
"""
