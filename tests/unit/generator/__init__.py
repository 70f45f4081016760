"""The generator: plans, the records they give, and what is expected of them."""
