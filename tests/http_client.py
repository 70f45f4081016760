"""An HTTP client for a test's replicas."""

from typing import Any

import httpx

from tests.eventually import DEADLINE_SECONDS


def http_client(timeout: float = DEADLINE_SECONDS, **options: Any) -> httpx.AsyncClient:
    """Without the system's certificates: reading them costs fifty times what a look at a replica does."""
    return httpx.AsyncClient(timeout=timeout, verify=False, **options)
