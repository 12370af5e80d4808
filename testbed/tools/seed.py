#!/usr/bin/env python3
"""seed.py CLOUDS_YAML SEED_YAML DAY_FILE: create what SEED_YAML declares and the cloud does not have.

Things are recognised by their names and then left alone, except flavors: these are made as declared
again. DAY_FILE keeps the day of the first run, so that relative dates, which are parts of names, stay.
"""
import concurrent.futures as futures
import datetime as dt
import os
import re
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import openstack
import yaml

PAYLOAD_BYTES = 4096
ADMIN = "testbed-admin"
created: Counter[str] = Counter()


def resolve(value: Any, today: dt.date) -> Any:
    """Replace {today}, {today-10d} and {today-10d:%Y%m%d} in every string."""
    def day(match: re.Match) -> str:
        date = today + dt.timedelta(days=int(match[1] or 0))
        return date.strftime(match[2] or "%Y-%m-%d")
    if isinstance(value, str):
        return re.sub(r"\{today(?:([+-]\d+)d)?(?::([^}]+))?\}", day, value)
    if isinstance(value, dict):
        return {key: resolve(v, today) for key, v in value.items()}
    if isinstance(value, list):
        return [resolve(v, today) for v in value]
    return value


class Cloud:
    """One user's view; paths are relative to the service's versioned root."""

    def __init__(self, file: str, name: str):
        config = openstack.config.OpenStackConfig(config_files=[file], load_envvars=False).get_one(name)
        self.sdk = openstack.connection.Connection(config=config)
        self.project: str = self.sdk.current_project_id

    def call(self, service: str, method: str, path: str, **more: Any) -> Any:
        response = getattr(self.sdk, service).request(path, method, **more)
        openstack.exceptions.raise_from_response(response, f"{method} {service} {path}: {response.status_code} {response.text[:300]}")
        return response.json() if "json" in response.headers.get("content-type", "") else None

    def names(self, service: str, path: str, key: str, **more: Any) -> dict[str, dict]:
        return {item["name"]: item for item in self.call(service, "GET", path, **more)[key]}


