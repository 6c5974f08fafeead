# make help says what there is. PYTHON names the interpreter that the environments are made with.

PYTHON ?= python3
VENV := .venv
VENV_3006 := .venv-3006
EXTRAS := test,dev,api,postgresql,mariadb,s3,sftp
CONSOLE := web/dist
METADATA := setup.py pyproject.toml constraints.txt

PIP := -m pip --disable-pip-version-check install --quiet

.PHONY: help setup setup-3006 console wheel check test test-windows test-console test-faults test-ha soak demo demo-ha bench \
	clean distclean
.DEFAULT_GOAL := help

help: ## this list
	@sed -n 's/^\([a-z0-9-]*\):[^#]*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

setup: $(VENV)/.stamp ## the environment for everything below, in .venv, with the reference Salt

setup-3006: $(VENV_3006)/.stamp ## one with the oldest supported Salt, in .venv-3006, for its tests

$(VENV)/.stamp: $(METADATA)
	@$(PYTHON) tools/prerequisites.py
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python $(PIP) --constraint constraints.txt --editable '.[$(EXTRAS)]'
	@touch $@

$(VENV_3006)/.stamp: $(METADATA)
	@$(PYTHON) tools/prerequisites.py
	$(PYTHON) -m venv $(VENV_3006)
	$(VENV_3006)/bin/python $(PIP) --editable '.[$(EXTRAS)]' 'salt==3006.*'
	@touch $@

CONSOLE_SOURCES := $(shell find web/src web/public -type f) $(addprefix web/, index.html \
	package.json package-lock.json tsconfig.json vite.config.ts)

console: $(CONSOLE)/index.html ## the console, in web/dist, with the machine's Node.js or one from PyPI

$(CONSOLE)/index.html: $(CONSOLE_SOURCES) | $(VENV)/.stamp
	$(VENV)/bin/python tools/build_console.py

wheel: console ## the package with the console in it, in dist
	$(VENV)/bin/python $(PIP) build
	$(VENV)/bin/python -m build --wheel

check: setup ## lint, format, types, dependencies, docstrings: all run, even after one has failed
	@failed=; \
	run() { echo "== $$*"; $(VENV)/bin/"$$@" || failed="$$failed '$$*'"; }; \
	run ruff check .; \
	run ruff format --check .; \
	run mypy; \
	run lint-imports; \
	run python tools/check_docstrings.py; \
	run python tools/check_loader_imports.py; \
	if [ -n "$$failed" ]; then echo "failed:$$failed"; exit 1; fi

# Those that take longest begin first; a file is in exactly one part.
TEST_PARTS := WINDOWS $(if $(FAULTS),FAULTS_PART) INTEGRATION BROWSER INTEGRATION_LATER INJECTED UNIT \
	$(if $(FAULTS),HA) REST
WINDOWS := tests/windows --ignore-glob=*injected*
INJECTED := $(wildcard tests/windows/test_*injected*.py)
INTEGRATION := $(wildcard tests/integration/test_[a-l]*.py)
INTEGRATION_LATER := tests/integration $(addprefix --ignore=,$(INTEGRATION))
BROWSER := tests/console
FAULTS_PART := tests/faults
HA := tests/ha
UNIT := tests/unit
REST := tests $(addprefix --ignore=,$(addprefix tests/,windows integration console faults ha soak unit))

test: setup console ## all tests; make test ARGS='-k lock' for some; FAULTS=1 for those of test-faults too
ifdef ARGS
	$(VENV)/bin/python -m pytest $(ARGS)
else
	$(VENV)/bin/python tools/side_by_side.py --at-once 3 --logs build/tests $(foreach part,$(TEST_PARTS),\
		'$(VENV)/bin/python -m pytest $($(part))')
endif

test-windows: setup ## those that run a Windows Python under Wine, with every injected fault
	PUSHGUIDE_EVERY_INJECTION=1 $(VENV)/bin/python -m pytest tests/windows $(ARGS)

test-console: setup console ## those that use the console in a browser
	$(VENV)/bin/python -m pytest tests/console $(ARGS)

test-faults: setup ## kill and cut everything at every stage; needs PUSHGUIDE_TEST_POSTGRESQL
	$(VENV)/bin/python -m pytest tests/faults $(ARGS)

test-ha: setup ## cut and kill two masters in network namespaces; as root, with PostgreSQL's programs
	$(VENV)/bin/python -m pytest tests/ha $(ARGS)

soak: setup ## deploy without a pause for SOAK_SECONDS (1200), with faults at random
	$(VENV)/bin/python -m pytest tests/soak $(ARGS)

demo-ha: setup ## two masters with one database, one of which dies in mid-deployment
	$(VENV)/bin/python -m demo.ha

demo: setup console ## a release, a failure and a rollback on this machine; KEEP=1 leaves it running
	$(VENV)/bin/python -m demo

bench: setup ## measurements
	$(VENV)/bin/python -m bench

clean: ## remove what builds and tools left
	rm -rf build dist web/dist ./*.egg-info .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -not -path './.venv*' -prune -exec rm -rf {} +

distclean: clean ## remove the environments as well
	rm -rf $(VENV) $(VENV_3006) web/node_modules
