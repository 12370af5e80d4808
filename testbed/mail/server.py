"""A mail server that takes mail by STARTTLS and password only, and writes down what it took.

A recipient whose name begins with `refused` is refused for ever, one whose name begins with `grey` at the first attempt.
"""

import asyncio
import email
import email.policy
import json
import os
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword


def login(server, session, envelope, mechanism, told):
    knows = isinstance(told, LoginPassword) and (told.login, told.password) == (b"monitor", b"testbed")
    return AuthResult(success=knows, handled=False)


class Handler:
    def __init__(self, folder):
        self.folder = folder
        self.seen = {}
        self.count = 0

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("refused"):
            return "550 5.1.1 nobody of that name"
        if address.startswith("grey"):
            self.seen[address] = self.seen.get(address, 0) + 1
            if self.seen[address] == 1:
                return "451 4.7.1 come again later"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 yes"

    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        taken = {
            "tls": session.ssl is not None,
            "authenticated": session.authenticated,
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "attempts": [self.seen.get(address, 1) for address in envelope.rcpt_tos],
            "headers": {name.lower(): str(value) for name, value in mail.items()},
            "defects": [str(defect) for part in mail.walk() for defect in part.defects]
            + [str(defect) for value in mail.values() for defect in value.defects],
            "type": mail.get_content_type(),
            "text": mail.get_content(),
        }
        self.count += 1
        file = os.path.join(self.folder, f"{self.count}.json")
        with open(f"{file}.new", "w") as new:
            json.dump(taken, new)
        os.rename(f"{file}.new", file)
        return "250 2.0.0 taken"


async def main(port, state):
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(os.path.join(state, "server.pem"), os.path.join(state, "server.key"))
    handler = Handler(os.path.join(state, "taken"))

    def session():
        return SMTP(
            handler,
            hostname="localhost",
            tls_context=context,
            require_starttls=True,
            authenticator=login,
            auth_required=True,
            enable_SMTPUTF8=True,
        )

    server = await asyncio.get_running_loop().create_server(session, "127.0.0.1", int(port))
    await server.serve_forever()


asyncio.run(main(*sys.argv[1:]))
