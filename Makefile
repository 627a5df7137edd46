# Two commands do everything: `make run` and `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
WEB := $(VENV)/.web
WEB_SOURCES := $(shell find clients/web -path clients/web/node_modules -prune -o \
	-path clients/web/src/gen -prune -o -type f -print)
PROTOS := $(wildcard protos/xache/v1/*.proto)
API_PROTOS := $(filter-out %/plugin.proto,$(PROTOS))
EDITABLE := clients/python clients/desktop plugins/sdk plugins/strategy_market_maker plugins/strategy_flow plugins/strategy_sma plugins/strategy_lightgbm
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help setup run test test-long lint format protos protos-check bench clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(STAMP) $(WEB)  ## make .venv with everything that is needed, and the web client

$(STAMP): pyproject.toml config/constraints.txt $(addsuffix /pyproject.toml,$(EDITABLE))
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "XACHE needs Python 3.11 or newer, this is " + sys.version.split()[0])'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	XACHE_SKIP_WEB=1 PIP_CONSTRAINT=config/constraints.txt $(BIN)/python -m pip install --quiet \
		$(addprefix --editable ,$(EDITABLE)) --editable '.[bench,report,cluster]' --group dev
	touch $@

$(WEB): $(STAMP) $(WEB_SOURCES) $(PROTOS)
	$(BIN)/python clients/web/build.py
	[ -n "$$XACHE_SKIP_WEB" ] || touch $@

run: setup  ## start the demo: a living market on real recorded data
	$(BIN)/xached demo $(ARGS)

test: setup  ## run every test
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup $(ARGS)

test-long: setup  ## run every test with the large counts
	XACHE_LONG=1 $(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup $(ARGS)

lint: setup protos-check  ## static checks: ruff, mypy --strict, layers, protos, generated code
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/buf lint protos

format: setup  ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/buf format -w protos

protos: setup  ## generate the stubs from protos/
	$(BIN)/python -m grpc_tools.protoc -Iprotos --python_out=clients/python/src \
		--pyi_out=clients/python/src --grpc_python_out=clients/python/src $(API_PROTOS)
	$(BIN)/python -m grpc_tools.protoc -Iprotos/xache --python_out=plugins/sdk/src/xache_sdk \
		--pyi_out=plugins/sdk/src/xache_sdk protos/xache/v1/plugin.proto

protos-check: protos
	git diff --exit-code -- clients/python/src/xache/v1 plugins/sdk/src/xache_sdk/v1
	test -z "$$(git ls-files --others --exclude-standard -- clients/python/src/xache/v1 plugins/sdk/src/xache_sdk/v1)"

bench: setup  ## measure, and compare with the targets
	$(BIN)/xached bench --check $(ARGS)

clean:  ## remove what setup and the tools made
	rm -rf $(VENV) xached/web clients/web/node_modules clients/web/src/gen test-results
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
