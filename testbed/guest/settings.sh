# Where the testbed with real guests lives: beside the other one, on ports of its own. Sourced by the scripts here.
# shellcheck shell=bash disable=SC2034  # used by the scripts that source this file
GUEST_HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}
export TESTBED_STATE=${TESTBED_STATE:-$cache/assay-guests}
export TESTBED_PORT_BASE=${TESTBED_PORT_BASE:-20000}
export TESTBED_VENV=${TESTBED_VENV:-$cache/assay-testbed/venv}
. "$GUEST_HERE/../settings.sh"

IMAGE=${GUEST_IMAGE:-$cache/assay-guests-image/debian-12.qcow2} # survives a wipe, and several beds share it
SUITE=bookworm
BED=$STATE/testbed         # the testbed's scripts, as links, with the network plugin of the guests
LIBVIRT=$STATE/libvirt     # all that libvirt keeps
SOCKET=$RUN/libvirt-sock
CPU_FLAGS=${GUEST_CPU_FLAGS-rdrand} # instructions that guests see beyond those of qemu64; empty for none
export GUEST_HERE LIBVIRT SOCKET

# Packages of Debian, missing ones are installed.
need() { # need LOG PACKAGE...
  local log=$1 package missing=() made='' failed='' policy=/usr/sbin/policy-rc.d
  shift
  for package; do dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package"); done
  if [ ${#missing[@]} = 0 ]; then return; fi
  # The packages must not start services of their own: policy-rc.d says 101, "not allowed".
  [ -e $policy ] || { printf '#!/bin/sh\nexit 101\n' >$policy && chmod +x $policy && made=1; }
  apt-get update >"$log" 2>&1 && DEBIAN_FRONTEND=noninteractive \
    apt-get install -y --no-install-recommends "${missing[@]}" >>"$log" 2>&1 || failed=1
  [ -z "$made" ] || rm -f $policy
  [ -z "$failed" ] || { echo "apt-get install ${missing[*]} failed, see $log" >&2; return 1; }
}
