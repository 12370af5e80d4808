use aws_lc_rs::rand;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;

use crate::intake::hexadecimal_digest;

/// What the secrets of tokens begin with, so that they are known for what they are wherever they turn up.
const MARK: &str = "assay_";

/// A secret that is handed out once. It is long and random, so that a digest of it can be kept in its place.
#[derive(Debug)]
pub(crate) struct Secret(pub(crate) SecretString);

/// There is no randomness to be had.
#[derive(Debug, thiserror::Error)]
#[error("there is no randomness to be had")]
pub(crate) struct NotRandom;

impl Secret {
    /// A secret of a session or an invitation.
    pub(crate) fn new() -> Result<Self, NotRandom> {
        let mut bytes = [0; 32];
        rand::fill(&mut bytes).map_err(|_| NotRandom)?;
        Ok(Self(URL_SAFE_NO_PAD.encode(bytes).into()))
    }

    /// A secret for programs.
    pub(crate) fn token() -> Result<Self, NotRandom> {
        let Self(secret) = Self::new()?;
        Ok(Self(format!("{MARK}{}", secrecy::ExposeSecret::expose_secret(&secret)).into()))
    }
}

/// What is kept of a secret.
pub(crate) fn digest_of(secret: &str) -> String {
    hexadecimal_digest(secret)
}

/// What the forms of a session say, so that they are known for ours: it can be told neither from the digest of the
/// session nor without its secret.
pub(crate) fn form_key(secret: &str) -> String {
    hexadecimal_digest(&format!("form {secret}"))
}
