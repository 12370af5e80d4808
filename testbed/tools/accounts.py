#!/usr/bin/env python3
"""Who may use the testbed, and where its services are: domains, projects, users, grants, the
service catalogue, and clouds.yaml with one entry per kind of user. Idempotent.

usage: accounts.py CLOUDS_YAML (settings come from the environment, see ../settings.sh)
"""
import os
import sys
from typing import NamedTuple

import openstack
import yaml

E = os.environ
AUTH_URL, REGION, PASSWORD = E["AUTH_URL"], E["REGION"], E["PASSWORD"]

DOMAINS = ["domain-a", "domain-b"]
PROJECTS = [  # domain, name
    ("default", "service"), ("default", "demo"), ("default", "two"), ("default", "small"),
    ("domain-a", "project-a"), ("domain-b", "project-b"),
]
ROLES = ["ResellerAdmin"]  # besides those that keystone-manage bootstrap makes


class User(NamedTuple):
    domain: str
    name: str
    scope: str  # a project of the default domain, or "@DOMAIN" for the domain itself
    roles: tuple[str, ...]
    cloud: str = ""  # name of the entry in clouds.yaml


SERVICE_USERS = ["glance", "placement", "nova", "neutron", "cinder", "barbican", "swift"]
USERS = [
    User("default", "demo", "demo", ("member",), "testbed"),
    User("default", "two", "two", ("member",), "testbed-two"),
    User("default", "small", "small", ("member",), "testbed-small"),
    User("default", "reader", "demo", ("reader",), "testbed-reader"),
    User("domain-a", "manager-a", "@domain-a", ("manager",), "testbed-domain-a"),
    User("domain-b", "manager-b", "@domain-b", ("manager",), "testbed-domain-b"),
    *(User("default", name, "service", ("admin", "service")) for name in SERVICE_USERS),
    User("default", "swift", "service", ("ResellerAdmin",)),  # s3token acts in every account
]


def url(port: str, path: str = "") -> str:
    return f"http://{E['HOST']}:{E[port + '_PORT']}{path}"


CATALOGUE = [  # type, name, URL; deliberately no load-balancer and no S3 entry
    ("identity", "keystone", AUTH_URL),
    ("image", "glance", url("GLANCE")),
    ("placement", "placement", url("PLACEMENT")),
    ("compute", "nova", url("NOVA", "/v2.1")),
    ("network", "neutron", url("NEUTRON")),
    ("volumev3", "cinderv3", url("CINDER", "/v3/$(project_id)s")),
    ("key-manager", "barbican", url("BARBICAN")),
    ("object-store", "swift", url("SWIFT", "/v1/AUTH_$(project_id)s")),
]


def make_accounts(identity) -> None:
    domains = {d.name: d for d in identity.domains()}
    domains["default"] = identity.get_domain("default")
    for name in DOMAINS:
        if name not in domains:
            domains[name] = identity.create_domain(name=name)

    names = {d.id: name for name, d in domains.items()}
    projects = {(names[p.domain_id], p.name): p for p in identity.projects()}
    for domain, name in PROJECTS:
        if (domain, name) not in projects:
            projects[domain, name] = identity.create_project(name=name, domain_id=domains[domain].id)

    roles = {r.name: r for r in identity.roles()}
    for name in ROLES:
        if name not in roles:
            roles[name] = identity.create_role(name=name)

    users = {(names[u.domain_id], u.name): u for u in identity.users()}
    granted = {(a.user["id"], (a.scope.get("project") or a.scope.get("domain") or {}).get("id"), a.role["id"])
               for a in identity.role_assignments() if a.user}
    for user in USERS:
        key = user.domain, user.name
        if key not in users:
            users[key] = identity.create_user(name=user.name, password=PASSWORD, domain_id=domains[user.domain].id)
        in_domain = user.scope.startswith("@")
        scope = domains[user.scope[1:]] if in_domain else projects["default", user.scope]
        for role in user.roles:
            if (users[key].id, scope.id, roles[role].id) in granted:
                continue
            if in_domain:
                identity.assign_domain_role_to_user(scope, users[key], roles[role])
            else:
                identity.assign_project_role_to_user(scope, users[key], roles[role])


