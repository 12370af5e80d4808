# Where the mail server of the testbed lives. Sourced by up and down.
# shellcheck shell=bash disable=SC2034
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/assay-testbed
STATE=${TESTBED_MAIL_STATE:-$CACHE/mail}
PORT=${TESTBED_MAIL_PORT:-15025}
VENV=${TESTBED_MAIL_VENV:-$CACHE/venv-mail}
