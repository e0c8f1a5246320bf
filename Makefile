# Everything that people and CI do with a checkout. `make help` lists it.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help setup demo check test test-deep bench clean lock

help: ## Say what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: $(VENV)/.installed ## Make .venv and install the servers of the sandbox
	@.ci/servers

$(VENV)/.installed: requirements.lock pyproject.toml .ci/venv
	@.ci/venv "$(PYTHON)" "$(VENV)"
	@touch $@

demo: setup ## Start the sandbox and open the console on it
	@$(BIN)/keelwatch demo

check: $(VENV)/.installed ## Format, lint, types, layers, docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest tests/docs

test: setup ## Every test, with small samples of the crash matrices
	$(BIN)/python -m pytest -n 3 --dist loadfile -m "not deep"

test-deep: setup ## The full crash matrices
	$(BIN)/python -m pytest -n 2 -m deep --timeout 3600

bench: setup ## Ratios against a peer or a limit, measured in this run
	@command -v wrk >/dev/null || .ci/apt wrk
	$(BIN)/python -m tests.bench

lock: ## Resolve the requirements anew (needs uv)
	uv pip compile --universal --python-version 3.12 --generate-hashes --no-emit-index-url \
		--no-annotate --no-header --all-extras --upgrade -q -o requirements.lock pyproject.toml

clean: ## Remove what was built here
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