def make_catalogue(identity) -> None:
    services = {s.type: s for s in identity.services()}
    endpoints = {(e.service_id, e.interface): e for e in identity.endpoints()}
    for kind, name, address in CATALOGUE:
        if kind not in services:
            services[kind] = identity.create_service(type=kind, name=name)
        for interface in ("public", "internal", "admin"):
            old = endpoints.get((services[kind].id, interface))
            if old is None:
                identity.create_endpoint(service_id=services[kind].id, interface=interface,
                                         url=address, region_id=REGION)
            elif old.url != address:  # the bed was moved to another PORT_BASE
                identity.update_endpoint(old, url=address)


# What the second glance asks keystone for: limit, of anybody, of project small. Sizes are in MiB.
LIMITS = [
    ("image_size_total", 1000, 1), ("image_stage_total", 1000, 1000),
    ("image_count_total", 1000, 2), ("image_count_uploading", 1000, 1000),
]


def make_limits(identity) -> None:
    image = next(s for s in identity.services() if s.type == "image")
    project = next(p for p in identity.projects(domain_id="default") if p.name == "small")
    there = {limit.resource_name for limit in identity.registered_limits(service_id=image.id)}
    special = {limit.resource_name for limit in identity.limits(service_id=image.id, project_id=project.id)}
    for name, default, small in LIMITS:
        if name not in there:
            identity.create_registered_limit(service_id=image.id, region_id=REGION, resource_name=name,
                                             default_limit=default)
        if small != default and name not in special:
            identity.create_limit(service_id=image.id, region_id=REGION, project_id=project.id,
                                  resource_name=name, resource_limit=small)


# Unlike the password this is a word that occurs nowhere else, so that tests can look for leaks.
APPCRED_SECRET = "only-the-application-credential-knows"


def application_credential(demo) -> str:
    """The id of demo's application credential; its secret is told from all other words."""
    user = demo.current_user_id
    for credential in demo.identity.application_credentials(user):
        if credential.name == "testbed":
            return credential.id
    return demo.identity.create_application_credential(user, "testbed", secret=APPCRED_SECRET).id


def entry(user: str, domain: str, **more: str) -> dict:
    return {"auth": {"auth_url": AUTH_URL, "username": user, "password": PASSWORD, "user_domain_name": domain, **more},
            "region_name": REGION, "identity_api_version": 3}


def in_project(user: str, project: str) -> dict:
    return entry(user, "Default", project_name=project, project_domain_name="Default")


def connect(cloud: dict) -> openstack.connection.Connection:
    return openstack.connect(load_yaml_config=False, load_envvars=False, **cloud)


admin = in_project("admin", "admin")
identity = connect(admin).identity
make_accounts(identity)
make_catalogue(identity)
make_limits(identity)

clouds = {"testbed-admin": admin}
for u in USERS:
    if u.cloud:
        clouds[u.cloud] = (entry(u.name, u.domain, domain_name=u.scope[1:]) if u.scope.startswith("@")
                           else in_project(u.name, u.scope))
clouds["testbed-appcred"] = {
    "auth_type": "v3applicationcredential",
    "auth": {"auth_url": AUTH_URL, "application_credential_secret": APPCRED_SECRET,
             "application_credential_id": application_credential(connect(clouds["testbed"]))},
    "region_name": REGION, "identity_api_version": 3}
clouds["testbed-full"] = in_project("demo", "demo")
for cloud in ("testbed-small", "testbed-full"):
    clouds[cloud]["image_endpoint_override"] = url("GLANCE_SMALL", "/v2")
clouds["testbed-denied"] = in_project("demo", "demo")
clouds["testbed-denied"]["auth"]["password"] = "wrong"

with open(sys.argv[1] + ".new", "w") as f:
    yaml.safe_dump({"clouds": clouds}, f, sort_keys=False)
os.replace(sys.argv[1] + ".new", sys.argv[1])
