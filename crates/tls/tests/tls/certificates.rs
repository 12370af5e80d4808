//! What servers say of themselves.

use assay_inventory::TlsCertificate;
use assay_tls::Settings;
use rcgen::{PKCS_ECDSA_P384_SHA384, PKCS_RSA_SHA256};

use crate::authority::{Authority, Wanted};
use crate::openssl::{INTERMEDIATE, Server, self_signed};
use crate::{now, scan, settings};

async fn certificate(authority: &Authority, wanted: &Wanted) -> TlsCertificate {
    let server = Server::start(&authority.issue(wanted), INTERMEDIATE);
    only(server.port, &settings(&authority.pem())).await
}

async fn only(port: u16, settings: &Settings) -> TlsCertificate {
    let mut scan = scan(port, settings).await;
    assert_eq!(scan.certificates.len(), 1, "{:?}", scan.certificates);
    scan.certificates.remove(0)
}

#[tokio::test]
async fn a_certificate_for_another_host() {
    let names = vec!["other.example.com".into(), "*.example.org".into()];
    let certificate = certificate(&Authority::new(), &Wanted { names, ..Wanted::default() }).await;
    assert_eq!(certificate.name_problem.unwrap(), "it is for other.example.com, *.example.org");
    assert_eq!(certificate.chain_problem, None);
}

#[tokio::test]
async fn a_certificate_without_names() {
    let certificate =
        certificate(&Authority::new(), &Wanted { names: Vec::new(), ..Wanted::default() }).await;
    assert_eq!(certificate.name_problem.unwrap(), "it names no host (subject alternative names)");
}

#[tokio::test]
async fn an_expired_certificate_is_otherwise_fine() {
    let certificate =
        certificate(&Authority::new(), &Wanted { from: -100, until: -10, ..Wanted::default() }).await;
    assert!(certificate.not_after < now());
    assert_eq!((certificate.chain_problem, certificate.name_problem), (None, None));
}

#[tokio::test]
async fn a_long_life() {
    let certificate = certificate(&Authority::new(), &Wanted { until: 790, ..Wanted::default() }).await;
    assert_eq!(certificate.lifetime_days(), 800);
}

#[tokio::test]
async fn an_authority_that_is_not_trusted() {
    let (trusted, other) = (Authority::new(), Authority::new());
    let server = Server::start(&other.issue(&Wanted::default()), INTERMEDIATE);
    let certificate = only(server.port, &settings(&trusted.pem())).await;
    assert!(certificate.chain_problem.unwrap().contains("do not lead to a trusted"));
    // And nobody is trusted at all.
    let nobody = Settings { extra_roots: Vec::new(), ..settings("") };
    assert!(only(server.port, &nobody).await.chain_problem.is_some());
}

#[tokio::test]
async fn a_self_signed_certificate_of_rsa_1024() {
    let authority = Authority::new();
    let (identity, own) = self_signed(&authority, "rsa:1024", 400);
    let arguments = ["-tls1_2", "-cipher", "ECDHE+AESGCM:@SECLEVEL=0"];
    let server = Server::start(&identity, &arguments);
    let certificate = only(server.port, &settings(&authority.pem())).await;
    assert_eq!((certificate.key.as_str(), certificate.key_bits), ("rsa", 1024));
    assert_eq!(certificate.signature, "sha256WithRSAEncryption");
    assert_eq!(certificate.lifetime_days(), 400);
    assert!(certificate.chain_problem.unwrap().contains("signed by itself"));
    // Who lists the certificate itself trusts it.
    assert_eq!(only(server.port, &settings(&own)).await.chain_problem, None);
}

#[tokio::test]
async fn tls_13_shows_certificates_of_both_types_of_key() {
    let authority = Authority::new();
    let rsa = authority.issue(&Wanted { algorithm: &PKCS_RSA_SHA256, ..Wanted::default() });
    let ecdsa = authority.issue(&Wanted { algorithm: &PKCS_ECDSA_P384_SHA384, ..Wanted::default() });
    let (certificate, key) = (ecdsa.certificate.to_str().unwrap(), ecdsa.key.to_str().unwrap());
    for version in ["-tls1_3", "-tls1_2"] {
        let arguments = [version, "-cipher", "ECDHE+AESGCM", "-dcert", certificate, "-dkey", key];
        let server = Server::start(&rsa, &arguments);
        let scan = scan(server.port, &settings(&authority.pem())).await;
        let mut keys: Vec<(&str, Option<&str>)> = scan
            .certificates
            .iter()
            .map(|certificate| (certificate.key.as_str(), certificate.curve.as_deref()))
            .collect();
        keys.sort_unstable();
        assert_eq!(keys, [("ecdsa", Some("secp384r1")), ("rsa", None)], "{version}");
        assert!(scan.certificates.iter().all(|certificate| certificate.chain_problem.is_none()));
        assert!(scan.gaps.is_empty(), "{:?}", scan.gaps);
    }
}

#[tokio::test]
async fn authorities_that_cannot_be_read_are_told() {
    let authority = Authority::new();
    let server = Server::start(&authority.issue(&Wanted::default()), INTERMEDIATE);
    let mut settings = settings(&authority.pem());
    settings.extra_roots.push(b"no certificate".to_vec());
    let scan = scan(server.port, &settings).await;
    assert_eq!(scan.gaps.len(), 1, "{:?}", scan.gaps);
    assert_eq!(scan.certificates[0].chain_problem, None);
}
