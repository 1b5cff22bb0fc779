#!/usr/bin/env bash
# Builds every fuzz target with .clusterfuzzlite/build.sh, as OSS-Fuzz does but
# without its images, and runs each with clang's libFuzzer on its seeds.
#
# usage: fuzz/libfuzzer/run.sh [seconds a target]    (ONLY=FuzzMask for one)
#
# It needs clang with libFuzzer (Debian: apt-get install clang) and works in a
# copy of the tree, because the builder rewrites the files of the targets.
set -euo pipefail
unset TARGET # a server for the target of that name, which is not meant here
cd "$(dirname "$0")/../.."
seconds=${1:-5}
CLANG=${CLANG:-clang}
command -v "$CLANG" >/dev/null || { echo "libfuzzer: there is no $CLANG here (Debian: apt-get install clang; or set CLANG)" >&2; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export SRC=$work/src OUT=$work/out CLANG
mkdir -p "$SRC/wsproof" "$OUT" "$work/bin"
git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' file; do
  [ ! -e "$file" ] || printf '%s\0' "$file"
done | tar --null -T - -cf - | tar -xf - -C "$SRC/wsproof"

# The builder, of the version that build.sh names.
eval "$(grep -E '^(BUILDER|VERSION)=' .clusterfuzzlite/build.sh)"
GOBIN=$work/bin go install "$BUILDER@$VERSION"

# What the images of OSS-Fuzz call compile_native_go_fuzzer <package> <function>
# <binary>. Like theirs it looks for the one file that holds the function's name.
cat >"$work/bin/compile_native_go_fuzzer" <<'SHIM'
#!/usr/bin/env bash
set -euo pipefail
package=$1 function=$2 binary=$3
dir=$(go list -tags gofuzz -f '{{.Dir}}' "$package")
files=$(grep -r -l --include='*.go' -s "$function" "$dir")
[ "$(wc -l <<<"$files")" = 1 ] || { echo "$function stands in more than one file:" $files >&2; exit 1; }
[ "$(grep -c "$function" "$files")" = 1 ] || { echo "$function stands more than once in $files" >&2; exit 1; }
go-118-fuzz-build -tags gofuzz -o "$OUT/$binary.a" -func "$function" "$dir"
"$CLANG" -fsanitize=fuzzer,address "$OUT/$binary.a" -o "$OUT/$binary"
rm -f "$OUT/$binary.a" "$OUT/$binary.h"
echo "built $binary"
SHIM
chmod +x "$work/bin/compile_native_go_fuzzer"
PATH=$work/bin:$PATH .clusterfuzzlite/build.sh

(cd "$SRC/wsproof" && go run ./fuzz/corpus -dir "$work/corpus" >/dev/null)
built=0
for zip in "$OUT"/*_seed_corpus.zip; do
  name=$(basename "$zip" _seed_corpus.zip)
  [ -z "${ONLY:-}" ] || [ "${ONLY#Fuzz}" = "${name#Fuzz}" ] || continue
  built=$((built + 1))
  corpus=$work/corpus/$name
  if ! (cd "$work" && "$OUT/$name" -max_total_time="$seconds" -max_len=16384 -rss_limit_mb=0 -print_final_stats=1 "$corpus") >"$work/log" 2>&1; then
    cat "$work/log" >&2
    echo "libfuzzer: $name failed" >&2
    exit 1
  fi
  awk -v name="$name" '/number_of_executed_units/ {n = $2} /average_exec_per_sec/ {r = $2} /new_units_added/ {a = $2}
    /INITED/ {c = $4} END {printf "%-24s %9d runs, %7d a second, %5d new inputs, coverage %d at the start\n", name, n, r, a, c}' "$work/log"
done
[ "$built" -gt 0 ] || { echo "libfuzzer: no target ${ONLY:-}" >&2; exit 1; }
