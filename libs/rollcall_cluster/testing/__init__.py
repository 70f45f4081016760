"""Tests against several instances: a cluster of their own or a running one, and a client that spreads over it.

async with MultiInstanceTestManager.from_env() as cluster:
    await cluster.wait_for_healthy()
    (batch_id,) = await cluster.create_batches_concurrent([BatchRequest(slots=30)])
    await cluster.wait_for_batch_completion(batch_id)
    await cluster.verify_batch_consistency(batch_id)
"""

from rollcall_cluster.testing.client import ClusterClient, Strategy
from rollcall_cluster.testing.manager import BatchRequest, MultiInstanceTestManager

__all__ = ["BatchRequest", "ClusterClient", "MultiInstanceTestManager", "Strategy"]
