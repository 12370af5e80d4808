use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ssh_encoding::Encode as _;
use ssh_key::{HashAlg, SshSig};

use crate::{AgentError, AgentKey, PrivateKey, PublicKey, Signature};

/// Nothing could be signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSigned {
    /// The ssh-agent does not sign.
    #[error(transparent)]
    Agent(#[from] AgentError),
    /// Something else.
    #[error("nothing can be signed: {0}")]
    Other(String),
}

/// Whatever signs: a key from a file, or one that an ssh-agent has.
#[derive(Debug)]
pub enum Signer {
    /// A key from a file.
    Key(PrivateKey),
    /// A key that an ssh-agent has.
    Agent(AgentKey),
}

impl Signer {
    /// The public half of its key.
    pub fn public(&self) -> &PublicKey {
        match self {
            Self::Key(key) => key.public(),
            Self::Agent(key) => key.public(),
        }
    }

    /// Signs as `ssh-keygen -Y sign -n namespace` does. An agent keeps the thread until it has answered.
    ///
    /// # Errors
    /// The namespace is empty, or the agent does not sign, or not with this key.
    pub fn sign(&self, namespace: &str, content: &[u8]) -> Result<String, NotSigned> {
        let message = SshSig::signed_data(namespace, HashAlg::Sha512, content)
            .map_err(|error| NotSigned::Other(error.to_string()))?;
        match self {
            Self::Key(key) => {
                let signature = key.sign(&message).map_err(NotSigned::Other)?;
                armoured(key.public(), namespace, &signature)
            }
            Self::Agent(key) => {
                let armoured = armoured(key.public(), namespace, &key.sign(&message)?)?;
                // An agent may be anybody's program.
                Signature::read(&armoured)
                    .and_then(|signature| signature.verify(namespace, content, [key.public()]).map(drop))
                    .map_err(|error| AgentError::Nonsense(error.to_string()))?;
                Ok(armoured)
            }
        }
    }
}

/// A private key that lives as long as the program: for samples, which nobody has to trust later.
#[derive(Debug)]
pub struct ThrowawayKey(Signer);

impl ThrowawayKey {
    /// A new one.
    ///
    /// # Errors
    /// The machine has no randomness.
    pub fn generate() -> Result<Self, NotSigned> {
        PrivateKey::generate().map(|key| Self(Signer::Key(key))).map_err(NotSigned::Other)
    }

    /// Its public half.
    pub fn public(&self) -> PublicKey {
        self.0.public().clone()
    }

    /// Signs as [`Signer::sign`] does.
    ///
    /// # Errors
    /// The namespace is empty.
    pub fn sign(&self, namespace: &str, content: &[u8]) -> Result<String, NotSigned> {
        self.0.sign(namespace, content)
    }
}

/// As many characters as `ssh-keygen` puts on a line.
const LINE: usize = 70;

/// Puts a signature into its armour (OpenSSH's PROTOCOL.sshsig). `ssh_key` would write one of `sk-ecdsa` with flags and
/// counter in a wrong place.
fn armoured(key: &PublicKey, namespace: &str, signature: &[u8]) -> Result<String, NotSigned> {
    let mut blob = b"SSHSIG".to_vec();
    let written = key.to_bytes().and_then(|key| {
        1_u32.encode(&mut blob)?;
        key.encode(&mut blob)?;
        namespace.encode(&mut blob)?;
        "".encode(&mut blob)?;
        HashAlg::Sha512.as_str().encode(&mut blob)?;
        signature.encode(&mut blob)
    });
    written.map_err(|error| NotSigned::Other(error.to_string()))?;
    Ok(broken(Signature::HEADER, &STANDARD.encode(blob), Signature::FOOTER))
}

/// A text in base64 between header and footer, in lines.
pub(crate) fn broken(header: &str, base64: &str, footer: &str) -> String {
    // To the last byte, so that it is never moved and leaves no copy behind, for it may be a secret.
    let room = header.len() + base64.len() + base64.len() / LINE + footer.len() + 4;
    let mut text = String::with_capacity(room);
    text.push_str(header);
    text.push('\n');
    for (place, c) in base64.chars().enumerate() {
        if place > 0 && place % LINE == 0 {
            text.push('\n');
        }
        text.push(c);
    }
    text.push('\n');
    text.push_str(footer);
    text.push('\n');
    text
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
