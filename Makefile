# Two commands matter: `make demo` and `make test`. Everything they need is installed into folders of this checkout,
# from lock files; nothing else on the machine changes.
PYTHON ?= python3
UV_VERSION := 0.13.9
UV := .uv/bin/uv
export UV_PYTHON_DOWNLOADS := never

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-long lint format stop clean portal-conformance conform faults faults-cut real bench-validate bench-diff bench-proposal bench-publish bench-harvest bench-personal bench-pages bench-merge bench-quality

help:  ## what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 22

setup: .venv/.ready .portal-env/.ready  ## install everything into .venv and .portal-env

.uv/.ready:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Glane needs Python 3.11 or newer: make PYTHON=/path/to/python3.11 ..."; exit 2; }
	@echo "== bringing in uv $(UV_VERSION)"
	@$(PYTHON) -m venv .uv 2>/dev/null && .uv/bin/python -m pip install -q uv==$(UV_VERSION) \
	  || { rm -rf .uv; $(PYTHON) -m pip install -q --target .uv uv==$(UV_VERSION); } \
	  || { rm -rf .uv; echo "Neither 'venv' nor 'pip' works in $(PYTHON). On Debian: apt-get install python3-venv"; exit 3; }
	@touch $@

.venv/.ready: .uv/.ready pyproject.toml uv.lock
	@echo "== Glane's environment (.venv)"
	@$(UV) sync --frozen --compile-bytecode --python $(PYTHON)
	@touch $@

.portal-env/.ready: .uv/.ready portal/environment/pyproject.toml portal/environment/uv.lock $(wildcard portal/ckan_plugin/pyproject.toml)
	@echo "== the embedded portal's environment (.portal-env)"
	@UV_PROJECT_ENVIRONMENT=$(CURDIR)/.portal-env $(UV) sync --frozen --compile-bytecode --python $(PYTHON) --project portal/environment
	@touch $@

demo: setup  ## from the sample partners' files to versions on a real CKAN
	@.venv/bin/glane portal up
	@.venv/bin/glane run
	@echo
	@echo "Open Dagit                 .venv/bin/glane ui"
	@echo "Read a partner's report    .venv/bin/glane report inclusion_sites/epn-bruxelles --lang en"
	@echo "List a dataset's versions  .venv/bin/glane versions inclusion_sites"
	@echo "Stop the portal            .venv/bin/glane portal down"

test: setup  ## every test but the longest, those against the portal included
	@.venv/bin/pytest -n 2 --dist loadfile --no-loadscope-reorder

test-long: setup  ## the tests that make test leaves out for their length: the loader, every step of a major version ...
	@.venv/bin/pytest -m "long and not real" -n 2 --dist loadfile

faults-cut: setup  ## a cut of that: each step, fault and meddling once, in five minutes
	@GLANE_FAULTS=cut .venv/bin/pytest tests/faults -m "" -n 2 --dist loadfile

faults: setup  ## the publisher killed at every request and every dealing with the disk, every fault at every change: hours
	@GLANE_FAULTS=whole .venv/bin/pytest tests/faults -m "" $(if $(ONLY),-k "$(ONLY)")

real: setup  ## every real file of a partner in ../shared/data, end to end to the portal: some ten minutes
	@GLANE_REAL=whole .venv/bin/pytest -m real

conform: setup  ## frictionless and Glane on fifteen times as many made-up files as make test
	@GLANE_CONFORM_EXAMPLES=3000 .venv/bin/pytest tests/conform -m "" -n 2

lint: setup  ## ruff, mypy --strict
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy

format: setup  ## let ruff write what it can
	@.venv/bin/ruff check --fix . ; .venv/bin/ruff format .

portal-conformance: setup  ## CKAN's own search tests against the portal's search
	@.venv/bin/python -m portal.conformance

bench-validate: setup  ## validation beside frictionless, pandera and bare readers
	@$(UV) sync --frozen --python $(PYTHON) --group bench && .venv/bin/python bench/validate.py

bench-diff: setup  ## glane diff beside csv-diff, daff and datacompy; ROWS="100000 1000000" chooses the sizes
	@$(UV) sync --frozen --python $(PYTHON) --group bench && .venv/bin/python bench/diff.py --uv $(UV) $(if $(ROWS),--rows $(ROWS))

bench-proposal: setup  ## what `glane source new` maps right on partners' real files
	@.venv/bin/python bench/proposal.py

bench-merge: setup  ## rows that are the same place: right and wrong on real files, time and memory, beside splink, recordlinkage and dedupe; ROWS="100000 1000000"
	@.venv/bin/python -m bench.merge --uv $(UV) $(if $(ROWS),--rows $(ROWS))

bench-quality: setup  ## the quality report of a version and its pages: how long, how many bytes; ROWS=20000 chooses the size
	@.venv/bin/python -m bench.quality $(if $(ROWS),--rows $(ROWS))

bench-publish: setup  ## a DataStore table by delta, by a full reload and by ckanext-xloader; ROWS=100000 chooses the size
	@.venv/bin/python -m bench.publish $(if $(ROWS),--rows $(ROWS))

bench-harvest: setup  ## sixty unchanged sources on a local server, beside plain downloads and a Dagster step a source
	@.venv/bin/python -m bench.harvest

bench-personal: setup  ## personal data found in labelled cells: precision and recall by kind, and how fast
	@.venv/bin/python -m bench.personal

bench-large-json: setup  ## a JSON of a gigabyte, streamed: how long, how much memory; MEGABYTES=100 is a smaller one
	@.venv/bin/python -m bench.large_json $(if $(MEGABYTES),--megabytes $(MEGABYTES))

bench-pages: setup  ## how fast pages open after many versions; VERSIONS=1000 takes half an hour
	@.venv/bin/python -m bench.thousand_versions $(if $(VERSIONS),--versions $(VERSIONS) --every 100 --ordinary 5)

stop:  ## stop the embedded portal
	@.venv/bin/glane portal down

clean: ## remove what was installed and the portal's state; the store (data/) stays
	@if [ -x .venv/bin/glane ]; then .venv/bin/glane portal down; fi
	rm -rf .venv .portal-env .uv .portal .dagster
