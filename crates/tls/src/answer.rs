//! What a server answers to a `ClientHello`: bytes in, facts out. Nothing that comes in is trusted, and no more
//! is kept than a sensible server sends.

use tls_parser::{
    ECParametersContent, TlsAlertDescription, TlsExtension, TlsMessageHandshake, parse_dh_params,
    parse_ec_parameters, parse_tls_handshake_msg_certificate, parse_tls_handshake_server_hello,
    parse_tls_record_header, parse_tls_server_hello_extensions,
};

use crate::protocol::Version;
use crate::suites::{self, Exchange};

/// Bytes that a record may carry: 2¹⁴, and what encryption adds.
const MAX_RECORD: usize = (1 << 14) + 2048;
/// Bytes that a handshake message may have; long chains of certificates take some ten thousand.
const MAX_MESSAGE: usize = 1 << 17;
/// Bytes that are read in all.
const MAX_ANSWER: usize = 1 << 18;
const MAX_CERTIFICATES: usize = 16;

/// The `ServerHello`, or the `HelloRetryRequest`, which looks the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ServerHello {
    /// None for a version that does not exist.
    pub(crate) version: Option<Version>,
    pub(crate) suite: u16,
    pub(crate) is_compressed: bool,
    pub(crate) secure_renegotiation: bool,
    pub(crate) extended_master_secret: bool,
}

/// What a server answered so far.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Answer {
    pub(crate) hello: Option<ServerHello>,
    /// The group of the key exchange.
    pub(crate) group: Option<u16>,
    /// Bits of the prime of a finite-field exchange.
    pub(crate) dh_bits: Option<u32>,
    /// DER, the server's own first; never encrypted up to TLS 1.2.
    pub(crate) certificates: Vec<Vec<u8>>,
    /// The alert that ended the handshake.
    pub(crate) alert: Option<u8>,
}

/// Whether more bytes are needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    More,
    Done,
}

/// Why bytes are no answer of a TLS server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error("it answers, but not with TLS: {0}")]
    NotTls(String),
    #[error("its answer breaks the rules of TLS: {0}")]
    Broken(&'static str),
}

/// Takes an answer apart as its bytes come in.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    answer: Answer,
    /// Bytes that are no whole record yet.
    records: Vec<u8>,
    /// Bytes that are no whole handshake message yet.
    messages: Vec<u8>,
    received: usize,
}

impl Reading {
    /// What was read so far.
    pub(crate) fn into_answer(self) -> Answer {
        self.answer
    }

    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Result<Progress, Unreadable> {
        self.received += bytes.len();
        if self.received > MAX_ANSWER {
            return Err(Unreadable::Broken("it does not end"));
        }
        self.records.extend(bytes);
        loop {
            let Ok((body, header)) = parse_tls_record_header(&self.records) else {
                let is_strange = self.records.first().is_some_and(|first| !(20..=23).contains(first));
                return if is_strange { Err(self.not_tls()) } else { Ok(Progress::More) };
            };
            let (kind, length) = (header.record_type.0, usize::from(header.len));
            if !(20..=23).contains(&kind) || header.version.0 >> 8 != 3 {
                return Err(self.not_tls());
            }
            if length > MAX_RECORD {
                return Err(Unreadable::Broken("a record is longer than a record may be"));
            }
            let Some(body) = body.get(..length) else {
                return Ok(Progress::More);
            };
            let body = body.to_vec();
            self.records.drain(..5 + length);
            if self.record(kind, &body)? == Progress::Done {
                return Ok(Progress::Done);
            }
        }
    }

    fn record(&mut self, kind: u8, body: &[u8]) -> Result<Progress, Unreadable> {
        match (kind, body) {
            (21, [level, description, ..]) => Ok(self.alert(*level, *description)),
            (22, _) => {
                self.messages.extend(body);
                self.messages()
            }
            // Encrypted from here on.
            (23, _) => Ok(Progress::Done),
            _ => Ok(Progress::More),
        }
    }

    fn alert(&mut self, level: u8, description: u8) -> Progress {
        const WARNING: u8 = 1;
        if level == WARNING && description != TlsAlertDescription::CloseNotify.0 {
            return Progress::More;
        }
        self.answer.alert = Some(description);
        Progress::Done
    }

    fn messages(&mut self) -> Result<Progress, Unreadable> {
        loop {
            let [kind, a, b, c, ..] = self.messages[..] else {
                return Ok(Progress::More);
            };
            let length = u32::from_be_bytes([0, a, b, c]) as usize;
            if length > MAX_MESSAGE {
                return Err(Unreadable::Broken("a message is longer than is reasonable"));
            }
            let Some(body) = self.messages.get(4..4 + length) else {
                return Ok(Progress::More);
            };
            let body = body.to_vec();
            self.messages.drain(..4 + length);
            if self.message(kind, &body)? == Progress::Done {
                return Ok(Progress::Done);
            }
        }
    }

