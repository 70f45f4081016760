"""`python -m benchmarks`: the same as `rollcall bench`."""

import sys

from benchmarks.command import bench_commands
from rollcall_cluster.measuring.errors import MeasurementError


def main() -> None:
    """Entry point."""
    try:
        bench_commands()()
    except MeasurementError as error:
        sys.stderr.write(f"bench: {error}\n")
        raise SystemExit(2) from error


if __name__ == "__main__":
    main()
