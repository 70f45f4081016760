"""The figures to reach: data alone. A row whose bound is KNOWN only has to be measured."""

from benchmarks.journey import STAGES
from benchmarks.verdicts import Bound, Target

_SQL = tuple(f"ceilings/assignment {n}x1000/s" for n in (1, 2, 4))

TARGETS = (
    Target(
        "end to end, against the per-event service",
        "throughput/rollcall x1 / per_event x1",
        Bound.AT_LEAST,
        25,
        "x",
        1,
    ),
    Target(
        "the same with 3 replicas each",
        "throughput/rollcall x3 / per_event x3",
        Bound.AT_LEAST,
        25,
        "x",
        1,
    ),
    Target(
        "against FastStream's per-event handler",
        "throughput/rollcall x1 / faststream x1",
        Bound.AT_LEAST,
        25,
        "x",
        1,
    ),
    Target(
        "against confluent-kafka's asyncio client, per event",
        "throughput/rollcall x1 / confluent x1",
        Bound.KNOWN,
        0,
        "x",
        1,
    ),
    Target(
        "against Kafka Streams (exactly_once_v2, RocksDB, 100 ms commits)",
        "throughput/rollcall x1 / streams x1",
        Bound.AT_LEAST,
        1.25,
        "x",
        2,
    ),
    Target(
        "the same with two stream threads",
        "throughput/rollcall x1 / streams_threads x1",
        Bound.AT_LEAST,
        1.25,
        "x",
        2,
    ),
    Target(
        "against the set-based service without guarantees",
        "throughput/rollcall x1 / set_based x1",
        Bound.KNOWN,
        0,
        "x",
        2,
    ),
    Target(
        "one replica against the assignment SQL alone on its best connection count",
        "throughput/rollcall x1 events/s",
        Bound.AT_LEAST,
        0.80,
        "x",
        2,
        over=_SQL,
    ),
    Target(
        "three replicas against the same",
        "throughput/rollcall x3 events/s",
        Bound.KNOWN,
        0,
        "x",
        2,
        over=_SQL,
    ),
    *(
        Target(
            f"{workload}, against keyed",
            f"throughput/rollcall x1 {workload} / rollcall x1",
            Bound.AT_LEAST,
            limit,
            "x",
            2,
        )
        for workload, limit in (("unkeyed", 0.9), ("skewed", 0.9), ("duplicates", 1.3))
    ),
    Target(
        "10 % malformed, against keyed",
        "throughput/rollcall x1 malformed / rollcall x1",
        Bound.KNOWN,
        0,
        "x",
        2,
    ),
    *(
        Target(
            f"latency to the readable slot event, {where}, {percent}",
            f"latency/{percent} ms {at}",
            Bound.BELOW if limit else Bound.KNOWN,
            limit,
            " ms",
        )
        for at, where, limits in (
            ("half", "at half of the peak rate", {"p50": 50, "p99": 150, "p99.9": 300}),
            ("slow", "at 100 events/s", {"p50": 15, "p99": 60, "p99.9": 0}),
        )
        for percent, limit in limits.items()
    ),
    *(
        Target(
            f"of it at 100 events/s, {stage}, {percent}",
            f"latency/{stage}, {percent} ms slow",
            Bound.KNOWN,
            0,
            " ms",
        )
        for stage in STAGES
        for percent in ("p50", "p99")
    ),
    Target(
        "CPU time of the replica for each event",
        "throughput/rollcall x1 replica cpu us",
        Bound.BELOW,
        30,
        " us",
    ),
    Target(
        "CPU time of PostgreSQL for each event",
        "throughput/rollcall x1 postgres cpu us",
        Bound.KNOWN,
        0,
        " us",
    ),
    Target(
        "CPU time of Kafka for each event",
        "throughput/rollcall x1 kafka cpu us",
        Bound.KNOWN,
        0,
        " us",
    ),
    Target(
        "1 to 3 replicas with equal CPU quotas", "scaling/factor x3", Bound.AT_LEAST, 2.9, "x", 2
    ),
    Target(
        "1 to 5 replicas with equal CPU quotas", "scaling/factor x5", Bound.AT_LEAST, 4.6, "x", 2
    ),
    Target(
        "peak resident memory of a replica, 10 batches of 10,000 slots",
        "memory/large peak MB",
        Bound.BELOW,
        120,
        " MB",
    ),
    Target(
        "memory, ten batches of 10,000 slots at a time over ten of 100, equal numbers of events",
        "memory/large growth %",
        Bound.BELOW,
        5,
        " %",
        1,
    ),
    Target(
        "memory, the same over ten of 100 alone: a thousand events, no backlog",
        "memory/backlog growth %",
        Bound.KNOWN,
        0,
        " %",
        1,
    ),
    Target(
        "memory after the long run, over its beginning",
        "endurance/memory growth %",
        Bound.BELOW,
        5,
        " %",
        1,
    ),
    Target(
        "throughput with millions of events in the tables, against fresh",
        "endurance/filled / fresh",
        Bound.AT_LEAST,
        0.95,
        "x",
        2,
    ),
    Target(
        "throughput while a transaction is held open, against fresh",
        "endurance/held / fresh",
        Bound.AT_LEAST,
        0.95,
        "x",
        2,
    ),
    Target(
        "recovery of a backlog after a stop of everything, against the peak rate",
        "recovery/recovery / peak",
        Bound.AT_LEAST,
        0.95,
        "x",
        2,
    ),
    Target(
        "WAL for each event",
        "throughput/rollcall x1 wal bytes",
        Bound.KNOWN,
        0,
        " bytes",
    ),
    Target("tables on disk for each event", "endurance/table bytes", Bound.KNOWN, 0, " bytes"),
    Target("Kafka's log for each event", "endurance/log bytes", Bound.KNOWN, 0, " bytes"),
    Target("idle replica, CPU", "idle/cpu %", Bound.BELOW, 1, " %", 2),
    Target("idle replica, queries a second", "idle/queries/s", Bound.KNOWN, 0, "", 1),
    Target("idle replica, Kafka requests a second", "idle/kafka requests/s", Bound.KNOWN, 0, "", 1),
    Target(
        "lock with fencing number, acquired and released, against redis-py's lock without",
        "coordination/lock / redis-py",
        Bound.AT_LEAST,
        1,
        "x",
        2,
    ),
    Target(
        "operations on one lock among 100 contenders, p95",
        "coordination/operation p95 ms",
        Bound.BELOW,
        10,
        " ms",
        1,
    ),
    Target(
        "a lock changes hands among 100 contenders, p99",
        "coordination/hand-over p99 ms",
        Bound.BELOW,
        50,
        " ms",
        1,
    ),
    Target(
        "filter: look-up of 1,000 ids, p50",
        "coordination/look-up of 1,000 ids p50 ms",
        Bound.BELOW,
        2,
        " ms",
        2,
    ),
    *(
        Target(
            f"filter at {share} % duplicates, against without",
            f"coordination/{share}% duplicates, filter / without",
            Bound.KNOWN,
            0,
            "x",
            2,
        )
        for share in (0, 10, 50, 90)
    ),
    Target("`make demo` with warm caches", "demo-time/warm seconds", Bound.BELOW, 60, " s"),
)
