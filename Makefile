# Every target sets up what it needs; a second run finds it done. `make` alone lists them.
SHELL := /bin/bash
VENV ?= .venv
PY := $(VENV)/bin/python
export VENV

.DEFAULT_GOAL := help
.PHONY: help demo test check format compile fuzz bench build clean

help:  ## list the targets
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 18

demo: $(VENV)/.ready  ## start Tidegate with example services and show live traffic until Ctrl-C
	@$(PY) -m tidegate demo $(ARGS)

test: $(VENV)/.ready-dev compile  ## everything, real Docker Engine included; ARGS goes to pytest
	@scripts/packages test || true
	@scripts/test $(ARGS)

check: $(VENV)/.ready-dev compile  ## format, lint, types, imports, then the tests that need no Docker Engine
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports
	@$(PY) -m pytest -m "not system" $(ARGS)

format: $(VENV)/.ready-dev  ## write the one format, and mend what the linter can mend
	@$(VENV)/bin/ruff format .
	@$(VENV)/bin/ruff check --fix .

compile: $(VENV)/.ready-dev  ## rebuild in place the compiled modules that changed, where there is a compiler
	@mkdir -p build
	@$(PY) setup.py -q build_ext --inplace >build/compile.log 2>&1 || { tail -40 build/compile.log; exit 1; }
	@grep '^tidegate: ' build/compile.log || true
	@touch $(VENV)/.ready

fuzz: $(VENV)/.ready-dev compile  ## the HTTP/1 codec on octets that nobody wrote, 60 s; ARGS="--seconds 600"
	@$(PY) -c 'import atheris' 2>/dev/null || $(PY) -m pip install -q --disable-pip-version-check 'atheris>=3.0'
	@$(PY) -m tests.fuzz $(ARGS)

bench: $(VENV)/.ready-dev compile  ## router and DNS beside their peers; writes the tables in bench/
	@scripts/packages bench || true
	@$(PY) -m bench $(or $(ARGS),all)

build: $(VENV)/.ready-dev  ## source archive and wheel, in dist/
	@$(PY) setup.py -q sdist -d dist >build/sdist.log 2>&1 || { cat build/sdist.log; exit 1; }
	@$(PY) -m pip wheel -q --no-deps -w dist .
	@ls dist

clean:  ## remove everything that was made here
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find tidegate tests bench -name '*.so' -delete
	find tidegate tests bench -name __pycache__ -prune -exec rm -rf {} +

# What is compiled is stale once its source changed: after a pull, `make demo` builds again.
COMPILED := $(wildcard tidegate/*.pxd tidegate/*/*.pxd)
$(VENV)/.ready: pyproject.toml setup.py $(COMPILED) $(wildcard $(COMPILED:.pxd=.py))
	@scripts/venv .
	@touch $@

$(VENV)/.ready-dev: pyproject.toml setup.py
	@scripts/venv '.[dev]'
	@touch $(VENV)/.ready $@
