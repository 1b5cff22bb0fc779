#!/usr/bin/env bash
# Runs tests of k6 against benchserver on its own port, prints a benchstat table
# and keeps the summaries. By environment:
#   ENGINE    core (several: "core gws")
#   TESTS     all seven by default; "all" is the combined scenario
#   USERS     16 (several: "16 64 128")
#   COUNT     runs of each, 1
#   DURATION, MESSAGES, PATIENCE   see common.js
#   URL       an external server: then none is started, and ENGINE is its label
#   K6        the command, default: go run of the version that Makefile pins
#   OUT       folder of the results, default bench/results/k6
set -euo pipefail
cd "$(dirname "$0")/../.."
: "${K6:?set K6, or call make k6}" "${ENGINE:=core}" "${USERS:=16}" "${COUNT:=1}" "${OUT:=bench/results/k6}"
: "${TESTS:=connection plain_sync plain_async json_sync json_async binary_sync binary_async}"
external=${URL:-}
build=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; wait 2>/dev/null; rm -rf "$build"' EXIT
go build -o "$build/benchserver" ./benchserver
mkdir -p "$OUT"
rm -f "$OUT"/bench.txt "$OUT"/[0-9]*/*.*.*.json "$OUT"/[0-9]*/*.*.*.txt # of an earlier call, and nothing else
failed=0
for run in $(seq "$COUNT"); do
  for engine in $ENGINE; do
    if [ -z "$external" ]; then
      URL=ws://127.0.0.1:19101
      GOMAXPROCS=2 GOMEMLIMIT=1GiB "$build/benchserver" -engine "$engine" -addr 127.0.0.1:19101 -admin-addr off 2>"$build/log" & server=$!
      for _ in $(seq 100); do grep -q msg=listening "$build/log" && break; kill -0 $server || { cat "$build/log"; exit 1; }; sleep 0.05; done
    fi
    for users in $USERS; do
      for t in $TESTS; do
        mkdir -p "$OUT/$run"
        json=$OUT/$run/$engine.$t.$users.json
        echo "k6: $engine $t, $users users" >&2
        if ! URL=$URL USERS=$users $K6 run --quiet --no-usage-report --summary-export="$json" "benchserver/k6/$t.js" >"${json%.json}.txt" 2>&1; then
          failed=1; tail -n 40 "${json%.json}.txt" >&2
        fi
      done
    done
    if [ -n "$server" ]; then kill $server; wait $server || true; server=; fi
  done
done
go run ./benchserver/k6bench "$OUT"/[0-9]*/*.*.*.json > "$OUT/bench.txt" || failed=1
go tool benchstat -col /engine -row .name,/test,/users "$OUT/bench.txt"
exit $failed
