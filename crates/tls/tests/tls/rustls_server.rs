//! A server that is not OpenSSL.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use rcgen::PKCS_ECDSA_P256_SHA256;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection};

use crate::authority::{Authority, Wanted};
use crate::{accepted, groups, scan, settings, suites};

/// Serves for as long as the test runs.
fn serve(authority: &Authority) -> u16 {
    let identity = authority.issue(&Wanted { algorithm: &PKCS_ECDSA_P256_SHA256, ..Wanted::default() });
    let chain = vec![CertificateDer::from_pem_slice(identity.certificate_pem.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(identity.key_pair.serialize_pem().as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (config, mut stream) = (config.clone(), stream.unwrap());
            thread::spawn(move || {
                let mut tls = ServerConnection::new(config).unwrap();
                let mut session = rustls::Stream::new(&mut tls, &mut stream);
                let _ = session.read(&mut [0; 100]).and_then(|_| session.flush());
            });
        }
    });
    port
}

#[tokio::test]
async fn rustls_keeps_to_the_profile() {
    let authority = Authority::new();
    let scan = scan(serve(&authority), &settings(&authority.pem())).await;
    assert_eq!(accepted(&scan), ["TLSv1.3", "TLSv1.2"]);
    assert_eq!(suites(&scan, "TLSv1.3").len(), 3);
    assert_eq!(
        suites(&scan, "TLSv1.2"),
        [
            "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
            "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
            "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
        ]
    );
    let found = groups(&scan);
    for group in ["X25519", "prime256v1", "secp384r1"] {
        assert!(found.contains(&group), "{found:?}");
    }
    assert_eq!((scan.secure_renegotiation, scan.extended_master_secret), (Some(true), Some(true)));
    assert_eq!(scan.certificates[0].curve.as_deref(), Some("prime256v1"));
    assert_eq!(scan.certificates[0].chain_problem, None);
    assert!(scan.gaps.is_empty(), "{:?}", scan.gaps);
}
