# Every target sets up what it needs: a machine with Python 3.11+ and make is enough.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
WHAT   := --constraint constraints.txt --editable '.[demo,dev]'
# Four workers on two cores: many tests wait for processes and servers more than they compute.
JOBS   ?= 4

.PHONY: install demo run test lint bench chaos clean
install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV) …"
	@# uv installs in a fifth of pip's time. Where it cannot be had, or cannot reach what pip is
	@# configured to reach, pip does the same work; neither compiles 20,000 files never imported.
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv 2>/dev/null \
	  && $(BIN)/uv pip install --quiet --python $(BIN)/python $(WHAT) 2>/dev/null \
	  || $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile $(WHAT)
	@touch $(STAMP)

demo: install
	$(BIN)/driftline demo

run: install
	$(BIN)/driftline demo --daemon

test: install
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: install
	$(BIN)/python -m benchmarks

chaos: install
	$(BIN)/python -m pytest -n 0 tests/chaos --kills=200

clean:
	rm -rf $(VENV) .bench demo build dist *.egg-info
