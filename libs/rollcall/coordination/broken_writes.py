"""How event loops tell of a write to a connection that has just broken: not all as OSError."""


def is_broken_write(error: BaseException) -> bool:
    """Whether it is one of the words that do not say so.

    uvloop: RuntimeError itself. asyncio of CPython 3.12 and of early 3.13 (gh-136234): AttributeError,
    because the transport that is to write the rest has forgotten its loop.
    """
    if isinstance(error, AttributeError):
        return error.obj is None and error.name == "_add_writer"
    return type(error) is RuntimeError
