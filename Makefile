# `make up` runs the default scenario, `make test` the tests; both set up what they need first.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
SCENARIO ?=

.PHONY: up test bench soak lint protos lock clean

$(VENV)/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Plumewatch needs Python 3.11 or later; $(PYTHON) is older. Set PYTHON=/path/to/python3.11." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || { echo "$(PYTHON) cannot make virtual environments; on Debian: apt install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@# Kernels compile when they are first imported or called; better here than when the first run waits for them.
	$(BIN)/python -m services.ground_station.tracking.rehearsal & tracking=$$!; \
	$(BIN)/python -m services.stack.compile_kernels && \
	$(BIN)/python -c 'import services.ground_station.detection.detect' && \
	$(BIN)/python -m services.ground_station.tracking.crowd.rehearsal && wait $$tracking
	@touch $@

up: $(VENV)/.installed
	$(BIN)/plumewatch up $(SCENARIO)

lint: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/buf lint

# One process for rooms that compute, and the relay's; another for all that wait for sockets and programs.
PURE := tests/bench tests/bench_tracking tests/geometry tests/relay tests/sat_emulator tests/scenario \
	tests/ground_station/detection tests/ground_station/tracking

test: lint
	@mkdir -p .pytest_cache
	@$(BIN)/python -m pytest -m "not soak" -p no:cacheprovider $(PURE) > .pytest_cache/pure.txt 2>&1 & pure=$$!; \
	$(BIN)/python -m pytest -m "not soak" $(addprefix --ignore=,$(PURE)); rest=$$?; \
	wait $$pure; pure=$$?; cat .pytest_cache/pure.txt; exit $$((rest > pure ? rest : pure))

soak: $(VENV)/.installed
	$(BIN)/python -m pytest -m soak

bench: $(VENV)/.installed
	$(BIN)/plumewatch bench

protos: $(VENV)/.installed
	$(BIN)/python -m grpc_tools.protoc -I protos --python_out=protos --pyi_out=protos --grpc_python_out=protos protos/plumewatch/v1/*.proto

lock:
	$(BIN)/uv pip compile --universal --python-version 3.11 --all-extras --generate-hashes --no-emit-index-url --no-header -o requirements.lock pyproject.toml

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
