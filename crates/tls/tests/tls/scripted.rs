//! Servers whose answers are written down here: for what no library does any more, or none does wrong.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use assay_inventory::TlsScan;
use assay_tls::Settings;

use crate::{accepted, scan, settings, suites};

const HANDSHAKE_FAILURE: [u8; 7] = [21, 3, 0, 0, 2, 2, 40];

/// Answers each `ClientHello` record with what a function makes of it.
fn serve(answer: impl Fn(&[u8]) -> Vec<u8> + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (answer, mut stream) = (answer.clone(), stream.unwrap());
            thread::spawn(move || {
                let mut header = [0; 5];
                // The first connection only tries whether there is somebody.
                if stream.read_exact(&mut header).is_ok() {
                    let mut hello = vec![0; usize::from(u16::from_be_bytes([header[3], header[4]]))];
                    stream.read_exact(&mut hello).unwrap();
                    let _ = stream.write_all(&answer(&hello));
                }
            });
        }
    });
    port
}

async fn scanned(answer: impl Fn(&[u8]) -> Vec<u8> + Send + Sync + 'static) -> TlsScan {
    let settings = Settings { extra_roots: Vec::new(), ..settings("") };
    scan(serve(answer), &settings).await
}

/// The version in the body of a `ClientHello`, and whether it offers a suite.
fn offers(hello: &[u8], version: [u8; 2], suite: [u8; 2]) -> bool {
    let suites = 4 + 2 + 32 + 1 + usize::from(hello[38]);
    let length = usize::from(u16::from_be_bytes([hello[suites], hello[suites + 1]]));
    hello[4..6] == version && hello[suites + 2..suites + 2 + length].chunks(2).any(|offered| offered == suite)
}

fn record(messages: &[u8]) -> Vec<u8> {
    let mut record = vec![22, 3, 0];
    record.extend(u16::try_from(messages.len()).unwrap().to_be_bytes());
    record.extend(messages);
    record
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut message = vec![kind, 0];
    message.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
    message.extend(body);
    message
}

fn server_hello(version: [u8; 2], suite: [u8; 2], compression: u8, extensions: &[u8]) -> Vec<u8> {
    let mut body = version.to_vec();
    body.extend([1; 32]);
    body.push(0);
    body.extend(suite);
    body.push(compression);
    if !extensions.is_empty() {
        body.extend(u16::try_from(extensions.len()).unwrap().to_be_bytes());
        body.extend(extensions);
    }
    message(2, &body)
}

#[tokio::test]
async fn ssl_3() {
    const SSL_3: [u8; 2] = [3, 0];
    let scan = scanned(|hello| {
        let chosen = [[0, 5], [0, 4]].into_iter().find(|suite| offers(hello, SSL_3, *suite));
        match chosen {
            Some(suite) => {
                let mut flight = server_hello(SSL_3, suite, 0, &[]);
                flight.extend(message(14, &[]));
                record(&flight)
            }
            None => HANDSHAKE_FAILURE.to_vec(),
        }
    })
    .await;
    assert_eq!(accepted(&scan), ["SSLv3"]);
    assert_eq!(suites(&scan, "SSLv3"), ["TLS_RSA_WITH_RC4_128_MD5", "TLS_RSA_WITH_RC4_128_SHA"]);
    assert_eq!(scan.version("TLSv1.2").unwrap().said.as_deref(), Some("alert handshake_failure"));
    // Nothing can be said without extensions.
    assert_eq!((scan.secure_renegotiation, scan.extended_master_secret), (None, None));
    assert_eq!(scan.fallback_refused, None);
}

#[tokio::test]
async fn compression_and_what_is_missing() {
    const TLS_10: [u8; 2] = [3, 1];
    const TLS_12: [u8; 2] = [3, 3];
    let scan = scanned(|hello| {
        for version in [TLS_12, TLS_10] {
            if offers(hello, version, [0, 47]) {
                return record(&server_hello(version, [0, 47], 1, &[]));
            }
        }
        HANDSHAKE_FAILURE.to_vec()
    })
    .await;
    assert_eq!(accepted(&scan), ["TLSv1.2", "TLSv1"]);
    assert_eq!(scan.compression, Some(true));
    assert_eq!((scan.secure_renegotiation, scan.extended_master_secret), (Some(false), Some(false)));
    assert_eq!(scan.fallback_refused, Some(false));
    assert!(scan.certificates.is_empty());
}

#[tokio::test]
async fn a_version_that_was_not_asked_for() {
    let scan = scanned(|_| record(&server_hello([3, 2], [0, 47], 0, &[]))).await;
    assert_eq!(accepted(&scan), ["TLSv1.1"]);
    assert_eq!(scan.version("TLSv1.2").unwrap().said.as_deref(), Some("it answers with TLSv1.1"));
}

#[tokio::test]
async fn tls_13_that_insists_on_key_shares() {
    const CHOICE: [u8; 12] = [0, 43, 0, 2, 3, 4, 0, 51, 0, 2, 0, 29];
    let scan = scanned(|hello| {
        let mut share = vec![0, 29, 0, 32, 9];
        share.extend([0; 31]);
        let has_share = hello.windows(share.len()).any(|window| window == share);
        if has_share && offers(hello, [3, 3], [0x13, 1]) {
            record(&server_hello([3, 3], [0x13, 1], 0, &CHOICE))
        } else {
            HANDSHAKE_FAILURE.to_vec()
        }
    })
    .await;
    assert_eq!(accepted(&scan), ["TLSv1.3"]);
    assert_eq!(suites(&scan, "TLSv1.3"), ["TLS_AES_128_GCM_SHA256"]);
    assert_eq!(scan.groups, ["X25519"]);
    // This server cannot go on, so that its certificate stays unknown.
    assert!(scan.gaps.iter().any(|gap| gap.what == "the certificate"), "{:?}", scan.gaps);
}

#[tokio::test]
async fn a_certificate_that_is_none() {
    let scan = scanned(|hello| {
        if !offers(hello, [3, 3], [0, 47]) {
            return HANDSHAKE_FAILURE.to_vec();
        }
        let mut flight = server_hello([3, 3], [0, 47], 0, &[]);
        flight.extend(message(11, &[0, 0, 7, 0, 0, 4, 1, 2, 3, 4]));
        flight.extend(message(14, &[]));
        record(&flight)
    })
    .await;
    assert!(scan.certificates.is_empty());
    assert_eq!(scan.gaps.len(), 1, "{:?}", scan.gaps);
    assert_eq!(scan.gaps[0].what, "a certificate");
}
