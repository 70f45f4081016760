"""Decisions about batches and slots. Pure: no clock, no I/O."""
