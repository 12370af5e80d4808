#!/usr/bin/env python3
"""swift_daemon.py SWIFT_DIR MODULE CLASS ARG...: a Swift daemon whose swift.conf is not in /etc/swift."""
import importlib
import os
import sys
import time

from swift.common import utils

utils.SWIFT_CONF_FILE = os.path.join(sys.argv[1], "swift.conf")
utils.validate_configuration()
module, daemon = importlib.import_module(sys.argv[2]), sys.argv[3]
sys.argv = sys.argv[2:3] + sys.argv[4:]


def run_forever(self, *_: object, **__: object) -> None:
    """Goes round in one process; the original forks for each partition, sixteen times per round, which fills a core."""
    while True:
        self.run_once()
        time.sleep(self.interval)


getattr(module, daemon).run_forever = run_forever
module.main()
