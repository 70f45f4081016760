"""Ceilings: what each stage reaches when it has the machine to itself."""
