# Every target is one line a person could type. `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

# Versions of the tools, in this one place.
GOFUMPT     := mvdan.cc/gofumpt@v0.12.0
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

# How long the newcomer's run fuzzes each target.
SUITE_FUZZTIME ?= 5s

.PHONY: help suite test testcover race parkstress lint fmt docs clean
help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

suite: ## a short run of everything, in a few minutes: fuzzing, conformance, benchmarks
	@echo "== 1 of 3: every fuzz target for $(SUITE_FUZZTIME)"
	@$(MAKE) --no-print-directory fuzz FUZZTIME=$(SUITE_FUZZTIME) PEERSTIME=500x
	@echo "== 2 of 3: the conformance cases, as server and as client"
	@$(MAKE) --no-print-directory testautobahn ROLE=both ENGINE=core
	@echo "== 3 of 3: the core beside six other libraries"
	@$(MAKE) --no-print-directory benchquick
	@echo "== all done: no finding, all cases passed, benchmarks above"

test: ## all tests
	go test -parallel 6 ./...

testcover: ## the core's tests with the statements they cover, in .build/cover.html
	@mkdir -p .build
	go test -coverprofile .build/cover.out ./websocket
	go tool cover -html .build/cover.out -o .build/cover.html
	go tool cover -func .build/cover.out | tail -1

race: ## all tests under the race detector
	go test -race ./...

PARKSTRESS ?= 1m
parkstress: ## 2,000 connections that are parked, woken and closed in all ways, under the race detector (PARKSTRESS)
	go test -race ./websocket -run TestParkStress -count=1 -timeout 30m -v -parkstress $(PARKSTRESS)

lint: ## gofumpt, go vet, staticcheck
	@out=$$(go run $(GOFUMPT) -l .); [ -z "$$out" ] || { echo "gofumpt: $$out (make fmt)"; exit 1; }
	go vet ./...
	go run $(STATICCHECK) ./...

fmt: ## format the code
	go run $(GOFUMPT) -w .

docs: ## the documentation in a browser
	go doc -http ./websocket

clean: ## remove what the other targets leave behind
	rm -rf .build bench/results conformance/reports
	go clean -testcache

# The server for load tests (benchserver/README.md).
K6 ?= go run go.k6.io/k6@v1.8.1

.PHONY: benchserver k6 bench-engines soak deploycheck
benchserver: ## the server for load tests, on port 9001 (ARGS='-engine gws')
	go run ./benchserver $(ARGS)

k6: ## the load tests by the real k6 (ENGINE, TESTS, USERS, COUNT, DURATION, URL)
	K6="$(K6)" benchserver/k6/run.sh

bench-engines: ## the engines under load, side by side (COUNT, USERS, TESTS, ENGINES, MESSAGES)
	go run ./benchserver/benchengines $(if $(COUNT),-count $(COUNT)) $(if $(USERS),-users "$(USERS)") $(if $(TESTS),-tests "$(TESTS)") $(if $(ENGINES),-engines "$(ENGINES)") $(if $(MESSAGES),-messages $(MESSAGES))

deploycheck: ## manifests, static binary, and every k6 script by k6 inspect and archive
	K6="$(K6)" CHECK_DEPLOY=1 go test ./internal/benchserver -count=1 -v -run 'ConfigMap|Manifests|Compose|Static|K6'

SOAK ?= 5m
soak: ## idle, slow, killed, ending and mixed load against the server (SOAK=5m, ENGINE)
	go run ./benchserver/soak -duration $(SOAK) -engine $(or $(ENGINE),core)

# Conformance: the cases of the Autobahn suite (conformance/README.md).
CASES  ?=
ENGINE ?= core
ROLE   ?= server
TARGET ?=
JOBS   ?= 48
PATIENCE ?= 1
DRIVER ?= native
REPORT ?=
REPORT_DIR ?= conformance/reports$(if $(TARGET),/target,$(if $(filter both,$(ROLE)),,/$(ROLE)s))

.PHONY: testautobahn conformance-golden
testautobahn: ## the Autobahn cases (CASES ENGINE ROLE TARGET JOBS PATIENCE DRIVER REPORT_DIR REPORT=1 DEBUG=1 JSON=1)
	@go build -o .build/wsconform ./conformance/wsconform
	@.build/wsconform -cases '$(CASES)' -engine '$(ENGINE)' -role '$(ROLE)' -target '$(TARGET)' -jobs $(JOBS) -patience $(PATIENCE) \
		-driver '$(DRIVER)' -report-dir '$(REPORT_DIR)' $(if $(filter-out 0,$(REPORT)),-open) \
		$(if $(filter-out 0,$(DEBUG)),-debug) $(if $(filter-out 0,$(JSON)),-json)

ENGINES ?= .*
conformance-golden: ## every engine, both roles, all cases, against the golden verdicts (ENGINES=core|gws)
	go test ./conformance -run '(Golden(Verdicts|Compression)|OwnGolden)$$' -engines '^(server|client)-($(ENGINES))$$' -all -count=1 -timeout 60m

# Fuzzing (fuzz/README.md). TARGET is a fuzz target, or the URL of an echo server.
FUZZTIME  ?= 30s
PEERSTIME ?= $(FUZZTIME)
MODULE   ?=
VERSION  ?=

.PHONY: fuzz corpus rediscover explain
fuzz: ## every fuzz target in turn (FUZZTIME, TARGET; PEERSTIME for FuzzPeers, FuzzOpenings, FuzzAnswers)
	go run ./fuzz/run -time $(FUZZTIME) -peers '$(PEERSTIME)' -target '$(TARGET)'

