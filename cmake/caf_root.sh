#!/usr/bin/env bash
# Prints where our CAF is, or is to be, installed: caf_root.sh [thread]
# The name holds a hash of third_party/caf, so a changed patch is a new CAF.
set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${TROUPE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/troupe}
hash=none
if [[ -d $top/third_party/caf ]]; then
  hash=$(cd "$top/third_party/caf" && find . -type f -print0 |
    LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -c1-12)
fi
suffix=
[[ ${1:-} != thread ]] || suffix=-tsan
printf '%s/caf-0.18.7-%s%s\n' "$cache" "$hash" "$suffix"
