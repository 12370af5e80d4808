use std::fmt;

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
        let key = ssh_key::PublicKey::from_openssh(&format!("{key_type} {base64}"))
            .map_err(|error| KeyError::Unreadable(error.to_string()))?;
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

    pub(crate) fn of(data: ssh_key::public::KeyData) -> Self {
        Self(data.into())
    }

    pub(crate) fn data(&self) -> &ssh_key::public::KeyData {
        self.0.key_data()
    }
}

impl fmt::Display for PublicKey {
    /// Type and base64 text, without a comment.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.0.to_openssh().map_err(|_| fmt::Error)?;
        f.write_str(line.trim_end())
    }
}
