# The commands of this repository. `make help` lists them; `.ci/run` runs `make test`.
#
# A suite is a target test-NAME, named in SUITES; mk/suites.py runs them one after the other, shows
# their output and adds up their counts. The parts that belong to one language are in mk/*.mk.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

CARGO  ?= cargo
PYTHON ?= python3
BUILD  := build
# Set to "no" to keep `make setup` from installing system packages.
APT    ?= yes

SUITES   := lint rust modes loom
EXAMPLES := rust
-include mk/c.mk
-include mk/python.mk
-include mk/install.mk
-include mk/bench.mk
SUITES   += examples
EXAMPLES += many

.PHONY: help
help: ## List these commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | sed -E 's/^([a-z-]+):.*## /\1\t/' \
	    | awk -F '\t' '{ printf "  make %-14s %s\n", $$1, $$2 }'

# ---- set-up and build -------------------------------------------------------------------------

.PHONY: setup
setup: $(BUILD)/setup.stamp ## Check the tools, install the optional ones where possible
$(BUILD)/setup.stamp: mk/setup
	@mkdir -p $(@D)
	@APT=$(APT) mk/setup
	@touch $@

.PHONY: build
build: setup ## Build the core and libprocess_manager (target/release)
	$(CARGO) build --release

.PHONY: children
children: setup
	$(CARGO) build --release -p process_manager_child
	$(CARGO) build -p process_manager_child

# ---- examples ---------------------------------------------------------------------------------

.PHONY: demo
demo: build children ## Build everything, run the examples and one manager with many programs
	@for example in $(EXAMPLES); do \
	    printf '\n== %s\n' "$$example"; \
	    $(MAKE) "example-$$example"; \
	done

.PHONY: example-rust
example-rust: setup
	@$(CARGO) run --release --quiet -p process_manager_readme

.PHONY: example-many
example-many: setup
	@$(CARGO) run --release --quiet -p process_manager_demo

# ---- tests ------------------------------------------------------------------------------------

.PHONY: test
test: setup ## Run every suite in every language; ends with the totals
	@MAKE='$(MAKE)' $(PYTHON) mk/suites.py $(SUITES)

.PHONY: lint
lint: setup ## Formatting and lints of the Rust code; warnings are errors
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings

.PHONY: test-lint
test-lint: lint
	@echo '2 passed, 0 failed, 0 skipped'

.PHONY: test-rust
test-rust: setup children ## Unit, integration and documentation tests of the Rust crates
	$(CARGO) test --workspace --exclude process_manager_child --no-fail-fast -- --show-output

.PHONY: test-modes
test-modes: setup children ## The Rust suites again: clone, fork, and guards instead of cgroups
	@CARGO='$(CARGO)' mk/modes

.PHONY: test-loom
test-loom: setup ## Model checks of the small state machines
	RUSTFLAGS='--cfg loom' $(CARGO) test --release -p process_manager --lib --target-dir target/loom -- loom

MUSL := $(shell uname -m)-unknown-linux-musl

# Not one of $(SUITES): what it needs does not come with the compiler.
.PHONY: test-musl
test-musl: setup ## The Rust tests against musl ("rustup target add", and musl-gcc, first)
	$(CARGO) build --target $(MUSL) -p process_manager_child -p process_manager_host
	$(CARGO) test --target $(MUSL) -p process_manager --tests

.PHONY: test-examples
test-examples: demo
	@echo '$(words $(EXAMPLES)) passed, 0 failed, 0 skipped'

.PHONY: clean
clean: ## Remove everything that was built
	$(CARGO) clean
	rm -rf $(BUILD)
