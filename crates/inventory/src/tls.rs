//! What TLS servers showed in handshakes. Names of protocol versions, curves and signatures are those of
//! OpenSSL, names of cipher suites those of IANA, as in Mozilla's guidelines.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One host and port of the catalog, and what TLS it offers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TlsEndpoint {
    /// The entries of the catalog that lead here.
    pub services: Vec<TlsService>,
    /// Host name or address, IPv6 without brackets; the whole URL where it names no host.
    pub host: String,
    /// Port; 0 where the URL names no host.
    pub port: u16,
    /// What came of the scan.
    pub outcome: TlsOutcome,
}

impl TlsEndpoint {
    /// Host and port as in a URL.
    pub fn authority(&self) -> String {
        match (self.port, self.host.contains(':')) {
            (0, _) => self.host.clone(),
            (port, true) => format!("[{}]:{port}", self.host),
            (port, false) => format!("{}:{port}", self.host),
        }
    }
}

/// An entry of the catalog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsService {
    /// Service type, such as `compute`.
    #[serde(rename = "type")]
    pub service_type: String,
    /// `public`, `internal` or `admin`; `auth_url` for the address of keystone that the user has.
    pub interface: String,
    /// Region, if the catalog names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// The URL as the catalog has it.
    pub url: String,
}

/// What came of the scan of an endpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum TlsOutcome {
    /// The URL has the scheme http. The server was not contacted.
    Plain,
    /// No connection, or a server that stays silent.
    Unreachable {
        /// What went wrong.
        message: String,
    },
    /// A server answers, but not with TLS.
    NotTls {
        /// What it answered.
        message: String,
    },
    /// A server answers with TLS.
    Scanned(TlsScan),
}

/// What a TLS server showed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TlsScan {
    /// The protocol versions that were tried, latest first.
    pub versions: Vec<TlsVersionScan>,
    /// Groups for the key exchange that the server accepts, over all versions: curves and hybrids with them.
    pub groups: Vec<String>,
    /// Whether more groups may be accepted than are listed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub more_groups: bool,
    /// Bits of the smallest prime that the server took for a finite-field Diffie-Hellman exchange, up to
    /// TLS 1.2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dh_bits: Option<u32>,
    /// The server's certificates; several if it has one per type of key.
    pub certificates: Vec<TlsCertificate>,
    /// Whether the server announced secure renegotiation (RFC 5746); none if TLS 1.3 alone was spoken, where
    /// nothing is renegotiated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secure_renegotiation: Option<bool>,
    /// Whether the server binds the master secret to the handshake (RFC 7627); none if TLS 1.3 alone was
    /// spoken, which always does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extended_master_secret: Option<bool>,
    /// Whether the server refused a client that fell back to an older version though both know a later one
    /// (RFC 7507); none if there is no older version below TLS 1.2 to fall back to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fallback_refused: Option<bool>,
    /// Whether the server chose to compress what is encrypted; none if TLS 1.3 alone was spoken, which cannot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compression: Option<bool>,
    /// How many handshakes were tried.
    pub handshakes: u32,
    /// What could not be found out, and why.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<TlsGap>,
}

impl TlsScan {
    /// What was seen of a protocol version, by its name.
    pub fn version(&self, name: &str) -> Option<&TlsVersionScan> {
        self.versions.iter().find(|scan| scan.version == name)
    }
}

/// What was seen of one protocol version.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct TlsVersionScan {
    /// `SSLv3`, `TLSv1`, `TLSv1.1`, `TLSv1.2` or `TLSv1.3`.
    pub version: String,
    /// Whether the server speaks it; none if that could not be tried.
    pub accepted: Option<bool>,
    /// What the server did where it does not speak it, or why that could not be tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
    /// Cipher suites that the server accepts. Suites found with a later version up to TLS 1.2 are not tried
    /// again with an older one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub suites: Vec<String>,
    /// Whether more suites may be accepted than are listed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub more_suites: bool,
}

/// Something that could not be found out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsGap {
    /// What, as a phrase.
    pub what: String,
    /// Why.
    pub why: String,
}

/// A certificate that a server showed for itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsCertificate {
    /// Subject, as a distinguished name.
    pub subject: String,
    /// Issuer, as a distinguished name.
    pub issuer: String,
    /// DNS names and addresses that it is for.
    pub names: Vec<String>,
    /// Type of the key: `rsa`, `ecdsa`, or what the certificate calls it.
    pub key: String,
    /// Size of the key in bits.
    pub key_bits: u32,
    /// Curve of the key, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub curve: Option<String>,
    /// Algorithm with which the issuer signed it.
    pub signature: String,
    /// From when on it is valid.
    pub not_before: Timestamp,
    /// Until when it is valid.
    pub not_after: Timestamp,
    /// How many certificates the server sent with it.
    pub sent_with: u32,
    /// Why it does not lead to a certification authority that is trusted, at a moment when it is valid itself;
    /// none if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain_problem: Option<String>,
    /// Why it is not for this host; none if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_problem: Option<String>,
}

impl TlsCertificate {
    /// Whole days between both ends of its validity.
    pub fn lifetime_days(&self) -> i64 {
        self.not_after.duration_since(self.not_before).as_secs() / (24 * 60 * 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scan_reads_back_and_tolerates_fields_it_does_not_know() {
        let endpoint = TlsEndpoint {
            services: vec![TlsService {
                service_type: "compute".into(),
                interface: "public".into(),
                region: None,
                url: "https://[2001:db8::1]:8774".into(),
            }],
            host: "2001:db8::1".into(),
            port: 8774,
            outcome: TlsOutcome::Scanned(TlsScan {
                groups: vec!["X25519".into()],
                compression: Some(false),
                ..TlsScan::default()
            }),
        };
        let text = serde_json::to_string(&endpoint).unwrap();
        assert_eq!(serde_json::from_str::<TlsEndpoint>(&text).unwrap(), endpoint);
        let later = text.replace(r#""compression":"#, r#""something_new":[1],"compression":"#);
        assert_ne!(later, text);
        assert_eq!(serde_json::from_str::<TlsEndpoint>(&later).unwrap(), endpoint);
        assert_eq!(endpoint.authority(), "[2001:db8::1]:8774");
    }

    #[test]
    fn a_lifetime_counts_whole_days() {
        let certificate = |not_after: &str| TlsCertificate {
            subject: String::new(),
            issuer: String::new(),
            names: Vec::new(),
            key: "rsa".into(),
            key_bits: 2048,
            curve: None,
            signature: String::new(),
            not_before: "2026-01-01T00:00:00Z".parse().unwrap(),
            not_after: not_after.parse().unwrap(),
            sent_with: 0,
            chain_problem: None,
            name_problem: None,
        };
        assert_eq!(certificate("2027-01-01T23:59:59Z").lifetime_days(), 365);
        assert_eq!(certificate("2027-01-02T00:00:00Z").lifetime_days(), 366);
        assert_eq!(certificate("2025-12-31T00:00:00Z").lifetime_days(), -1);
    }
}
