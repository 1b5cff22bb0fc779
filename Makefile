# Every target is one line a person could type. `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

# Versions of the tools, in this one place.
GOFUMPT     := mvdan.cc/gofumpt@v0.12.0
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

.PHONY: help test race lint fmt
help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

test: ## all tests
	go test ./...

race: ## all tests under the race detector
	go test -race ./...

lint: ## gofumpt, go vet, staticcheck
	@out=$$(go run $(GOFUMPT) -l .); [ -z "$$out" ] || { echo "gofumpt: $$out (make fmt)"; exit 1; }
	go vet ./...
	go run $(STATICCHECK) ./...

fmt: ## format the code
	go run $(GOFUMPT) -w .

# The server for load tests (benchserver/README.md).
K6 ?= go run go.k6.io/k6@v1.8.1

.PHONY: benchserver k6
benchserver: ## the server for load tests, on port 9001 (ARGS='-engine gws')
	go run ./benchserver $(ARGS)

k6: ## the load tests by the real k6 (ENGINE, TESTS, USERS, COUNT, DURATION, URL)
	K6="$(K6)" benchserver/k6/run.sh
