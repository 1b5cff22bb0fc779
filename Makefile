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
