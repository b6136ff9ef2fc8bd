# The list of recipes. Each one installs what it needs first (scripts/setup.sh; quick when nothing is missing).
#
#   make run       set up, build, and start the relay with its demo exchange and pages; prints the URL
#   make test      everything: checks, unit tests natively and on wasm32, the package, browsers, foreign SIP peers
#   make check     formatting, clippy, tsc, eslint
#   make wasm      the browser package with its wasm module, within its size budget
#   make e2e       browsers against the relay            (ONLY=pattern runs the tests whose name matches)
#   make interop   foreign SIP peers against the relay, and the whole list of cases with each   (ONLY=pattern as well)
#   make bench     figures: size, click to INVITE, answer to first audio; then cost, delay and sound beside rtpengine,
#                  which writes docs/benchmarks.md   (ONLY=pattern measures some of it and writes nothing)
#   make picture   the screenshot that the README shows
#   make clean     remove everything that was built
#
# VERBOSE=1 shows the whole output of every suite; it is always kept in target/test-logs/.

.DEFAULT_GOAL := help
SHELL := /bin/bash
export PATH := $(HOME)/.cargo/bin:$(PATH)
# One target folder for everything, whatever the environment says.
export CARGO_TARGET_DIR := $(CURDIR)/target
RELAY := target/release/switchhook-relay

# The address of `make run`; any other program on it is reported, not replaced.
LISTEN ?= 127.0.0.1:8080

package_sources := $(shell find sip-core/src client-wasm npm -type f \
	-not -path '*/node_modules/*' -not -path 'npm/dist/*' -not -path 'npm/wasm/*' -not -path '*/pkg/*' -not -name '*.tgz') \
	Cargo.toml Cargo.lock $(wildcard wasm-pack.toml)
site_sources := $(shell find demo-site -type f -not -path '*/node_modules/*' -not -path 'demo-site/dist/*')
# What was built is thrown away by hand now and then; its stamp must not outlive it.
stale_package := $(if $(wildcard npm/dist),,FORCE)
stale_site := $(if $(wildcard demo-site/dist),,FORCE)

.PHONY: help run test check wasm site relay e2e interop bench picture clean setup-run setup-test FORCE

help:
	@sed -n '/^# The list/,/^$$/s/^# \{0,1\}//p' Makefile

run: setup-run site relay
	@exec $(RELAY) demo --listen $(LISTEN) --site demo-site/dist

test: setup-test
	@node tests/suites.mjs build check native wasm32 package e2e interop matrix

# tsc reads the types that the wasm build writes.
check: setup-run .cache/package
	@node tests/suites.mjs check

e2e: setup-test site relay
	@node tests/suites.mjs e2e

interop: setup-test site relay
	@node tests/suites.mjs interop matrix

bench: setup-test site relay
	@scripts/rtpengine.sh || true
	@cargo build --release --package switchhook-tests --bin load
	@$(if $(ONLY),,node tests/bench/figures.mjs)
	@node tests/bench/beside.mjs

picture: setup-test site relay
	@node tests/e2e/picture.mjs

wasm: setup-run .cache/package

site: .cache/site

relay:
	@echo "building the relay (release)"
	@cargo build --release --package relay-server

.cache/package: $(package_sources) $(stale_package)
	@echo "building the browser package"
	@npm run --prefix npm --silent build
	@mkdir -p .cache && touch $@

.cache/site: .cache/package $(site_sources) $(stale_site)
	@echo "building the demo site"
	@npm run --prefix demo-site --silent build
	@mkdir -p .cache && touch $@

setup-run setup-test: setup-%:
	@scripts/setup.sh $*

clean:
	rm -rf target .cache npm/dist npm/wasm demo-site/dist tests/.cache
