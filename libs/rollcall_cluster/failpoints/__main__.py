"""`python -m rollcall_cluster.failpoints`."""

import sys

from rollcall_cluster.failpoints.command_line import run

if __name__ == "__main__":
    run(sys.argv[1:])
