# Everything from nothing: a virtual environment and the lock are all that these commands need.
PYTHON ?= python3
BIN := .venv/bin
# Versions come from the lock; pip picks each line's marker, so one file serves every Python.
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint requirements.lock

.DEFAULT_GOAL := help
.PHONY: help report setup test test-all check evidence channels league bench lock clean

help:  ## what can be made
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

report: .venv/.core  ## the CDNOW report, from real data, in reports/cdnow
	$(BIN)/clvmodels report --out reports/cdnow
	$(BIN)/clvmodels index reports

setup: .venv/.all  ## everything: tests, notebooks, checks

# A file stays with one process: what its tests share is then made once.
test: .venv/.all  ## every test that needs Python alone
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not external"

test-all: test  ## those, and every test that needs more: a browser, Java, a database server, a spreadsheet program
	$(BIN)/python -m pytest -n 2 --dist loadfile -m external

check: .venv/.all  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

evidence: .venv/.all  ## are posteriors calibrated? 500 worlds by importance sampling, 100 by NUTS (ten minutes)
	$(BIN)/python benchmarks/evidence.py

channels: .venv/.all  ## do the intervals of channels hold their true values? 200 logs, one channel lucky (a quarter of an hour)
	$(BIN)/python benchmarks/channels.py

league: .venv/.all  ## does what `--family auto` chooses lose to a formula? three public logs (two minutes)
	$(BIN)/python benchmarks/league.py

bench: .venv/.all .venv-pymc-marketing/.installed  ## ours beside lifetimes and pymc-marketing, 10,000 to 1,000,000 customers (half an hour)
	$(BIN)/python benchmarks/peers.py --beside .venv-pymc-marketing/bin/python
	$(BIN)/python benchmarks/posterior_speed.py --beside .venv-pymc-marketing/bin/python

lock: .venv/.all  ## resolve the dependencies anew, for every Python and platform in one file
	$(INSTALL) uv
	$(BIN)/uv pip compile --quiet --upgrade --universal --no-emit-index-url --python-version 3.11 --all-extras pyproject.toml -o requirements.lock

clean:  ## remove the environment and the caches
	rm -rf .venv .venv-pymc-marketing .pytest_cache .mypy_cache .ruff_cache .hypothesis

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		|| { echo "clvmodels needs Python 3.11 or newer: install it, or name it with  make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -m venv .venv 2>/dev/null \
		|| { rm -rf .venv; echo "this Python cannot make virtual environments: install its venv package (Debian, Ubuntu: apt install python3-venv)" >&2; exit 1; }

# The stamps make set-up happen once; a changed pyproject.toml or lock makes it happen again.
.venv/.core: pyproject.toml requirements.lock | .venv/bin/python
	$(INSTALL) --editable '.[bayes]'
	@touch $@

.venv/.all: pyproject.toml requirements.lock | .venv/bin/python
	$(INSTALL) --editable '.[bayes,spark,postgres,notebooks,test,check]'
	@touch .venv/.core $@

# An environment of its own: its pins are not ours.
.venv-pymc-marketing/.installed: | .venv/bin/python
	$(BIN)/python -m venv .venv-pymc-marketing
	.venv-pymc-marketing/bin/python -m pip install --quiet --disable-pip-version-check pymc-marketing==0.19.2 nutpie
	@touch $@
