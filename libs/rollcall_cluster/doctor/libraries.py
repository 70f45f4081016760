"""Installed Python libraries that do not fulfil what this release asks for."""

from importlib.metadata import PackageNotFoundError, requires, version

from packaging.requirements import Requirement


def unfulfilled() -> dict[str, str]:
    """By name: what is asked for and what is there. Extras and other platforms are left out."""
    found = {}
    for line in requires("rollcall") or ():
        wanted = Requirement(line)
        if wanted.marker and not wanted.marker.evaluate({"extra": ""}):
            continue
        try:
            there = version(wanted.name)
        except PackageNotFoundError:
            there = "not installed"
        if there == "not installed" or not wanted.specifier.contains(there, prereleases=True):
            found[wanted.name] = f"{there}, wanted is {wanted.specifier}"
    return found
