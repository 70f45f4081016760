"""The generated reference is current."""

from docs.generate import REFERENCE, reference


def test_the_reference_says_what_the_definitions_say() -> None:
    assert REFERENCE.read_text(encoding="utf-8") == reference(), "run: make docs"
