//! Keys for S3, made through keystone.

use std::fmt::Write as _;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use url::Url;
use uuid::Uuid;

use crate::Session;
use crate::endpoint::catalog_url;

/// Types of services whose URL is that of S3 itself.
const S3: [&str; 2] = ["object-store-s3", "s3"];
/// What most servers take for any region.
const REGION: &str = "us-east-1";

/// A key for S3. The access key is a name that bears our mark; so the key is found again without its secret.
pub(crate) struct Ec2Key {
    /// The access key.
    pub(crate) access: String,
    /// Its secret.
    pub(crate) secret: SecretString,
}

impl Ec2Key {
    /// A new one of this name, to be sent through this session.
    pub(crate) fn new(session: &Session, access: String) -> Self {
        let secret = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let secret = SecretString::from(secret);
        session.http().conceal(secret.clone());
        Ec2Key { access, secret }
    }

    /// The fields of the credential that makes keystone know it.
    pub(crate) fn fields(&self, session: &Session) -> Value {
        let blob = json!({"access": self.access, "secret": self.secret.expose_secret()});
        let token = session.token();
        json!({
            "type": "ec2", "blob": blob.to_string(), "user_id": token.user_id,
            "project_id": token.project.as_ref().map(|project| &project.id),
        })
    }
}

/// The id that keystone gives a credential for EC2: a hash of its access key.
pub(crate) fn credential_id(access: &str) -> String {
    Sha256::digest(access.as_bytes()).iter().fold(String::new(), |mut id, byte| {
        // Writing to a string cannot fail.
        let _ = write!(id, "{byte:02x}");
        id
    })
}

/// Where the cloud answers to S3: at an endpoint of its own, or on the host of the object store.
pub(crate) fn s3_endpoint(session: &Session) -> Option<Url> {
    let token = session.token();
    let own = S3.iter().find_map(|name| catalog_url(&token.catalog, name, &[], &session.wanted()).ok());
    if let Some(url) = own {
        return Url::parse(url).ok();
    }
    let overridden = session.config().endpoint_override("object-store");
    let url =
        overridden.or_else(|| catalog_url(&token.catalog, "object-store", &[], &session.wanted()).ok())?;
    let mut url = Url::parse(url).ok()?;
    url.set_path("/");
    url.set_query(None);
    Some(url)
}

/// How to ask the S3 server at an endpoint with a key.
pub(crate) fn access(session: &Session, endpoint: Url, key: &Ec2Key) -> assay_s3::Access {
    assay_s3::Access {
        endpoint,
        region: session.config().region().unwrap_or(REGION).to_owned(),
        access_key: key.access.clone(),
        secret_key: key.secret.clone(),
        verify: session.config().verifies_certificates(),
        extra_roots: session.config().authorities(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_the_hash_that_keystone_uses() {
        // From a keystone of 2026.1.
        assert_eq!(credential_id("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
