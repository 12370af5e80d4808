# Where this testbed lives and what it listens on. Sourced by up, down, status and seed.
# shellcheck shell=bash disable=SC2034  # used by the scripts that source this file
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
STATE=${TESTBED_STATE:-${XDG_CACHE_HOME:-$HOME/.cache}/assay-testbed}
mkdir -p "$STATE"
STATE=$(cd "$STATE" && pwd)
VENV=${TESTBED_VENV:-$STATE/venv}
# Distributions build their Python with profiles of its use, version managers mostly do not, which costs services a third.
PYTHON=${TESTBED_PYTHON:-/usr/bin/python3}
[ -x "$PYTHON" ] || PYTHON=python3
PORT_BASE=${TESTBED_PORT_BASE:-15000}
DEBUG=${TESTBED_DEBUG:-false}

ETC=$STATE/etc      # rendered configuration
LOG=$STATE/log      # one file per service and per set-up step
RUN=$STATE/run      # pids, sockets, locks
DATA=$STATE/data    # databases, images, volumes, objects
DONE=$STATE/done    # a mark for each set-up step that needs no repeat
BIN=$STATE/bin      # stand-ins for sudo and mount
CLOUDS_YAML=$STATE/clouds.yaml

HOST=127.0.0.1
REGION=RegionOne
PASSWORD=testbed    # of everything; the bed listens on loopback only

# Offsets from PORT_BASE echo the well-known ports (9292 -> +292), without colliding with them.
KEYSTONE_PORT=$PORT_BASE
SWIFT_OBJECT_PORT=$((PORT_BASE + 210))
MEMCACHED_PORT=$((PORT_BASE + 211))
SWIFT_CONTAINER_PORT=$((PORT_BASE + 212))
SWIFT_ACCOUNT_PORT=$((PORT_BASE + 213))
GLANCE_PORT=$((PORT_BASE + 292))
GLANCE_SMALL_PORT=$((PORT_BASE + 293))
MYSQL_PORT=$((PORT_BASE + 306))
BARBICAN_PORT=$((PORT_BASE + 311))
EPMD_PORT=$((PORT_BASE + 669))
RABBIT_PORT=$((PORT_BASE + 670))
RABBIT_DIST_PORT=$((PORT_BASE + 671))
NEUTRON_PORT=$((PORT_BASE + 696))
NOVA_PORT=$((PORT_BASE + 774))
CINDER_PORT=$((PORT_BASE + 776))
PLACEMENT_PORT=$((PORT_BASE + 778))
SWIFT_PORT=$((PORT_BASE + 888))

USER=$(id -un)
AUTH_URL=http://$HOST:$KEYSTONE_PORT/v3
DB=mysql+pymysql://testbed:$PASSWORD@$HOST:$MYSQL_PORT
RABBIT=rabbit://testbed:$PASSWORD@$HOST:$RABBIT_PORT/
