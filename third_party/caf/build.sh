#!/usr/bin/env bash
# Builds our CAF: fetches the pinned source from the Debian archive, applies the
# patches beside this file and installs static libraries. It changes nothing
# outside DEST and a temporary folder.
#
#   build.sh DEST           core, io and openssl, Release
#   build.sh DEST thread    the same under ThreadSanitizer
#   build.sh --key          a short hash of everything that shapes the result:
#                           name DEST after it, and it is built only when needed
#   build.sh --source DIR   only the patched source, for reading
set -euo pipefail

readonly kVersion=0.18.7
readonly kSha256=d5c3abe8fd67a729aab1baeece10367637d903ba335f4c79378bcadfbcd34552
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
readonly here

say() { printf 'caf: %s\n' "$*" >&2; }
fail() {
  say "$*"
  exit 1
}

key() {
  (
    cd "$here"
    for file in build.sh *.patch; do
      if [ -f "$file" ]; then sha256sum "$file"; fi
    done
  ) | sha256sum | cut -c1-12
}

# Prints "URI KEYRING" of the Debian main archive, as this machine's own apt
# sources name it; KEYRING may be empty. Both formats of apt are read.
debian_archive() {
  local codename
  codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
  {
    cat /etc/apt/sources.list.d/*.sources 2>/dev/null |
      awk -v RS='' '
        { uri = suites = parts = key = ""; off = 0
          n = split($0, line, "\n")
          for (i = 1; i <= n; i++) {
            if (line[i] ~ /^#/) continue
            split(line[i], word, /:[ \t]*/)
            value = line[i]; sub(/^[^:]*:[ \t]*/, "", value)
            name = tolower(word[1])
            if (name == "uris") uri = value
            if (name == "suites") suites = value
            if (name == "components") parts = value
            if (name == "signed-by") key = value
            if (name == "enabled" && value ~ /^(no|false|0)/) off = 1
          }
          if (off) next
          split(uri, first, /[ \t]+/)
          if (key !~ /^\//) key = ""
          print first[1] "\t" suites "\t" parts "\t" key }'
    cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
      awk '$1 == "deb" || $1 == "deb-src" {
          options = ""
          if (match($0, /\[[^]]*\]/)) {
            options = substr($0, RSTART + 1, RLENGTH - 2)
            $0 = substr($0, 1, RSTART - 1) substr($0, RSTART + RLENGTH)
          }
          key = ""
          if (match(options, /signed-by=[^ ,]*/))
            key = substr(options, RSTART + 10, RLENGTH - 10)
          uri = $2; suite = $3; $1 = $2 = $3 = ""
          print uri "\t" suite "\t" $0 "\t" key }'
  } | awk -F'\t' -v codename="$codename" '
      $1 !~ /security/ && (" " $3 " ") ~ / main / &&
      ((" " $2 " ") ~ (" " codename " ") || (" " $2 " ") ~ / stable /) {
        print $1, $4; exit }'
}

# Leaves the checked source archive at $1.
fetch() {
  local into=$1 scratch=$2 uri keyring
  read -r uri keyring < <(debian_archive) || true
  [ -n "${uri:-}" ] || fail "no Debian main archive in /etc/apt/sources.list" \
    "or sources.list.d; add one and try again"
  if [ -z "${keyring:-}" ]; then
    keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  fi
  local options=
  if [ -f "$keyring" ]; then options="[signed-by=$keyring] "; fi
  mkdir -p "$scratch"/apt/{parts,lists/partial,cache/archives/partial}
  chmod -R go+rX "$scratch"
  printf 'deb-src %s%s experimental main\n' "$options" "$uri" \
    >"$scratch/apt/sources.list"
  local apt=(apt-get -q -o "Dir::Etc::SourceList=$scratch/apt/sources.list"
    -o "Dir::Etc::SourceParts=$scratch/apt/parts"
    -o "Dir::State::Lists=$scratch/apt/lists"
    -o "Dir::Cache=$scratch/apt/cache" -o APT::Sandbox::User=root
    -o Acquire::Languages=none -o Acquire::Retries=3
    # A mirror may be old; what arrives is checked by its SHA-256.
    -o Acquire::Check-Valid-Until=false -o Acquire::Check-Date=false)
  say "fetching the source of $kVersion from Debian's experimental suite"
  "${apt[@]}" update >&2
  (cd "$scratch" && "${apt[@]}" source --download-only --tar-only \
    actor-framework >&2)
  mv "$scratch"/actor-framework_"$kVersion".orig.tar.* "$into" ||
    fail "experimental no longer offers $kVersion"
}

