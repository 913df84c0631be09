# Every command makes the environment it needs. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help demo test chaos containers bench profile check format docs lock clean

help: ## Show this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "monazite needs Python 3.11 or newer: make PYTHON=python3.12 ..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "python3 -m venv failed: install your system's venv package (Debian: python3-venv)"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==0.13.9
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps -e .
	@touch $(STAMP)

demo: $(STAMP) ## Replay 2023 on an embedded Kafka and PostgreSQL (ARGS="--events 20000 --keep")
	@$(BIN)/monazite demo $(ARGS)

test: $(STAMP) ## Run the tests that need no Docker (ARGS="-k caps")
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not containers" $(ARGS)

chaos: $(STAMP) ## Break the platform under load, and hold it against a second implementation (ARGS="--long")
	@PYTHONPATH=tests $(BIN)/python -m chaos $(ARGS)

containers: $(STAMP) ## Run the tests that need a Docker engine
	@$(BIN)/python -m pytest -m containers $(ARGS)

bench: $(STAMP) ## Measure rates, latency, growth, and write docs/performance.md (ARGS="--quick")
	@PYTHONPATH=tests $(BIN)/python -m benchmarks $(ARGS)

profile: $(STAMP) ## Show where intake spends its time (ARGS="--events 50000 --per 1")
	@PYTHONPATH=tests $(BIN)/python -m benchmarks.profiling $(ARGS)

check: $(STAMP) ## Lint, format, types, layers
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP) ## Format the code
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: $(STAMP) ## Generate the pages and schemas that come from code
	$(BIN)/python -m monazite.pages docs
	$(BIN)/monazite contracts export docs/contracts

lock: $(STAMP) ## Resolve the dependencies anew into the three lock files
	$(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes --no-emit-index-url --no-header --all-extras --group dev pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --extra platform --extra reports --constraint requirements.lock pyproject.toml -o deploy/docker/requirements.lock
	$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header deploy/docker/build.in -o deploy/docker/build.lock

clean: ## Remove the environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
