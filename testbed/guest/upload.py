#!/usr/bin/env python3
"""upload.py CLOUDS_YAML IMAGE: put the guests' image into Glance, unless it is there."""
import datetime
import hashlib
import os
import sys

import openstack

NAME = "Debian 12"

clouds, path = sys.argv[1:]
config = openstack.config.OpenStackConfig(config_files=[clouds], load_envvars=False).get_one("testbed-admin")
cloud = openstack.connection.Connection(config=config)
with open(path, "rb") as file:
    digest = hashlib.file_digest(file, "sha256").hexdigest()
old = cloud.image.find_image(NAME)
if old and old.properties.get("testbed_sha256") != digest:
    cloud.image.delete_image(old.id)
    old = None
if not old:
    built = datetime.date.fromtimestamp(os.path.getmtime(path))
    cloud.create_image(
        NAME, filename=path, disk_format="qcow2", container_format="bare", visibility="public", wait=True,
        validate_checksum=False, min_disk=2, min_ram=1024,
        properties={
            "architecture": "x86_64", "os_distro": "debian", "os_version": "12", "os_purpose": "generic",
            "hypervisor_type": "qemu", "hw_disk_bus": "virtio", "hw_rng_model": "virtio", "hw_vif_model": "virtio",
            "image_build_date": str(built), "image_original_user": "debian", "image_source": "private",
            "image_description": "small Debian of the testbed", "replace_frequency": "never",
            "provided_until": "none", "uuid_validity": "none", "hotfix_hours": "0", "testbed_sha256": digest})
