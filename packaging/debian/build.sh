#!/usr/bin/env bash
# A Debian package of the relay: build.sh BINARY FOLDER writes switchhook-relay_VERSION_ARCH.deb into the folder.
#
# The settings are a conffile, so that an upgrade keeps what the operator wrote. Nothing is started: the settings name no PBX
# yet. Needs dpkg-deb and strip only; nothing is downloaded.
set -euo pipefail
binary=$(realpath "$1") out=$(realpath "$2")
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
arch=$(dpkg --print-architecture)
# The binary may use what the C library of this machine has.
libc=$(dpkg-query -W -f '${Version}' libc6 | sed 's/-.*//')
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

# The folder's mode is that of / in the package.
chmod 755 "$root"
install -d "$root"/{DEBIAN,usr/bin,usr/lib/systemd/system,etc/switchhook,usr/share/doc/switchhook-relay}
strip -o "$root/usr/bin/switchhook-relay" "$binary"
chmod 755 "$root/usr/bin/switchhook-relay"
install -m 644 relay-server/switchhook-relay.service "$root/usr/lib/systemd/system/"
install -m 644 relay-server/relay.example.toml "$root/etc/switchhook/relay.toml"
install -m 644 packaging/grafana/switchhook-relay.json "$root/usr/share/doc/switchhook-relay/grafana.json"
cat LICENSE-MIT LICENSE-APACHE > "$root/usr/share/doc/switchhook-relay/copyright"
chmod 644 "$root/usr/share/doc/switchhook-relay/copyright"

echo /etc/switchhook/relay.toml > "$root/DEBIAN/conffiles"
cat > "$root/DEBIAN/control" <<CONTROL
Package: switchhook-relay
Version: $version
Architecture: $arch
Maintainer: The Switchhook developers <noreply@switchhook.invalid>
Section: net
Priority: optional
Depends: libc6 (>= $libc), ca-certificates
Suggests: libbcg729-0, libspeex1
Homepage: https://github.com/switchhook/switchhook
Description: calls between browsers and PBXs
 A relay between SIP over WebSocket with WebRTC in browsers and SIP with RTP of
 any PBX. Write /etc/switchhook/relay.toml, let "switchhook-relay doctor" look at
 it, then "systemctl enable --now switchhook-relay".
CONTROL
# A unit that is gone, or another, is one that systemd must hear of.
for script in postinst postrm; do
  printf '#!/bin/sh\nset -e\n[ ! -d /run/systemd/system ] || systemctl daemon-reload\n' > "$root/DEBIAN/$script"
done
printf '#!/bin/sh\nset -e\n[ "$1" != remove ] || [ ! -d /run/systemd/system ] || systemctl stop switchhook-relay\n' > "$root/DEBIAN/prerm"
chmod 755 "$root"/DEBIAN/{postinst,postrm,prerm}

dpkg-deb -z1 --build --root-owner-group "$root" "$out/switchhook-relay_${version}_$arch.deb"
