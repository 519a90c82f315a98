# make demo, make test: each makes .venv and installs what it needs, once.
#   make demo PYTHON=/path/to/python3.12    another interpreter
#   make test PYTEST="-k metrics"           other pytest arguments
#   make test STRICT=1                      a test above 3 CPU seconds is an error
#   make test-slow GROUP=docs               one group of the slow tests

BIN := .venv/bin
STAMP := .venv/.installed
PUBLISH := .venv/.installed-publish
CANDIDATES := python3.11 python3.12 python3.13 python3 python
SUITABLE := import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
# Each candidate is run: a name on the PATH (a pyenv shim, say) need not work.
PYTHON ?= $(shell for p in $(CANDIDATES); do $$p -c '$(SUITABLE)' 2>/dev/null && echo $$p && break; done)

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow lint bench dist docs clean

help:
	@echo "make demo       train on handwritten digits, draw, export, check (minutes)"
	@echo "make test       the tests, on JAX and on TensorFlow (under ten minutes on two cores)"
	@echo "make test-slow  the slow tests (an hour or two); GROUP=docs, examples, processes, sweep or"
	@echo "                training runs one group"
	@echo "make lint       ruff"
	@echo "make bench      the measurements of docs/performance.md"
	@echo "make dist       wheel and source archive in dist/, checked"
	@echo "make docs       the documentation site, in build/site"
	@echo "make clean      remove caches and builds"

$(STAMP): setup.py requirements.txt
	@if ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
	  python="$(PYTHON)"; \
	  if [ -z "$$python" ]; then \
	    echo "No Python 3.11, 3.12 or 3.13 with venv and ensurepip: tried $(CANDIDATES)." >&2; \
	    echo "Install one (Debian, Ubuntu: apt install python3-venv), or name it: make PYTHON=/path/to/python3.12 ..." >&2; \
	    exit 1; \
	  elif ! "$$python" -c '$(SUITABLE)' 2>/dev/null; then \
	    echo "PYTHON=$$python does not run, or is not Python 3.11, 3.12 or 3.13 with venv and ensurepip." >&2; \
	    exit 1; \
	  fi; \
	  echo "Making .venv with $$("$$python" -c 'import sys; print(sys.executable, sys.version.split()[0])')"; \
	  "$$python" -m venv --clear .venv; \
	fi
	@echo "Installing the packages of requirements.txt into .venv (the first time: about 600 MB to download)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(STAMP)
	$(BIN)/python -m fcn_keras demo

# The JAX run comes first, so that the last line is the summary of the whole suite.
WORKERS ?= 2
PYTEST ?=
STRICT ?=
export STRICT
test: $(STAMP)
	KERAS_BACKEND=jax $(BIN)/python -m pytest -n $(WORKERS) -m "backend and not slow" $(PYTEST)
	KERAS_BACKEND=tensorflow $(BIN)/python -m pytest -n $(WORKERS) -m "not slow" $(PYTEST)

# The group `sweep` needs 16 GB of memory. pytest exits with 5 where a group has no JAX tests.
GROUP ?= slow
test-slow: $(STAMP)
	KERAS_BACKEND=jax $(BIN)/python -m pytest -m "backend and ($(GROUP))" $(PYTEST) || [ $$? = 5 ]
	KERAS_BACKEND=tensorflow $(BIN)/python -m pytest -m "$(GROUP)" $(PYTEST)

lint: $(STAMP)
	$(BIN)/ruff check .

CAMVID ?= $(or $(FCN_KERAS_DATA),../shared)/camvid
bench: $(STAMP)
	$(BIN)/python benchmarks/forward.py
	$(BIN)/python benchmarks/metrics.py
	$(BIN)/python benchmarks/classifiers.py
	$(BIN)/python benchmarks/dense_vs_patchwise.py
	$(BIN)/python benchmarks/crf.py
	@if [ -d "$(CAMVID)" ]; then $(BIN)/python benchmarks/pipeline.py "$(CAMVID)"; \
	else echo "benchmarks/pipeline.py needs CamVid: make bench CAMVID=DIR"; fi

$(PUBLISH): $(STAMP) requirements-publish.txt
	@echo "Installing the packages of requirements-publish.txt into .venv"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt -r requirements-publish.txt
	@touch $@

# The wheel is built from the source archive, so that nothing of the checkout alone is in it.
dist: $(PUBLISH)
	rm -rf dist *.egg-info
	$(BIN)/python -m build --no-isolation
	$(BIN)/python -m twine check --strict dist/*

# Static tools find fcn_keras.export only in an installed package, not in a checkout.
docs: dist
	rm -rf build/wheel
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --target build/wheel dist/*.whl
	NO_MKDOCS_2_WARNING=1 KERAS_BACKEND=jax PYTHONPATH="$(CURDIR)/build/wheel" \
	  $(BIN)/python -P -m mkdocs build --quiet -f website/mkdocs.yml
	@echo "To read it: $(BIN)/python -m http.server -d build/site, then http://127.0.0.1:8000"

clean:
	rm -rf build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path "./.venv/*" -prune -exec rm -rf {} +
