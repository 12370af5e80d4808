#!/usr/bin/env python3
"""wait_workers.py CLOUDS_YAML: until nova-compute and Cinder's workers have reported to their schedulers."""
import sys
import time

import openstack

WANTED = {"nova-compute", "nova-conductor", "nova-scheduler", "cinder-scheduler", "cinder-volume", "cinder-backup"}

config = openstack.config.OpenStackConfig(config_files=[sys.argv[1]]).get_one("testbed-admin")
cloud = openstack.connection.Connection(config=config)
deadline = time.monotonic() + 180
while True:
    services = [*cloud.compute.services(), *cloud.block_storage.services()]
    missing = WANTED - {s.binary for s in services if s.state == "up"}
    if not missing:
        break
    if time.monotonic() > deadline:
        sys.exit(f"not up after 180 s: {', '.join(sorted(missing))}")
    time.sleep(0.5)
