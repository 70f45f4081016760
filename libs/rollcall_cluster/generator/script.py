"""What one batch sends, in which order, as numbers: small enough to keep hundreds of batches open."""

import random
from array import array

from rollcall_cluster.generator.sizing import BatchSize

DUPLICATE = 1 << 30
MALFORMED = 1 << 31
_NUMBER = DUPLICATE - 1


def write_script(size: BatchSize, draws: random.Random) -> "array[int]":
    """Give the batch's entries, last first, for popping.

    An entry is the number of an event: `number % size.events` tells which (contents, then failures,
    then the registration); what is above tells repetitions that have an id of their own from plain
    redeliveries. With MALFORMED set, it is a number of `malformation` instead.
    """
    contents = _shuffled(range(size.contents), draws)
    early, rest = contents[: size.early], contents[size.early :]
    rest += range(size.contents, size.contents + size.failures)
    rest += _duplicates(size, draws)
    first = size.malformed_from
    rest += [MALFORMED | (first + n) & _NUMBER for n in range(size.malformed)]
    registration = size.contents + size.failures
    script = array("L", early)
    script.append(registration)
    script.extend(_shuffled(rest, draws))
    script.reverse()
    return script


def number_of(entry: int) -> int:
    """Give an entry's number, without its marks."""
    return entry & _NUMBER


def _duplicates(size: BatchSize, draws: random.Random) -> list[int]:
    """Repeat events evenly; every other repetition has a new event id, as from a producer that retried."""
    order = _shuffled(range(size.events), draws)
    repeated = []
    for n in range(size.duplicates):
        copy, place = divmod(n, size.events)
        retried = (copy + place) % 2
        repeated.append(DUPLICATE | order[place] + retried * (copy + 1) * size.events)
    return repeated


def _shuffled(numbers: "range | list[int]", draws: random.Random) -> list[int]:
    """Shuffle by drawing a sort key for each: the same in every version of Python, and fast."""
    draw = draws.random
    return [number for _, number in sorted([(draw(), number) for number in numbers])]
