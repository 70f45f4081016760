"""Metrics as Prometheus reads them from a replica."""

from typing import NamedTuple

from prometheus_client.parser import text_string_to_metric_families

from tests.http_client import http_client


class Sample(NamedTuple):
    """A metric with one set of labels."""

    name: str
    labels: tuple[tuple[str, str], ...]


def sample(name: str, **labels: str) -> Sample:
    """Name one sample."""
    return Sample(name, tuple(sorted(labels.items())))


async def metrics(url: str) -> dict[Sample, float]:
    """Every sample that the replica at `url` exposes."""
    async with http_client() as client:
        text = (await client.get(f"{url}/metrics")).raise_for_status().text
    return {
        sample(item.name, **item.labels): item.value
        for family in text_string_to_metric_families(text)
        for item in family.samples
    }
