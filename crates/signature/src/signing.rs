use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use ssh_key::public::{Ed25519PublicKey, KeyData};
use ssh_key::{Algorithm, HashAlg, LineEnding, Signature, SshSig};

use crate::PublicKey;

/// A private key that lives as long as the program: for samples, which nobody has to trust later.
#[derive(Debug)]
pub struct ThrowawayKey(Ed25519KeyPair);

/// Nothing could be signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("nothing can be signed: {0}")]
pub struct NotSigned(String);

impl ThrowawayKey {
    /// A new one.
    ///
    /// # Errors
    /// The machine has no randomness.
    pub fn generate() -> Result<Self, NotSigned> {
        Ed25519KeyPair::generate().map(Self).map_err(|error| NotSigned(error.to_string()))
    }

    /// Its public half.
    pub fn public(&self) -> PublicKey {
        PublicKey::of(self.data())
    }

    fn data(&self) -> KeyData {
        let mut bytes = [0; Ed25519PublicKey::BYTE_SIZE];
        bytes.copy_from_slice(self.0.public_key().as_ref());
        KeyData::Ed25519(Ed25519PublicKey(bytes))
    }

    /// Signs as `ssh-keygen -Y sign -n namespace` does.
    ///
    /// # Errors
    /// The namespace is empty.
    pub fn sign(&self, namespace: &str, content: &[u8]) -> Result<String, NotSigned> {
        let failed = |error: ssh_key::Error| NotSigned(error.to_string());
        let message = SshSig::signed_data(namespace, HashAlg::Sha512, content).map_err(failed)?;
        let bytes = self.0.sign(&message).as_ref().to_vec();
        let signature = Signature::new(Algorithm::Ed25519, bytes).map_err(failed)?;
        let signed = SshSig::new(self.data(), namespace, HashAlg::Sha512, signature).map_err(failed)?;
        signed.to_pem(LineEnding::LF).map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::ThrowawayKey;
    use crate::Signature;

    #[test]
    fn what_it_signs_is_verified() {
        let key = ThrowawayKey::generate().unwrap();
        let signed = Signature::read(&key.sign("report", b"content").unwrap()).unwrap();
        assert_eq!(signed.verify("report", b"content", &[key.public()]).unwrap(), &key.public());
        assert!(signed.verify("report", b"other", &[key.public()]).is_err());
        let other = ThrowawayKey::generate().unwrap();
        assert!(signed.verify("report", b"content", &[other.public()]).is_err());
    }
}
