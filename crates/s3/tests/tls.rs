//! Whom the probe trusts: certificates of the system, those given, or all.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail like tests")]

use std::future::pending;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use assay_inventory::{S3Feature, S3FeatureState};
use assay_journal::{Journal, Place, RunId};
use assay_s3::{Access, Settings, probe};
use jiff::Timestamp;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use url::Url;

/// A server with a certificate of its own making that refuses every key; its port and the certificate as PEM.
fn server() -> (u16, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = ServerConnection::new(config.clone()).unwrap();
            let mut stream = StreamOwned::new(connection, stream.unwrap());
            let body = "<Error><Code>InvalidAccessKeyId</Code></Error>";
            let head = "HTTP/1.1 403 Forbidden\r\nconnection: close\r\ncontent-length";
            // A client that does not trust the certificate goes away here.
            if stream.read(&mut [0; 4096]).is_ok() {
                let _ = stream.write_all(format!("{head}: {}\r\n\r\n{body}", body.len()).as_bytes());
                let _ = stream.flush();
            }
        }
    });
    (port, made.cert.pem())
}

async fn first(port: u16, verify: bool, extra_roots: Vec<Vec<u8>>) -> S3Feature {
    let access = Access {
        endpoint: Url::parse(&format!("https://localhost:{port}")).unwrap(),
        region: "us-east-1".into(),
        access_key: "key".into(),
        secret_key: "secret".into(),
        verify,
        extra_roots,
    };
    let settings = Settings { timeout: Duration::from_secs(5), ..Settings::default() };
    let folder = tempfile::tempdir().unwrap();
    let place =
        Place { cloud: "c".into(), auth_url: "a".into(), scope: "s".into(), user: "u".into(), region: None };
    let journal = Journal::begin(folder.path(), &place, RunId::new(), Timestamp::now()).unwrap();
    probe(&access, &settings, &journal, pending(), &|_| ()).await.features.remove(0)
}

#[tokio::test]
async fn a_certificate_is_trusted_if_it_is_given_or_nothing_is_verified() {
    let (port, pem) = server();
    let stranger = first(port, true, Vec::new()).await;
    assert_eq!((stranger.state, stranger.status), (S3FeatureState::NotTried, None));
    assert!(stranger.detail.contains("certificate"), "{}", stranger.detail);
    for (verify, roots) in [(true, vec![pem.into_bytes()]), (false, Vec::new())] {
        let known = first(port, verify, roots).await;
        assert_eq!(known.code.as_deref(), Some("InvalidAccessKeyId"), "{}", known.detail);
    }
}
