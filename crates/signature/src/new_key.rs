use aws_lc_rs::cipher::{AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::rand;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bcrypt_pbkdf::bcrypt_pbkdf;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};
use ssh_encoding::Encode as _;
use ssh_key::public::{Ed25519PublicKey, KeyData};

use crate::PublicKey;
use crate::file::{BLOCK, FOOTER, HEADER, MAGIC, PLAIN_BLOCK};
use crate::signing::broken;

/// As `ssh-keygen` encrypts today.
const CIPHER: &str = "aes256-ctr";
const ROUNDS: u32 = 24;
const SALT: usize = 16;
const KEY: usize = 32;
/// Both halves, a comment and the frame around them take less, so that nothing secret is moved while it grows.
const ROOM: usize = 1024;

/// A key that was just made, as `ssh-keygen` writes it into a file.
pub struct NewKey {
    text: SecretString,
    public: PublicKey,
}

/// No key can be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no key can be made: {0}")]
pub struct NotMade(String);

impl NewKey {
    /// Makes a key of Ed25519, encrypted if there is a passphrase. The comment is for people.
    ///
    /// # Errors
    /// The passphrase is empty, or the machine has no randomness.
    pub fn generate(passphrase: Option<&SecretString>, comment: &str) -> Result<Self, NotMade> {
        if passphrase.is_some_and(|passphrase| passphrase.expose_secret().is_empty()) {
            return Err(NotMade("the passphrase is empty".into()));
        }
        let mut seed = Zeroizing::new([0; 32]);
        random(&mut *seed)?;
        let pair = Ed25519KeyPair::from_seed_unchecked(&*seed).map_err(failed)?;
        let mut bytes = [0; Ed25519PublicKey::BYTE_SIZE];
        bytes.copy_from_slice(pair.public_key().as_ref());
        let public = PublicKey::of(KeyData::Ed25519(Ed25519PublicKey(bytes)));
        let plain = private_half(&public, (&*seed, &bytes), comment, passphrase.is_some())?;
        let blob = match passphrase {
            Some(passphrase) => encrypted(&public, plain, passphrase)?,
            None => framed(&public, ("none", "none", &[]), &plain)?,
        };
        let text = Zeroizing::new(broken(HEADER, &Zeroizing::new(STANDARD.encode(&*blob)), FOOTER));
        Ok(Self { text: SecretString::from(text.as_str()), public })
    }

    /// What belongs into the file, which nobody else may read.
    pub fn text(&self) -> &SecretString {
        &self.text
    }

    /// Its public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }
}

impl std::fmt::Debug for NewKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("NewKey").field(&self.public.fingerprint()).finish()
    }
}

fn random(bytes: &mut [u8]) -> Result<(), NotMade> {
    rand::fill(bytes).map_err(|_| NotMade("there is no randomness to be had".into()))
}

fn failed(error: impl ToString) -> NotMade {
    NotMade(error.to_string())
}

/// What is encrypted if there is a passphrase.
fn private_half(
    public: &PublicKey,
    (seed, bytes): (&[u8], &[u8]),
    comment: &str,
    is_encrypted: bool,
) -> Result<Zeroizing<Vec<u8>>, NotMade> {
    let mut check = [0; 4];
    random(&mut check)?;
    let mut plain = Zeroizing::new(Vec::with_capacity(ROOM));
    let mut both = Zeroizing::new(Vec::with_capacity(ROOM));
    both.extend_from_slice(seed);
    both.extend_from_slice(bytes);
    // Twice the same, which shows whoever decrypts it that the passphrase was right.
    plain.extend_from_slice(&check);
    plain.extend_from_slice(&check);
    let out = &mut *plain;
    let written = public
        .key_type()
        .encode(out)
        .and_then(|()| bytes.encode(out))
        .and_then(|()| both.as_slice().encode(out))
        .and_then(|()| comment.encode(out));
    written.map_err(failed)?;
    let block = if is_encrypted { BLOCK } else { PLAIN_BLOCK };
    let missing = plain.len().next_multiple_of(block) - plain.len();
    plain.extend((1_u8..).take(missing));
    Ok(plain)
}

fn encrypted(
    public: &PublicKey,
    mut plain: Zeroizing<Vec<u8>>,
    passphrase: &SecretString,
) -> Result<Zeroizing<Vec<u8>>, NotMade> {
    let mut salt = [0; SALT];
    random(&mut salt)?;
    let mut derived = Zeroizing::new([0; KEY + BLOCK]);
    bcrypt_pbkdf(passphrase.expose_secret(), &salt, ROUNDS, &mut *derived).map_err(failed)?;
    let (key, iv) = derived.split_at(KEY);
    let iv: [u8; BLOCK] = iv.try_into().map_err(failed)?;
    let key = UnboundCipherKey::new(&AES_256, key).and_then(EncryptingKey::ctr).map_err(failed)?;
    key.less_safe_encrypt(&mut plain, EncryptionContext::Iv128(FixedLength::from(iv))).map_err(failed)?;
    let mut options = Vec::new();
    salt.as_slice().encode(&mut options).and_then(|()| ROUNDS.encode(&mut options)).map_err(failed)?;
    framed(public, (CIPHER, "bcrypt", &options), &plain)
}

fn framed(
    public: &PublicKey,
    (cipher, kdf, options): (&str, &str, &[u8]),
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, NotMade> {
    let mut blob = Zeroizing::new(Vec::with_capacity(ROOM));
    blob.extend_from_slice(MAGIC);
    let out = &mut *blob;
    let written = cipher
        .encode(out)
        .and_then(|()| kdf.encode(out))
        .and_then(|()| options.encode(out))
        .and_then(|()| 1_u32.encode(out))
        .and_then(|()| public.to_bytes()?.encode(out))
        .and_then(|()| sealed.encode(out));
    written.map_err(failed)?;
    Ok(blob)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{KeyFile, KeyFileError};

    #[test]
    fn what_is_made_is_read_again() {
        // Comments of all lengths, so that every filling up to a block is met.
        for length in 0..17 {
            let key = NewKey::generate(None, &"c".repeat(length)).unwrap();
            let file = KeyFile::read(key.text().expose_secret()).unwrap();
            assert!(!file.is_encrypted());
            assert_eq!(file.unlock(None).unwrap().public(), key.public());
        }
    }

    #[test]
    fn a_passphrase_locks_it() {
        let passphrase = SecretString::from("sealed words");
        let key = NewKey::generate(Some(&passphrase), "primary").unwrap();
        let file = KeyFile::read(key.text().expose_secret()).unwrap();
        assert!(matches!(file.unlock(None), Err(KeyFileError::Encrypted)));
        let wrong = file.unlock(Some(&SecretString::from("other words")));
        assert!(matches!(wrong, Err(KeyFileError::WrongPassphrase)));
        assert_eq!(file.unlock(Some(&passphrase)).unwrap().public(), key.public());
        assert!(NewKey::generate(Some(&SecretString::from("")), "primary").is_err());
    }

    #[test]
    fn no_two_are_the_same_and_none_is_shown() {
        let keys = [(); 2].map(|()| NewKey::generate(None, "primary").unwrap());
        assert_ne!(keys[0].public(), keys[1].public());
        let shown = format!("{:?}", keys[0]);
        assert!(shown.starts_with("NewKey(\"SHA256:"), "{shown}");
    }
}
