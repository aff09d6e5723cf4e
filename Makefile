# Everything a contributor or CI does, as verbs. Needs Python >= 3.11 with venv, a C compiler, make.
# Written for GNU make 3.81 and later.

VENV ?= .venv
BIN := $(VENV)/bin
# For tools that start other tools of the .venv by name.
WITH_PATH := PATH="$(abspath $(BIN)):$$PATH"
# What `make run` starts.
RUN ?= serve --demo --data refnet-demo
# Options for pytest: make test TEST="tests/log -x", make bench BENCH=--benchmark-disable
TEST ?=
BENCH ?=
PYTHONS ?=
MUTANTS ?=
STRANGERS ?=
BENCHMARKS ?= $(wildcard benchmarks/test_*.py)
# More options for `make evidence`, and where the real ratings are.
EVIDENCE ?=
RATINGS ?= $(or $(REFNET_TEST_DATA),../shared/data)
# SLOW=1 adds the tests that take over ten seconds each.
SLOW ?=
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
UV ?= uv

# The first Python that is new enough, unless PYTHON names one.
NEW_ENOUGH := import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))
ifeq ($(origin PYTHON),undefined)
PYTHON := $(shell for p in python3 python3.13 python3.12 python3.11 python; do \
	$$p -c "$(NEW_ENOUGH)" 2>/dev/null && { echo $$p; break; }; done; true)
endif

