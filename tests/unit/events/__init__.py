"""Contracts: envelope, events, registry and the documents made of them."""
