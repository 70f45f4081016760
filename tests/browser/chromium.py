"""Finds the Chromium of the system: Playwright's own would have to be downloaded from elsewhere."""

import os
import shutil

VARIABLE = "ROLLCALL_TESTS_CHROMIUM"
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def chromium() -> str:
    """Path of the program.

    Raises:
        RuntimeError: there is none; says what to install.
    """
    if given := os.environ.get(VARIABLE):
        return given
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if found is None:
        raise RuntimeError(
            "there is no Chromium here: install it (Debian, Ubuntu: apt-get install chromium;"
            f" macOS: brew install --cask chromium), or name another one with {VARIABLE}"
        )
    return found
