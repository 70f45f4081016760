"""Traces: from the upstream's record headers to those of the records that are published.

Off by default, and then nothing here imports OpenTelemetry. `context` is all that handlers see
of it; every other module here is imported by `opening` alone, once tracing is switched on.
"""
