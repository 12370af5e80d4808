# Where the provider of identities of the testbed lives. Sourced by up and down.
# shellcheck shell=bash disable=SC2034
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/assay-testbed
STATE=${TESTBED_OIDC_STATE:-$CACHE/oidc}
PORT=${TESTBED_OIDC_PORT:-15080}
VENV=${TESTBED_OIDC_VENV:-$CACHE/venv-node}
MODULES=${TESTBED_OIDC_MODULES:-$CACHE/oidc-modules}