    fn message(&mut self, kind: u8, body: &[u8]) -> Result<Progress, Unreadable> {
        match kind {
            2 => {
                if self.answer.hello.is_some() {
                    return Err(Unreadable::Broken("there are two ServerHellos"));
                }
                let (hello, group) = server_hello(body).ok_or(Unreadable::Broken("the ServerHello"))?;
                self.answer.hello = Some(hello);
                self.answer.group = group;
                if hello.version == Some(Version::Tls13) {
                    return Ok(Progress::Done);
                }
            }
            11 => {
                let Ok((_, TlsMessageHandshake::Certificate(list))) =
                    parse_tls_handshake_msg_certificate(body)
                else {
                    return Err(Unreadable::Broken("the list of certificates"));
                };
                let certificates = list.cert_chain.iter().take(MAX_CERTIFICATES);
                self.answer.certificates = certificates.map(|one| one.data.to_vec()).collect();
            }
            12 => self.key_exchange(body),
            // ServerHelloDone
            14 => return Ok(Progress::Done),
            _ => {}
        }
        Ok(Progress::More)
    }

    fn key_exchange(&mut self, body: &[u8]) {
        let suite = self.answer.hello.map(|hello| hello.suite).unwrap_or_default();
        match suites::exchange(suite) {
            Exchange::EllipticCurve => {
                if let Ok((_, parameters)) = parse_ec_parameters(body) {
                    self.answer.group = match parameters.params_content {
                        ECParametersContent::NamedGroup(group) => Some(group.0),
                        // arbitrary_explicit_prime_curves
                        ECParametersContent::ExplicitPrime(_) => Some(0xff01),
                    };
                }
            }
            Exchange::FiniteField => {
                if let Ok((_, parameters)) = parse_dh_params(body) {
                    self.answer.dh_bits = Some(bits(parameters.dh_p));
                }
            }
            Exchange::Other => {}
        }
    }

    fn not_tls(&self) -> Unreadable {
        const SHOWN: usize = 40;
        let start = String::from_utf8_lossy(&self.records[..self.records.len().min(4 * SHOWN)]);
        let line: String = start.lines().next().unwrap_or_default().chars().take(SHOWN).collect();
        Unreadable::NotTls(format!("{line:?}"))
    }
}

/// The hello, and the group if TLS 1.3 has been chosen.
fn server_hello(body: &[u8]) -> Option<(ServerHello, Option<u16>)> {
    let (_, read) = parse_tls_handshake_server_hello(body).ok()?;
    let mut version = read.version.0;
    let mut hello = ServerHello {
        version: None,
        suite: read.cipher.0,
        is_compressed: read.compression.0 != 0,
        secure_renegotiation: false,
        extended_master_secret: false,
    };
    let mut group = None;
    let (_, extensions) = parse_tls_server_hello_extensions(read.ext.unwrap_or_default()).ok()?;
    for extension in extensions {
        match extension {
            TlsExtension::SupportedVersions(versions) => {
                version = versions.first().map_or(version, |chosen| chosen.0);
            }
            TlsExtension::KeyShare([high, low, ..]) => group = Some(u16::from_be_bytes([*high, *low])),
            TlsExtension::RenegotiationInfo(_) => hello.secure_renegotiation = true,
            TlsExtension::ExtendedMasterSecret => hello.extended_master_secret = true,
            _ => {}
        }
    }
    hello.version = Version::from_number(version);
    Some((hello, group.filter(|_| hello.version == Some(Version::Tls13))))
}

/// How many bits a number has.
pub(crate) fn bits(number: &[u8]) -> u32 {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    let digits = &number[zeros..];
    let unused = digits.first().map_or(0, |first| first.leading_zeros());
    u32::try_from(digits.len()).unwrap_or(u32::MAX).saturating_mul(8).saturating_sub(unused)
}

/// What an alert means, as the standards call it.
pub(crate) fn alert_name(description: u8) -> String {
    match TlsAlertDescription(description) {
        TlsAlertDescription::CloseNotify => "close_notify".into(),
        TlsAlertDescription::UnexpectedMessage => "unexpected_message".into(),
        TlsAlertDescription::HandshakeFailure => "handshake_failure".into(),
        TlsAlertDescription::IllegalParameter => "illegal_parameter".into(),
        TlsAlertDescription::DecodeError => "decode_error".into(),
        TlsAlertDescription::AccessDenied => "access_denied".into(),
        TlsAlertDescription::ProtocolVersion => "protocol_version".into(),
        TlsAlertDescription::InsufficientSecurity => "insufficient_security".into(),
        TlsAlertDescription::InternalError => "internal_error".into(),
        TlsAlertDescription::InappropriateFallback => "inappropriate_fallback".into(),
        TlsAlertDescription::MissingExtension => "missing_extension".into(),
        TlsAlertDescription::UnrecognizedName => "unrecognized_name".into(),
        other => other.0.to_string(),
    }
}

pub(crate) const PROTOCOL_VERSION: u8 = TlsAlertDescription::ProtocolVersion.0;

#[cfg(test)]
mod tests;
