"""Prints where the packages under test are imported from."""

import essay_lifecycle_service
import rollcall
import rollcall_cluster
import rollcall_events

for package in (essay_lifecycle_service, rollcall, rollcall_cluster, rollcall_events):
    print(package.__file__)  # noqa: T201 - the answer
