# Everything a fresh machine needs is made here: Python 3.11+, and the usual package clients, are enough.
#   make demo    build the example help centre in all its languages, and serve it with its form
#   make test    install what the tests need (Chromium included), check the code, run the tests
#   make bench   measure speed; prints tables
#   make docs    renew the references in docs/ from the code, and build the documentation
#   make lock    renew requirements/*.txt after a change of dependencies

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000
PYTEST_ARGS ?=
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test check bench docs lock clean help browser

help:
	@sed -n 's/^#   //p' Makefile

$(VENV)/.base: requirements/base.txt pyproject.toml
	@echo "== Python environment in $(VENV)/ (a minute, once)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "BabelFAQ needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Try: make PYTHON=python3.12")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements/base.txt
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q kb
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.base
	@echo "== Tools for tests (a minute or two, once)"
	@$(BIN)/python -m pip install --quiet --require-hashes -r requirements/dev.txt
	@touch $@

demo: $(VENV)/.base
	@echo "== Building the example help centre"
	@$(BIN)/kb build
	@$(BIN)/kb desk serve --site site --port $(PORT)

browser:
	@if command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null; then :; \
	elif command -v apt-get >/dev/null; then \
	  echo "== Chromium for the tests of the pages (once)"; \
	  if [ "$$(id -u)" = 0 ]; then SUDO=; else SUDO=sudo; fi; \
	  $$SUDO apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$SUDO apt-get install -y -qq chromium fonts-noto-core >/dev/null; \
	else echo "== No Chromium found: the tests of the pages are skipped. Install it to run them."; fi

check: $(VENV)/.dev
	@echo "== Checking the code"
	@$(BIN)/ruff check kb tests bench
	@$(BIN)/ruff format --check --quiet kb tests bench
	@$(BIN)/mypy

test: $(VENV)/.dev browser check
	@echo "== Running the tests"
	@$(BIN)/python -m pytest -n auto --dist loadfile --cov=kb --cov-report=term:skip-covered $(PYTEST_ARGS)

docs: $(VENV)/.base
	@$(BIN)/python docs/generate.py
	@$(BIN)/kb --root docs build

bench: $(VENV)/.dev
	@$(BIN)/python -m bench

lock: $(VENV)/.dev
	@$(BIN)/python -m piptools compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
	  --no-header --allow-unsafe --strip-extras --extra desk --extra build -o requirements/base.txt pyproject.toml
	@$(BIN)/python -m piptools compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
	  --no-header --allow-unsafe --strip-extras --extra build --extra dev --extra desk --extra postgresql --extra argos --extra firefox -c requirements/base.txt -o requirements/dev.txt pyproject.toml

clean:
	rm -rf $(VENV) site .kb dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
