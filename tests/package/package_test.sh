#!/usr/bin/env bash
# Installs the build into an empty prefix, builds examples/submit against what
# was installed, and runs a job with it on an installed node.
# package_test.sh SOURCE_DIR BUILD_DIR
set -euo pipefail

source_dir=$1
build_dir=$2
scratch=$(mktemp -d)
node=

finish() {
  if [[ -n $node ]]; then
    kill "$node" 2>/dev/null || true
    wait "$node" 2>/dev/null || true
  fi
  rm -rf "$scratch"
}
trap finish EXIT

fail() {
  printf 'package: %s\n' "$*" >&2
  exit 1
}

cmake --install "$build_dir" --prefix "$scratch/prefix" >"$scratch/install.log"

# Models that come with the program, and all programs that it starts.
for program in troupe troupe-guard troupe-device; do
  [[ -x $scratch/prefix/bin/$program ]] || fail "$program was not installed"
done
for config in "$source_dir"/models/*/config.json; do
  [[ -e $config ]] || continue
  model=$(basename "$(dirname "$config")")
  "$scratch/prefix/bin/troupe" models check "$model" \
    --data "$scratch/no-data" || fail "the model $model was not installed"
done

# A user's project: it sees the prefix, nothing of the source tree.
cp -r "$source_dir/examples/submit" "$scratch/submit"
cmake -S "$scratch/submit" -B "$scratch/build" -G Ninja \
  -DCMAKE_PREFIX_PATH="$scratch/prefix" >"$scratch/configure.log" ||
  { cat "$scratch/configure.log" >&2; fail 'configuring the example failed'; }
cmake --build "$scratch/build" >"$scratch/build.log" ||
  { cat "$scratch/build.log" >&2; fail 'building the example failed'; }

troupe=$scratch/prefix/bin/troupe
"$troupe" node --data "$scratch/data" >"$scratch/node.log" 2>&1 &
node=$!
deadline=$((SECONDS + 30))
until "$troupe" jobs list --json --data "$scratch/data" >/dev/null 2>&1; do
  kill -0 "$node" 2>/dev/null ||
    { cat "$scratch/node.log" >&2; fail 'the node ended'; }
  ((SECONDS < deadline)) ||
    { cat "$scratch/node.log" >&2; fail 'the node does not answer'; }
  read -r -t 0.1 <> <(:) || true
done

out=$("$scratch/build/submit" "$scratch/data" process.run \
  '{"argv":["echo","built against the package"]}') || fail "submit: $out"
printf '%s\n' "$out"
grep -q '^state succeeded$' <<<"$out" || fail 'the job did not succeed'

# The failure of a job is the failure of the program.
if "$scratch/build/submit" "$scratch/data" process.run '{"argv":["false"]}'
then
  fail 'a failed job was reported as a success'
fi
