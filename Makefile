# wayprint: `make demo` and `make test` set up all they need. `make help` lists the targets.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
RUNTIME ?= 4.1
PEOPLE ?= 3000
DAYS ?= 120
SEED ?= 1
UV_VERSION = 0.13.9

VENV = $(if $(filter 3.5,$(RUNTIME)),.venv-3.5,.venv)
RUN = $(CURDIR)/$(VENV)/bin
export WAYPRINT_CACHE ?= $(CURDIR)/.cache
export MLFLOW_DISABLE_TELEMETRY = true
export DO_NOT_TRACK = true

.PHONY: help setup setup-3.5 demo test test-steps test-chains check faults bench zip clean

help: ## list the targets
	@grep -hE '^[a-z0-9.-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: .venv/.ready ## virtual environment and jars of Spark 4.1

setup-3.5: .venv-3.5/.ready ## the same of Spark 3.5

.venv/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; assert sys.version_info[:2] == (3, 11), "Python 3.11 is needed, found " + sys.version + "; set PYTHON=/path/to/python3.11"'
	test -x .venv/bin/python || $(PYTHON) -m venv .venv
	.venv/bin/python -m pip install -q "uv==$(UV_VERSION)"
	.venv/bin/uv pip install -q --python .venv/bin/python -c constraints.txt -e . --group dev
	.venv/bin/wayprint jars
	@test -n "$$(ls $(WAYPRINT_CACHE)/wheels/mta-*.whl 2>/dev/null)" || .venv/bin/python -m pip download -q --no-deps -d $(WAYPRINT_CACHE)/wheels mta==0.0.9
	@touch $@

.venv-3.5/.ready: .venv/.ready constraints-3.5.txt
	test -x .venv-3.5/bin/python || $(PYTHON) -m venv .venv-3.5
	grep -vE '^(pyspark|delta-spark|py4j)==' constraints.txt > $(WAYPRINT_CACHE)/constraints-without-spark.txt
	.venv/bin/uv pip install -q --python .venv-3.5/bin/python -c $(WAYPRINT_CACHE)/constraints-without-spark.txt --override constraints-3.5.txt -e . --group dev
	.venv-3.5/bin/wayprint jars
	@touch $@

demo: $(VENV)/.ready ## simulate a retailer and run the main job (PEOPLE=3000 DAYS=120 SEED=1 RUNTIME=4.1|3.5)
	$(if $(filter 3.5,$(RUNTIME)),WAYPRINT_IDENTITY__ENGINE=graphframes) $(RUN)/wayprint demo --people $(PEOPLE) --days $(DAYS) --seed $(SEED)

test: .venv/.ready .venv-3.5/.ready ## all tests, on both runtimes: steps and whole chains side by side
	$(MAKE) --no-print-directory -j2 test-steps test-chains

test-steps: .venv/.ready
	$(CURDIR)/.venv/bin/pytest -m "not faults and not chain"

test-chains: .venv/.ready .venv-3.5/.ready
	$(CURDIR)/.venv/bin/pytest -m "chain and not faults"
	$(CURDIR)/.venv-3.5/bin/pytest -m "runtime35"

check: .venv/.ready ## lint, types, imports, README map
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/python -m wayprint.readme

faults: .venv/.ready ## long schedules of deliveries, kills and races
	$(CURDIR)/.venv/bin/pytest -m faults -s

bench: .venv/.ready ## counters per step at a million events, into BENCH.md
	.venv/bin/wayprint bench

zip: .venv/.ready ## dist/wayprint.zip for spark-submit --py-files
	.venv/bin/python -m wayprint.bundle dist/wayprint.zip

clean: ## remove what the demo and the tests made
	rm -rf demo dist .pytest_cache .mypy_cache .ruff_cache
