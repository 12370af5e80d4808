use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::hash::Hash;

/// The byte that says Ed25519 in keys of notes.
const ED25519_KEY: u8 = 1;
/// What a signature of a note begins with.
const DASH: &str = "\u{2014} ";
const PEM_BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const PEM_END: &str = "-----END PRIVATE KEY-----";

/// Who signs a log: its name and its public key, written `name+id+key` (C2SP signed-note, Ed25519).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogKey {
    name: String,
    public: Vec<u8>,
}

impl LogKey {
    /// The name of the log.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn public(&self) -> &[u8] {
        &self.public
    }

    /// What tells the key from others of the same name.
    fn id(&self) -> [u8; 4] {
        let whole = [self.name.as_bytes(), b"\n", &[ED25519_KEY], &self.public].concat();
        let digest = digest(&SHA256, &whole);
        let mut id = [0; 4];
        id.copy_from_slice(&digest.as_ref()[..4]);
        id
    }
}

/// A name that no log can have: it must be there, without blanks and `+`.
fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c == '+' || c.is_control())
}

impl fmt::Display for LogKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = STANDARD.encode([&[ED25519_KEY], self.public.as_slice()].concat());
        write!(f, "{}+{:08x}+{key}", self.name, u32::from_be_bytes(self.id()))
    }
}

impl FromStr for LogKey {
    type Err = CheckpointError;

    fn from_str(text: &str) -> Result<Self, CheckpointError> {
        let mut parts = text.trim().splitn(3, '+');
        let (name, id, key) = parts
            .next()
            .zip(parts.next())
            .zip(parts.next())
            .map(|((a, b), c)| (a, b, c))
            .ok_or(CheckpointError::NoKey)?;
        let key = STANDARD.decode(key).map_err(|_| CheckpointError::NoKey)?;
        let read = match key.split_first() {
            Some((&ED25519_KEY, public)) if public.len() == 32 && is_name(name) => {
                Self { name: name.to_owned(), public: public.to_vec() }
            }
            _ => return Err(CheckpointError::NoKey),
        };
        match u32::from_str_radix(id, 16) {
            Ok(id) if id.to_be_bytes() == read.id() => Ok(read),
            _ => Err(CheckpointError::NoKey),
        }
    }
}

/// What a log says of itself: how many entries it has, and the root of the tree over them (C2SP tlog-checkpoint).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log.
    pub origin: String,
    /// How many entries.
    pub size: u64,
    /// The root of the tree.
    pub root: Hash,
}

/// Why a text is no checkpoint of a log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// It is no key of a log.
    #[error("this is no key of a log, which is written NAME+ID+KEY")]
    NoKey,
    /// It is no signed note, or says something else.
    #[error("this is no checkpoint of a log")]
    Unreadable,
    /// It is of another log.
    #[error("the checkpoint is one of {found}, not of {expected}")]
    OtherLog {
        /// What it says.
        found: String,
        /// Whose key was given.
        expected: String,
    },
    /// It was not signed by this key.
    #[error("the checkpoint is not signed by the key of {0}")]
    Unsigned(String),
}

impl Checkpoint {
    fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, self.root)
    }

    /// Reads a signed checkpoint and makes sure that the log signed it. Other signatures may stand beside.
    ///
    /// # Errors
    /// It is none, or nothing that the log said.
    pub fn read(note: &str, key: &LogKey) -> Result<Self, CheckpointError> {
        let (text, signatures) = note.split_once("\n\n").ok_or(CheckpointError::Unreadable)?;
        let read = Self::of(text).ok_or(CheckpointError::Unreadable)?;
        if read.origin != key.name {
            return Err(CheckpointError::OtherLog { found: read.origin, expected: key.name.clone() });
        }
        let public = UnparsedPublicKey::new(&ED25519, &key.public);
        let message = format!("{text}\n");
        let is_signed = signatures.lines().any(|line| {
            let signature = line.strip_prefix(DASH).and_then(|line| line.split_once(' '));
            let signature = signature.filter(|(name, _)| *name == key.name);
            let bytes = signature.and_then(|(_, encoded)| STANDARD.decode(encoded).ok());
            let bytes = bytes.as_deref().and_then(|bytes| bytes.strip_prefix(key.id().as_slice()));
            bytes.is_some_and(|bytes| public.verify(message.as_bytes(), bytes).is_ok())
        });
        if is_signed { Ok(read) } else { Err(CheckpointError::Unsigned(key.name.clone())) }
    }

    fn of(text: &str) -> Option<Self> {
        let mut lines = text.split('\n');
        let origin = lines.next().filter(|origin| !origin.is_empty())?.to_owned();
        let size = lines.next()?;
        let root = Hash::read(lines.next()?)?;
        let read = Self { origin, size: size.parse().ok()?, root };
        // Lines that we do not know may follow; there is one way to write the number.
        (read.size.to_string() == size && lines.all(|line| !line.is_empty())).then_some(read)
    }
}

/// Signs for a log.
pub struct Signer {
    pair: Ed25519KeyPair,
    key: LogKey,
}

/// Why nothing can be signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignerError {
    /// It is no private key.
    #[error(
        "this is no private key for Ed25519 in PEM (PKCS #8), as `openssl genpkey -algorithm ed25519` makes it"
    )]
    NoPrivateKey,
    /// No log can be called so.
    #[error("no log can be called {0:?}: a name has neither blanks nor `+`")]
    NoName(String),
    /// The machine gives no randomness, or no key.
    #[error("a key could not be made")]
    NotMade,
}

