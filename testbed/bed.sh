# What the small beds have in common: one server each, with packages of its own. Sourced by their up and down after
# settings.sh, which names STATE and, where there is one, VENV.
# shellcheck shell=bash disable=SC2034
mkdir -p "$STATE"
STATE=$(cd "$STATE" && pwd)
LOG=$STATE/log # one file per process and per set-up step
RUN=$STATE/run # pids
mkdir -p "$LOG" "$RUN"
. "$(dirname "${BASH_SOURCE[0]}")/processes.sh"

die() { # die MESSAGE [LOG]: say what failed, which log tells more, and its end
  echo "$0: $1" >&2
  if [ -n "${2:-}" ]; then
    echo "see $2; it ends:" >&2
    tail -n 20 "$2" >&2 || true
  fi
  exit 1
}

lock() { # one up or down at a time
  exec 9>"$STATE/lock"
  flock 9
}

is_free() { # is_free PORT
  ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

has_python() { # has_python: VENV holds what requirements.txt names, which beds of several clones may share
  local stamp
  stamp=$(sha256sum <"$HERE/requirements.txt" | cut -c1-16)
  mkdir -p "$VENV"
  exec 8>"$VENV/lock"
  flock 8
  if [ "$(cat "$VENV/stamp" 2>/dev/null || true)" != "$stamp" ]; then
    { python3 -m venv "$VENV" && "$VENV/bin/pip" install --disable-pip-version-check -r "$HERE/requirements.txt"; } \
      >"$LOG/pip.log" 2>&1 || die "pip failed" "$LOG/pip.log"
    echo "$stamp" >"$VENV/stamp"
  fi
  exec 8>&-
}

wait_for() { # wait_for NAME COMMAND...: until it succeeds, as long as the process NAME lives
  local name=$1 try
  shift
  for ((try = 0; try < 600; try++)); do
    if "$@"; then return; fi
    alive "$name" || die "$name died" "$LOG/$name.log"
    sleep 0.2
  done
  die "$name does not answer" "$LOG/$name.log"
}
