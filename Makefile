# make run    the whole service, on http://127.0.0.1:8000        make test   lint and every test
# make bench  the figures                                        make clean  forget .venv (data in ./var stay)
# make screenshots   every page as a picture, in docs/screenshots

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq install

.PHONY: run test bench lint screenshots clean
.DELETE_ON_ERROR:

# exec: Ctrl-C reaches the service once, and its exit status is ours.
run: export MATRICULE_DEMO ?= 1
run: $(VENV)/.ready-to-run
	@exec $(BIN)/matricule run

# Three side by side: a test alone leaves half of two cores idle, and two of them now and then wait at once. ARGS="-n 0 tests/test_x.py" for one in the foreground.
test: lint
	@exec $(BIN)/python -m pytest --numprocesses 3 --dist worksteal $(ARGS)

bench: $(VENV)/.ready-to-test
	@exec $(BIN)/python tests/benchmarks $(ARGS)

lint: $(VENV)/.ready-to-test
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/lint-imports

screenshots: $(VENV)/.ready-to-test
	@exec $(BIN)/python tests/screenshots.py

clean:
	rm -rf $(VENV) *.egg-info .pytest_cache .ruff_cache .hypothesis .import_linter_cache

# The stamps: made once, made again only when what is to be installed has changed.
$(VENV)/.ready-to-run: requirements/build.txt requirements/run.txt setup.cfg pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Matricule needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1)."; \
	  echo "Install one (Debian 12, Ubuntu 24.04: apt-get install python3 python3-venv),"; \
	  echo "or name another: make run PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) cannot make virtual environments. Install that part: apt-get install python3-venv"; exit 1; }
	@echo "Installing the libraries into $(VENV) (once, about half a minute) …"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(PIP) -r requirements/build.txt -r requirements/run.txt
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.ready-to-test: $(VENV)/.ready-to-run requirements/test.txt
	@echo "Installing what the tests need …"
	@$(PIP) -r requirements/test.txt
	@touch $@
