# `make demo` and `make test` set up what they need (.venv, bitcoind) and do everything.
PY := .venv/bin/python
SOURCES := signer policies keystore carrier clients scripts tests bench
WORKERS ?= auto
SEED ?= 1
TESTS ?=

# Tests and the demo start programs beside their own gRPC calls: gRPC's fork handlers crash some of these.
export GRPC_ENABLE_FORK_SUPPORT := 0

.PHONY: demo test check bench soak fuzz setup foreign generate proto lock wheel cover mutate clean

demo: setup
	@$(PY) -m clients.demo

test: setup foreign
	$(PY) -m pytest -q -n $(WORKERS) --dist loadgroup $(TESTS)

# What CI runs beside the tests. Generated files must be what the generators make now.
check: setup .cache/buf-1.75.0/buf
	$(PY) -m ruff format --check $(SOURCES)
	$(PY) -m ruff check $(SOURCES)
	$(PY) -m mypy $(SOURCES)
	.venv/bin/lint-imports --no-cache
	cd proto && ../.cache/buf-1.75.0/buf lint
	$(PY) -m scripts.generate_stubs --compare
	$(PY) -m scripts.generate_rules --compare
	$(PY) -m scripts.generate_vectors --compare
	$(PY) -m scripts.generate_corpus --compare
	$(PY) -m scripts.generate_sbom --compare
	$(PY) -m scripts.review_lines --compare
	$(PY) -m pytest -q -p no:cacheprovider tests/structure

# Regenerates everything that is generated and committed.
generate: setup
	$(PY) -m scripts.generate_stubs
	$(PY) -m scripts.generate_rules
	$(PY) -m scripts.generate_vectors
	$(PY) -m scripts.generate_corpus
	$(PY) -m scripts.generate_sbom
	$(PY) -m scripts.review_lines

proto: setup .cache/buf-1.75.0/buf
	cd proto && ../.cache/buf-1.75.0/buf lint
	$(PY) -m scripts.generate_stubs

bench: setup
	$(PY) -m bench

# Long campaigns: `make soak`, or `make soak SOAK=psbt N=100000 SEED=7`.
soak: setup
	$(PY) -m scripts.soak $(if $(SOAK),--campaign $(SOAK)) $(if $(N),--n $(N)) --seed $(SEED)

# Coverage-guided, until a violation or N runs: `make fuzz FUZZ=psbt N=1000000` (tests/fuzz).
fuzz: setup
	$(PY) -m tests.fuzz $(FUZZ) $(if $(N),--runs $(N)) --seed $(SEED)

# The same source gives the same bytes: `make wheel` prints their SHA-256, for a member to compare.
wheel: setup
	$(PY) -m scripts.build_wheel

cover: setup
	$(PY) -m pytest -q -n $(WORKERS) --cov=signer --cov=policies --cov=keystore --cov-branch \
		--cov-report=term-missing:skip-covered $(TESTS)

# One small change at a time must fail a test: `make mutate N=300 SEED=7 UNDER=policies`.
mutate: setup
	$(PY) -m scripts.mutate $(if $(UNDER),--under $(UNDER)) $(if $(N),--n $(N)) --seed $(SEED)

setup:
	@scripts/setup.sh

# What the clients in other languages need (clients/foreign); their tests skip, and say so, without it.
foreign: setup
	@scripts/setup_foreign.sh

.cache/buf-1.75.0/buf: | setup
	@$(PY) scripts/fetch.py buf

# Locks the packages anew. No index address may enter the files: the options keep it out.
LOCK := CUSTOM_COMPILE_COMMAND="make lock" .venv/bin/pip-compile --quiet --generate-hashes \
	--allow-unsafe --strip-extras --no-annotate --no-emit-options --no-emit-index-url \
	--no-emit-find-links --no-emit-trusted-host
lock: setup
	$(LOCK) --output-file requirements/runtime.txt pyproject.toml
	$(LOCK) --extra postgres --constraint requirements/runtime.txt \
		--output-file requirements/postgres.txt pyproject.toml
	$(LOCK) --extra ceremony --constraint requirements/runtime.txt \
		--output-file requirements/ceremony.txt pyproject.toml
	$(LOCK) --extra test --constraint requirements/runtime.txt \
		--constraint requirements/ceremony.txt --output-file requirements/test.txt pyproject.toml
	$(LOCK) --output-file requirements/build.txt requirements/build.in
	cd clients/foreign/node && npm install --package-lock-only --ignore-scripts \
		--omit-lockfile-registry-resolved --no-audit --no-fund --silent

clean:
	rm -rf .venv .cache build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
