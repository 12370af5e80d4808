#!/usr/bin/env python3
"""swift_daemon.py SWIFT_DIR MODULE ARG...: a Swift daemon whose swift.conf is not in /etc/swift."""
import importlib
import os
import sys

from swift.common import utils

utils.SWIFT_CONF_FILE = os.path.join(sys.argv[1], "swift.conf")
utils.validate_configuration()
main = importlib.import_module(sys.argv[2]).main
sys.argv = sys.argv[2:]
main()
