# make run   a panel to play with, from a fresh clone      make test    the suite, on both engines
# make setup .venv with the pinned dependencies            make check   style, types, imports, migrations

PORT ?= 8000
DATA_DIR ?= demo-data
UNCLEAR ?= 100000
COURSES ?= 10000
SEED ?= 1
PYTHON ?= $(firstword $(foreach name,python3 python3.13 python3.12 python3.11,$(shell \
	$(name) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(name))))
BIN := .venv/bin
INSTALL := $(BIN)/pip install --disable-pip-version-check
COMPILE := uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-annotate

.PHONY: setup run test test-long test-browser screens simulate payments check bench bench-growth bench-pages bench-upstream bench-overload bench-chain bench-idle move-in messages dist lock
.DELETE_ON_ERROR:

setup: .venv/installed

run: .venv/installed
	@exec $(BIN)/sutler demo --port $(PORT) --data-dir $(DATA_DIR)

# REQUIRE_POSTGRES=1 makes it a failure that no PostgreSQL answers.
test: .venv/installed-dev
	@REQUIRE_POSTGRES=$(REQUIRE_POSTGRES) .ci/test

# What takes minutes: chains of panels, courses of the simulation, thousands of requests of each way in.
test-long: .venv/installed-dev
	@REQUIRE_POSTGRES=$(REQUIRE_POSTGRES) .ci/test "long or soak"

# Made-up panels of both families move in to both engines, killed on the way; ORDERS, CUSTOMERS and KILLS say how large.
move-in: .venv/installed-dev
	$(BIN)/python -m tests.move_in $(if $(ORDERS),--orders $(ORDERS)) $(if $(CUSTOMERS),--customers $(CUSTOMERS)) \
		$(if $(KILLS),--kills $(KILLS)) --seed $(SEED)

# The pages in a real browser, before a real panel.
test-browser: .venv/installed-dev
	@command -v chromium >/dev/null || .ci/install chromium || { echo "make: Chromium is needed" >&2; exit 1; }
	@$(BIN)/python -m pytest tests/browser

# Pictures of a panel after a month, into docs/screens.
screens: .venv/installed-dev
	@command -v chromium >/dev/null || .ci/install chromium || { echo "make: Chromium is needed" >&2; exit 1; }
	@$(BIN)/python -m tests.browser.screens

# 100,000 unclear outcomes in simulated time; SEED=n begins with another course. RECORD=file keeps each course, so that
# a run that was stopped goes on where it was.
simulate: .venv/installed-dev
	$(BIN)/python -m tests.simulation --unclear $(UNCLEAR) --seed $(SEED) $(if $(RECORD),--record $(RECORD))

# Random courses of payments at scripted gateways with the panel killed in between, on both engines; SEED=n for others.
payments: .venv/installed-dev
	$(BIN)/python -m tests.payments.courses --courses $(COURSES) --seed $(SEED)
	$(BIN)/python -m tests.payments.courses --courses $(COURSES) --seed $(SEED) --engine postgresql

check: .venv/installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	DJANGO_SETTINGS_MODULE=sutler.settings SUTLER_DATA_DIR=.venv $(BIN)/django-admin makemigrations --check --dry-run

bench: .venv/installed-dev
	$(BIN)/python -m bench

bench-growth: .venv/installed-dev
	$(BIN)/python -m bench.growth

bench-pages: .venv/installed-dev
	$(BIN)/python -m bench.pages

bench-upstream: .venv/installed-dev
	$(BIN)/python -m bench.upstream

# Ten times too many requests of pages; OLDER=folder measures another checkout in turns with this one.
bench-overload: .venv/installed-dev
	$(BIN)/python -m bench.overload $(if $(OLDER),--older $(OLDER))

# Three panels in a chain: how long an end takes from the wholesaler to the retailer, and how many calls, with and without
# the changes feed.
bench-chain: .venv/installed-dev
	$(BIN)/python -m bench.chain

# What a panel costs that has nothing to do, with 0, 1 and 10 providers; about six minutes.
bench-idle: .venv/installed-dev
	$(BIN)/python -m bench.idle

# Gathers the strings of code and templates for translation, and compiles what is translated.
messages: .venv/installed-dev
	cd src/sutler && SUTLER_DATA_DIR=../../.venv DJANGO_SETTINGS_MODULE=sutler.settings ../../$(BIN)/django-admin \
		makemessages -l ru --no-location --no-wrap --no-obsolete
	$(BIN)/pybabel compile -d src/sutler/web/locale -D django

# Wheel and source archive of the last commit into dist/, the same bytes wherever they are built; CHECK=1 builds twice,
# compares, and tries the wheel in an empty virtual environment.
dist: .venv/installed
	@$(BIN)/python .ci/dist $(if $(CHECK),--check)

lock:
	$(COMPILE) requirements.in -o requirements.txt
	$(COMPILE) requirements-build.in -o requirements-build.txt
	$(COMPILE) requirements-dev.in -o requirements-dev.txt

.venv/installed: requirements.txt requirements-build.txt pyproject.toml | .venv/bin/pip
	@echo "Installing the pinned dependencies into .venv ..." >&2
	@$(INSTALL) --require-hashes -r requirements.txt -r requirements-build.txt >&2
	@$(INSTALL) --quiet --no-deps --no-build-isolation -e .
	@touch $@

.venv/installed-dev: requirements-dev.txt .venv/installed
	@echo "Installing the tools of the tests into .venv ..." >&2
	@$(INSTALL) --require-hashes -r requirements-dev.txt >&2
	@touch $@

.venv/bin/pip:
	@test -n "$(PYTHON)" || { echo "make: Python 3.11 or newer is needed and none was found" >&2; exit 1; }
	@$(PYTHON) -m venv .venv >.venv.log 2>&1 || { echo "make: $(PYTHON) cannot make a virtual environment;" \
		"on Debian: apt-get install python3-venv" >&2; rm -rf .venv .venv.log; exit 1; }
	@rm -f .venv.log
