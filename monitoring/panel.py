"""What a panel is, and the page that it is on."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Query:
    """One query and how its lines are called; `{{label}}` stands for the label's value."""

    expr: str
    legend: str


@dataclass(frozen=True, slots=True)
class Panel:
    """A graph. `unit` is Grafana's: short, s, bytes, ops, percentunit."""

    title: str
    unit: str
    queries: tuple[Query, ...]
    description: str


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A page of panels, two in a row."""

    uid: str
    title: str
    panels: tuple[Panel, ...]


def panel(title: str, unit: str, description: str, *queries: tuple[str, str]) -> Panel:
    """A panel; each query is PromQL and the name of its lines."""
    return Panel(title, unit, tuple(Query(*query) for query in queries), description)


def quantiles(metric: str, *shares: float) -> tuple[tuple[str, str], ...]:
    """Queries of these quantiles of a histogram, over the last minute."""
    return tuple(
        (
            f"histogram_quantile({share}, sum by (job, le) (rate({metric}_bucket[1m])))",
            f"p{share * 100:g}",
        )
        for share in shares
    )
