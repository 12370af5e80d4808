use std::env;
use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use ssh_encoding::{Decode as _, Encode as _};
use ssh_key::public::KeyData;

use crate::PublicKey;

/// An ssh-agent, which signs with keys that nobody else sees. Asking it keeps the thread until it has answered.
#[derive(Clone, Debug)]
pub struct Agent {
    socket: PathBuf,
    budget: Duration,
}

/// A key that an ssh-agent has.
#[derive(Clone, Debug)]
pub struct AgentKey {
    agent: Agent,
    public: PublicKey,
}

/// Which of its keys an ssh-agent is to sign with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The only one that it has.
    Only,
    /// That with this fingerprint (see [`PublicKey::fingerprint`]).
    Fingerprint(String),
    /// This one.
    Key(PublicKey),
}

/// Why an ssh-agent does not sign.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AgentError {
    /// Nobody says where one is.
    #[error("there is no ssh-agent: $SSH_AUTH_SOCK is not set")]
    Unset,
    /// It is not there, or hung up.
    #[error("the ssh-agent at {} cannot be asked: {why}", socket.display())]
    Away {
        /// Where it should be.
        socket: PathBuf,
        /// What went wrong.
        why: String,
    },
    /// It took too long.
    #[error("the ssh-agent did not answer within {} seconds; a security key may wait for a touch", .0.as_secs_f64())]
    TooSlow(Duration),
    /// It does not answer as ssh-agent does.
    #[error("the ssh-agent answers with nonsense: {0}")]
    Nonsense(String),
    /// It does not want to, or whoever looks after it.
    #[error("the ssh-agent refuses: it is locked, nobody touched the security key, or somebody denied it")]
    Refused,
    /// It has no key that signs.
    #[error("the ssh-agent has no key; `ssh-add FILE` gives it one")]
    Empty,
    /// It has some, and not the one that is wanted.
    #[error("the ssh-agent does not have the key {wanted}, but {}", listed(has))]
    Unknown {
        /// The fingerprint of the one that is wanted.
        wanted: String,
        /// The fingerprints of those that it has.
        has: Vec<String>,
    },
    /// It has some, and nobody said which one is wanted.
    #[error("the ssh-agent has more than one key: {}", listed(.0))]
    Several(Vec<String>),
}

fn listed(fingerprints: &[String]) -> String {
    if fingerprints.is_empty() { "none".to_owned() } else { fingerprints.join(", ") }
}

/// The largest answer that is read, in bytes: that of ssh-agent itself.
const MOST: usize = 256 << 10;
/// How many keys one answer may have: as many as ssh-agent itself takes from another.
const MOST_KEYS: u32 = 2048;

const REQUEST_IDENTITIES: u8 = 11;
const SIGN_REQUEST: u8 = 13;
/// Signatures of RSA are to be made with SHA-512.
const RSA_SHA2_512: u32 = 4;

const FAILURE: u8 = 5;
const IDENTITIES_ANSWER: u8 = 12;
const SIGN_RESPONSE: u8 = 14;

/// What an ssh-agent answers (draft-miller-ssh-agent, 3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgentAnswer {
    /// It does not do what was asked.
    Refused,
    /// The keys that it has, without those that do not sign files, such as certificates.
    Keys(Vec<PublicKey>),
    /// A signature, with the name of its algorithm before it.
    Signature(Vec<u8>),
}

impl AgentAnswer {
    /// Reads an answer, without its length.
    ///
    /// # Errors
    /// It is none, in words.
    pub fn read(answer: &[u8]) -> Result<Self, String> {
        let (kind, mut rest) = answer.split_first().ok_or("it is empty")?;
        let read = match *kind {
            FAILURE => Self::Refused,
            IDENTITIES_ANSWER => Self::Keys(keys(&mut rest)?),
            SIGN_RESPONSE => Self::Signature(Vec::decode(&mut rest).map_err(in_words)?),
            other => return Err(format!("{other} is none of the answers that were expected")),
        };
        if rest.is_empty() || read == Self::Refused { Ok(read) } else { Err("it is too long".into()) }
    }
}

fn in_words(error: ssh_encoding::Error) -> String {
    error.to_string()
}

fn keys(rest: &mut &[u8]) -> Result<Vec<PublicKey>, String> {
    let count = u32::decode(rest).map_err(in_words)?;
    if count > MOST_KEYS {
        return Err(format!("{count} keys are too many"));
    }
    let mut keys = Vec::new();
    for _ in 0..count {
        let key = Vec::<u8>::decode(rest).map_err(in_words)?;
        let _comment = Vec::<u8>::decode(rest).map_err(in_words)?;
        // One that cannot be read keeps nobody from signing with another.
        keys.extend(PublicKey::from_bytes(&key));
    }
    Ok(keys)
}

