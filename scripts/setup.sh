#!/usr/bin/env bash
# Installs what is missing, says what and why, and does nothing (in under two seconds) when nothing is missing.
#
#   scripts/setup.sh run     what `make run` needs: the wasm tools, a C compiler and cmake for libopus, npm packages
#   scripts/setup.sh test    that, and what `make test` needs besides: browsers and foreign SIP peers
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=scripts/versions.sh
. scripts/versions.sh

purpose=${1:-run}
case $purpose in
  run | test) ;;
  *)
    echo "usage: scripts/setup.sh [run|test]" >&2
    exit 2
    ;;
esac

say() { printf '\033[1mset-up:\033[0m %s\n' "$*"; }

fail() {
  printf 'set-up: %s\n' "$*" >&2
  exit 1
}

as_root() {
  if [ "$(id -u)" -eq 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    fail "installing system packages needs root; run as root, or install sudo, or install them yourself: ${missing[*]}"
  fi
}

at_least() { # at_least 1.95.0 1.88: is the first version the second or newer?
  [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

# --- tools that must be there already -------------------------------------------------------------------------------

toolchains() {
  command -v cargo >/dev/null || PATH="$HOME/.cargo/bin:$PATH"
  command -v cargo >/dev/null || fail "cargo was not found: install Rust $RUST_MINIMUM or newer (rustup, or your distribution's packages)"
  command -v node >/dev/null && command -v npm >/dev/null \
    || fail "node and npm were not found: install Node.js $NODE_MINIMUM or newer"
  local rust node
  rust=$(rustc --version | cut -d' ' -f2)
  at_least "$rust" "$RUST_MINIMUM" || fail "rustc is $rust; Switchhook needs $RUST_MINIMUM or newer"
  node=$(node --version)
  at_least "${node#v}" "$NODE_MINIMUM" || fail "node is $node; Switchhook needs $NODE_MINIMUM or newer"
}

# --- Debian packages ------------------------------------------------------------------------------------------------

missing=()
reasons=()

# need_command COMMAND PACKAGE REASON
need_command() {
  command -v "$1" >/dev/null && return
  [ -x "/usr/sbin/$1" ] && return
  missing+=("$2")
  reasons+=("$2: $3")
}

# need_file GLOB PACKAGE REASON
need_file() {
  compgen -G "$1" >/dev/null && return
  missing+=("$2")
  reasons+=("$2: $3")
}

packages_for_run() {
  need_command cc build-essential "compiles libopus and ring's C"
  need_command c++ build-essential "compiles libopus and ring's C"
  need_command cmake cmake "builds libopus"
}

packages_for_test() {
  need_command chromium chromium "the browser of most tests"
  need_command firefox-esr firefox-esr "the second browser"
  need_command sipp sip-tester "SIPp, a foreign SIP peer with scripted misbehaviour"
  need_command baresip baresip-core "a foreign SIP phone with sound"
  need_command kamailio kamailio "a foreign SIP server for the SDK"
  need_file '/usr/lib/*/kamailio/modules/websocket.so' kamailio-websocket-modules "Kamailio's SIP over WebSocket"
  need_file '/usr/lib/*/kamailio/modules/tls.so' kamailio-tls-modules "Kamailio's WebSocket module needs it"
  need_file '/usr/lib/*/kamailio/modules/presence.so' kamailio-presence-modules "Kamailio keeps who is there"
  need_command twinkle-console twinkle-console "another SIP phone, with a stack of its own"
  need_file '/usr/lib/*/libbcg729.so.0' libbcg729-0 "G.729, which the relay speaks where it is installed"
  need_file '/usr/lib/*/libspeex.so.1' libspeex1 "Speex, the same"
  need_command sox sox "makes and cuts test sounds"
  need_command espeak-ng espeak-ng "speaks the test sentence"
  need_command brotli brotli "measures what a browser downloads"
  need_python 'import ensurepip' python3-venv "installs PESQ apart from the system's Python"
  need_python 'import os, sysconfig; assert os.path.exists(sysconfig.get_path("include") + "/Python.h")' python3-dev "PESQ is compiled against it"
}

# need_python STATEMENT PACKAGE REASON
need_python() {
  python3 -c "$1" 2>/dev/null && return
  missing+=("$2")
  reasons+=("$2: $3")
}

install_packages() {
  [ ${#missing[@]} -eq 0 ] && return
  command -v apt-get >/dev/null \
    || fail "these are missing and this is no Debian system, so please install them yourself:$(printf '\n  %s' "${reasons[@]}")"
  say "installing Debian packages:$(printf '\n          %s' "${reasons[@]}")"
  as_root apt-get update -qq \
    || say "the package lists could not be refreshed; trying with those that are there"
  # RUNLEVEL=1 keeps the servers among them from being started as services.
  as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends \
    -o Dpkg::Use-Pty=0 "${missing[@]}" >"$log" 2>&1 \
    || { tail -n 20 "$log" >&2; fail "apt-get could not install: ${missing[*]} (its whole output is in $log)"; }
}

# --- WebAssembly ----------------------------------------------------------------------------------------------------

wasm_target() { # wasm_target TARGET REASON
  local sysroot
  sysroot=$(rustc --print sysroot)
  [ -d "$sysroot/lib/rustlib/$1/lib" ] && return
  say "adding the Rust target $1: $2"
  if command -v rustup >/dev/null && rustup target add "$1" >"$log" 2>&1; then return; fi
  [ "$1" = wasm32-unknown-unknown ] || fail "the Rust target $1 could not be added: $(tail -n 1 "$log")"
  build_std_instead "$sysroot"
}

# Without rustup's server, the standard library is built from Debian's copy of exactly this compiler's source.
build_std_instead() {
  local version source=$1/lib/rustlib/src/rust/library
  version=$(rustc --version | cut -d' ' -f2)
  if [ ! -d "$source" ]; then
    command -v apt-get >/dev/null || fail "the wasm32 target could not be added, and there is no apt-get to fetch rust-src with"
    local candidate
    candidate=$(apt-cache madison rust-src 2>/dev/null | awk -F'|' -v v="$version" 'index($2, " " v) == 1 {gsub(/ /, "", $2); print $2; exit}')
    [ -n "$candidate" ] || fail "the wasm32 target could not be added, and Debian has no rust-src of version $version; use the rustc of a rustup installation with network access, or Debian's own rustc"
    say "building wasm32's standard library from Debian's rust-src $candidate instead"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "rust-src=$candidate" >"$log" 2>&1 \
      || fail "rust-src $candidate could not be installed: $(tail -n 1 "$log")"
    mkdir -p "$(dirname "$source")"
    ln -sfn "/usr/src/rustc-$version/library" "$source"
  fi
  mkdir -p .cache
  # Read by the wasm build, which then says `-Zbuild-std`.
  echo "$version" >.cache/build-std
}

# cargo_tool COMMAND VERSION CRATE REASON
cargo_tool() {
  local have
  have=$("$1" --version 2>/dev/null | awk '{print $2}' || true)
  [ "$have" = "$2" ] && return
  say "building $3 $2: $4 (a few minutes, once)"
  if [ -n "$have" ]; then say "($1 $have is there, but the version must match)"; fi
  # A debug build compiles several times faster, and the tool's own speed hardly matters.
  # --locked first; a lock that names a withdrawn version is worth a second try without.
  install_crate "$3" "$2" --locked || install_crate "$3" "$2" \
    || { tail -n 20 "$log" >&2; fail "cargo could not install $3 $2 (its whole output is in $log)"; }
}

install_crate() { # install_crate CRATE VERSION [--locked]
  CARGO_PROFILE_DEV_DEBUG=0 cargo install --debug --force --target-dir target/tools \
    --version "=$2" "${@:3}" "$1" 2>&1 | tee "$log" | progress
  return "${PIPESTATUS[0]}"
}

# One line that is rewritten on a terminal, one line for each fifty crates elsewhere.
progress() {
  if [ -t 1 ]; then
    awk '/Compiling/ { printf "\r\033[K        %s", substr($0, 1, 70); fflush() } END { printf "\r\033[K" }'
  else
    awk '/Compiling/ && ++n % 50 == 0 { print "        " n " crates compiled"; fflush() }'
  fi
}

# --- npm packages ---------------------------------------------------------------------------------------------------

npm_packages() { # npm_packages FOLDER REASON
  [ -f "$1/package-lock.json" ] || return 0
  local stamp=$1/node_modules/.installed-from wanted
  wanted=$(cksum <"$1/package-lock.json")
  [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && return
  say "installing npm packages in $1/: $2"
  # `npm ci` wants the packages of every platform in the lock file, also those that a registry does not have.
  npm ci --prefix "$1" --no-audit --no-fund --loglevel=error >"$log" 2>&1 \
    || npm install --prefix "$1" --no-save --no-audit --no-fund --loglevel=error >"$log" 2>&1 \
    || { tail -n 20 "$log" >&2; fail "npm could not install $1's packages (its whole output is in $log)"; }
  echo "$wanted" >"$stamp"
}

# PESQ scores speech as people would. It is compiled on installation; the tests do without it where that fails.
pesq() {
  local home=tests/.cache/pesq
  [ -f "$home/installed" ] || [ -f "$home/unavailable" ] && return
  say "installing PESQ from PyPI: scores how good speech sounds"
  mkdir -p "$home"
  if python3 -m venv "$home" >"$log" 2>&1 && "$home/bin/pip" install --quiet "numpy==$NUMPY_VERSION" "pesq==$PESQ_VERSION" >>"$log" 2>&1 \
    && "$home/bin/python" -c "import pesq" >>"$log" 2>&1; then
    touch "$home/installed"
  else
    touch "$home/unavailable"
    say "PESQ could not be had ($(tail -n 1 "$log")); the tests compare speech without it"
  fi
}

# --------------------------------------------------------------------------------------------------------------------

log=$(mktemp "${TMPDIR:-/tmp}/switchhook-setup.XXXXXX")
trap '[ $? -eq 0 ] && rm -f "$log"' EXIT

toolchains
packages_for_run
if [ "$purpose" = test ]; then packages_for_test; fi
install_packages
wasm_target wasm32-unknown-unknown "the browser's code is compiled for it"
if [ "$purpose" = test ]; then wasm_target wasm32-wasip1 "sip-core's tests run a second time on wasm32"; fi
cargo_tool wasm-bindgen "$WASM_BINDGEN_VERSION" wasm-bindgen-cli "writes the JavaScript glue of the wasm module"
cargo_tool wasm-pack "$WASM_PACK_VERSION" wasm-pack "builds the wasm package as wasm-pack.toml says"
npm_packages npm "TypeScript and the bundler of the package"
npm_packages demo-site "the demo site uses the package by its name"
if [ "$purpose" = test ]; then
  npm_packages tests "the drivers of the browsers, JsSIP and SIP.js"
  npm_packages tests/projects "Vite, webpack and Next, which build the package as customers do"
  pesq
  # Its absence makes tests fail that say so; what does not need it goes on.
  scripts/asterisk.sh || true
fi
