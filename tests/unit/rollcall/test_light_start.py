"""What a replica does not need, it does not load: each of them is megabytes in every process."""

import subprocess
import sys


def test_a_replica_whose_console_nobody_opens_does_not_import_the_http_client() -> None:
    program = (
        "import sys, essay_lifecycle_service.__main__, rollcall.instance;"
        "sys.exit('httpx' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
