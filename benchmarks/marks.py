"""Pages of the documentation in which a part is written by a program, between two marks. Pure."""

from benchmarks.errors import BenchmarkError

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


def inserted(page: str, text: str) -> str:
    """The page with `text` between its marks.

    Raises:
        BenchmarkError: the page lacks the marks.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise BenchmarkError(f"the page lacks the marks {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{text}\n{END}{after}"
