# `make` lists the commands. Everything below needs Python 3.11, make and git only: the rest is fetched.
PYTHON ?= python3.11
UV := $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)
BIN := .venv/bin
READY := .venv/ready
WITH_UV = PATH="$(dir $(abspath $(UV))):$$PATH"

.PHONY: help setup demo test check format lint types contracts dials wheel compiled browser soak bench bench-peers lock clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup: $(READY) ## make the environment from the locked dependencies

$(READY): requirements.lock pyproject.toml
	@test -x "$(UV)" || command -v "$(UV)" >/dev/null || { $(PYTHON) -m venv .uv && .uv/bin/python -m pip install --quiet uv; }
	$(UV) venv --quiet --allow-existing --python $(PYTHON) .venv
	$(UV) pip sync --quiet --require-hashes --compile-bytecode --python $(BIN)/python requirements.lock
	$(UV) pip install --quiet --no-deps --python $(BIN)/python --editable .
	@touch $(READY)

demo: setup ## the main job on real flights, in a fresh project
	$(BIN)/stackcanvas demo

test: setup browser compiled ## the tests, on real backends
	$(WITH_UV) $(BIN)/python -m pytest -q -n 3 -m "not soak" --dist worksteal --durations 30

check: format lint types contracts test wheel ## everything that a change must pass

format: setup
	$(BIN)/ruff format --check .

lint: setup
	$(BIN)/ruff check .

types: setup
	$(BIN)/mypy src tests

contracts: setup
	$(BIN)/lint-imports --no-cache
	$(BIN)/python tools/dials.py

wheel: setup ## build the wheel, install it in a clean environment, run the demo there
	sh tools/wheel.sh "$(abspath $(UV))" "$(PYTHON)"

compiled: setup # tests start hundreds of processes, and each would compile anew where nothing writes bytecode
	@$(BIN)/python -m compileall -q src tests

browser:
	@command -v chromium >/dev/null || { apt-get update -qq && apt-get install -y -qq chromium >/dev/null; }

soak: setup browser compiled ## kills by the hundred and load; writes docs/reliability.md's figures
	$(WITH_UV) $(BIN)/python -m pytest -q -m soak -p no:randomly

bench: setup ## speed and memory, without the peers
	$(BIN)/python -m benchmarks us floor

bench-peers: setup ## speed and memory side by side with the peers
	$(BIN)/python -m benchmarks us floor peer

lock: ## resolve the dependencies anew (xgboost's own wheel carries a GPU library: the tests use xgboost-cpu)
	$(UV) lock --upgrade
	$(UV) export --quiet --all-extras --no-extra xgboost --all-groups --no-emit-project --no-header --no-annotate --output-file requirements.lock

clean: ## remove what the commands above made
	rm -rf .venv .uv dist build .mypy_cache .ruff_cache .pytest_cache
