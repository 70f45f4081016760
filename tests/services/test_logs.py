"""Log lines of a replica can be read by programs, also those of the libraries under it."""

import json
import subprocess
import sys

from tests.eventually import DEADLINE_SECONDS

PROGRAM = """
import logging
from rollcall import ServiceSettings
from rollcall.telemetry.logs import configure_logs

configure_logs(ServiceSettings(instance_id="first"))
try:
    1 / 0
except ZeroDivisionError:
    logging.getLogger("library").exception("it failed")
logging.getLogger("library").info("not worth a line")
"""


def test_an_exception_in_a_library_is_logged_with_its_traceback() -> None:
    output = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        text=True,
        check=True,
        timeout=DEADLINE_SECONDS,
    ).stdout
    (line,) = [json.loads(line) for line in output.splitlines()]
    assert (line["event"], line["level"], line["instance"]) == ("it failed", "error", "first")
    assert line["exception"].endswith("ZeroDivisionError: division by zero")
    assert "Traceback" in line["exception"]
