use std::fmt;

use ssh_encoding::Encode as _;
use ssh_key::public::KeyData;
use ssh_key::{Algorithm, HashAlg};

/// A public key of SSH that can vouch for a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey(ssh_key::PublicKey);

/// Why a text is no key that can vouch for a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// It cannot be read.
    #[error("this is no public key as `ssh-keygen` writes it: {0}")]
    Unreadable(String),
    /// No signature of this type is accepted.
    #[error("keys of type {0} are not accepted; use ssh-ed25519, ecdsa-sha2-nistp* or ssh-rsa")]
    Unsupported(String),
}

impl PublicKey {
    /// Reads a key from its type and its base64 text, the first two words of a line in `authorized_keys`.
    ///
    /// # Errors
    /// It is no key, of another type than it says, or of one that is not accepted, such as DSA.
    pub fn read(key_type: &str, base64: &str) -> Result<Self, KeyError> {
        Self::accepted(ssh_key::PublicKey::from_openssh(&format!("{key_type} {base64}")))
    }

    /// Reads a line as `ssh-keygen` writes it into a file that ends in `.pub`, with or without a comment.
    ///
    /// # Errors
    /// As [`PublicKey::read`].
    pub fn read_line(line: &str) -> Result<Self, KeyError> {
        let mut words = line.split_ascii_whitespace();
        match (words.next(), words.next()) {
            (Some(key_type), Some(base64)) => Self::read(key_type, base64),
            _ => Err(KeyError::Unreadable("a type and a text are expected".into())),
        }
    }

    /// Reads a key as other messages of SSH hold it.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        Self::accepted(ssh_key::PublicKey::from_bytes(bytes))
    }

    fn accepted(key: ssh_key::Result<ssh_key::PublicKey>) -> Result<Self, KeyError> {
        let key = key.map_err(|error| KeyError::Unreadable(error.to_string()))?;
        match key.algorithm() {
            Algorithm::Ed25519
            | Algorithm::Ecdsa { .. }
            | Algorithm::Rsa { .. }
            | Algorithm::SkEd25519
            | Algorithm::SkEcdsaSha2NistP256 => Ok(Self(key)),
            other => Err(KeyError::Unsupported(other.as_str().into())),
        }
    }

    /// What identifies the key to people: `SHA256:` and the digest, as `ssh-keygen -l` prints it.
    pub fn fingerprint(&self) -> String {
        self.0.fingerprint(HashAlg::Sha256).to_string()
    }

    /// What it is called in files and messages, such as `ssh-ed25519`.
    pub fn key_type(&self) -> String {
        self.0.algorithm().as_str().to_owned()
    }

    /// Whether its private half never leaves a device that wants to be touched.
    pub fn is_in_security_key(&self) -> bool {
        matches!(self.data(), KeyData::SkEd25519(_) | KeyData::SkEcdsaSha2NistP256(_))
    }

    pub(crate) fn of(data: KeyData) -> Self {
        Self(data.into())
    }

    pub(crate) fn data(&self) -> &KeyData {
        self.0.key_data()
    }

    /// As other messages of SSH hold it.
    pub(crate) fn to_bytes(&self) -> ssh_encoding::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.data().encode(&mut bytes)?;
        Ok(bytes)
    }
}

impl fmt::Display for PublicKey {
    /// Type and base64 text, without a comment.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.0.to_openssh().map_err(|_| fmt::Error)?;
        f.write_str(line.trim_end())
    }
}
