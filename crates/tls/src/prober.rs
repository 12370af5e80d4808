//! One endpoint under examination: makes handshakes within the limits, and keeps what all of them show.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::ServerName;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::answer::{Answer, ServerHello, Unreadable, alert_name};
use crate::client_hello::ClientHello;
use crate::connection::{Reply, exchange, seconds};
use crate::protocol::Version;
use crate::tls13::{self, Keys};
use crate::{Settings, Target};

/// Connections to one host at a time.
pub(crate) const CONNECTIONS: usize = 4;
/// Different certificates that are kept; a server has one per type of key.
const MAX_CERTIFICATES: usize = 8;

/// What became of a hello.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Tried {
    Chosen(ServerHello, Answer),
    /// The server does not want it, and said so by this alert, or by closing the connection.
    Refused {
        alert: Option<u8>,
    },
    /// The connection stood, and nothing came.
    Silent,
    Unreadable(Unreadable),
    /// It was not tried, for this reason.
    Untried(String),
}

impl Tried {
    /// What the server did, as a phrase.
    pub(crate) fn said(&self, limit: Duration) -> String {
        match self {
            Tried::Chosen(hello, _) => match hello.version {
                Some(version) => format!("it answers with {}", version.name()),
                None => "it answers with a version that does not exist".into(),
            },
            Tried::Refused { alert: Some(alert) } => format!("alert {}", alert_name(*alert)),
            Tried::Refused { alert: None } => "it closes the connection".into(),
            Tried::Silent => format!("no answer within {}", seconds(limit)),
            Tried::Unreadable(unreadable) => unreadable.to_string(),
            Tried::Untried(why) => why.clone(),
        }
    }
}

/// What all handshakes up to TLS 1.2 showed, whatever they were made for.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// By the server's own certificate.
    pub(crate) chains: BTreeMap<Vec<u8>, Vec<Vec<u8>>>,
    pub(crate) dh_bits: Option<u32>,
    pub(crate) secure_renegotiation: Option<bool>,
    pub(crate) extended_master_secret: Option<bool>,
    pub(crate) compression: Option<bool>,
}

impl Seen {
    fn note(&mut self, hello: ServerHello, answer: &Answer) {
        self.note_chain(&answer.certificates);
        if let Some(bits) = answer.dh_bits {
            self.dh_bits = Some(self.dh_bits.map_or(bits, |known| known.min(bits)));
        }
        let Some(version) = hello.version.filter(|version| *version < Version::Tls13) else {
            return;
        };
        let worst = |known: Option<bool>, new: bool| Some(known.unwrap_or(true) && new);
        self.compression = Some(self.compression.unwrap_or(false) || hello.is_compressed);
        // SSL 3 has no extensions to announce these by.
        if version > Version::Ssl3 {
            self.secure_renegotiation = worst(self.secure_renegotiation, hello.secure_renegotiation);
            self.extended_master_secret = worst(self.extended_master_secret, hello.extended_master_secret);
        }
    }

    pub(crate) fn note_chain(&mut self, chain: &[Vec<u8>]) {
        if let Some(leaf) = chain.first()
            && self.chains.len() < MAX_CERTIFICATES
        {
            self.chains.entry(leaf.clone()).or_insert_with(|| chain.to_vec());
        }
    }
}

pub(crate) struct Prober<'a> {
    pub(crate) target: &'a Target,
    pub(crate) settings: &'a Settings,
    address: SocketAddr,
    server_name: Option<String>,
    end: Instant,
    seats: Semaphore,
    handshakes: AtomicU32,
    seen: Mutex<Seen>,
}

impl<'a> Prober<'a> {
    pub(crate) fn new(target: &'a Target, settings: &'a Settings, address: SocketAddr) -> Self {
        let server_name = match ServerName::try_from(target.host.as_str()) {
            Ok(ServerName::DnsName(name)) => Some(name.as_ref().trim_end_matches('.').to_owned()),
            _ => None,
        };
        Prober {
            target,
            settings,
            address,
            server_name,
            end: Instant::now() + settings.total_timeout,
            seats: Semaphore::new(CONNECTIONS),
            handshakes: AtomicU32::new(0),
            seen: Mutex::default(),
        }
    }

    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn handshakes(&self) -> u32 {
        self.handshakes.load(Ordering::Relaxed)
    }

    /// A hello with everything but what the caller varies.
    pub(crate) fn hello(&self, version: Version, suites: &[u16], groups: &[u16]) -> ClientHello {
        ClientHello {
            version,
            server_name: self.server_name.clone(),
            suites: suites.to_vec(),
            groups: groups.to_vec(),
            with_shares: false,
            is_fallback: false,
        }
    }

    /// Sends a hello on a connection of its own.
    pub(crate) async fn offer(&self, hello: &ClientHello) -> Tried {
        let Ok(_seat) = self.seats.acquire().await else {
            return Tried::Untried("the scan has ended".into());
        };
        let limit = match self.take_handshake() {
            Ok(limit) => limit,
            Err(why) => return Tried::Untried(why),
        };
        let mut random = [0; 32];
        // Predictable bytes would do: nothing is encrypted.
        let _ = aws_lc_rs::default_provider().secure_random.fill(&mut random);
        match exchange(self.address, &hello.bytes(random), limit).await {
            Reply::Answer(answer) => match answer.hello {
                Some(chosen) => {
                    self.seen().note(chosen, &answer);
                    Tried::Chosen(chosen, answer)
                }
                None => Tried::Refused { alert: answer.alert },
            },
            Reply::Closed => Tried::Refused { alert: None },
            Reply::Silent if limit < self.settings.handshake_timeout => Tried::Untried(self.time_is_up()),
            Reply::Silent => Tried::Silent,
            Reply::Unconnected(problem) => Tried::Untried(problem),
            Reply::Unreadable(unreadable) => Tried::Unreadable(unreadable),
        }
    }

    /// The certificates that TLS 1.3 shows.
    pub(crate) async fn certificates_13(&self, keys: Keys) -> Result<Vec<Vec<u8>>, String> {
        let _seat = self.seats.acquire().await.map_err(|error| error.to_string())?;
        let limit = self.take_handshake()?;
        tls13::certificates(self.address, &self.target.host, keys, limit).await
    }

    /// Counts a handshake and says how long it may take.
    fn take_handshake(&self) -> Result<Duration, String> {
        let left = self.end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(self.time_is_up());
        }
        let most = self.settings.max_handshakes;
        self.handshakes
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |made| (made < most).then_some(made + 1))
            .map_err(|_| format!("{most} handshakes have been made, which is the limit"))?;
        Ok(left.min(self.settings.handshake_timeout))
    }

    fn time_is_up(&self) -> String {
        format!("the scan took longer than {}", seconds(self.settings.total_timeout))
    }
}
