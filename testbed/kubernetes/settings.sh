# Where the Kubernetes bed lives and what it listens on. Sourced by install, up and down.
# shellcheck shell=bash disable=SC2034  # used by the scripts that source this file
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/assay-testbed/kubernetes
BIN=$CACHE/bin # shared by all clones: building takes minutes
STATE=${TESTBED_KUBERNETES_STATE:-$CACHE/state}
mkdir -p "$STATE"
STATE=$(cd "$STATE" && pwd)

LOG=$STATE/log
RUN=$STATE/run # pids
PKI=$STATE/pki # certificates and keys of this bed alone
KUBECONFIG_FILE=$STATE/kubeconfig.yaml

HOST=127.0.0.1
PORT=${TESTBED_KUBERNETES_PORT:-15443}
ETCD_PORT=${TESTBED_KUBERNETES_ETCD_PORT:-15379}
ETCD_PEER_PORT=$((ETCD_PORT + 1))
DAEMONS=(apiserver etcd) # in the order of stopping
