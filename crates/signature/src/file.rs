use std::fs::File;
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{AES_128, AES_192, AES_256, DecryptingKey, DecryptionContext, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bcrypt_pbkdf::bcrypt_pbkdf;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};
use ssh_encoding::Decode as _;
use ssh_key::Mpint;
use ssh_key::public::KeyData;

use crate::private::RsaSecrets;
use crate::{KeyError, PrivateKey, PublicKey};

/// A file with a private key, as `ssh-keygen` writes it. Its public half can be read without a passphrase.
pub struct KeyFile {
    public: PublicKey,
    cipher: Cipher,
    lock: Lock,
    /// What holds the private half, encrypted or not.
    sealed: Zeroizing<Vec<u8>>,
    /// What follows it, with ciphers that tell whether it was changed.
    tag: Vec<u8>,
    mode: Option<u32>,
}

/// Why a file gives no private key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyFileError {
    /// There is no such file.
    #[error("there is no such key file")]
    Missing,
    /// It cannot be read.
    #[error("the key file cannot be read: {0}")]
    Io(io::Error),
    /// It is too large for a key.
    #[error("this is no private key: it has more than {MOST} bytes")]
    TooLarge,
    /// It holds a public key.
    #[error("this is a public key; a private key signs, which is in the file without .pub")]
    Public,
    /// It is a private key in another form.
    #[error("this is a private key in another form ({0}); `ssh-keygen -p -f FILE` writes it as OpenSSH does")]
    OtherForm(String),
    /// It is damaged, or something else.
    #[error("this is no private key as `ssh-keygen` writes it: {0}")]
    Unreadable(String),
    /// Nothing is signed with such keys.
    #[error("keys of type {0} do not sign here; use ssh-ed25519, ecdsa-sha2-nistp* or ssh-rsa")]
    Unsupported(String),
    /// The secret is in a security key, and the file only says which.
    #[error("the secret of this {0} is in a security key, which ssh-agent can ask: `ssh-add FILE`")]
    SecurityKey(String),
    /// It was encrypted in a way that is not known.
    #[error(
        "the key is encrypted with {0}; `ssh-keygen -p -Z aes256-ctr -f FILE` encrypts it so that it can be read"
    )]
    Cipher(String),
    /// Turning the passphrase into a key would take too long.
    #[error("the key is encrypted with {0} rounds of bcrypt, and no more than {MOST_ROUNDS} are done")]
    Rounds(u32),
    /// It is encrypted, and nobody gave the passphrase.
    #[error("the key is encrypted, and no passphrase was given")]
    Encrypted,
    /// It was not encrypted with this passphrase.
    #[error("the passphrase is wrong")]
    WrongPassphrase,
    /// Its halves do not belong together, or it is too weak.
    #[error("the key is of no use: {0}")]
    Unusable(String),
}

/// The largest file that is read, in bytes. A key of RSA with 16384 bits takes 13 KiB.
const MOST: u64 = 32 << 10;
/// A round takes some milliseconds; `ssh-keygen` does 16 or 24 unless told otherwise.
const MOST_ROUNDS: u32 = 4096;

pub(crate) const HEADER: &str = "-----BEGIN OPENSSH PRIVATE KEY-----";
pub(crate) const FOOTER: &str = "-----END OPENSSH PRIVATE KEY-----";
pub(crate) const MAGIC: &[u8] = b"openssh-key-v1\0";
/// What is encrypted with AES fills its blocks; what is not fills blocks all the same.
pub(crate) const BLOCK: usize = 16;
pub(crate) const PLAIN_BLOCK: usize = 8;

