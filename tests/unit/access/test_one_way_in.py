"""There is one place that says how to get into Kafka, and every client goes through it."""

import ast
from collections.abc import Iterator
from pathlib import Path

_ROOT = Path(__file__).parents[3]
_CLIENTS = ("AIOKafkaConsumer", "AIOKafkaProducer", "AIOKafkaAdminClient", "PromptProducer")
_WAYS = ("kafka_options", "kafka_options_at")


def clients(source: str) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in _CLIENTS:
            yield node


def goes_the_way(call: ast.Call) -> bool:
    spread = [word.value for word in call.keywords if word.arg is None]
    return any(isinstance(each, ast.Call) and ast.unparse(each.func) in _WAYS for each in spread)


def test_every_client_of_kafka_takes_its_options_from_there() -> None:
    found = {
        str(file.relative_to(_ROOT)): [goes_the_way(call) for call in clients(file.read_text())]
        for folder in ("libs", "services")
        for file in (_ROOT / folder).rglob("*.py")
    }
    assert sum(map(len, found.values())) >= 10
    assert [name for name, all_go in found.items() if not all(all_go)] == []