# A stamp says what was done to this .venv, so a second run is quick. The kernel with bounds checks
# (REFNET_DEBUG_KERNEL=1) has a stamp of its own: changing one's mind rebuilds.
INSTALLED := $(VENV)/installed.stamp
KIND := $(if $(filter 1,$(REFNET_DEBUG_KERNEL)),debug,plain)
BUILT := $(VENV)/built-$(KIND).stamp
CYTHON_FILES := $(wildcard $(foreach room,src/refnet src/refnet/log,$(room)/*.pyx $(room)/*.pxd))
COMPILED := src/refnet/_scoring src/refnet/_paths src/refnet/_ties src/refnet/log/_stored
MISSING := $(foreach module,$(COMPILED),$(if $(wildcard $(module).*.so),,again))

.DEFAULT_GOAL := help
.PHONY: help run test matrix verify-strangers mutants lint types protos landed bench evidence node \
	docs build lock clean distclean again

help: ## list the verbs
	@echo "make VERB, where VERB is one of"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-16s %s\n", $$1, $$2}' Makefile

run: $(BUILT) ## start a server with a small generated network; Ctrl-C stops it
	@$(BIN)/refnet $(RUN)

test: $(BUILT) ## run the tests; TEST="tests/log -x" chooses, SLOW=1 adds the slow ones
	$(BIN)/pytest -n $(JOBS) --dist loadgroup -m "not $(if $(SLOW),matrix,slow)" $(TEST)

# PYTHONS="/path/to/python3.12 ..." names interpreters that are neither on PATH nor in pyenv.
matrix: $(BUILT) ## the same bits from gcc and clang at every level, under every Python that is here
	PYTHONS="$(PYTHONS)" $(BIN)/pytest -n 0 -m matrix tests/matrix

# Fetches from PyPI, npm and Debian into build/strangers; PYTHONS as above. STRANGERS="--seed 7" repeats.
verify-strangers: $(BUILT) ## have other people's verifiers and witness judge what is published (minutes)
	PYTHONPATH=tests PYTHONS="$(PYTHONS)" $(BIN)/python -m strangers $(STRANGERS)

mutants: $(BUILT) ## break every formula line, one at a time; MUTANTS="--only finish" chooses
	PYTHONPATH=tests $(BIN)/python -m mutants --jobs $(JOBS) $(or $(MUTANTS),--write docs/mutants.md)

lint: $(BUILT) ## style, spelling, import directions, protos
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(if $(CYTHON_FILES),$(WITH_PATH) cython-lint $(CYTHON_FILES))
	$(BIN)/codespell --skip protos/google,protos/landed.binpb src tests benchmarks protos docs README.md CHANGELOG.md Makefile .ci/run
	$(BIN)/lint-imports
	$(BIN)/buf lint
	$(BIN)/buf format --diff --exit-code
	$(BIN)/buf breaking --against protos/landed.binpb

types: $(BUILT) ## mypy --strict, and the stubs of compiled modules against these
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest refnet._scoring refnet._paths refnet._ties refnet.log._stored --allowlist tests/stubtest-allowlist.txt

protos: $(INSTALLED) ## regenerate src/refnet/v1 from protos/
	$(WITH_PATH) python protos/generate.py

landed: $(INSTALLED) ## write protos/landed.binpb, the protos that later ones may not break; a commit of its own
	$(BIN)/buf build --exclude-source-info --output protos/landed.binpb

# A process for every file: the heap that one subject leaves behind slows the next. Benchmarks may take
# minutes: to show where they are after four, as tests do, disturbs them and has crashed one.
bench: $(BUILT) ## run the benchmarks; BENCH=--benchmark-disable runs each once, untimed
	@code=0; for each in $(BENCHMARKS); do \
		set -- $(BIN)/pytest $$each -p no:xdist --benchmark-disable-gc -o faulthandler_timeout=0 $(BENCH); \
		echo "$$*"; "$$@" || code=1; \
	done; exit $$code

evidence: export REFNET_TEST_DATA := $(RATINGS)
evidence: $(BUILT) ## measure the score models and write docs/evidence*.md (minutes)
	$(BIN)/refnet evaluate all --out docs $(EVIDENCE)
	$(BIN)/refnet evaluate all --out docs $(EVIDENCE) --model 2 --no-rivals --name evidence-model-2
	$(BIN)/refnet evaluate candidates --out docs

node: $(BUILT) ## run the Node.js example against a fresh server (needs Node.js and npm)
	cd examples/node && npm ci --no-audit --no-fund --loglevel=error
	$(BIN)/pytest examples/node

docs: $(BUILT) ## run every code block of README.md and docs/
	$(BIN)/pytest tests/test_docs.py

build: $(BUILT) ## create .venv, install the pinned packages, compile the kernel

lock: ## pin the newest packages pyproject.toml allows (needs uv)
	$(UV) pip compile --quiet --upgrade --universal --fork-strategy fewest --python-version 3.11 \
		--generate-hashes --custom-compile-command "make lock" \
		--group dev --output-file requirements.lock pyproject.toml

clean: ## remove what was built, keep .venv
	rm -rf build src/refnet.egg-info $(VENV)/built-*.stamp
	rm -f $(COMPILED:=.c) $(COMPILED:=.*.so)
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .benchmarks
	find src tests benchmarks protos -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean ## remove .venv too
	rm -rf $(VENV)

$(INSTALLED): requirements.lock
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { \
		test -n "$(PYTHON)" && $(PYTHON) -c "$(NEW_ENOUGH)" || { \
			echo "refnet needs Python 3.11 or newer with the venv module, and" \
				"'$(if $(PYTHON),$(PYTHON),python3)' is not that. Install one (on Debian:" \
				"python3-venv) or name one: make PYTHON=/path/to/python3.12"; exit 1; }; \
		$(PYTHON) -m venv --clear $(VENV); }
	@echo "installing the packages of requirements.lock into $(VENV) (the first time: a minute)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--require-hashes -r requirements.lock
	@touch $@

# Flags live in setup.py and setuptools does not watch them, hence the removal before the build.
# A module that was deleted by hand is built again.
$(BUILT): $(INSTALLED) setup.py pyproject.toml $(CYTHON_FILES) $(sort $(MISSING))
	@echo "compiling the kernel ($(KIND))"
	@rm -rf build $(COMPILED:=.c) $(COMPILED:=.*.so) $(VENV)/built-*.stamp
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--no-deps --no-build-isolation --editable .
	@touch $@
