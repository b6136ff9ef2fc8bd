#!/usr/bin/env bash
# Asterisk 22, a foreign PBX, into tests/.cache/asterisk; see from-sid.sh.
exec "$(dirname "${BASH_SOURCE[0]}")/from-sid.sh" asterisk usr/sbin/asterisk -V "a foreign PBX (about 80 MB, once)" \
  asterisk asterisk-modules asterisk-core-sounds-en-gsm
