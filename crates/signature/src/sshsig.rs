use ssh_key::SshSig;

use crate::PublicKey;
use crate::arithmetic::is_valid;

/// A signature over a file, with the key that it says it was made with.
#[derive(Clone, Debug)]
pub struct Signature(SshSig);

/// Why a signature proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// It cannot be read.
    #[error("this is no signature as `ssh-keygen -Y sign` writes it: {0}")]
    Unreadable(String),
    /// It was made for another purpose.
    #[error(
        "the signature was made for the namespace {found:?}, not for {wanted:?}; sign with `-n {wanted}`"
    )]
    OtherNamespace {
        /// What it was made for.
        found: String,
        /// What it had to be made for.
        wanted: String,
    },
    /// The key is none of those that may sign.
    #[error("the signature was made with the key {0}, which is not registered")]
    UnknownKey(String),
    /// The arithmetic does not come out.
    #[error("the signature does not fit the content: one of both was changed")]
    Wrong,
}

impl Signature {
    /// The line that begins a signature.
    pub const HEADER: &'static str = "-----BEGIN SSH SIGNATURE-----";
    /// The line that ends it.
    pub const FOOTER: &'static str = "-----END SSH SIGNATURE-----";

    /// Reads an armoured signature.
    ///
    /// # Errors
    /// It is none.
    pub fn read(armoured: &str) -> Result<Self, SignatureError> {
        SshSig::from_pem(armoured.trim_start())
            .map(Self)
            .map_err(|error| SignatureError::Unreadable(error.to_string()))
    }

    /// What identifies the key that it says it was made with (see [`PublicKey::fingerprint`]).
    pub fn fingerprint(&self) -> String {
        self.0.public_key().fingerprint(ssh_key::HashAlg::Sha256).to_string()
    }

    /// Makes sure that the content was signed for a namespace with one of the keys, and says with which.
    ///
    /// # Errors
    /// It was not.
    pub fn verify<'k>(
        &self,
        namespace: &str,
        content: &[u8],
        keys: impl IntoIterator<Item = &'k PublicKey>,
    ) -> Result<&'k PublicKey, SignatureError> {
        if self.0.namespace() != namespace {
            return Err(SignatureError::OtherNamespace {
                found: self.0.namespace().to_owned(),
                wanted: namespace.to_owned(),
            });
        }
        let key = keys
            .into_iter()
            .find(|key| key.data() == self.0.public_key())
            .ok_or_else(|| SignatureError::UnknownKey(self.fingerprint()))?;
        let signed = SshSig::signed_data(namespace, self.0.hash_alg(), content)
            .map_err(|error| SignatureError::Unreadable(error.to_string()))?;
        match is_valid(key.data(), self.0.signature(), &signed) {
            true => Ok(key),
            false => Err(SignatureError::Wrong),
        }
    }
}