impl Agent {
    /// That which listens at a socket; it may take that long for each answer, since it may wait for somebody to touch
    /// a security key.
    pub fn at(socket: impl Into<PathBuf>, budget: Duration) -> Self {
        Self { socket: socket.into(), budget }
    }

    /// That which `SSH_AUTH_SOCK` names.
    ///
    /// # Errors
    /// It names none.
    pub fn of_session(budget: Duration) -> Result<Self, AgentError> {
        match env::var_os("SSH_AUTH_SOCK") {
            Some(socket) if !socket.is_empty() => Ok(Self::at(socket, budget)),
            _ => Err(AgentError::Unset),
        }
    }

    /// The keys that it has and that can sign files.
    ///
    /// # Errors
    /// It does not answer.
    pub fn keys(&self) -> Result<Vec<PublicKey>, AgentError> {
        match self.ask(&[REQUEST_IDENTITIES])? {
            AgentAnswer::Keys(keys) => Ok(keys),
            AgentAnswer::Refused => Err(AgentError::Refused),
            AgentAnswer::Signature(_) => Err(nonsense("a signature that nobody asked for")),
        }
    }

    /// The key to sign with.
    ///
    /// # Errors
    /// It does not answer, or has no such key.
    pub fn key(&self, wanted: &Wanted) -> Result<AgentKey, AgentError> {
        let keys = self.keys()?;
        let fingerprints = || keys.iter().map(PublicKey::fingerprint).collect();
        let unknown = |wanted: String| AgentError::Unknown { wanted, has: fingerprints() };
        let public = match (wanted, keys.as_slice()) {
            (Wanted::Only, []) => return Err(AgentError::Empty),
            (Wanted::Only, [only]) => only,
            (Wanted::Only, _) => return Err(AgentError::Several(fingerprints())),
            (Wanted::Fingerprint(wanted), keys) => {
                keys.iter().find(|key| key.fingerprint() == *wanted).ok_or_else(|| unknown(wanted.clone()))?
            }
            // The comment is no part of a key.
            (Wanted::Key(wanted), keys) => keys
                .iter()
                .find(|key| key.data() == wanted.data())
                .ok_or_else(|| unknown(wanted.fingerprint()))?,
        };
        Ok(AgentKey { agent: self.clone(), public: public.clone() })
    }

    /// Asks one thing.
    fn ask(&self, request: &[u8]) -> Result<AgentAnswer, AgentError> {
        let begun = Instant::now();
        let failed = |error: io::Error| match error.kind() {
            // Which of both it is depends on the system.
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => AgentError::TooSlow(self.budget),
            _ => AgentError::Away { socket: self.socket.clone(), why: error.to_string() },
        };
        let mut stream = UnixStream::connect(&self.socket).map_err(failed)?;
        stream.set_write_timeout(Some(self.budget)).map_err(failed)?;
        let mut framed = Vec::new();
        request.encode(&mut framed).map_err(nonsense)?;
        stream.write_all(&framed).map_err(failed)?;
        let mut length = [0; 4];
        self.fill(&mut stream, &mut length, begun).map_err(failed)?;
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        if length > MOST {
            return Err(nonsense(format!("{length} bytes are too many")));
        }
        let mut answer = vec![0; length];
        self.fill(&mut stream, &mut answer, begun).map_err(failed)?;
        AgentAnswer::read(&answer).map_err(nonsense)
    }

    /// Reads so many bytes. The budget is for all of them: an agent that sends one a minute is too slow.
    fn fill(&self, stream: &mut UnixStream, mut into: &mut [u8], begun: Instant) -> io::Result<()> {
        while !into.is_empty() {
            let left = self.budget.checked_sub(begun.elapsed()).filter(|left| !left.is_zero());
            stream.set_read_timeout(Some(left.ok_or(io::ErrorKind::TimedOut)?))?;
            match stream.read(into) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => into = into.get_mut(count..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

fn nonsense(what: impl ToString) -> AgentError {
    AgentError::Nonsense(what.to_string())
}

impl AgentKey {
    /// The public half.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// The name of the algorithm and the signature, as the agent answers. Nobody knows yet whether it fits.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, AgentError> {
        let flags = if matches!(self.public.data(), KeyData::Rsa(_)) { RSA_SHA2_512 } else { 0 };
        let mut request = vec![SIGN_REQUEST];
        let written = self.public.to_bytes().and_then(|key| {
            key.encode(&mut request)?;
            message.encode(&mut request)?;
            flags.encode(&mut request)
        });
        written.map_err(nonsense)?;
        match self.agent.ask(&request)? {
            AgentAnswer::Signature(signature) => Ok(signature),
            AgentAnswer::Refused => Err(AgentError::Refused),
            AgentAnswer::Keys(_) => Err(nonsense("keys that nobody asked for")),
        }
    }
}