#[derive(Clone, Copy)]
enum Cipher {
    None,
    Ctr(&'static aws_lc_rs::cipher::Algorithm, usize),
    Cbc(&'static aws_lc_rs::cipher::Algorithm, usize),
    Gcm(&'static aws_lc_rs::aead::Algorithm),
}

/// How a passphrase becomes a key.
enum Lock {
    None,
    Bcrypt { salt: Vec<u8>, rounds: u32 },
}

impl Cipher {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "none" => Self::None,
            "aes128-ctr" => Self::Ctr(&AES_128, 16),
            "aes192-ctr" => Self::Ctr(&AES_192, 24),
            "aes256-ctr" => Self::Ctr(&AES_256, 32),
            "aes128-cbc" => Self::Cbc(&AES_128, 16),
            "aes192-cbc" => Self::Cbc(&AES_192, 24),
            "aes256-cbc" => Self::Cbc(&AES_256, 32),
            "aes128-gcm@openssh.com" => Self::Gcm(&AES_128_GCM),
            "aes256-gcm@openssh.com" => Self::Gcm(&AES_256_GCM),
            _ => return None,
        })
    }

    /// The lengths of key and initial value.
    fn lengths(self) -> (usize, usize) {
        match self {
            Self::None => (0, 0),
            Self::Ctr(_, length) | Self::Cbc(_, length) => (length, 16),
            Self::Gcm(algorithm) => (algorithm.key_len(), algorithm.nonce_len()),
        }
    }

    fn block(self) -> usize {
        if matches!(self, Self::None) { PLAIN_BLOCK } else { BLOCK }
    }

    fn tag(self) -> usize {
        match self {
            Self::Gcm(algorithm) => algorithm.tag_len(),
            _ => 0,
        }
    }

    /// Whether it could be decrypted; only GCM notices if it was another key.
    fn open(self, key: &[u8], sealed: &mut [u8], tag: &[u8]) -> Option<()> {
        let (key, iv) = key.split_at_checked(self.lengths().0)?;
        match self {
            Self::None => {}
            Self::Ctr(algorithm, _) | Self::Cbc(algorithm, _) => {
                let key = UnboundCipherKey::new(algorithm, key).ok()?;
                let key = match self {
                    Self::Ctr(..) => DecryptingKey::ctr(key),
                    _ => DecryptingKey::cbc(key),
                };
                let iv: [u8; BLOCK] = iv.try_into().ok()?;
                key.ok()?.decrypt(sealed, DecryptionContext::Iv128(FixedLength::from(iv))).ok()?;
            }
            Self::Gcm(algorithm) => {
                let key = LessSafeKey::new(UnboundKey::new(algorithm, key).ok()?);
                let nonce = Nonce::try_assume_unique_for_key(iv).ok()?;
                key.open_in_place_separate_tag(nonce, Aad::empty(), tag, sealed).ok()?;
            }
        }
        Some(())
    }
}

