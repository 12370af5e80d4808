#!/usr/bin/env python3
"""render.py SOURCE_DIR TARGET_DIR: fill in the configuration templates.

@NAME@ becomes the environment's NAME. Two lines stand for what every service repeats:
  @login USER@  how the service logs in to Keystone as USER
  @check USER@  the same, plus how it checks its callers' tokens
"""
import os
import re
import sys
from pathlib import Path

LOGIN = """\
auth_url = @AUTH_URL@
auth_type = password
username = {user}
password = @PASSWORD@
project_name = service
user_domain_id = default
project_domain_id = default
region_name = @REGION@"""
CHECK = LOGIN + """
www_authenticate_uri = @AUTH_URL@
memcached_servers = @HOST@:@MEMCACHED_PORT@
service_token_roles_required = true
service_token_roles = service"""
# Project directories, since each service reads all files of its own (oslo.config: $SNAP_COMMON/etc/PROJECT).
FOLDER = {"glance-api.conf": "glance", "ml2_conf.ini": "neutron", "proxy-server.conf": "swift",
          "account-server.conf": "swift", "container-server.conf": "swift", "object-server.conf": "swift"}


def render(text: str) -> str:
    text = re.sub(r"^@(login|check) (\w+)@$",
                  lambda m: (LOGIN if m[1] == "login" else CHECK).format(user=m[2]), text, flags=re.M)
    return re.sub(r"@([A-Z_]+)@", lambda m: os.environ[m[1]], text)


source, target = map(Path, sys.argv[1:])
for template in source.iterdir():
    path = target / FOLDER.get(template.name, template.stem) / template.name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(render(template.read_text()))
