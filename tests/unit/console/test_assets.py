"""The page's files: all there, nothing inline, nothing from elsewhere, and in the wheel."""

import re
import subprocess
import sys
import zipfile
from importlib import resources
from pathlib import Path

from rollcall.console.assets import NAMES, PAGE, asset

_ASSETS = resources.files("rollcall.console") / "assets"
_SOURCES = {name: asset(name).content.decode() for name in NAMES}
_ROOT = Path(__file__).parents[3]


def test_every_file_is_served_and_every_served_file_is_there() -> None:
    assert {file.name for file in _ASSETS.iterdir()} == set(NAMES)


def test_the_page_asks_only_for_files_that_are_served() -> None:
    wanted = re.findall(r'(?:src|href)="console/assets/([^"]+)"', _SOURCES[PAGE])
    imported = [
        name for text in _SOURCES.values() for name in re.findall(r'from "\./([^"]+)"', text)
    ]
    assert set(wanted) | set(imported) == set(NAMES) - {PAGE}


def test_nothing_comes_from_elsewhere_and_nothing_is_made_of_markup() -> None:
    for name, text in _SOURCES.items():
        outside = re.sub(r"http://www\.w3\.org/2000/svg", "", text)
        assert not re.search(r"https?://|@import|url\(", outside), name
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write", text), name
        assert not re.search(r"localStorage|sessionStorage|document\.cookie", text), name
    assert not re.search(r"<style|style=|\son\w+=|<script(?![^>]*src=)", _SOURCES[PAGE])


def test_ids_that_the_modules_look_for_are_on_the_page_once() -> None:
    ids = re.findall(r'\sid="([^"]+)"', _SOURCES[PAGE])
    wanted = {found for text in _SOURCES.values() for found in re.findall(r'byId\("([^"]+)"', text)}
    assert len(ids) == len(set(ids))
    assert wanted <= set(ids)


def test_the_files_are_in_the_wheel(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=_ROOT,
        check=True,
        capture_output=True,
        timeout=120,
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        built = set(archive.namelist())
    assert {f"rollcall/console/assets/{name}" for name in NAMES} <= built
    assert "rollcall/console/console.sql" in built