impl KeyFile {
    /// Reads a file.
    ///
    /// # Errors
    /// It is not there, or holds no private key that can sign.
    pub fn open(path: &Path) -> Result<Self, KeyFileError> {
        let file = File::open(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => KeyFileError::Missing,
            _ => KeyFileError::Io(error),
        })?;
        let mode = file.metadata().map_err(KeyFileError::Io)?.permissions().mode();
        let mut text = Zeroizing::new(String::with_capacity(usize::try_from(MOST).unwrap_or_default() + 1));
        file.take(MOST + 1).read_to_string(&mut text).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => KeyFileError::Unreadable("it is no text".into()),
            _ => KeyFileError::Io(error),
        })?;
        Ok(Self { mode: Some(mode), ..Self::read(&text)? })
    }

    /// Reads what such a file holds.
    ///
    /// # Errors
    /// It is no private key that can sign.
    pub fn read(text: &str) -> Result<Self, KeyFileError> {
        if u64::try_from(text.len()).is_ok_and(|length| length > MOST) {
            return Err(KeyFileError::TooLarge);
        }
        let text = text.trim();
        let body = text.strip_prefix(HEADER).and_then(|text| text.strip_suffix(FOOTER));
        let body = body.ok_or_else(|| something_else(text))?;
        // Filled to the last byte, so that it is never moved and leaves no copy behind.
        let mut joined = Zeroizing::new(String::with_capacity(body.len()));
        joined.extend(body.chars().filter(|c| !c.is_ascii_whitespace()));
        let bytes = STANDARD.decode(&*joined).map(Zeroizing::new);
        let bytes = bytes.map_err(|error| KeyFileError::Unreadable(error.to_string()))?;
        Self::of_bytes(&bytes)
    }

    fn of_bytes(bytes: &[u8]) -> Result<Self, KeyFileError> {
        let mut rest = bytes.strip_prefix(MAGIC).ok_or_else(|| unreadable("it begins in another way"))?;
        let cipher = String::decode(&mut rest).map_err(truncated)?;
        let kdf = String::decode(&mut rest).map_err(truncated)?;
        let options = Vec::<u8>::decode(&mut rest).map_err(truncated)?;
        if u32::decode(&mut rest).map_err(truncated)? != 1 {
            return Err(unreadable("it has more than one key, or none"));
        }
        let public = Vec::<u8>::decode(&mut rest).map_err(truncated)?;
        let sealed = Zeroizing::new(Vec::<u8>::decode(&mut rest).map_err(truncated)?);
        let public = PublicKey::from_bytes(&public).map_err(|error| match error {
            KeyError::Unsupported(name) => KeyFileError::Unsupported(name),
            KeyError::Unreadable(why) => KeyFileError::Unreadable(why),
        })?;
        if public.is_in_security_key() {
            return Err(KeyFileError::SecurityKey(public.key_type()));
        }
        let cipher = Cipher::named(&cipher).ok_or(KeyFileError::Cipher(cipher))?;
        let lock = match (cipher, kdf.as_str()) {
            (Cipher::None, "none") => Lock::None,
            (Cipher::None, _) => return Err(unreadable("it has a passphrase, and is not encrypted")),
            (_, "bcrypt") => {
                let mut options = options.as_slice();
                let salt = Vec::<u8>::decode(&mut options).map_err(truncated)?;
                let rounds = u32::decode(&mut options).map_err(truncated)?;
                if rounds > MOST_ROUNDS {
                    return Err(KeyFileError::Rounds(rounds));
                }
                Lock::Bcrypt { salt, rounds }
            }
            _ => return Err(unreadable("its passphrase is not used as `ssh-keygen` does")),
        };
        if rest.len() != cipher.tag() || !sealed.len().is_multiple_of(cipher.block()) {
            return Err(unreadable("it is too short or too long"));
        }
        Ok(Self { public, cipher, lock, sealed, tag: rest.to_vec(), mode: None })
    }

    /// Its public half, which nobody vouches for before the file is unlocked.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// Whether it takes a passphrase.
    pub fn is_encrypted(&self) -> bool {
        !matches!(self.cipher, Cipher::None)
    }

    /// The permissions of the file, if they let others at it; `ssh-keygen` signs with no such key.
    pub fn open_to_others(&self) -> Option<u32> {
        self.mode.map(|mode| mode & 0o777).filter(|mode| mode & 0o077 != 0)
    }

    /// Takes the private half out. A passphrase that is not needed is not looked at.
    ///
    /// # Errors
    /// The passphrase is missing or wrong, or the key is of no use.
    pub fn unlock(&self, passphrase: Option<&SecretString>) -> Result<PrivateKey, KeyFileError> {
        let Lock::Bcrypt { salt, rounds } = &self.lock else {
            return self
                .private(&self.sealed)
                .map_err(|error| error.unwrap_or_else(|| unreadable("it is damaged")));
        };
        let passphrase = passphrase.ok_or(KeyFileError::Encrypted)?.expose_secret();
        if passphrase.is_empty() {
            return Err(KeyFileError::WrongPassphrase);
        }
        let (key, iv) = self.cipher.lengths();
        let mut derived = Zeroizing::new(vec![0; key + iv]);
        bcrypt_pbkdf(passphrase, salt, *rounds, &mut derived).map_err(|_| unreadable("it is damaged"))?;
        let mut plain = self.sealed.clone();
        self.cipher.open(&derived, &mut plain, &self.tag).ok_or(KeyFileError::WrongPassphrase)?;
        self.private(&plain).map_err(|error| error.unwrap_or(KeyFileError::WrongPassphrase))
    }

    /// The private half from what was decrypted; an error without words if it was decrypted with another key.
    fn private(&self, plain: &[u8]) -> Result<PrivateKey, Option<KeyFileError>> {
        let mut rest = plain;
        let checks = (u32::decode(&mut rest), u32::decode(&mut rest));
        if !matches!(checks, (Ok(one), Ok(other)) if one == other) {
            return Err(None);
        }
        self.pair(&mut rest).map_err(Some)
    }

    fn pair(&self, rest: &mut &[u8]) -> Result<PrivateKey, KeyFileError> {
        if String::decode(rest).map_err(truncated)? != self.public.key_type() {
            return Err(KeyFileError::Unusable("its halves are of different types".into()));
        }
        // The public half stands here once more, and is not looked at: the private one has to fit the first.
        let key = match self.public.data() {
            KeyData::Ed25519(public) => {
                skip(rest, 1)?;
                let secret = Zeroizing::new(Vec::<u8>::decode(rest).map_err(truncated)?);
                let seed = secret.strip_suffix(&public.0[..]);
                seed.ok_or_else(|| "its halves do not belong together".to_owned())
                    .and_then(|seed| PrivateKey::ed25519(public, seed))
            }
            KeyData::Ecdsa(public) => {
                skip(rest, 2)?;
                PrivateKey::ecdsa(public, &*number(rest)?)
            }
            KeyData::Rsa(public) => {
                skip(rest, 2)?;
                let (d, iqmp) = (number(rest)?, number(rest)?);
                let (p, q) = (number(rest)?, number(rest)?);
                PrivateKey::rsa(public, &RsaSecrets { d, iqmp, p, q })
            }
            _ => Err(format!("keys of type {} do not sign", self.public.key_type())),
        };
        let key = key.map_err(KeyFileError::Unusable)?;
        // A comment, and numbers up to the end of the block.
        skip(rest, 1)?;
        let is_filled =
            rest.len() < self.cipher.block() && rest.iter().zip(1_u8..).all(|(is, due)| *is == due);
        if is_filled { Ok(key) } else { Err(unreadable("it does not end as it should")) }
    }
}

