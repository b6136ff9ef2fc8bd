#!/usr/bin/env bash
# rtpengine, whose figures stand beside ours in `make bench`, into tests/.cache/rtpengine; see from-sid.sh.
exec "$(dirname "${BASH_SOURCE[0]}")/from-sid.sh" rtpengine usr/bin/rtpengine --version "the media proxy that we are measured beside (about 250 MB, once)" \
  rtpengine-daemon
