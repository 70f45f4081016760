"""The bill of materials names everything that is pinned, and is what CycloneDX says it should be."""

import json
import re
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from docs.generate import LICENCES
from docs.sbom import bill, licences_page, pins

REQUIREMENTS = Path(__file__).parents[2] / "requirements"


def test_the_bill_is_what_cyclonedx_says_it_should_be() -> None:
    made = bill(pins((REQUIREMENTS / "image.txt").read_text()))

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(made)) is None


@pytest.mark.parametrize("name", ["image.txt", "runtime.txt"])
def test_the_bill_has_every_pin_with_its_hashes(name: str) -> None:
    text = (REQUIREMENTS / name).read_text()
    made = bill(pins(text))

    pinned = [line for line in text.splitlines() if re.match(r"[a-z].*==", line)]
    assert len(made["components"]) == len(pinned)
    hashes = [ref["hashes"] for part in made["components"] for ref in part["externalReferences"]]
    assert sum(map(len, hashes)) == text.count("--hash=sha256:")
    assert {part["name"] for part in made["components"]} >= {"aiokafka", "asyncpg", "pydantic"}


def test_the_bill_says_who_needs_what() -> None:
    made = bill(pins((REQUIREMENTS / "image.txt").read_text()))
    needs = {entry["ref"].split("@")[0]: entry["dependsOn"] for entry in made["dependencies"]}

    assert any(part.startswith("pkg:pypi/aiokafka@") for part in needs["pkg:pypi/rollcall"])
    assert any(part.startswith("pkg:pypi/starlette@") for part in needs["pkg:pypi/fastapi"])


def test_the_list_of_licences_is_current() -> None:
    page = licences_page()

    assert LICENCES.read_text(encoding="utf-8") == page, "run: make docs"
    assert "not said" not in page
