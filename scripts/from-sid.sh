#!/usr/bin/env bash
# from-sid.sh NAME PROGRAM "ITS VERSION FLAG" "WHAT IT IS" PACKAGE...
#
# Puts a program that Debian has in sid only into tests/.cache/NAME/tree: sid's packages, unpacked there and run with
# their own loader and libraries: no chroot, no mounts, no root, and nothing of this system changes. Does nothing when it
# is there already. tests/.cache/NAME/installed then says: what was asked for, its version, its loader, its libraries.
#
# Where sid cannot be had, this says why, keeps the sentence in tests/.cache/NAME/unavailable and exits 1; the tests
# that need the program then fail with that sentence.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

name=$1 program=$2 version_flag=$3 what=$4
# What is unpacked beside what these depend on. A change here unpacks anew.
packages=("${@:5}")
home=$PWD/tests/.cache/$name
layout="1 ${packages[*]}"

[ -f "$home/installed" ] && [ "$(head -n 1 "$home/installed")" = "$layout" ] && exit 0

say() { printf '\033[1mset-up:\033[0m %s\n' "$*"; }

unavailable() {
  echo "$*" >"$home/unavailable"
  say "$name could not be had ($*); the tests against it will fail"
  exit 1
}

rm -rf --one-file-system "$home"
mkdir -p "$home"/{tree,apt/lists/partial,apt/archives/partial,apt/etc/apt.conf.d,apt/etc/preferences.d,apt/etc/trusted.gpg.d}
command -v apt-get >/dev/null || unavailable "this is no Debian system"

keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -f "$keyring" ] || unavailable "Debian's keyring is not installed (package debian-archive-keyring)"
# The mirrors this system uses, those of its own release first.
codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
mirrors=$(apt-get indextargets --format '$(CODENAME) $(REPO_URI)' 'Identifier: Packages' 2>/dev/null \
  | awk -v own="$codename" '{print ($1 == own ? 0 : 1), $2}' | sort -u | awk '!seen[$2]++ {print $2}')
[ -n "$mirrors" ] || unavailable "apt on this system has no Debian mirror"

# An apt of its own that knows of no installed package, so that every dependency is fetched.
cat >"$home/apt/apt.conf" <<CONF
Dir::State "$home/apt";
Dir::State::status "/dev/null";
Dir::Cache "$home/apt";
Dir::Etc "$home/apt/etc";
Dir::Etc::sourcelist "$home/apt/etc/sources.list";
Dir::Etc::sourceparts "-";
APT::Sandbox::User "$(id -un)";
APT::Install-Recommends "false";
Acquire::Languages "none";
Acquire::Retries "2";
Acquire::http::Timeout "30";
CONF
export APT_CONFIG=$home/apt/apt.conf

say "fetching $name from Debian sid into tests/.cache/$name: $what"
found=
for mirror in $mirrors; do
  # A mirror may lag behind sid's Valid-Until by some days; signatures are checked all the same.
  echo "deb [signed-by=$keyring check-valid-until=no] $mirror sid main" >"$home/apt/etc/sources.list"
  apt-get update >"$home/log" 2>&1 || true
  # Taken whole: a pipe that closes early would be a failure of apt-cache.
  policy=$(apt-cache policy "${packages[0]}" 2>/dev/null || true)
  found=$(awk '/Candidate:/ && $2 != "(none)" {print $2}' <<<"$policy")
  [ -n "$found" ] && break
done
[ -n "$found" ] || unavailable "no mirror of this system has Debian sid with ${packages[0]}: $(grep -m 1 -E '^[EW]:' "$home/log" || echo 'it is not in the list')"
apt-get install --yes --download-only "${packages[@]}" >>"$home/log" 2>&1 \
  || unavailable "its packages could not be fetched: $(grep -m 1 '^E:' "$home/log" || tail -n 1 "$home/log")"
unset APT_CONFIG

# Programs, libraries, modules and sounds; no maintainer script is run, no documentation unpacked.
unpack() {
  dpkg-deb --fsys-tarfile "$1" | tar --extract --directory "$2" --no-same-owner \
    --exclude=./usr/share/{doc,man,locale,perl,zoneinfo,info,lintian} --exclude='./usr/lib/*/perl*'
}
for package in "$home"/apt/archives/*.deb; do
  unpack "$package" "$home/tree" >>"$home/log" 2>&1 || unavailable "$(basename "$package") could not be unpacked: $(tail -n 1 "$home/log")"
done
loader=$(find "$home/tree/usr/lib64" "$home/tree/usr/lib" -maxdepth 1 -name 'ld-linux*.so*' 2>/dev/null | head -n 1)
libraries=$(dirname "$(find "$home/tree/usr/lib" -name 'libc.so.6' | head -n 1)")
# The names under which a few libraries are asked for come from ldconfig, which their installation would have run.
PATH=$PATH:/usr/sbin:/sbin ldconfig -n "$libraries" 2>>"$home/log" || true
version=$("$loader" --library-path "$libraries" "$home/tree/$program" "$version_flag" 2>&1 | tail -n 1) \
  || unavailable "it does not start: $version"
rm -rf --one-file-system "$home/apt" "$home/unavailable"
printf '%s\n' "$layout" "$version" "${loader#"$home"/}" "${libraries#"$home"/}" >"$home/installed"
