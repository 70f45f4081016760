"""The page's files, as they lie in the package: nothing is built, nothing is fetched from elsewhere."""

from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib import resources

PAGE = "console.html"
NAMES = (
    PAGE,
    "console.css",
    "icon.svg",
    "main.js",
    "connection.js",
    "elements.js",
    "formats.js",
    "curves.js",
    "overview.js",
    "instances.js",
    "fills.js",
    "relay.js",
    "timeline.js",
    "administration.js",
    "logs.js",
)
_TYPES = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}


@dataclass(slots=True, frozen=True)
class Asset:
    """A file with its type and a tag that changes with its content."""

    content: bytes
    media_type: str
    tag: str


@cache
def asset(name: str) -> Asset:
    """One of `NAMES`."""
    content = (resources.files("rollcall.console") / "assets" / name).read_bytes()
    return Asset(content, _TYPES[name.rpartition(".")[2]], f'"{sha256(content).hexdigest()[:32]}"')
