# Every target sets up what it needs: a machine with Python 3.11+ and make is enough.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
# Two workers: the machines this is meant for have two cores.
JOBS   ?= 2

.PHONY: install demo run test lint bench chaos clean
install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV) (a minute or two) …"
	@# Compiling 20,000 files that are never imported takes as long as the rest of the installation.
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --constraint constraints.txt --editable '.[demo,dev]'
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
