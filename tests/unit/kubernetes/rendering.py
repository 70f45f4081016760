"""Renders the base, and the overlay of docs/kubernetes.md, with the real kustomize, and checks what comes out.

    python -m tests.unit.kubernetes.rendering [KUSTOMIZE...]

KUSTOMIZE is the command that takes a folder; without one, the first of `kustomize build`, `kubectl kustomize` and
kustomize from its Go module that this machine has. `make manifests` runs it.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from tests.unit.kubernetes.test_manifests import MANIFESTS, NEWEST, OLDEST, ROOT, check

_MODULE = "sigs.k8s.io/kustomize/kustomize/v5@v5.7.1"
_COMMANDS = (
    ("kustomize", "build"),
    ("kubectl", "kustomize"),
    ("go", "run", _MODULE, "build"),
)
_SECONDS = 900  # Go compiles it the first time


class RenderingError(Exception):
    """kustomize is missing, refuses a folder, or renders something else than is expected."""


def main(arguments: Sequence[str]) -> None:
    """Render and check, telling what was done."""
    command = list(arguments) or _found()
    base = render(command, ROOT / "kubernetes" / "base")
    _expect(len(base) == len(MANIFESTS), f"{len(base)} objects of {len(MANIFESTS)} manifests")
    with tempfile.TemporaryDirectory(dir=ROOT / "kubernetes", prefix=".overlay-") as folder:
        overlay = Path(folder) / "mine"
        overlay.mkdir()
        (overlay / "kustomization.yaml").write_text(documented_overlay())
        mine = render(command, overlay)
    _check_overlay(mine)
    for rendered in (*base, *mine):
        for version in (OLDEST, NEWEST):
            check(rendered, version)
    sys.stdout.write(
        f"{' '.join(command)}: {len(base)} objects of the base and {len(mine)} of the documented overlay"
        f" are valid in Kubernetes {OLDEST} and {NEWEST}\n"
    )


def render(command: Sequence[str], folder: Path) -> list[Any]:
    """What kustomize makes of a folder.

    Raises:
        RenderingError: it refuses.
    """
    done = subprocess.run(
        [*command, str(folder)], capture_output=True, text=True, timeout=_SECONDS, cwd=ROOT
    )
    _expect(done.returncode == 0, f"{' '.join(command)} {folder}: {done.stderr[-2000:]}")
    return [each for each in yaml.safe_load_all(done.stdout) if each]


def documented_overlay() -> str:
    """The overlay that the documentation shows."""
    text = (ROOT / "docs" / "kubernetes.md").read_text()
    (found,) = re.findall(r"```yaml\n(.*?kind: Kustomization.*?)```", text, re.DOTALL)
    return str(found)


def _check_overlay(objects: Sequence[Any]) -> None:
    """What the overlay says is in what is rendered."""
    by_kind = {each["kind"]: each for each in objects}
    namespaces = {each["metadata"].get("namespace") for each in objects}
    _expect(namespaces == {"essays"}, f"namespaces: {namespaces}")
    for kind in ("Deployment", "Job"):
        (container,) = by_kind[kind]["spec"]["template"]["spec"]["containers"]
        image = container["image"]
        _expect(image == "registry.example/rollcall:0.1.0", f"image of the {kind}: {image}")
    brokers = "kafka-0:9092,kafka-1:9092"
    settings = by_kind["ConfigMap"]["data"]["ROLLCALL_KAFKA_BOOTSTRAP_SERVERS"]
    (trigger,) = by_kind["ScaledObject"]["spec"]["triggers"]
    _expect(settings == brokers == trigger["metadata"]["bootstrapServers"], f"brokers: {settings}")


def _found() -> list[str]:
    for command in _COMMANDS:
        if shutil.which(command[0]):
            return list(command)
    raise RenderingError("there is neither kustomize nor kubectl nor go: install one of them")


def _expect(is_so: bool, told: str) -> None:
    if not is_so:
        raise RenderingError(told)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except RenderingError as error:
        sys.exit(f"manifests: {error}")
