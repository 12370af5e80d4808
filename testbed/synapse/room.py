"""Makes two users and a room in which both are, and writes down how they get in."""

import hashlib
import hmac
import json
import os
import sys
import urllib.request

SHARED_SECRET = b"testbed"


def call(url, path, body=None, token=None):
    headers = {"content-type": "application/json"}
    if token:
        headers["authorization"] = f"Bearer {token}"
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(url + path, data, headers), timeout=30) as answer:
        return json.load(answer)


def user(url, name):
    """The token of a new user."""
    path = "/_synapse/admin/v1/register"
    nonce = call(url, path)["nonce"]
    told = "\0".join([nonce, name, "testbed", "notadmin"]).encode()
    mac = hmac.new(SHARED_SECRET, told, hashlib.sha1).hexdigest()
    body = {"nonce": nonce, "username": name, "password": "testbed", "admin": False, "mac": mac}
    return call(url, path, body)


def main(url, file):
    suffix = os.urandom(4).hex()
    monitor, reader = user(url, f"monitor-{suffix}"), user(url, f"reader-{suffix}")
    body = {"preset": "private_chat", "invite": [monitor["user_id"]]}
    room = call(url, "/_matrix/client/v3/createRoom", body, reader["access_token"])["room_id"]
    call(url, f"/_matrix/client/v3/rooms/{room}/join", {}, monitor["access_token"])
    told = {
        "url": url,
        "room": room,
        "sender": monitor["user_id"],
        "token": monitor["access_token"],
        "reader_token": reader["access_token"],
    }
    with open(f"{file}.new", "w") as new:
        json.dump(told, new)
    os.rename(f"{file}.new", file)


main(*sys.argv[1:])
