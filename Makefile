# One place for each command: people, .ci/run and the workflow call these targets.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

GO            ?= go
# The linter is built from source by its version: it needs nothing installed.
GOLANGCI_LINT ?= $(GO) run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
# Seconds per fuzz target, how long soak keeps its callers busy, and how often it runs the demo.
FUZZ_SECONDS  ?= 5
SOAK_TIME     ?= 30m
SOAK_RUNS     ?= 20

# What CI runs, in this order; .ci/run times each.
STAGES := test race vet fmt tidy lint modules fuzz conformance live shortsoak demo

.NOTPARALLEL:
.PHONY: help stages check nightly soak api bench $(STAGES)

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

stages:
	@echo $(STAGES)

check: $(STAGES) ## all that CI runs

test: ## all tests of the root module
	$(GO) test ./...

race: ## the same under the race detector
	$(GO) test -race -timeout 20m ./...

vet: ## go vet for Linux, Windows and macOS
	GOOS=linux   $(GO) vet ./...
	GOOS=windows $(GO) vet ./...
	GOOS=darwin  $(GO) vet ./...

fmt: ## every file is as gofmt writes it
	@files=$$(find . -name '*.go' -not -path '*/testdata/*' -print0 | xargs -0 gofmt -l); \
	if [ -n "$$files" ]; then echo "gofmt -w wants to change:"; echo "$$files"; exit 1; fi

tidy: ## go.mod and go.sum are as go mod tidy writes them
	$(GO) mod tidy -diff

lint: ## golangci-lint, see .golangci.yml
	$(GOLANGCI_LINT) run ./...

# The measured clients of other projects are left out: they are not ours to test.
modules: ## vet and test of every nested module
	@find . -mindepth 2 -name go.mod -not -path '*/testdata/*' -not -path './bench/clients/*' | sort | while read -r mod; do \
		echo "cd $$(dirname "$$mod") && $(GO) vet ./... && $(GO) test ./..."; \
		(cd "$$(dirname "$$mod")" && $(GO) mod tidy -diff && $(GO) vet ./... && $(GO) test ./... </dev/null); \
	done

fuzz: ## every fuzz target for FUZZ_SECONDS (5) seconds
	@.ci/fuzz $(FUZZ_SECONDS)

conformance: ## what mien sends against the browsers' captures, and every case of h2specd
	@.ci/conformance

live: ## against real servers, proxies and browsers if installed; MIEN_REQUIRE_LIVE=1: they must be
	@.ci/live

shortsoak: ## a minute of 5,000 callers and faults, then lines that lose packets; origin and callers must agree
	MIEN_SOAK=1m $(GO) test -count=1 -v -timeout 3m -run '^Test(Soak|LiveLoss)$$' ./soak </dev/null

demo: ## 5,000 requests against an origin that kills a fifth of the handshakes
	$(GO) run ./cmd/mien demo --json

nightly: ## check, then the long versions: race ten times, a minute per fuzz target, soak
	$(MAKE) check
	$(GO) test -race -count=10 -timeout 60m ./...
	$(MAKE) fuzz FUZZ_SECONDS=60
	$(MAKE) soak

soak: ## shortsoak for SOAK_TIME (30m), 100,000 cancelled requests, 100,000 random faults, bodies of 1 GiB, the demo SOAK_RUNS (20) times
	MIEN_SOAK=$(SOAK_TIME) $(GO) test -count=1 -timeout 0 -v -run '^Test(Soak|LiveLoss)$$' ./soak
	MIEN_PROPERTY_CASES=100000 $(GO) test -count=1 -timeout 30m -run '^TestProperty$$' .
	MIEN_SOAK=100000 $(GO) test -race -count=1 -timeout 30m -v -run '^TestCancellations$$' ./internal/h2
	MIEN_SOAK=1 MIEN_LIVE=1 $(GO) test -count=1 -timeout 30m -v -run '^TestLiveBodies$$' .
	@$(GO) build -o "$${TMPDIR:-/tmp}/mien-soak" ./cmd/mien
	@for run in $$(seq $(SOAK_RUNS)); do \
		echo "run $$run of $(SOAK_RUNS)"; "$${TMPDIR:-/tmp}/mien-soak" demo --json --no-control; \
	done

bench: ## mien beside net/http and other clients, about four minutes; results in bench/results
	cd bench && $(GO) run . </dev/null

api: ## rewrite api.txt, the list of what the module exports
	$(GO) test -count=1 -run '^TestAPI$$' . -update
