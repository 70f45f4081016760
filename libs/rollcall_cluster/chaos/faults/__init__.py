"""Every fault there is, by name."""

from rollcall_cluster.chaos.faults import postgres, replicas, servers, stages, surroundings
from rollcall_cluster.chaos.faults.base import RECOVERY_SECONDS, Fault, NotInflictedError
from rollcall_cluster.chaos.faults.network import network_faults

_ALL: tuple[type[Fault], ...] = (
    replicas.KillOne,
    replicas.KillAll,
    replicas.KillLoop,
    replicas.Zombie,
    replicas.ZombieAll,
    replicas.Hiccup,
    stages.ZombieAt,
    stages.KillAt,
    replicas.RollingRestart,
    replicas.RebalanceStorm,
    *network_faults(),
    postgres.Terminate,
    postgres.TerminateStarting,
    postgres.Cancel,
    postgres.ConnectionLimit,
    postgres.DiskFull,
    postgres.LongTransaction,
    servers.PostgresCrash,
    servers.PostgresKill,
    servers.PostgresPause,
    servers.KafkaCrash,
    servers.KafkaPause,
    servers.RedisCrash,
    servers.RedisPause,
    servers.RedisFlush,
    surroundings.ClockAhead,
    surroundings.ClockBehind,
    surroundings.Malformed,
)

FAULTS: dict[str, type[Fault]] = {fault.name: fault for fault in _ALL}

__all__ = ["FAULTS", "RECOVERY_SECONDS", "Fault", "NotInflictedError"]
