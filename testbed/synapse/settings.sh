# Where the Matrix server of the testbed lives. Sourced by up and down.
# shellcheck shell=bash disable=SC2034
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/assay-testbed
STATE=${TESTBED_SYNAPSE_STATE:-$CACHE/synapse}
PORT=${TESTBED_SYNAPSE_PORT:-15008}
VENV=${TESTBED_SYNAPSE_VENV:-$CACHE/venv-synapse}
