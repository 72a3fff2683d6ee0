# One word for each thing. Everything runs in .venv, which is made on first use; only Python is needed.
VENV := .venv
PYTHON := $(VENV)/bin/python
# A machine without room for the CUDA packages of torch can name an index of CPU builds: make test PIP_FLAGS="..."
PIP := $(PYTHON) -m pip install --quiet --disable-pip-version-check $(PIP_FLAGS)

COMMA := ,

.PHONY: demo differential test test-slow test-floors packages check bench fuzz docs format clean

demo: $(VENV)/.demo
	$(PYTHON) examples/digits.py

# In parts, each with workers of its own: what frameworks keep of thousands of compiled programs is given back between
# them, and no worker holds more than 3 GB. A part costs 15 seconds of imports, so small folders share one (by a comma).
# `make test ARGS=tests/core` runs what it names.
BULK := tests/ops tests/backends tests/layers tests/losses tests/metrics tests/training
APART := $(subst $(COMMA), ,$(BULK))
PYTEST := $(PYTHON) -m pytest -m "not slow" -n auto --dist worksteal $(ARGS)

test: $(VENV)/.test
ifneq (,$(findstring tests,$(ARGS)))
	$(PYTEST)
else
	@failed=0; \
	for part in $(BULK); do echo "-- $$part"; $(PYTEST) $$(echo $$part | tr , " ") || failed=1; done; \
	echo "-- the others"; $(PYTEST) tests $(APART:%=--ignore=%) || failed=1; \
	exit $$failed
endif

test-slow: $(VENV)/.test
	$(PYTHON) -m pytest -m slow $(ARGS)

differential: $(VENV)/.test # compares with Keras where the last run stopped: make differential ARGS="--cases 5000"; or of training: ARGS="--kinds training --backend torch --out .differential/training"
	PYTHONPATH=tests:tests/differential:. $(PYTHON) tests/differential/explore.py $(ARGS)

test-floors: # the oldest declared versions, each backend in an environment of its own below .venv-floors
	PIP_FLAGS="$(PIP_FLAGS)" python3 tests/floors.py $(ARGS)

packages: $(VENV)/.test # packages built on Keras, on Lamina and on Keras: make packages ARGS="keras-hub torch"
	PIP_FLAGS="$(PIP_FLAGS)" $(PYTHON) tests/packages/package_jobs.py $(ARGS)

check: $(VENV)/.check
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/basedpyright --level error
	$(VENV)/bin/mypy --strict tests/checked/scripts tests/checked/known.py

format: $(VENV)/.check
	$(VENV)/bin/ruff format .
	$(VENV)/bin/ruff check --fix .

fuzz: $(VENV)/.test
	LAMINA_BACKEND=numpy $(PYTHON) tests/fuzz.py $(ARGS)

bench: $(VENV)/.bench
	$(PYTHON) -m benchmarks $(ARGS)

docs: $(VENV)/.docs
	$(VENV)/bin/mkdocs build --strict

clean:
	rm -rf $(VENV) .venv-floors .venv-packages site .bench digits.keras digits.png

$(VENV)/.made:
	python3 -m venv $(VENV)
	touch $@

$(VENV)/.demo: $(VENV)/.made pyproject.toml
	$(PIP) -e ".[demo]"
	touch $@

$(VENV)/.test: $(VENV)/.made pyproject.toml
	$(PIP) "torch==2.13.0"
	$(PIP) -e ".[test]"
	touch $@

$(VENV)/.bench: $(VENV)/.made pyproject.toml
	$(PIP) "torch==2.13.0"
	$(PIP) -e ".[bench]"
	touch $@

$(VENV)/.check: $(VENV)/.test
	$(PIP) -e ".[check]"
	touch $@

$(VENV)/.docs: $(VENV)/.made pyproject.toml
	$(PIP) -e ".[docs]"
	touch $@
