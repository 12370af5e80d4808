#!/usr/bin/env python3
"""serve.py PORT TARGET [ARG...]: serve one WSGI application with cheroot on loopback.

TARGET is 'module:attribute' or 'paste:/path/to/paste.ini'. ARGs become the application's
sys.argv[1:], where OpenStack services read --config-file. THREADS sets the number of threads, WORKERS that of
processes.
"""
import importlib
import os
import signal
import sys

port, target = int(sys.argv[1]), sys.argv[2]
kind, _, rest = target.partition(":")
# They are one group, and are stopped as one.
workers = int(os.environ.get("WORKERS", "1"))
for _ in range(1, workers):
    if not os.fork():
        break
sys.argv = [kind.split(".")[0] + "-api"] + sys.argv[3:]
if kind == "paste":
    from paste import deploy
    app = deploy.loadapp("config:" + rest)
else:
    app = getattr(importlib.import_module(kind), rest)

from cheroot import wsgi  # noqa: E402  (after the application, which may patch the standard library)


def with_input_kept_open(environ, start_response):
    """Calls the application.

    One that closes its input, as glance does after an upload, would close what the next request of the same
    connection is read from, and the client that sends it would hear nothing.
    """
    environ["wsgi.input"].close = lambda: None
    return app(environ, start_response)


class Server(wsgi.Server):
    """Gives a thread only to who asks something.

    Clients open connections that they then do not need. Such a one would keep a thread until it is closed, and
    keystone, which has one thread, would answer nobody meanwhile.
    """

    def process_conn(self, conn) -> None:
        """Passes a new connection on when there is something to read."""
        if conn.last_used is None:
            self._connections.put(conn)
        else:
            super().process_conn(conn)


threads = int(os.environ.get("THREADS", "8"))
server = Server(
    (os.environ["HOST"], port),
    with_input_kept_open,
    numthreads=threads,
    request_queue_size=256,
    timeout=60,
    reuse_port=workers > 1,
)


def stop(*_: object) -> None:
    raise SystemExit(0)


signal.signal(signal.SIGTERM, stop)
try:
    server.start()
finally:
    server.stop()
