"""kubernetes/base: every manifest is valid to the letter, and says the same as the others and the program.

Kubernetes' own kinds are checked against the API's schemas (package kubernetes-validate, strict: an unknown field is
an error), those of KEDA and of the Prometheus operator against the schemas of their definitions, in schemas/.
"""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from essay_lifecycle_service.settings import EssayLifecycleSettings
from rollcall_events import EssayContentProvisionedV1
from rollcall_events.topics import topic_for

ROOT = Path(__file__).parents[3]
BASE = ROOT / "kubernetes" / "base"
KUSTOMIZATION = yaml.safe_load((BASE / "kustomization.yaml").read_text())
MANIFESTS: dict[str, Any] = {
    name: yaml.safe_load((BASE / name).read_text()) for name in KUSTOMIZATION["resources"]
}
OLDEST, NEWEST = "1.29", "1.33"


def manifest(kind: str) -> Any:
    """The one of that kind."""
    (found,) = (each for each in MANIFESTS.values() if each["kind"] == kind)
    return found


def test_every_file_is_a_resource() -> None:
    files = {file.name for file in BASE.iterdir()}
    assert files == {*KUSTOMIZATION["resources"], "kustomization.yaml"}


def check(data: Any, version: str) -> None:
    """Raise if the manifest has anything that its schema has not."""
    own = Path(__file__).parent / "schemas" / f"{data['kind']}.json"
    if own.exists():
        jsonschema.validate(data, json.loads(own.read_text()))
    else:
        kubernetes_validate.validate(data, version, strict=True)


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("name", MANIFESTS)
def test_a_manifest_is_valid(name: str, version: str) -> None:
    check(MANIFESTS[name], version)


@pytest.mark.parametrize("kind", ["Deployment", "Job", "ScaledObject", "ServiceMonitor"])
def test_a_field_that_does_not_exist_would_be_noticed(kind: str) -> None:
    wrong = manifest(kind) | {"spec": manifest(kind)["spec"] | {"replicass": 3}}
    with pytest.raises((jsonschema.ValidationError, kubernetes_validate.ValidationError)):
        check(wrong, NEWEST)


def test_selectors_find_the_pods() -> None:
    labels = manifest("Deployment")["spec"]["template"]["metadata"]["labels"]
    wanted = {"app.kubernetes.io/name": "els"}
    assert labels == wanted
    for kind in ("Deployment", "PodDisruptionBudget", "ServiceMonitor"):
        assert manifest(kind)["spec"]["selector"]["matchLabels"] == wanted
    assert manifest("Service")["spec"]["selector"] == wanted
    assert manifest("Service")["metadata"]["labels"] == wanted
    assert manifest("ScaledObject")["spec"]["scaleTargetRef"]["name"] == "els"


def test_settings_exist_and_the_lag_is_that_of_our_group() -> None:
    settings = manifest("ConfigMap")["data"]
    known = {f"ROLLCALL_{name.upper()}" for name in EssayLifecycleSettings.model_fields}
    assert settings.keys() <= known
    (trigger,) = manifest("ScaledObject")["spec"]["triggers"]
    topic = topic_for(EssayContentProvisionedV1)
    assert trigger["metadata"]["consumerGroup"] == settings["ROLLCALL_CONSUMER_GROUP"]
    assert trigger["metadata"]["topic"] == topic.name
    assert manifest("ScaledObject")["spec"]["maxReplicaCount"] == topic.partitions


def test_pods_are_confined_like_the_containers_of_the_rig() -> None:
    for kind in ("Deployment", "Job"):
        pod = manifest(kind)["spec"]["template"]["spec"]
        assert pod["securityContext"]["runAsUser"] == 10001
        for container in [*pod["containers"], *pod.get("initContainers", [])]:
            assert container["securityContext"]["readOnlyRootFilesystem"] is True
            assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert re.search(r"--uid 10001 ", (ROOT / "Dockerfile").read_text())