corpus: ## the seeds as files for other engines, in .build/corpus
	go run ./fuzz/corpus -dir .build/corpus

explain: ## replay inputs and tell them in words (FILES)
	go run ./fuzz/explain $(FILES)

rediscover: ## known bugs of old versions, or what any version has (MODULE, VERSION)
	go run ./fuzz/rediscover $(if $(MODULE),-module $(MODULE)) $(if $(VERSION),-version $(VERSION))

# Planted bugs, and the engines of other machines (.clusterfuzzlite/README.md).
MUTANTS_FUZZTIME  ?= 60s
MUTANTS_JOBS      ?= 2
LIBFUZZER_SECONDS ?= 5

.PHONY: mutants mutants-check libfuzzer
mutants: ## bugs planted in the core, and what finds them (RANDOM SEED, PATCHES, STAGES, MUTANTS_FUZZTIME, MUTANTS_JOBS, RUN)
	go run ./fuzz/mutants -fuzztime $(MUTANTS_FUZZTIME) -jobs $(MUTANTS_JOBS) $(if $(RUN),-run '$(RUN)') \
		$(if $(RANDOM),-random $(RANDOM)) $(if $(SEED),-seed $(SEED)) $(if $(PATCHES),-patches '$(PATCHES)') $(if $(STAGES),-stages $(STAGES)) $(ARGS)

mutants-check: ## only whether each planted bug still applies and compiles
	go run ./fuzz/mutants -check

libfuzzer: ## build and run every fuzz target as OSS-Fuzz does, by clang (LIBFUZZER_SECONDS, ONLY=FuzzMask)
	ONLY='$(ONLY)' fuzz/libfuzzer/run.sh $(LIBFUZZER_SECONDS)

# Benchmarks (bench/README.md).
BASE    ?=
OVERLAY ?=
RESULTS ?=
RUNS    ?= 10
BENCH   ?=
RAW     ?=

.PHONY: bench benchquick benchfull benchtables benchcheck benchselftest benchreport benchreadme benchmemory benchsmoke
bench: ## five minutes of benchmarks, library by library; BASE=rev: old against new; RAW=1: all by benchstat
	go run ./bench/wsbench run $(if $(RAW),-raw) $(if $(BASE),-base $(BASE)) $(if $(OVERLAY),-overlay $(OVERLAY))

benchquick: ## one minute of them
	go run ./bench/wsbench run -set quick $(if $(RAW),-raw)

benchfull: ## all of them, about an hour
	go run ./bench/wsbench run -set full $(if $(RAW),-raw)

benchtables: ## the tables of results once more (RESULTS=file, RAW=1: all by benchstat)
	go run ./bench/wsbench tables $(if $(RAW),-raw) $(RESULTS)

benchcheck: ## fail if the core is slower or allocates more than at BASE (OVERLAY, BENCH=regexp)
	go run ./bench/wsbench check -base '$(BASE)' $(if $(OVERLAY),-overlay $(OVERLAY)) $(if $(BENCH),-only '$(BENCH)')

benchselftest: ## does benchcheck pass the same code and find a planted 15 %? (RUNS, BENCH)
	go run ./bench/wsbench selftest -runs $(RUNS) $(if $(BENCH),-only '$(BENCH)')

benchreport: ## one HTML page from the results (RESULTS='file...')
	go run ./bench/wsbench report $(RESULTS)

benchreadme: ## write README.md's tables from results (RESULTS=file)
	go run ./bench/wsbench readme $(if $(RESULTS),-results $(RESULTS)) README.md

benchmemory: ## memory of idle connections anew, 1,000 to as many as files may be open, and README's table of it (12 minutes)
	go run ./bench/wsbench run -set memory -o bench/published/memory.txt
	go run ./bench/wsbench readme README.md

benchsmoke: ## every benchmark once, for CI
	go test ./bench -run '^$$' -bench . -benchtime 1x -cpu 1 > /dev/null

# Other people's servers, clients and proxies (field/README.md).
ONLY    ?=
INSTALL ?= 1
LOAD    ?= 5s
FUZZ    ?= 60s

.PHONY: field
field: ## the suite against the implementations of field/ (ONLY=name,language,kind INSTALL=0 FUZZ=0 LOAD=0 CASES)
	go run ./field/run -only '$(ONLY)' -cases '$(CASES)' -fuzz $(FUZZ) -load $(LOAD) $(if $(filter 0,$(INSTALL)),-install=false)

# The site of what the suite finds; .github/workflows/site.yml publishes it.
ENGINES_SITE ?=

.PHONY: site
site: ## one static site in .build/site: conformance of all engines, the wire fuzzer, benchmarks, the field (FUZZ CASES)
	go run ./internal/site/build -fuzz $(FUZZ) -engines '$(ENGINES_SITE)' $(if $(CASES),-cases '$(CASES)')

.PHONY: cross
CROSS ?= darwin/arm64 linux/arm64 windows/amd64 linux/386

cross: ## vet the core and the conformance suite, for Windows all of wsproof, for other systems and processors (CROSS)
	@for target in $(CROSS); do \
		echo "$$target"; \
		all=$$(case $$target in (windows/*) echo .;; esac); \
		GOOS=$${target%/*} GOARCH=$${target#*/} CGO_ENABLED=0 go vet ./websocket/... ./conformance $$all || exit 1; \
	done
