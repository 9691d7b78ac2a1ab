# Everything starts here: `make demo` runs the main job on a fresh machine, `make test` passes the tests.
# The work is done by the scripts in tools/; this file only says in which order.

PYTHON ?= python3
IN_VENV = .venv/bin/

.PHONY: help demo setup test test-long check clean python

help:
	@echo "make demo       set up what it needs and run one whole call, with a report"
	@echo "make test       set up and pass every check and test, as CI does"
	@echo "make check      the same without setting up"
	@echo "make test-long  soaks, exhaustive power cuts, long fuzz"
	@echo "make setup      virtual environment, dependencies, MicroPython, speech"
	@echo "make clean      remove all that was made here, downloads included"

demo: python
	@$(PYTHON) tools/setup.py demo
	@$(IN_VENV)tincall demo

setup: python
	@$(PYTHON) tools/setup.py tests

test: setup
	@$(IN_VENV)python tools/check.py

check:
	@test -x $(IN_VENV)python || { echo 'Run `make setup` first.'; exit 2; }
	@$(IN_VENV)python tools/check.py

test-long: setup
	@$(IN_VENV)python -m pytest -m long

python:
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed, this is " + sys.version.split()[0] \
	    + ". Install one and name it: make PYTHON=python3.11 ..." if sys.version_info < (3, 11) else 0)'

clean:
	rm -rf .venv .cache demo build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
