"""Real PostgreSQL 18, Redis 8 and Apache Kafka 4.2.1 from package registries, without Docker.

with EmbeddedServers(Path(".rollcall")) as servers:
    print(servers.kafka.address, servers.postgres.address, servers.redis.address)
"""

from rollcall_cluster.embedded.errors import EmbeddedServerError
from rollcall_cluster.embedded.kafka import EmbeddedKafka
from rollcall_cluster.embedded.postgres import EmbeddedPostgres
from rollcall_cluster.embedded.redis import EmbeddedRedis
from rollcall_cluster.embedded.server import EmbeddedServer
from rollcall_cluster.embedded.servers import EmbeddedServers, ExternalServer

__all__ = [
    "EmbeddedKafka",
    "EmbeddedPostgres",
    "EmbeddedRedis",
    "EmbeddedServer",
    "EmbeddedServerError",
    "EmbeddedServers",
    "ExternalServer",
]
