# Where the ceph bed lives and what it listens on. Sourced by up and down.
# shellcheck shell=bash disable=SC2034  # used by the scripts that source this file
STATE=${TESTBED_CEPH_STATE:-${XDG_CACHE_HOME:-$HOME/.cache}/assay-testbed/ceph}
mkdir -p "$STATE"
STATE=$(cd "$STATE" && pwd)
PORT_BASE=${TESTBED_CEPH_PORT_BASE:-14800}

LOG=$STATE/log       # one file per daemon and per set-up step
RUN=$STATE/run       # pids and sockets
S3_JSON=$STATE/s3.json

HOST=127.0.0.1
RGW_PORT=$PORT_BASE
MON_V2_PORT=$((PORT_BASE + 1))
MON_V1_PORT=$((PORT_BASE + 2))
DAEMON_PORTS_FROM=$((PORT_BASE + 10))
DAEMON_PORTS_TO=$((PORT_BASE + 99))

# The gateway takes any region; bucket names before this name are understood as hosts.
DNS_NAME=localhost
ENDPOINT=http://$DNS_NAME:$RGW_PORT
REGION=us-east-1
ACCESS_KEY=testbed-key
SECRET_KEY=testbed-secret # the bed listens on loopback only
DAEMONS=(rgw osd mgr mon) # in the order of stopping
