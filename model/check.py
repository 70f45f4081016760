"""Check the models with Spin: each must hold as it is, and break without each of its guards.

    python model/check.py                    every check; exit 0 if all came out as they must
    python model/check.py no_fence           some of them, by name
    python model/check.py --trail no_fence   the counterexample, step by step

Needs Spin and a C compiler; nothing of this project.
"""

# ruff: noqa: T201 - a program that prints its findings

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PROTOCOL = Path(__file__).with_name("protocol.pml")
DEADLINE = Path(__file__).with_name("deadline.pml")
CHECK_SECONDS = 120
MAX_DEPTH = 200_000


@dataclass(frozen=True)
class Check:
    """One run of the checker: what is switched off or on, and whether the model must hold."""

    name: str
    holds: bool
    what: str
    defines: tuple[str, ...]
    model: Path = PROTOCOL

    @property
    def live(self) -> bool:
        """Whether it checks that every run comes to rest, instead of the assertions."""
        return "LIVE" in self.defines


@dataclass(frozen=True)
class Outcome:
    """What the checker found."""

    states: int
    seconds: float
    violation: str | None


class CheckError(Exception):
    """The checker did not come to a verdict; the message says why and what to do."""


def _without(guard: str, what: str, model: Path = PROTOCOL) -> Check:
    return Check(guard.lower(), False, what, (guard,), model)


CHECKS = (
    Check("protocol", True, "two faults anywhere", ()),
    Check("rest", True, "one fault anywhere; every run comes to rest", ("LIVE", "FAULTS=1")),
    Check("no_lane_lock", True, "no guard: one fault", ("NO_LANE_LOCK", "FAULTS=1")),
    _without("NO_COMPARE_AND_SET", "positions set without the expected offset"),
    _without("SPLIT_EFFECT_FIRST", "effect, then position, in two transactions"),
    _without("SPLIT_POSITION_FIRST", "position, then effect, in two transactions"),
    _without("UNLOCKED_COUNT", "counters read without the batch's lock"),
    _without("EARLY_ID", "segment ids drawn before the batch's lock"),
    _without("NO_FENCE", "a new owner does not fence the former"),
    _without("FENCE_AFTER_READING", "lane position read before the fence"),
    _without("POSITION_APART", "lane position outside of the Kafka transaction"),
    _without("FORGET_FIRST", "segments forgotten before the commit"),
    _without("TRUST_SILENCE", "a lost answer taken for a failed commit"),
    Check("deadline", True, "any policy, one fault anywhere", (), DEADLINE),
    _without("DUE_NOT_LOCKED", "a batch that is due is read without its lock", DEADLINE),
    _without("SOME_SLOTS_GIVEN_UP", "a batch ends with a slot locked by its taker", DEADLINE),
    _without("TIMED_OUT_AGAIN", "a batch that has timed out is due again", DEADLINE),
    _without("LOCKED_MEANS_FULL", "no slot to lock means no slot left", DEADLINE),
    _without("UNLOCKED_COUNTERS", "a taker counts without the batch's lock", DEADLINE),
)


def run_check(check: Check, folder: Path) -> Outcome:
    """Build the checker of `check` in `folder` and run it.

    Raises:
        CheckError: it could not be built, did not finish, or did not search everything.
    """
    started = time.perf_counter()
    _build(check, folder)
    options = ["-a", "-f"] if check.live else []
    text = _run(["./pan", f"-m{MAX_DEPTH}", "-w22", *options], folder)
    outcome = Outcome(_states(text), time.perf_counter() - started, _violation(text))
    if outcome.violation is None and ("errors: 0" not in text or "max search depth" in text):
        raise CheckError(f"{check.name}: the search is not complete:\n{text}")
    return outcome


def _build(check: Check, folder: Path) -> None:
    defines = [f"-D{define}" for define in check.defines]
    # NFAIR: bits for the fairness counters of up to 23 processes; SAFETY: cheaper, no cycles.
    mode = "-DNFAIR=3" if check.live else "-DSAFETY"
    _run(["spin", "-a", *defines, str(check.model)], folder)
    # A broken protocol breaks within few states: compiling costs more than checking.
    optimise = "-O2" if check.holds else "-O0"
    _run(["cc", "-w", optimise, mode, "-DCOLLAPSE", "-o", "pan", "pan.c"], folder)


def _run(command: Sequence[str], folder: Path) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - commands of this file
            command, cwd=folder, capture_output=True, text=True, timeout=CHECK_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise CheckError(f"{command[0]} took longer than {CHECK_SECONDS} s") from error
    if done.returncode != 0:
        raise CheckError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def _states(text: str) -> int:
    found = re.search(r"^\s*([0-9.e+]+) states, stored", text, re.MULTILINE)
    return int(float(found[1])) if found else 0


def _violation(text: str) -> str | None:
    found = re.search(r"^pan:\d+: (.+) \(at depth", text, re.MULTILINE)
    return re.sub(r"\s+", " ", found[1]) if found else None


def show_trail(check: Check, folder: Path) -> bool:
    """Print the steps that lead to the violation of `check`; tells whether there is one."""
    outcome = run_check(check, folder)
    if outcome.violation is None:
        return False
    defines = [f"-D{define}" for define in check.defines]
    trail = str(next(folder.glob("*.trail")))
    # Spin ends with 1 after the replay of a violation.
    subprocess.run(  # noqa: S603
        ["spin", "-p", "-g", "-k", trail, *defines, str(check.model)],  # noqa: S607
        cwd=folder,
        check=False,
    )
    return True


def check_all(checks: Sequence[Check]) -> bool:
    """Run checks and print the table; tells whether each came out as it must."""
    print(f"{'check':<22}{'states':>10}{'seconds':>9}  {'verdict':<10}{'what':<50}violated")
    good = True
    for check in checks:
        with tempfile.TemporaryDirectory(prefix="rollcall-model-") as folder:
            outcome = run_check(check, Path(folder))
        as_it_must = (outcome.violation is None) == check.holds
        good = good and as_it_must
        verdict = ("holds" if outcome.violation is None else "breaks") + (
            "" if as_it_must else " !"
        )
        print(
            f"{check.name:<22}{outcome.states:>10}{outcome.seconds:>9.1f}  {verdict:<10}"
            f"{check.what:<50}{outcome.violation or ''}",
            flush=True,
        )
    return good


def require_tools() -> None:
    """Make sure that the checker can be built.

    Raises:
        CheckError: naming what is missing and how to install it.
    """
    for tool, package in (("spin", "spin"), ("cc", "gcc libc6-dev")):
        if shutil.which(tool) is None:
            raise CheckError(
                f"`{tool}` is not installed; on Debian or Ubuntu: apt-get install {package}"
            )


def _selected(names: Sequence[str]) -> list[Check]:
    known = {check.name: check for check in CHECKS}
    if unknown := [name for name in names if name not in known]:
        raise CheckError(f"no check is named {unknown[0]!r}; there are: {', '.join(known)}")
    return [known[name] for name in names] or list(CHECKS)


def main() -> int:
    """Run what the command line asks for; 0 if all is as it must be, 1 if not, 2 without a verdict."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("names", nargs="*", metavar="check", help="checks to run; default: all")
    parser.add_argument("--trail", metavar="check", help="print the counterexample of one check")
    options = parser.parse_args()
    try:
        require_tools()
        if options.trail is None:
            return 0 if check_all(_selected(options.names)) else 1
        (check,) = _selected([options.trail])
        with tempfile.TemporaryDirectory(prefix="rollcall-model-") as folder:
            return 0 if show_trail(check, Path(folder)) else 1
    except CheckError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