# Unpacks and patches into the folder $1, which must not exist.
prepare_source() {
  local source=$1 scratch=$2 patch
  local archive=$scratch/caf-$kVersion.tar
  fetch "$archive" "$scratch"
  echo "$kSha256  $archive" | sha256sum --check --status ||
    fail "the source archive's SHA-256 is not $kSha256: not used"
  mkdir -p "$source"
  tar -xf "$archive" -C "$source" --strip-components=1
  for patch in "$here"/*.patch; do
    [ -f "$patch" ] || continue
    (cd "$source" && GIT_CEILING_DIRECTORIES=$scratch \
      git apply --unidiff-zero -p1 "$patch") ||
      fail "$(basename "$patch") does not apply"
  done
}

build() {
  local dest=$1 sanitizer=$2 scratch=$3
  local flags=()
  if command -v ccache >/dev/null; then
    flags+=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)
  fi
  if [ -n "$sanitizer" ]; then
    flags+=("-DCMAKE_CXX_FLAGS=-fsanitize=$sanitizer -g1")
  fi
  prepare_source "$scratch/source" "$scratch"
  say "building into $dest"
  (
    # The compiler cache hits only when paths do not change from run to run.
    export CCACHE_BASEDIR=$scratch CCACHE_NOHASHDIR=1
    cmake -S "$scratch/source" -B "$scratch/build" -G Ninja \
      -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_STANDARD=20 \
      -DCMAKE_POSITION_INDEPENDENT_CODE=ON -DBUILD_SHARED_LIBS=OFF \
      -DCAF_ENABLE_TESTING=OFF -DCAF_ENABLE_EXAMPLES=OFF \
      -DCAF_ENABLE_TOOLS=OFF -DCAF_ENABLE_IO_MODULE=ON \
      -DCAF_ENABLE_OPENSSL_MODULE=ON -DCMAKE_INSTALL_LIBDIR=lib \
      -DCMAKE_INSTALL_PREFIX="$dest" "${flags[@]}"
    cmake --build "$scratch/build"
    DESTDIR=$scratch/root cmake --install "$scratch/build"
  ) >"$scratch/log" 2>&1 || {
    tail -n 40 "$scratch/log" >&2
    fail "the build failed"
  }
  rm -rf "$dest.tmp"
  mv "$scratch/root$dest" "$dest.tmp"
  key >"$dest.tmp/troupe-key"
  rm -rf "$dest"
  mv -T "$dest.tmp" "$dest"
  say "ready in $dest"
}

main() {
  case "${1:-}" in
    --key)
      key
      return
      ;;
    "" | -h | --help)
      sed -n '2,/^set/{/^#/s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}"
      return
      ;;
  esac
  scratch=$(mktemp -d)
  trap 'rm -rf "$scratch"' EXIT
  if [ "$1" = --source ]; then
    prepare_source "$(realpath -m "$2")" "$scratch"
    return
  fi
  local dest
  dest=$(realpath -m "$1")
  mkdir -p "$(dirname "$dest")"
  exec 9>"$dest.lock" # a second call waits and then finds the first one's
  flock 9
  if [ "$(cat "$dest/troupe-key" 2>/dev/null)" = "$(key)" ]; then return; fi
  build "$dest" "${2:-}" "$scratch"
}

main "$@"
