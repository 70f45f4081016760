"""`python -m benchmarks`: the same as `rollcall bench`."""

import sys

from benchmarks.command import bench_commands
from benchmarks.errors import BenchmarkError


def main() -> None:
    """Entry point."""
    try:
        bench_commands()()
    except BenchmarkError as error:
        sys.stderr.write(f"bench: {error}\n")
        raise SystemExit(2) from error


if __name__ == "__main__":
    main()
