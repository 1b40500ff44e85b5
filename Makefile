# The two commands: `make demo` and `make test`. Everything else is for people who change the code.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8080

.PHONY: demo test test-quick lint fix bench screenshots docs lock clean

demo: $(VENV)/.installed
	@$(BIN)/fieldstone demo --port $(PORT) $(if $(RESET),--reset)

test: $(VENV)/.installed-dev
	@scripts/run_tests.sh

test-quick: $(VENV)/.installed-dev
	@$(BIN)/pytest -q -x tests/unit tests/contract

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check fieldstone tests scripts benchmarks
	$(BIN)/ruff format --check fieldstone tests scripts benchmarks
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/check_house.py

fix: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix fieldstone tests scripts benchmarks
	$(BIN)/ruff format fieldstone tests scripts benchmarks

bench: $(VENV)/.installed-dev
	@$(BIN)/fieldstone bench

screenshots: $(VENV)/.installed-dev
	@$(BIN)/python scripts/screenshots.py

docs: $(VENV)/.installed-dev
	@for page in expressions fieldtypes platform; do $(BIN)/python scripts/reference_$$page.py; done

lock:
	$(BIN)/uv pip compile pyproject.toml --universal --generate-hashes --no-annotate --no-header -q -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --group dev --universal --generate-hashes --no-annotate --no-header -q -o requirements-dev.lock

$(VENV)/.installed: requirements.lock pyproject.toml
	@scripts/install.sh requirements.lock
	@touch $@

$(VENV)/.installed-dev: requirements-dev.lock pyproject.toml
	@scripts/install.sh requirements-dev.lock
	@touch $@ $(VENV)/.installed

clean:
	rm -rf $(VENV) var build dist