class Seeder:
    def __init__(self, file: str):
        names = yaml.safe_load(Path(file).read_text())["clouds"]
        wanted = [n for n in (ADMIN, "testbed", "testbed-two") if n in names]
        self.clouds = {name: Cloud(file, name) for name in wanted}
        self.admin = self.clouds[ADMIN]
        self.projects = {p.name: p.id for p in self.admin.sdk.identity.projects()}

    def user(self, item: dict) -> Cloud:
        return self.clouds[item.get("as", ADMIN)]

    def flavors(self, items: list[dict]) -> None:
        have = self.admin.names("compute", "/flavors/detail?is_public=None", "flavors", microversion="2.61")

        def make(item: dict) -> None:
            figures = {"vcpus": item["vcpus"], "ram": item["ram"], "disk": item["disk"],
                       "OS-FLV-EXT-DATA:ephemeral": item.get("ephemeral", 0),
                       "os-flavor-access:is_public": "access" not in item}
            old = have.get(item["name"])
            if old and any(old[key] != value for key, value in figures.items()):
                self.admin.call("compute", "DELETE", f"/flavors/{old['id']}")
                old = None
            specs, access = item.get("specs", {}), item.get("access", [])
            before = old["extra_specs"] if old else {}
            new = old or self.admin.call("compute", "POST", "/flavors",
                                         json={"flavor": {"name": item["name"], **figures}})["flavor"]
            path = f"/flavors/{new['id']}"
            for key in before.keys() - specs.keys():
                self.admin.call("compute", "DELETE", f"{path}/os-extra_specs/{key}")
            if specs.items() - before.items():
                self.admin.call("compute", "POST", f"{path}/os-extra_specs", json={"extra_specs": specs})
            if not old:
                for project in access:
                    self.admin.call("compute", "POST", f"{path}/action",
                                    json={"addTenantAccess": {"tenant": self.projects[project]}})
            if not old or before != specs:
                created["flavors"] += 1
        self.each(make, items)

    def images(self, items: list[dict]) -> None:
        have = {(i["name"], i["os_hidden"])
                for hidden in ("true", "false") for visibility in ("all", "community")
                for i in self.admin.call("image", "GET", f"/images?limit=1000&os_hidden={hidden}&visibility={visibility}")["images"]}

        def make(item: dict) -> None:
            if (item["name"], item.get("hidden", False)) in have:
                return
            user = self.user(item)
            image = user.call("image", "POST", "/images", json={
                "name": item["name"], "disk_format": "raw", "container_format": "bare",
                "visibility": item.get("visibility", "public"), "os_hidden": item.get("hidden", False),
                "min_disk": item.get("min_disk", 8), "min_ram": item.get("min_ram", 512),
                **{k: v for k, v in item.get("properties", {}).items() if v is not None}})
            user.call("image", "PUT", f"/images/{image['id']}/file", data=os.urandom(PAYLOAD_BYTES),
                      headers={"Content-Type": "application/octet-stream"})
            if share := item.get("share"):
                other = self.clouds[share["cloud"]]
                user.call("image", "POST", f"/images/{image['id']}/members", json={"member": other.project})
                if share["accept"]:
                    other.call("image", "PUT", f"/images/{image['id']}/members/{other.project}",
                               json={"status": "accepted"})
            created["images"] += 1
        self.each(make, items)

    def volumes(self, types: list[dict], volumes: list[dict]) -> None:
        have = self.admin.names("block_storage", "/types", "volume_types")
        for item in types:
            if item["name"] not in have:
                self.admin.call("block_storage", "POST", "/types", json={"volume_type": item})
                created["volume types"] += 1
        for item in volumes:
            user, body = self.user(item), {k: v for k, v in item.items() if k != "as"}
            if item["name"] in user.names("block_storage", "/volumes", "volumes"):
                continue
            volume = user.call("block_storage", "POST", "/volumes", json={"volume": body})["volume"]
            while (status := user.call("block_storage", "GET", f"/volumes/{volume['id']}")["volume"]["status"]) != "available":
                if status == "error":
                    raise RuntimeError(f"volume {item['name']} is in error")
                time.sleep(0.5)
            created["volumes"] += 1

    def networks(self, pools: list[dict], networks: list[dict]) -> None:
        have = self.admin.names("network", "/subnetpools", "subnetpools")
        for item in pools:
            if item["name"] not in have:
                self.admin.call("network", "POST", "/subnetpools", json={"subnetpool": {**item, "shared": True}})
                created["subnet pools"] += 1
        for item in networks:
            user = self.user(item)
            have = user.names("network", "/networks", "networks")
            if item["name"] in have:
                continue
            network = user.call("network", "POST", "/networks",
                                json={"network": {"name": item["name"], **item.get("network", {})}})["network"]
            router = None
            if spec := item.get("router"):
                gateway = {"network_id": have[spec["gateway"]]["id"]}
                router = user.call("network", "POST", "/routers", json={
                    "router": {"name": spec["name"], "external_gateway_info": gateway}})["router"]
            for spec in item["subnets"]:
                subnet = user.call("network", "POST", "/subnets",
                                   json={"subnet": {"network_id": network["id"], **spec}})["subnet"]
                if router:
                    user.call("network", "PUT", f"/routers/{router['id']}/add_router_interface",
                              json={"subnet_id": subnet["id"]})
            created["networks"] += 1

    def secrets(self, items: list[dict]) -> None:
        for item in items:
            user = self.user(item)
            if item["name"] not in user.names("key_manager", "/secrets", "secrets"):
                user.call("key_manager", "POST", "/secrets", json={
                    "name": item["name"], "payload": item["payload"], "payload_content_type": "text/plain",
                    "secret_type": "passphrase"})
                created["secrets"] += 1

    def containers(self, items: list[dict]) -> None:
        for item in items:
            user = self.user(item)
            if item["name"] in {c["name"] for c in user.call("object_store", "GET", "/?format=json")}:
                continue
            user.call("object_store", "PUT", f"/{item['name']}")
            for name, text in item["objects"].items():
                user.call("object_store", "PUT", f"/{item['name']}/{name}", data=text.encode())
            created["containers"] += 1

    @staticmethod
    def each(function, items: list[dict]) -> None:
        with futures.ThreadPoolExecutor(4) as pool:
            list(pool.map(function, items))


def main(clouds_yaml: str, seed_yaml: str, day_file: str) -> None:
    begin = time.monotonic()
    day = Path(day_file)
    if not day.exists():
        day.write_text(dt.datetime.now(dt.timezone.utc).date().isoformat())
    seed = resolve(yaml.safe_load(Path(seed_yaml).read_text()), dt.date.fromisoformat(day.read_text().strip()))
    seeder = Seeder(clouds_yaml)
    with futures.ThreadPoolExecutor(6) as pool:  # the services know nothing of each other here
        jobs = [pool.submit(seeder.flavors, seed["flavors"]),
                pool.submit(seeder.images, seed["images"]),
                pool.submit(seeder.volumes, seed["volume_types"], seed["volumes"]),
                pool.submit(seeder.networks, seed["subnet_pools"], seed["networks"]),
                pool.submit(seeder.secrets, seed["secrets"]),
                pool.submit(seeder.containers, seed["containers"])]
        for job in jobs:
            job.result()
    declared = {kind.replace("_", " "): len(seed[kind]) for kind in seed if kind != "templates"}
    for kind, number in declared.items():
        print(f"{kind:<14}{number:>3} declared, {created[kind]:>3} made or repaired now")
    print(f"seeded as of {day.read_text().strip()} in {time.monotonic() - begin:.1f} s")


main(*sys.argv[1:])
