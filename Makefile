# Every target sets up what it needs by itself, from a fresh checkout on, as root or as an ordinary user.
.DEFAULT_GOAL := help
.PHONY: help setup demo test check browser checkers kernels slow bench flat exact chaos year corpus fuzz lock clean

PYTHON_BIN := .venv/bin
# Test files that run at the same time: one more than cores, for system tests wait a third of their time. A file stays on
# one worker, so what its tests share is made once.
WORKERS ?= 3

# Some images forbid Python to keep bytecode: every start would compile all that it imports, which doubles it.
unexport PYTHONDONTWRITEBYTECODE

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' Makefile | expand -t 20

setup: ## install the Python packages into .venv and the servers into .local (the others do this too)
	@deploy/bootstrap.sh

demo: setup ## a simulated city on the real broker and database, with live indicators
	@if [ -t 1 ]; then exec $(PYTHON_BIN)/cityvitals demo; else exec $(PYTHON_BIN)/cityvitals demo --once; fi

check: setup ## style, types and the rules of who may import whom
	$(PYTHON_BIN)/ruff check .
	$(PYTHON_BIN)/ruff format --check .
	$(PYTHON_BIN)/mypy
	$(PYTHON_BIN)/lint-imports

# Fetching takes the network, checking and compiling a processor each: together they take no longer than the longest.
test: ## check, then every test, with real servers and a real browser
	@$(MAKE) --no-print-directory --jobs=4 check browser checkers kernels
	$(PYTHON_BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

browser checkers: setup
	@deploy/bootstrap.sh $@ >/dev/null

kernels: setup
	@$(PYTHON_BIN)/python -m tests.warmed

slow: setup ## the tests that take minutes: a leap year, a real one of four stations, every property with many examples
	$(PYTHON_BIN)/python -m pytest -m slow
	$(PYTHON_BIN)/python -m pytest -m hypothesis --hypothesis-profile=many

bench: setup ## measure on this machine
	$(PYTHON_BIN)/python -m tests.benchmarks

flat: setup ## whether memory stays flat over 30 million observations; takes some minutes
	$(PYTHON_BIN)/python -m tests.benchmarks --only flat

corpus: setup ## every recorded message of real hardware, decoded and compared with what its source says
	$(PYTHON_BIN)/python -m tests.corpus --details

fuzz: setup ## a million seeded inputs for the decoder of each format and for decoders in JavaScript (an hour or two)
	$(PYTHON_BIN)/python -m tests.fuzz all

exact: setup ## a day of 2,000 devices in order, shuffled, twice, with faults and 20 kills: the same figures, and the truth's
	$(PYTHON_BIN)/python -m simulators exact day2000

chaos: setup ## 100 seeded runs with kills, pauses, cuts and full disks, every table compared with the truth each time
	$(PYTHON_BIN)/python -m simulators chaos small --runs 100

year: setup ## a simulated year of a small city: assessed, verified without a database, equal to the truth
	$(PYTHON_BIN)/python -m pytest -m slow tests/system/test_assessed_year.py -rP

lock: setup ## pin the dependencies of pyproject.toml anew, with hashes and without addresses
	$(PYTHON_BIN)/pip-compile --quiet --extra dev --generate-hashes --strip-extras --allow-unsafe --no-emit-index-url \
		--no-emit-find-links --no-emit-trusted-host --no-emit-options --output-file requirements.lock pyproject.toml

clean: ## stop the local stack and remove all that was made here
	@if [ -d .local ]; then deploy/bootstrap.sh down; fi
	rm -rf .venv .local .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist build
	find . -name __pycache__ -prune -exec rm -rf {} +
