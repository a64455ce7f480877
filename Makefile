# The commands of actorkv. `make help` lists them. The build itself is CMake's
# (CMakeLists.txt, CMakePresets.json); this file installs what is missing and
# names the steps.

JOBS   ?= $(shell nproc)
PREFIX ?= /usr/local
SEED   ?=
# `make test T=ReclaimTest` runs the tests with that in SUITE.TEST.
T      ?=

DEPS  = sh tests/support/install_deps.sh
CTEST = ctest --output-on-failure -j $(JOBS)

# The files that are ours to format and to read with clang-tidy.
DIRS    = ext sql vfs kv tests bench
SOURCES = $(shell find $(wildcard $(DIRS)) -name '*.cc' -o -name '*.h' \
	  | grep -v '^tests/suite/')
# `make tidy FILES='kv/format/keys.cc vfs/actor/actor_vfs.cc'` reads only these.
FILES  ?= $(filter %.cc,$(SOURCES))

# Seconds for each target of `make fuzz`.
FUZZ_SECONDS ?= 60
FUZZ_TARGETS  = $(notdir $(wildcard tests/fuzz/corpus/*))

# $(call configure,directory,preset): once.
define configure
	@test -f $(1)/build.ninja || cmake --preset $(2)
endef

# $(call build,directory,preset,targets): configures once and builds; no
# targets: all.
define build
	$(call configure,$(1),$(2))
	@cmake --build $(1) -j $(JOBS) $(addprefix --target ,$(3))
endef

.PHONY: all deps deps-check deps-suite module test check format-check tidy \
	lint test-asan test-tsan test-invariants deps-fuzz fuzz suite \
	testfixture bench bench-quick bench-gate bench-report deps-bench demo \
	stress install format clean distclean help

all: module ## Install what is missing, build build/actorkv.so (default)

deps: ## Install the packages to build and test with (Debian)
	@$(DEPS) build

deps-check:
	@$(DEPS) build check

deps-suite:
	@$(DEPS) build suite

module: deps
	$(call build,build,default,actorkv actorkv_static)

test: deps ## All tests but suite, stress and sanitizer builds; T=name: some
ifeq ($(T),)
	$(call build,build,default)
	$(CTEST) --test-dir build
else
	$(call configure,build,default)
	@sh tests/support/run_tests.sh build '$(T)' $(JOBS)
endif

check: format-check tidy lint test test-asan test-tsan ## All that a change must pass

format-check: deps-check ## Is the code formatted?
	@clang-format --dry-run -Werror $(SOURCES)

# clang-tidy does not read GCC's precompiled headers: it gets a directory that
# is configured without them, and never built.
build-tidy/build.ninja: CMakeLists.txt | deps deps-check
	cmake -S . -B build-tidy -G Ninja -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON
	@touch $@

tidy: build-tidy/build.ninja ## clang-tidy over all, or FILES='kv/format/keys.cc ...'
	@printf '%s\n' $(FILES) \
	  | xargs -P $(JOBS) -n 1 clang-tidy --quiet -p build-tidy \
	    2>build-tidy/tidy.log

lint: deps ## Rules of the house: includes, lengths, lists (tests/tidy.py)
	@python3 tests/tidy.py

test-asan: deps ## The tests under AddressSanitizer and UBSan
	$(call build,build-asan,asan)
	$(CTEST) --test-dir build-asan

test-tsan: deps ## The tests under ThreadSanitizer
	$(call build,build-tsan,tsan)
	$(CTEST) --test-dir build-tsan

test-invariants: deps ## The tests with invariants checked at run time
	$(call build,build-invariants,invariants)
	$(CTEST) --test-dir build-invariants

deps-fuzz:
	@$(DEPS) build fuzz

build-fuzz/build.ninja: CMakeLists.txt | deps-fuzz
	cmake --preset fuzz
	@touch $@

# What is found new goes to build-fuzz/corpus; copy to tests/fuzz/corpus/ what
# is worth keeping.
fuzz: build-fuzz/build.ninja ## Fuzz the readers, FUZZ_SECONDS=60 for each
	@cmake --build build-fuzz -j $(JOBS) --target actorkv_fuzz
	@for target in $(FUZZ_TARGETS); do \
	  echo "fuzz: $$target, $(FUZZ_SECONDS) s"; \
	  mkdir -p build-fuzz/corpus/$$target; \
	  ACTORKV_FUZZ_TARGET=$$target build-fuzz/actorkv_fuzz -timeout=10 \
	    -rss_limit_mb=512 -max_total_time=$(FUZZ_SECONDS) -verbosity=0 \
	    -artifact_prefix=build-fuzz/$$target- build-fuzz/corpus/$$target \
	    tests/fuzz/corpus/$$target || exit 1; \
	done

testfixture: deps-suite
	@JOBS=$(JOBS) bash tests/suite/build-testfixture.sh build-suite

suite: module testfixture ## SQLite's own test suite on the VFS (minutes)
	@JOBS=$(JOBS) EXT_VFS=actorkv EXT_PREFIX='%d/suite.store/' \
	  EXT_INIT_SQL='SELECT actorkv_default_vfs(1)' \
	  EXT_DELETE_SQL='SELECT actorkv_rename($$full, $$trash)' \
	  bash tests/suite/run-suite.sh build-suite/testfixture build/actorkv.so

deps-bench:
	@$(DEPS) build bench

deps-hosts:
	@$(DEPS) build hosts

test-python: module deps-hosts ## CPython's tests of its sqlite3, on actors
	@bash tests/hosts/cpython/run.sh build/actorkv.so build-hosts

# What needs Debian's Node is left out where that cannot be installed.
deps-servers:
	@$(DEPS) build servers
	@$(DEPS) node || echo "no Node of Debian's here"

test-servers: module deps-servers ## Servers with several processes, on actors
	@bash tests/hosts/servers/run.sh build/actorkv.so build-hosts

bench: deps-bench ## Benchmarks against the unix VFS, see bench/README.md
	$(call build,build,default,actorkv_bench)
	build/actorkv_bench $(BENCH_ARGS)
	@python3 bench/report.py plots build/bench.json build
	@echo "written: build/bench.json, build/ratios.svg, build/writes.svg"

bench-quick: deps ## The same, short: shows that they run, not how fast
	$(call build,build,default,actorkv_bench)
	build/actorkv_bench --quick --json=build/bench-quick.json $(BENCH_ARGS)

bench-gate: bench ## The same, and fails where a ratio lost more than 20 %
	@python3 bench/report.py gate build/bench.json bench/baseline.json \
	  build/actorkv_bench

bench-report: deps-bench ## Put the last run in bench/: numbers, plots, baseline
	@python3 bench/report.py readme build/bench.json bench/README.md
	@cp build/bench.json bench/baseline.json

demo: module ## A session with a real database, its output shown
	@bash tests/support/demo.sh build/actorkv.so

# The model of history: 20 seeds of 10,000 steps, of each kind.
stress: deps ## Random tests, ten times as long; SEED=n repeats a run
	$(call build,build,default)
	$(if $(SEED),ACTORKV_SEED=$(SEED)) ACTORKV_STRESS=10 ACTORKV_STEPS=10000 \
	  $(CTEST) --test-dir build -L 'model|fault|crash|process'

install: module ## Install module, archive, header, .pc, CMake package in PREFIX
	cmake --install build --prefix $(PREFIX)

format: deps-check ## Format the code
	@clang-format -i $(SOURCES)

clean: ## Remove what was built; build-suite/ and build-hosts/ stay
	rm -rf build build-asan build-tsan build-invariants build-dev

distclean: clean ## Remove everything that was made
	rm -rf build-suite build-hosts build-tidy build-fuzz

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' \
	  $(MAKEFILE_LIST)
