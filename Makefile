# Frontdesk in a few words. Each command prepares what it needs; nothing has to be installed before but Python 3.11 or newer.

PYTHON ?= python3
VENV := .venv
# Files of tests are spread over the processors, each process with a PostgreSQL of its own.
PYTEST := $(VENV)/bin/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile
# Modules are compiled when they are first used: that halves the time of the installation.
PIP := $(VENV)/bin/python -m pip -qq --disable-pip-version-check --no-input install --no-compile --constraint constraints.txt
CHROMIUM := $(shell command -v chromium || command -v chromium-browser || command -v google-chrome)
SYSTEM_POSTGRESQL := $(lastword $(sort $(wildcard /usr/lib/postgresql/*/bin/postgres)))

.DEFAULT_GOAL := help
.PHONY: help serve test check bench clean

help:  ## Show this list.
	@echo "Frontdesk:"; grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):[^#]*## /  make \1	/' | expand -t 16
	@echo "make serve honours PORT (3002), HOST (127.0.0.1) and FRONTDESK_DATA_DIR (./data); .env.example shows all settings."

serve: $(VENV)/run  ## Start everything: http://localhost:3002
	@exec $(VENV)/bin/frontdesk serve

test: $(VENV)/dev  ## Run the whole test suite, and what uses PostgreSQL again on the system's own, if there is one.
	@$(if $(CHROMIUM),,echo "No Chromium found: the browser tests are skipped (Debian: apt-get install chromium).")
	$(PYTEST)
	$(if $(SYSTEM_POSTGRESQL),FRONTDESK_TEST_PG=system $(PYTEST) -m "database and not browser" -q)

check: $(VENV)/dev  ## Check style, types, the direction of imports and the rules of the house.
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports --no-logo
	$(VENV)/bin/python -m pytest -q tests/test_house.py

bench: $(VENV)/dev  ## Measure, each figure as a ratio to a limit measured beside it.
	@exec $(VENV)/bin/python -m bench

clean:  ## Remove the environment and all caches; data and settings stay.
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build src/*.egg-info

# What is installed says so by a file, which is older than what it was made from after a change.
$(VENV)/run: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing Frontdesk into $(VENV) (once; a minute or so) ..."
	@$(PIP) --editable .
	@touch $@

$(VENV)/dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing Frontdesk and what its tests need into $(VENV) (once; a minute or so) ..."
	@$(PIP) --editable '.[dev]'
	@touch $@ $(VENV)/run

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Frontdesk needs Python 3.11 or newer; set PYTHON to one.")'
	@$(PYTHON) -m venv $(VENV) || { echo "Python cannot make an environment (Debian: apt-get install python3-venv)."; rm -rf $(VENV); exit 1; }
