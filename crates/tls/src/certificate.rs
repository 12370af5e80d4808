//! What a certificate says, and whether it leads to somebody who is trusted.

use std::net::{Ipv4Addr, Ipv6Addr};

use assay_inventory::{TlsCertificate, TlsGap};
use jiff::Timestamp;
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, Error, RootCertStore};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::oid_registry::{Oid, OidRegistry};
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;
use x509_parser::time::ASN1Time;

use crate::Settings;

/// Names that are kept of a certificate; some have hundreds.
const MAX_NAMES: usize = 100;

/// The certification authorities that are trusted.
pub(crate) struct Trust {
    roots: RootCertStore,
    /// Certificates of the user, which may be those of servers themselves.
    listed: Vec<CertificateDer<'static>>,
}

impl Trust {
    /// Reads what the settings name. What could not be read is said.
    pub(crate) fn new(settings: &Settings) -> (Trust, Vec<TlsGap>) {
        let gap = |what: &str, why: String| TlsGap { what: what.to_owned(), why };
        let mut gaps = Vec::new();
        let mut roots = RootCertStore::empty();
        if settings.native_roots {
            let native = rustls_native_certs::load_native_certs();
            if native.certs.is_empty() {
                let why = native.errors.first().map_or_else(|| "there are none".into(), ToString::to_string);
                gaps.push(gap("the certification authorities of the system", why));
            }
            roots.add_parsable_certificates(native.certs);
        }
        let mut listed = Vec::new();
        for pem in &settings.extra_roots {
            let before = listed.len();
            for certificate in CertificateDer::pem_slice_iter(pem) {
                match certificate {
                    Ok(certificate) => listed.push(certificate),
                    Err(error) => gaps.push(gap("an additional certification authority", error.to_string())),
                }
            }
            if listed.len() == before {
                gaps.push(gap(
                    "additional certification authorities",
                    "there is no certificate in PEM".into(),
                ));
            }
        }
        roots.add_parsable_certificates(listed.iter().cloned());
        (Trust { roots, listed }, gaps)
    }

    /// Describes the first certificate of a chain and judges whether a client would trust it.
    ///
    /// # Errors
    /// What is wrong with the certificate, if it cannot be read.
    pub(crate) fn describe(
        &self,
        chain: &[Vec<u8>],
        host: &str,
        now: Timestamp,
    ) -> Result<TlsCertificate, String> {
        let leaf = chain.first().ok_or("the list of certificates is empty")?;
        let (_, read) =
            X509Certificate::from_der(leaf).map_err(|error| format!("it is no certificate: {error}"))?;
        let not_before = timestamp(read.validity().not_before)?;
        let not_after = timestamp(read.validity().not_after)?;
        let (key, key_bits, curve) = key(&read);
        let names = names(&read);
        // Whether it is valid today is seen by its dates; here it is asked whether it ever was.
        let at = if not_before < not_after { now.clamp(not_before, not_after) } else { now };
        let ders: Vec<CertificateDer<'_>> = chain.iter().map(|der| CertificateDer::from_slice(der)).collect();
        let is_self_issued = read.subject().as_raw() == read.issuer().as_raw();
        Ok(TlsCertificate {
            subject: printable(&read.subject().to_string()),
            issuer: printable(&read.issuer().to_string()),
            chain_problem: self.chain_problem(&ders, at, is_self_issued),
            name_problem: name_problem(&ders, host, &names),
            names,
            key,
            key_bits,
            curve,
            signature: algorithm(&read.signature_algorithm.algorithm),
            not_before,
            not_after,
            sent_with: u32::try_from(chain.len() - 1).unwrap_or(u32::MAX),
        })
    }

