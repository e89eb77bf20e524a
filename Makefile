# One front door: .ci/run and the workflows call the same targets.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
PYTHON ?= python3
DEMO := out/demo
# Two tests at a time, each process a stretch of its own, which keeps what tests share in one of them. Processes,
# browsers and clouds stumble on a busy machine: a failure is tried once more, and listed as RERUN.
TWO := -n 2 --dist worksteal --reruns 1 -rR

.PHONY: help demo test test-slow lint check bench upkeep release clean
.DEFAULT_GOAL := help

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

demo: .venv/.ready ## Generate a RAG project into out/demo and run its demo
	@rm -rf $(DEMO)
	@shipfolio new rag-platform $(DEMO) --yes --project-name "Demo handbook" --no-git
	@$(MAKE) --no-print-directory -C $(DEMO) demo

test: .venv/.ready-dev ## Check style and types, run the fast tests
	@$(MAKE) --no-print-directory lint
	pytest -q $(TWO)

test-slow: .venv/.ready-dev ## Run the tests that build wheels, projects, browsers, clouds and containers
	sh .ci/system-packages
	pytest -q -m "slow or browser or container" --durations=15 $(TWO)

lint: .venv/.ready-dev ## Check style and types of the generator, the templates and the tests
	ruff check generator templates tests bench hatch_build.py
	ruff format --check generator templates tests bench hatch_build.py
	pyrefly check

check: test test-slow ## Everything

bench: .venv/.ready-dev ## Measure: prints ratios, fails where a bound is broken
	python bench/generator.py
	python bench/first_answer.py
	python bench/update.py
	python bench/cohort.py
	python bench/ingestion.py
	python bench/gateway.py
	python bench/agent.py
	python bench/memory.py
	python bench/saas_billing.py
	python bench/saas_load.py

upkeep: .venv/.ready-dev ## Write the generated files: the list of shared files, docs/options.md
	python -m shipfolio.upkeep

release: .venv/.ready-dev ## Make a release of HEAD: make release VERSION=X.Y.Z
	python -m shipfolio.release "$(VERSION)"

clean: ## Remove the environment and what was generated
	rm -rf .venv out

.venv/.uv:
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check uv==0.13.8
	@touch $@

.venv/.ready: .venv/.uv pyproject.toml constraints.txt
	uv pip install --quiet --python .venv/bin/python --constraints constraints.txt --editable .
	@touch $@

.venv/.ready-dev: .venv/.ready
	uv pip install --quiet --python .venv/bin/python --constraints constraints.txt --editable . --group dev --group templates
	@touch $@