impl std::fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("KeyFile").field(&self.public.fingerprint()).finish()
    }
}

fn number(rest: &mut &[u8]) -> Result<Zeroizing<Mpint>, KeyFileError> {
    Mpint::decode(rest).map(Zeroizing::new).map_err(|error| KeyFileError::Unreadable(error.to_string()))
}

/// Leaves away that many texts.
fn skip(rest: &mut &[u8], count: usize) -> Result<(), KeyFileError> {
    for _ in 0..count {
        Vec::<u8>::decode(rest).map(Zeroizing::new).map_err(truncated)?;
    }
    Ok(())
}

fn unreadable(why: &str) -> KeyFileError {
    KeyFileError::Unreadable(why.to_owned())
}

fn truncated(error: ssh_encoding::Error) -> KeyFileError {
    KeyFileError::Unreadable(error.to_string())
}

/// What a text is that is no key file of OpenSSH.
fn something_else(text: &str) -> KeyFileError {
    if PublicKey::read_line(text).is_ok() {
        return KeyFileError::Public;
    }
    let label = text.strip_prefix("-----BEGIN ").and_then(|text| text.split_once("-----"));
    match label {
        Some((label, _)) if label != "OPENSSH PRIVATE KEY" && label.ends_with("PRIVATE KEY") => {
            KeyFileError::OtherForm(label.to_owned())
        }
        _ => unreadable(&format!("it does not lie between {HEADER} and {FOOTER}")),
    }
}
