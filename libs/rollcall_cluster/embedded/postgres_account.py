"""Who runs PostgreSQL and where: it refuses to run as root, so root lends it a system user."""

import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from rollcall_cluster.embedded.errors import EmbeddedServerError

_USER = "rollcall"
_LAST_RESORT_USER = "nobody"
# Where root keeps what the system user must reach when the caller's folder is closed to it.
_SHARED_DIRECTORY = Path("/var/lib/rollcall" if sys.platform == "linux" else "/var/db/rollcall")


def is_root() -> bool:
    """Tell whether this process runs as root."""
    return os.geteuid() == 0


def system_user() -> pwd.struct_passwd:
    """Return the user that runs PostgreSQL for root, created at its first use if possible."""
    for _ in range(3):  # several processes may create it at the same time
        with suppress(KeyError):
            return pwd.getpwnam(_USER)
        with suppress(OSError):
            subprocess.run(  # noqa: S603 - our own arguments
                ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", _USER],  # noqa: S607
                check=False,
                capture_output=True,
            )
    try:
        return pwd.getpwnam(_LAST_RESORT_USER)
    except KeyError:
        raise EmbeddedServerError(
            f"PostgreSQL refuses to run as root, and there is no user {_USER!r} to run it as",
            f"create that system user (useradd --system {_USER}), or run as an ordinary user",
        ) from None


def process_account() -> Mapping[str, Any]:
    """Keyword arguments of subprocess functions: the system user if this is root, else nothing."""
    if not is_root():
        return {}
    user = system_user()
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def is_open_to_all(path: Path) -> bool:
    """Tell whether every user may walk down to `path`."""
    return all(
        folder.stat().st_mode & stat.S_IXOTH
        for folder in (path.resolve(), *path.resolve().parents)
        if folder.is_dir()
    )


def reachable_installation(package: Path, version: str) -> Path:
    """Return `package`, the wheel's folder, or a copy if the system user cannot get there."""
    if not is_root() or is_open_to_all(package):
        return package
    copy = _shared_directory() / f"{package.name}-{version}"
    if not copy.exists():
        _copy_installation(package, copy)
    return copy / package.name


def _copy_installation(package: Path, copy: Path) -> None:
    partial = Path(tempfile.mkdtemp(dir=copy.parent))
    libraries = f"{package.name}.libs"  # found by the programs beside their package
    for folder in (package, package.with_name(libraries)):
        if folder.is_dir():
            shutil.copytree(folder, partial / folder.name, symlinks=True)
    partial.chmod(0o755)
    with suppress(OSError):  # another process was first
        partial.rename(copy)
    shutil.rmtree(partial, ignore_errors=True)


def new_data_directory(parent: Path) -> Path:
    """Return an empty directory in `parent`, owned by and within reach of PostgreSQL's user."""
    partial = parent / "data.partial"
    if partial.is_symlink():
        shutil.rmtree(partial.resolve(), ignore_errors=True)
        partial.unlink()
    shutil.rmtree(partial, ignore_errors=True)
    if is_root() and not is_open_to_all(parent):
        target = Path(tempfile.mkdtemp(prefix="postgres-", dir=_shared_directory()))
        partial.symlink_to(target)
    else:
        partial.mkdir(mode=0o700)
    if is_root():
        user = system_user()
        os.chown(partial, user.pw_uid, user.pw_gid)
    return partial


def _shared_directory() -> Path:
    _SHARED_DIRECTORY.mkdir(mode=0o755, parents=True, exist_ok=True)
    return _SHARED_DIRECTORY
