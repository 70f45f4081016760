"""When Python looks for reference cycles in a process that handles chunks."""

import gc

_NEW_OBJECTS, _YOUNG_PASSES, _MIDDLE_PASSES = 50_000, 20, 20


def collect_rarely() -> None:
    """A chunk makes tens of thousands of objects and keeps none: collect rarely, skip what stays."""
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS, _YOUNG_PASSES, _MIDDLE_PASSES)
