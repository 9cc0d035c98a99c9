# `make serve` and `make test` need nothing but Python 3.11 or newer: each sets up what it needs in .venv, once, and
# again only when pyproject.toml has changed.
#
#   PYTHON=/path/to/python3    the Python to make .venv with; read only when there is no .venv yet
#   ARGS='...'                 passed on: make serve ARGS='--port 9000', make test ARGS='-k telemetry'

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
PYTHON ?=
ARGS ?=

# The whole suite runs in a process a core, which for a few tests takes longer to start than they take.
AT_ONCE := --numprocesses=auto --maxprocesses=4 --dist=worksteal

.DEFAULT_GOAL := help
.PHONY: help serve test lint bench coverage clean
# All targets install into one environment, and pip does not lock it.
.NOTPARALLEL:

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-9s %s\n", $$1, $$2 }' Makefile

serve: $(VENV)/.serve ## Run the service
	@$(BIN)/precog serve $(ARGS)

test coverage: export NODE_PATH := $(CURDIR)/$(VENV)/node/node_modules

test: $(VENV)/.test $(VENV)/.node ## Run the tests; on PostgreSQL too when PRECOG_TEST_POSTGRES is set
	@if [ -n "$$PRECOG_TEST_POSTGRES" ]; then \
	    echo 'Testing on SQLite and on PostgreSQL.'; \
	else \
	    echo 'Testing on SQLite only. To test on PostgreSQL too: eval "$$(tools/postgres.sh start)"'; \
	fi
	@$(BIN)/python -m pytest $(or $(ARGS),$(AT_ONCE))

lint: $(VENV)/.lint ## Check style, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.test ## Run the benchmarks, or with BENCH=benchmarks/x.py one of them
	@for script in $(or $(BENCH),$(sort $(wildcard benchmarks/[!_]*.py))); do \
	    echo "== $$script"; \
	    $(BIN)/python "$$script" $(ARGS) || exit; \
	done

coverage: $(VENV)/.test $(VENV)/.node ## Run the tests and show the lines and branches that none of them takes
	@$(BIN)/coverage run -m pytest $(ARGS)
	@$(BIN)/coverage report --show-missing --skip-covered

clean: ## Remove all that make made; what is in instance/ stays
	rm -rf $(VENV) build dist htmlcov .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A name on the PATH is not yet a Python that runs (version managers put stand-ins there), nor one that can make an
# environment (Debian packs that apart), so each is tried.
$(VENV)/.made:
	@for python in $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11); do \
	    "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
	    if "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
	        echo "Making $(VENV) with $$("$$python" --version)."; \
	        "$$python" -m venv $(VENV) && touch $@; \
	        exit; \
	    fi; \
	    bare=$${bare:-$$python}; \
	done; \
	if [ -n "$$bare" ]; then \
	    echo "$$bare cannot make an environment: install its venv package (Debian: apt-get install python3-venv)." >&2; \
	else \
	    echo 'Precog needs Python 3.11 or newer: install it, or say where it is with PYTHON=/path/to/python3.' >&2; \
	fi; \
	exit 1

$(VENV)/.serve: pyproject.toml | $(VENV)/.made
	@echo 'Installing Precog into $(VENV); the next time this is done already.'
	@$(PIP) install --editable .
	@touch $@

# The first pip that knows dependency groups is 25.1, newer than the one that many a Python brings.
$(VENV)/.test $(VENV)/.lint: $(VENV)/.%: pyproject.toml | $(VENV)/.made
	@echo "Installing Precog and what '$*' needs into $(VENV); the next time this is done already."
	@$(PIP) install 'pip>=25.1'
	@$(PIP) install --editable '.[postgres]' --group $*
	@touch $@

# One test has a client written for Node.js call the service. It is skipped, and says so, where this leaves no axios.
$(VENV)/.node: | $(VENV)/.made
	@if ! command -v npm >/dev/null; then \
	    echo 'There is no npm here: the test of the Node.js client will be skipped.'; \
	elif echo 'Installing axios into $(VENV)/node.' && \
	    npm install --prefix $(VENV)/node --no-save --ignore-scripts --no-audit --no-fund --loglevel=error 'axios@^1.7'; then \
	    touch $@; \
	else \
	    echo 'npm could not install axios: the test of the Node.js client will be skipped.'; \
	fi
