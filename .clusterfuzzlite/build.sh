#!/bin/bash
# Builds every fuzz target for libFuzzer, as OSS-Fuzz and ClusterFuzzLite want it:
# a binary that is called like the target, and <target>_seed_corpus.zip, in $OUT. They call
# it with $SRC and $OUT set; `make libfuzzer` calls it with a stand-in for their
# compile_native_go_fuzzer.
#
# Each fuzz function's name must stand once in the folder of its package and below: their
# builder finds the file by it (a test of package fuzz/targets sees to that).

set -euo pipefail

# What the builder rewrites the targets' "testing" to. It is no requirement of
# the module: the go.mod of this checkout alone gets it.
BUILDER=github.com/AdamKorcz/go-118-fuzz-build
VERSION=v0.0.0-20250520111509-a70c2aa677fa

cd "$SRC/wsproof"
go run ./fuzz/corpus -zip -dir "$OUT"
go get "$BUILDER/testing@$VERSION"

for package in fuzz fuzz/deflate fuzz/live fuzz/peers; do
  for function in $(sed -n 's/^func \(Fuzz[A-Za-z0-9]*\)(f \*testing\.F) {$/\1/p' "$package/fuzz_test.go"); do
    compile_native_go_fuzzer "github.com/wsproof/wsproof/$package" "$function" "$function"
    [ -e "$OUT/${function}_seed_corpus.zip" ] || { echo "$function has no seed corpus: fuzz/corpus names it otherwise" >&2; exit 1; }
  done
done
