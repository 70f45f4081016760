"""The pages of the documentation name pages, headings, files and settings that there are."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
REFERENCE = (ROOT / "docs/reference.md").read_text()
# Of commands, caches and tests: told on their own pages, no settings of a service.
OTHER_VARIABLES = re.compile(r"ROLLCALL_(?:HOME|CACHE_DIR|MAVEN_URL|TEST_\w+|\w+_FILE)")

_LINK = re.compile(r'\]\(([^)\s]+)\)|\b(?:src|srcset)="([^"]+)"')
_FILE = re.compile(r"`((?:libs|services|tests|docs|benchmarks|monitoring|model)/[\w./-]+\.\w+)`")
# PyPI's package of that name is somebody else's; a path, as in /path/to/rollcall, is ours.
_INSTALL = re.compile(r"\b(?:install|add)\b[^\n`]*(?<![\w./-])rollcall(?:\[[\w,]+\])?(?![\w/])")
_CODE = re.compile(r"```.*?```", re.DOTALL)


def links(page: Path) -> Iterator[str]:
    for match in _LINK.finditer(page.read_text()):
        if not (target := match[1] or match[2]).startswith("http"):
            yield target


def anchors(page: Path) -> set[str]:
    """Of the headings, as GitHub makes them."""
    text = _CODE.sub("", page.read_text())
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_names_is_there(page: Path) -> None:
    text = page.read_text()
    missing = [name for name in _FILE.findall(text) if not (ROOT / name).exists()]
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            missing.append(link)
    variables = set(re.findall(r"\bROLLCALL_[A-Z_]*[A-Z]\b(?!_)", text))
    missing += [
        variable
        for variable in variables
        if f"`{variable}`" not in REFERENCE and not OTHER_VARIABLES.fullmatch(variable)
    ]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_no_page_installs_the_package_of_somebody_else(page: Path) -> None:
    assert _INSTALL.findall(page.read_text()) == []


def test_every_page_is_reached_from_the_readme() -> None:
    reached, ahead = set[Path](), [ROOT / "README.md"]
    while ahead:
        page = ahead.pop().resolve()
        if page not in reached and page.suffix == ".md":
            reached.add(page)
            ahead += [
                page.parent / link.partition("#")[0] for link in links(page) if link[0] != "#"
            ]
    unlinked = {page for page in PAGES if page not in reached and page.parent.name != "decisions"}
    assert unlinked == set()
