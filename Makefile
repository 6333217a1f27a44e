# Everything a person or CI does with a checkout. `make` alone lists the targets.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.DEFAULT_GOAL := help

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "mltui needs Python 3.11 or newer; $(PYTHON) is `$(PYTHON) -V 2>&1`. Try: make PYTHON=python3.11"; exit 1; }
	@echo "setting up $(VENV) with mltui and what its tests need: a minute or two, once"
	@test -x $(BIN)/python || $(PYTHON) -m venv --without-pip $(VENV)
	@$(BIN)/python -c 'import pip' 2>/dev/null || $(BIN)/python -m ensurepip >/dev/null 2>&1 \
	  || $(BIN)/python tools/fetch_pip.py
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e . --group dev
	@touch $@

setup: $(STAMP) ## make .venv with mltui and what tests need

demo: $(STAMP) ## run the digits pipeline and open the workbench on it
	@$(BIN)/mltui demo

# What pytest compiles is kept for the next time, also where Python is told to keep nothing.
quick: $(STAMP) ## unit and app tests with fewer examples, nothing outside (run them all the time)
	@MLTUI_QUICK=1 PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n auto -m 'not slow' tests/unit tests/app

test: $(STAMP) ## all tests
	@$(BIN)/python -m pytest -n 2 tests

explore: $(STAMP) ## every property on 50 times its examples, drawn anew (hours); MLTUI_EXAMPLES=, ONLY=tests/unit/…
	@MLTUI_EXAMPLES=$${MLTUI_EXAMPLES:-50} MLTUI_FUZZ_SEED=$${MLTUI_FUZZ_SEED:-`date +%s`} \
	  nice -n 10 $(BIN)/python -m pytest -m 'hypothesis or explored' --timeout 0 $(or $(ONLY),tests)

faults: $(STAMP) ## the long fault runs: 100 replacements under load on each engine, kill -9 anywhere (hours)
	@MLTUI_REPLACEMENTS=$${MLTUI_REPLACEMENTS:-100} $(BIN)/python -m pytest -rPs tests/faults tests/serving tests/contract/test_adoption.py

check: $(STAMP) ## format, lint, types, import contracts, generated docs
	@$(BIN)/ruff format --check src tests tools bench sample_projects
	@$(BIN)/ruff check src tests tools bench sample_projects
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

format: $(STAMP) ## rewrite the sources in the project's format
	@$(BIN)/ruff check --fix-only --quiet src tests tools bench sample_projects
	@$(BIN)/ruff format src tests tools bench sample_projects

bench: $(STAMP) ## measured claims, each beside its peer (peers from PATH)
	@for script in bench/bench_*.py; do echo "== $$script"; $(BIN)/python $$script || exit 1; done

reference: $(STAMP) ## write docs/reference anew from the code
	@$(BIN)/python -m mltui.cli.reference docs/reference

docs: $(STAMP) reference ## build the documentation into docs/_build (offline once set up)
	@$(BIN)/python -c 'import furo, myst_parser, sphinx' 2>/dev/null \
	  || $(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[docs]'
	@$(BIN)/python -m sphinx -q -W --keep-going -b html docs docs/_build
	@echo "docs/_build/index.html"

dist: $(STAMP) ## make the wheel and the sdist in dist/
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check build
	@rm -rf dist && $(BIN)/python -m build --quiet --outdir dist

image: dist ## build the container image `mltui`; BASE= another Debian, PIP_INDEX_URL= another index
	@docker build --quiet --tag mltui $(foreach name,BASE PIP_INDEX_URL,\
	  $(if $($(name)),--build-arg $(name)=$($(name)))) .

clean: ## remove what setup made
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis

.PHONY: help setup demo quick test explore faults check format bench reference docs dist image clean
