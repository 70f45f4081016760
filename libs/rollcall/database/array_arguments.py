"""Arrays as arguments of statements: lists and tuples, told apart from their elements at once.

asyncpg 0.32 asks of each element whether it is an array of its own, through abstract base classes: up to
two calls into Python for each, a third of all function calls that a record causes in a chunk.
"""

from asyncpg.protocol import protocol

CONTAINERS = (list, tuple, set, frozenset)
"""What may be given as an array."""


def take_plain_arrays() -> None:
    """Let every connection of this process take arrays in these types alone; harmless if repeated.

    Anything else is refused by asyncpg as "a sized iterable container expected": make a list of it.
    """
    protocol.IterableABC = CONTAINERS