    fn chain_problem(
        &self,
        chain: &[CertificateDer<'_>],
        at: Timestamp,
        is_self_issued: bool,
    ) -> Option<String> {
        let (leaf, others) = chain.split_first()?;
        if self.listed.contains(leaf) {
            return None;
        }
        let at = UnixTime::since_unix_epoch(std::time::Duration::from_secs(
            at.as_second().try_into().unwrap_or(0),
        ));
        let algorithms = aws_lc_rs::default_provider().signature_verification_algorithms.all;
        let verified = ParsedCertificate::try_from(leaf).and_then(|leaf| {
            verify_server_cert_signed_by_trust_anchor(&leaf, &self.roots, others, at, algorithms)
        });
        verified.err().map(|error| chain_message(&error, is_self_issued))
    }
}

fn chain_message(error: &Error, is_self_issued: bool) -> String {
    let Error::InvalidCertificate(problem) = error else {
        return error.to_string();
    };
    match problem {
        // webpki says so of every certificate that signed itself, because it may sign others.
        _ if is_self_issued => "it is signed by itself and by no trusted certification authority".into(),
        CertificateError::UnknownIssuer => {
            "the certificates that were sent do not lead to a trusted certification authority".into()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "a certificate that it depends on has expired".into()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "a certificate that it depends on is not valid yet".into()
        }
        CertificateError::BadSignature => "a signature in the chain is wrong".into(),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "it is not meant for servers".into()
        }
        other => printable(&other.to_string()),
    }
}

fn name_problem(chain: &[CertificateDer<'_>], host: &str, names: &[String]) -> Option<String> {
    let is_for_host = || -> Result<(), Error> {
        let name = ServerName::try_from(host).map_err(|error| Error::General(error.to_string()))?;
        let leaf = chain.first().ok_or(Error::NoCertificatesPresented)?;
        verify_server_name(&ParsedCertificate::try_from(leaf)?, &name)
    };
    match is_for_host() {
        Ok(()) => None,
        Err(_) if names.is_empty() => Some("it names no host (subject alternative names)".into()),
        Err(Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        )) => Some(format!("it is for {}", shortened(names))),
        Err(error) => Some(printable(&error.to_string())),
    }
}

fn shortened(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let more = names.len().saturating_sub(SHOWN);
    let shown = names[..names.len().min(SHOWN)].join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}

/// The curve of an ECDSA key, by its name.
pub(crate) fn curve(leaf: &[u8]) -> Option<String> {
    let (_, read) = X509Certificate::from_der(leaf).ok()?;
    key(&read).2
}

/// Whether a certificate is for an RSA key.
pub(crate) fn is_rsa(leaf: &[u8]) -> bool {
    X509Certificate::from_der(leaf).is_ok_and(|(_, read)| key(&read).0 == "rsa")
}

/// Type, size in bits and curve of the key.
fn key(certificate: &X509Certificate<'_>) -> (String, u32, Option<String>) {
    let public_key = certificate.public_key();
    match public_key.parsed() {
        Ok(PublicKey::RSA(key)) => ("rsa".into(), crate::answer::bits(key.modulus), None),
        Ok(PublicKey::EC(_)) => {
            let curve =
                public_key.algorithm.parameters.as_ref().and_then(|parameters| parameters.as_oid().ok());
            let (name, bits) = match curve {
                Some(oid) => curve_of(&oid.to_id_string()),
                None => ("explicit parameters".into(), 0),
            };
            ("ecdsa".into(), bits, Some(name))
        }
        _ => match public_key.algorithm.algorithm.to_id_string().as_str() {
            "1.3.101.112" => ("ed25519".into(), 256, None),
            "1.3.101.113" => ("ed448".into(), 456, None),
            other => (other.to_owned(), 0, None),
        },
    }
}

fn curve_of(oid: &str) -> (String, u32) {
    let (name, bits) = match oid {
        "1.2.840.10045.3.1.1" => ("prime192v1", 192),
        "1.2.840.10045.3.1.7" => ("prime256v1", 256),
        "1.3.132.0.10" => ("secp256k1", 256),
        "1.3.132.0.33" => ("secp224r1", 224),
        "1.3.132.0.34" => ("secp384r1", 384),
        "1.3.132.0.35" => ("secp521r1", 521),
        "1.3.36.3.3.2.8.1.1.7" => ("brainpoolP256r1", 256),
        "1.3.36.3.3.2.8.1.1.11" => ("brainpoolP384r1", 384),
        "1.3.36.3.3.2.8.1.1.13" => ("brainpoolP512r1", 512),
        other => (other, 0),
    };
    (name.to_owned(), bits)
}

