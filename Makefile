# Two commands matter to a new user: make demo, make test.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := demo/out
EMULATORS := .emulators

.PHONY: help demo test lint unit emulators judges bench lock clean
help:
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

$(VENV)/installed: requirements-dev.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

demo: $(VENV)/installed ## a made-up company's bills, from delivery to report
	$(BIN)/python demo/run_demo.py --out $(DEMO)

test: lint unit ## every check and every test

lint: $(VENV)/installed ## style, types, floors, SQL format
	$(BIN)/ruff check src tests demo bench
	$(BIN)/ruff format --check src tests demo bench
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/sqlfmt --check --quiet src/finops_stack tests/own_vendors

unit: $(VENV)/installed ## the tests
	$(BIN)/python -m pytest -n auto --dist loadscope

# Only lock files of their own: their parts want other versions than ours.
emulators: $(EMULATORS)/azurite/installed $(EMULATORS)/bigquery/installed ## Azure and BigQuery to test against (needs npm)

$(EMULATORS)/azurite/installed: tests/emulators/azurite/package-lock.json
	mkdir -p $(@D)
	cp tests/emulators/azurite/package.json tests/emulators/azurite/package-lock.json $(@D)
	cd $(@D) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	touch $@

$(EMULATORS)/bigquery/installed: tests/emulators/bigquery.lock
	test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r tests/emulators/bigquery.lock
	touch $@

# Not part of the tests: their tools want other versions, one of them a Python of its own.
judges: $(VENV)/installed ## others' validator, bill generator and samples beside ours (SAMPLES=a clone of FOCUS-Sample-Data)
	$(BIN)/python bench/judges/run.py $(if $(SAMPLES),--samples "$(SAMPLES)")

bench: $(VENV)/installed ## speed and memory, as ratios, printed as a table
	$(BIN)/python bench/run.py

lock: ## write requirements-dev.lock anew from pyproject.toml (needs uv)
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --no-annotate \
	  --python-version 3.11 --group dev --extra s3 --extra postgres --extra azure --extra gcp \
	  pyproject.toml -o requirements-dev.lock
	uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --no-annotate \
	  --python-version 3.11 tests/emulators/bigquery.in -o tests/emulators/bigquery.lock
	for judge in validator:3.12 nise:3.11 nise-oci:3.11; do \
	  uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --no-annotate \
	    --python-version $${judge#*:} bench/judges/$${judge%:*}.in -o bench/judges/$${judge%:*}.lock || exit 1; \
	done

clean: ## remove what make made
	rm -rf $(DEMO) bench/out .pytest_cache .mypy_cache .ruff_cache
