# make help says what there is. PYTHON names the interpreter that the environments are made with.

PYTHON ?= python3
VENV := .venv
VENV_3006 := .venv-3006
EXTRAS := test,dev,api,postgresql,mariadb,s3,sftp
METADATA := setup.py pyproject.toml constraints.txt

PIP := -m pip --disable-pip-version-check install --quiet

.PHONY: help setup setup-3006 check test test-windows test-faults demo bench clean distclean
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

test: setup ## all tests; make test ARGS='-k lock' for some; FAULTS=1 for those of test-faults too
ifdef ARGS
	$(VENV)/bin/python -m pytest $(ARGS)
else
	$(VENV)/bin/python tools/side_by_side.py \
		'$(VENV)/bin/python -m pytest --ignore=tests/windows' \
		$(if $(FAULTS),'$(VENV)/bin/python -m pytest tests/faults') \
		-- '$(VENV)/bin/python -m pytest tests/windows'
endif

test-windows: setup ## those that run a Windows Python under Wine
	$(VENV)/bin/python -m pytest tests/windows $(ARGS)

test-faults: setup ## kill and cut everything at every stage; needs PUSHGUIDE_TEST_POSTGRESQL
	$(VENV)/bin/python -m pytest tests/faults $(ARGS)

demo: setup ## a release, a failure and a rollback on this machine; KEEP=1 leaves it running
	$(VENV)/bin/python -m demo

bench: setup ## measurements
	$(VENV)/bin/python -m bench

clean: ## remove what builds and tools left
	rm -rf build dist ./*.egg-info .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -not -path './.venv*' -prune -exec rm -rf {} +

distclean: clean ## remove the environments as well
	rm -rf $(VENV) $(VENV_3006)
