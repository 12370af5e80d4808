#!/usr/bin/env python3
"""wait_workers.py CLOUDS_YAML RUN_DIR: until Nova's and Cinder's workers have reported since they were started.

A state of "up" alone may be the word of a process that was stopped a moment ago.
"""
import datetime as dt
import sys
import time
from pathlib import Path

import openstack

WORKERS = ["nova-compute", "nova-conductor", "nova-scheduler", "cinder-scheduler", "cinder-volume", "cinder-backup"]

config = openstack.config.OpenStackConfig(config_files=[sys.argv[1]], load_envvars=False).get_one("testbed-admin")
cloud = openstack.connection.Connection(config=config)
deadline = time.monotonic() + 180
while True:
    reported = {s.binary: dt.datetime.fromisoformat(s.updated_at).replace(tzinfo=dt.timezone.utc).timestamp()
                for s in (*cloud.compute.services(), *cloud.block_storage.services()) if s.state == "up" and s.updated_at}
    missing = []
    for worker in WORKERS:
        pid_file = Path(sys.argv[2], worker + ".pid")
        if not Path("/proc", pid_file.read_text().split()[0]).exists():
            sys.exit(f"{worker} died, see {Path(sys.argv[2]).parent / 'log' / (worker + '.log')}")
        if reported.get(worker, 0) < int(pid_file.stat().st_mtime):
            missing.append(worker)
    # A volume service that is up may not have told the scheduler yet what it has room for.
    if not missing and not list(cloud.block_storage.backend_pools()):
        missing.append("the room of cinder-volume")
    if not missing:
        break
    if time.monotonic() > deadline:
        sys.exit(f"not up after 180 s: {', '.join(missing)}")
    time.sleep(0.5)