fn algorithm(oid: &Oid<'_>) -> String {
    let registry = OidRegistry::default().with_crypto();
    registry.get(oid).map_or_else(|| oid.to_id_string(), |entry| entry.sn().to_owned())
}

fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else {
        return Vec::new();
    };
    let name = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some(printable(name)),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes).ok().map(|bytes| Ipv4Addr::from(bytes).to_string()),
            16 => <[u8; 16]>::try_from(*bytes).ok().map(|bytes| Ipv6Addr::from(bytes).to_string()),
            _ => None,
        },
        _ => None,
    };
    extension.value.general_names.iter().filter_map(name).take(MAX_NAMES).collect()
}

fn timestamp(time: ASN1Time) -> Result<Timestamp, String> {
    Timestamp::from_second(time.timestamp()).map_err(|error| format!("its validity: {error}"))
}

/// Text out of a certificate, which anybody can make, for people's eyes.
fn printable(text: &str) -> String {
    const LONGEST: usize = 300;
    text.chars().map(|one| if one.is_control() { '\u{fffd}' } else { one }).take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::{CertificateParams, KeyPair, SanType};

    use super::*;

    fn nobody() -> Trust {
        Trust { roots: RootCertStore::empty(), listed: Vec::new() }
    }

    fn certificate(names: &[&str]) -> Vec<u8> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let params = CertificateParams::new(names).unwrap();
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    fn name_problem_of(der: &[u8], host: &str) -> Option<String> {
        nobody().describe(&[der.to_vec()], host, Timestamp::UNIX_EPOCH).unwrap().name_problem
    }

    #[test]
    fn names_and_addresses_are_compared_with_the_host() {
        let der = certificate(&["cloud.example.com", "*.example.org", "10.0.0.1", "2001:db8::1"]);
        for host in ["cloud.example.com", "CLOUD.example.com", "x.example.org", "10.0.0.1", "2001:db8::1"] {
            assert_eq!(name_problem_of(&der, host), None, "{host}");
        }
        for host in ["example.com", "a.b.example.org", "10.0.0.2", "2001:db8::2", "*.example.org", ""] {
            assert!(name_problem_of(&der, host).is_some(), "{host}");
        }
    }

    #[test]
    fn text_from_outside_cannot_steer_a_terminal() {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(rcgen::DnType::CommonName, "\u{1b}[31mred\n");
        params.subject_alt_names = vec![SanType::DnsName("a\u{1b}b".try_into().unwrap())];
        let der = params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec();
        let described = nobody().describe(&[der], "cloud.example.com", Timestamp::UNIX_EPOCH).unwrap();
        let shown = format!("{}{}{:?}", described.subject, described.issuer, described.name_problem);
        assert!(!shown.contains(['\u{1b}', '\n']), "{shown:?}");
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_are_described_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = nobody().describe(&[bytes.clone(), bytes], "cloud.example.com", Timestamp::UNIX_EPOCH);
        }

        #[test]
        fn damaged_certificates_do_no_harm(places in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..6)) {
            static GOOD: std::sync::LazyLock<Vec<u8>> =
                std::sync::LazyLock::new(|| certificate(&["cloud.example.com", "10.0.0.1"]));
            let mut der = GOOD.clone();
            for (place, byte) in places {
                let place = place % der.len();
                der[place] = byte;
            }
            let _ = nobody().describe(&[der.clone()], "cloud.example.com", Timestamp::UNIX_EPOCH);
            let _ = (curve(&der), is_rsa(&der));
        }
    }
}
