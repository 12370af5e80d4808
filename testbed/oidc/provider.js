// A provider of identities with a client for each algorithm of signatures, and forms that take any name.

import { generateKeyPairSync } from "node:crypto";

import Provider from "oidc-provider";

const [port] = process.argv.slice(2);

function key(kid, alg, type, options) {
  const { privateKey } = generateKeyPairSync(type, options);
  return { ...privateKey.export({ format: "jwk" }), kid, alg, use: "sig" };
}

function client(id, alg) {
  return {
    client_id: id,
    client_secret: "testbed",
    id_token_signed_response_alg: alg,
    // Of such clients, any port of loopback will do.
    application_type: "native",
    redirect_uris: ["http://127.0.0.1/login/oidc/back"],
  };
}

const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [client("rs256", "RS256"), client("es256", "ES256"), client("eddsa", "EdDSA")],
  jwks: {
    keys: [
      key("rs", "RS256", "rsa", { modulusLength: 2048 }),
      key("es", "ES256", "ec", { namedCurve: "P-256" }),
      key("ed", "EdDSA", "ed25519"),
    ],
  },
  cookies: { keys: ["testbed"] },
  pkce: { required: () => true },
  enabledJWA: { idTokenSigningAlgValues: ["RS256", "ES256", "EdDSA"] },
});
provider.listen(Number(port), "127.0.0.1");
