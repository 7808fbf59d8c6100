#!/usr/bin/env bash
# Prints where our CAF is, or is to be, installed: caf_root.sh [thread]
# The name holds a key of our patches, so a changed patch is a new CAF.
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${TROUPE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/troupe}
suffix=
[[ ${1:-} != thread ]] || suffix=-tsan
printf '%s/caf-0.18.7-%s%s\n' "$cache" \
  "$("$top/third_party/caf/build.sh" --key)" "$suffix"
