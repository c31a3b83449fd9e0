# The two commands of the README are `make serve` and `make test`; each does all its own set-up.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
LISTEN ?= 127.0.0.1:6543

.PHONY: serve test test-clients fuzz soak bench bench-peers lint clean

# Run the index on this checkout: SQLite and files under var/.
serve: $(VENV)/installed
	exec $(BIN)/pypi-lite --data var serve --listen $(LISTEN)

# Run all tests, on SQLite and on a PostgreSQL that they start themselves; some of them: make test ARGS=...
# Two processes share them, file by file. What gives a server or a browser little time comes after the
# others, when the machine does nothing else.
SHARED := -n 2 --dist loadfile
ALONE := tests/browser tests/faults tests/hardening/test_slow.py
test: $(VENV)/installed-test
ifdef ARGS
	$(BIN)/python -m pytest $(ARGS)
else
	$(BIN)/python -m pytest $(SHARED) $(addprefix --ignore=,$(ALONE))
	$(BIN)/python -m pytest $(ALONE)
endif

# Every client of tests/clients/installing.py at its pinned version, which it installs from PyPI once.
test-clients: .venv-clients/installed
	$(BIN)/python -m pytest -m clients $(SHARED) $(ARGS)

# Damaged archives, forms and metadata, for as long as wanted; what is found lies in var/fuzz.
fuzz: $(VENV)/installed-test
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS) $(ARGS)

# Readers, writers and a killer at a real server: on SQLite, on a PostgreSQL of its own, behind nginx.
SECONDS ?= 60
soak: $(VENV)/installed-test
	$(BIN)/python -m tests.faults.soak --seconds $(SECONDS)
	$(BIN)/python -m tests.faults.soak --seconds $(SECONDS) --own-postgresql
	$(BIN)/python -m tests.faults.soak --seconds $(SECONDS) --nginx

# The figures of this index alone, and beside other indexes. Both need wrk and nginx. More: ARGS=...
bench: $(VENV)/installed-test
	$(BIN)/python -m benchmarks $(ARGS)

bench-peers: $(VENV)/installed-test
	$(BIN)/python -m benchmarks.peers $(ARGS)

# The style, the types and the direction of imports.
lint: $(VENV)/installed-lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

clean:
	rm -rf $(VENV) .venv-clients build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/installed: setup.cfg pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/installed-test: setup.cfg pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable ".[test]"
	touch $@

$(VENV)/installed-lint: setup.cfg pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable ".[test,lint]"
	touch $@

.venv-clients/installed: tests/clients/installing.py tests/clients/constraints.txt | $(VENV)/installed-test
	$(BIN)/python -m tests.clients.installing
	touch $@
