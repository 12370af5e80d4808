# Starting, watching and stopping the testbed's processes. Sourced after settings.sh.
# shellcheck shell=bash
#
# Every service is the leader of a session of its own. run/NAME.pid holds "PID STARTTIME": after a
# reboot the number may belong to somebody else's process, the pair does not.

proc_stat() { # proc_stat PID: sets STATE_CODE, SESSION, STARTED; fails if there is no such process
  local line fields
  { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 1
  read -ra fields <<<"${line##*) }" # the name before ')' may hold blanks
  STATE_CODE=${fields[0]} SESSION=${fields[3]} STARTED=${fields[19]}
}

alive() { # alive NAME: it runs, is ours and is no zombie; sets PID
  local started
  { read -r PID started <"$RUN/$1.pid"; } 2>/dev/null || return 1
  proc_stat "$PID" && [ "$STARTED" = "$started" ] && [ "$STATE_CODE" != Z ]
}

start() { # start NAME COMMAND...: unless it runs already
  local name=$1 pid
  shift
  if alive "$name"; then return; fi
  printf -- '--- started %s\n' "$(date -u +%FT%TZ)" >>"$LOG/$name.log"
  setsid nohup "$@" >>"$LOG/$name.log" 2>&1 </dev/null 8>&- 9>&- &
  pid=$!
  until proc_stat "$pid" && [ "$SESSION" = "$pid" ]; do # wait for setsid
    kill -0 "$pid" 2>/dev/null || break
    sleep 0.01
  done
  echo "$pid ${STARTED:-0}" >"$RUN/$name.pid"
}

names() { # names of everything started and not stopped since
  local f
  for f in "$RUN"/*.pid; do
    [ ! -e "$f" ] || basename "$f" .pid
  done
}

session_pids() { # session_pids SID...: the living processes of these sessions
  local dir
  for dir in /proc/[0-9]*; do
    proc_stat "${dir#/proc/}" || continue
    [ "$STATE_CODE" != Z ] || continue
    case " $* " in *" $SESSION "*) echo "${dir#/proc/}" ;; esac
  done
}

stop() { # stop NAME...: TERM to each leader's group, KILL after 8 seconds to what is left
  local name left='' sids=() try
  for name; do
    if alive "$name"; then
      sids+=("$PID")
      kill -TERM -- "-$PID" 2>/dev/null || true
    fi
  done
  if [ ${#sids[@]} -gt 0 ]; then
    for ((try = 0; try < 40; try++)); do
      left=$(session_pids "${sids[@]}")
      [ -n "$left" ] || break
      sleep 0.2
    done
    # shellcheck disable=SC2086  # one word per pid
    [ -z "$left" ] || kill -KILL $left 2>/dev/null || true
  fi
  for name; do rm -f "$RUN/$name.pid"; done
}