impl Signer {
    /// A new private key, as PEM.
    ///
    /// # Errors
    /// There is no randomness.
    pub fn generate() -> Result<String, SignerError> {
        let pair = Ed25519KeyPair::generate().map_err(|_| SignerError::NotMade)?;
        let der: aws_lc_rs::encoding::Pkcs8V1Der<'_> = pair.as_der().map_err(|_| SignerError::NotMade)?;
        Ok(format!("{PEM_BEGIN}\n{}\n{PEM_END}\n", STANDARD.encode(der.as_ref())))
    }

    /// Reads a private key for a log of that name.
    ///
    /// # Errors
    /// It is none, or that is no name.
    pub fn read(name: &str, pem: &str) -> Result<Self, SignerError> {
        if !is_name(name) {
            return Err(SignerError::NoName(name.to_owned()));
        }
        let encoded = pem.split_once(PEM_BEGIN).and_then(|(_, rest)| rest.split_once(PEM_END));
        let (encoded, _) = encoded.ok_or(SignerError::NoPrivateKey)?;
        let encoded: String = encoded.split_whitespace().collect();
        let der = STANDARD.decode(encoded).map_err(|_| SignerError::NoPrivateKey)?;
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der).map_err(|_| SignerError::NoPrivateKey)?;
        let key = LogKey { name: name.to_owned(), public: pair.public_key().as_ref().to_vec() };
        Ok(Self { pair, key })
    }

    /// Who signs.
    pub fn key(&self) -> &LogKey {
        &self.key
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.pair.sign(message).as_ref().to_vec()
    }

    /// A checkpoint of the log, signed.
    pub fn checkpoint(&self, size: u64, root: Hash) -> String {
        let checkpoint = Checkpoint { origin: self.key.name.clone(), size, root };
        let text = checkpoint.text();
        let signature = self.sign(text.as_bytes());
        let signature = STANDARD.encode([self.key.id().as_slice(), &signature].concat());
        format!("{text}\n{DASH}{} {signature}\n", self.key.name)
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({})", self.key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signer() -> Signer {
        Signer::read("monitor.example/log", &Signer::generate().unwrap()).unwrap()
    }

    #[test]
    fn what_a_log_signed_is_told_from_what_it_did_not() {
        let signer = signer();
        let note = signer.checkpoint(7, Hash::of_nothing());
        let read = Checkpoint::read(&note, signer.key()).unwrap();
        let origin = "monitor.example/log".to_owned();
        assert_eq!(read, Checkpoint { origin, size: 7, root: Hash::of_nothing() });
        assert_eq!(signer.key().to_string().parse(), Ok(signer.key().clone()));
        // A witness signs beside it, before or behind.
        let beside = format!("{note}{DASH}witness.example AAAAAAAA\n");
        assert_eq!(Checkpoint::read(&beside, signer.key()), Ok(read));
        let other = super::tests::signer();
        let unsigned = CheckpointError::Unsigned("monitor.example/log".into());
        assert_eq!(Checkpoint::read(&note, other.key()), Err(unsigned.clone()));
        assert_eq!(Checkpoint::read(&note.replace("\n7\n", "\n8\n"), signer.key()), Err(unsigned));
        for bad in ["", "a\n", "a\n7\n\n", &note.replace("\n7\n", "\n07\n"), &note.replace("\n\n", "\n")] {
            assert_eq!(Checkpoint::read(bad, signer.key()), Err(CheckpointError::Unreadable), "{bad}");
        }
        let elsewhere = Signer::read("other.example", &Signer::generate().unwrap()).unwrap();
        assert!(matches!(Checkpoint::read(&note, elsewhere.key()), Err(CheckpointError::OtherLog { .. })));
    }

    #[test]
    fn keys_that_are_none_are_refused() {
        let text = signer().key().to_string();
        for bad in ["", "a", "a+b", "a+b+c", &text.replace("monitor", "other"), &text[..text.len() - 4]] {
            assert_eq!(bad.parse::<LogKey>(), Err(CheckpointError::NoKey), "{bad}");
        }
        for bad in ["", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
            assert_eq!(Signer::read("log", bad).unwrap_err(), SignerError::NoPrivateKey);
        }
        let pem = Signer::generate().unwrap();
        assert_eq!(Signer::read("my log", &pem).unwrap_err(), SignerError::NoName("my log".into()));
    }

    #[test]
    fn another_program_accepts_what_we_sign() {
        let signer = signer();
        let verifier = signed_note::StandardVerifier::new(&signer.key().to_string()).unwrap();
        let note = signer.checkpoint(300, Hash::of_leaf(b"x"));
        let read = signed_note::Note::from_bytes(note.as_bytes()).unwrap();
        let (signatures, _) = read.verify(&signed_note::VerifierList::new(vec![Box::new(verifier)])).unwrap();
        assert_eq!(signatures.len(), 1);
        let checkpoint = tlog_tiles::Checkpoint::from_bytes(read.text()).unwrap();
        assert_eq!((checkpoint.origin(), checkpoint.size()), ("monitor.example/log", 300));
    }
}
