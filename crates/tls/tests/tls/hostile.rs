//! Ports behind which there is no TLS server, or none that means well.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use assay_inventory::TlsOutcome;
use assay_tls::{Settings, Target, probe};

use crate::authority::{Authority, Wanted};
use crate::openssl::{INTERMEDIATE, Server};
use crate::{localhost, now, settings};

/// Listens, reads a bit, and does something with each connection.
fn serve(act: impl Fn(&mut TcpStream) + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let act = Arc::new(act);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (act, mut stream) = (act.clone(), stream.unwrap());
            thread::spawn(move || act(&mut stream));
        }
    });
    port
}

fn hurried() -> Settings {
    Settings {
        handshake_timeout: Duration::from_millis(300),
        total_timeout: Duration::from_secs(3),
        native_roots: false,
        ..Settings::default()
    }
}

fn patient() -> Settings {
    Settings { native_roots: false, ..Settings::default() }
}

/// The outcome for a server that answers.
async fn outcome(port: u16) -> TlsOutcome {
    probe(&localhost(port), &patient(), now()).await
}

/// The outcome for a server that does not, within the time that is allowed.
async fn hurried_outcome(port: u16) -> TlsOutcome {
    let begin = Instant::now();
    let outcome = probe(&localhost(port), &hurried(), now()).await;
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    outcome
}

fn message(outcome: TlsOutcome) -> String {
    match outcome {
        TlsOutcome::Unreachable { message } | TlsOutcome::NotTls { message } => message,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_closed_port() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let outcome = outcome(port).await;
    assert!(matches!(outcome, TlsOutcome::Unreachable { .. }));
    assert!(message(outcome).to_lowercase().contains("refused"));
}

#[tokio::test]
async fn a_host_without_an_address() {
    let target = Target { host: "no-such-host.invalid".into(), port: 443 };
    let outcome = probe(&target, &hurried(), now()).await;
    assert!(
        matches!(&outcome, TlsOutcome::Unreachable { message } if message.contains("no-such-host.invalid"))
    );
}

#[tokio::test]
async fn a_port_that_hangs() {
    let port = serve(|stream| {
        let _ = stream.read(&mut [0; 1]);
        thread::sleep(Duration::from_mins(1));
    });
    let outcome = hurried_outcome(port).await;
    assert!(matches!(outcome, TlsOutcome::Unreachable { .. }));
    assert!(message(outcome).contains("no answer within 300 ms"));
}

#[tokio::test]
async fn a_port_that_speaks_plain_http() {
    let port = serve(|stream| {
        let _ = stream.read(&mut [0; 500]);
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    });
    let outcome = outcome(port).await;
    assert!(matches!(outcome, TlsOutcome::NotTls { .. }));
    assert!(message(outcome).contains("HTTP/1.1 400 Bad Request"));
}

#[tokio::test]
async fn a_port_that_closes_every_connection() {
    let connections = Arc::new(AtomicUsize::new(0));
    let counter = connections.clone();
    let port = serve(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    assert!(matches!(outcome(port).await, TlsOutcome::NotTls { .. }));
    assert!(connections.load(Ordering::Relaxed) < 12);
}

#[tokio::test]
async fn a_server_that_trickles() {
    let port = serve(|stream| {
        let _ = stream.read(&mut [0; 500]);
        for byte in [22, 3, 3, 0, 200, 2, 0, 0, 100].into_iter().chain([0; 100]) {
            if stream.write_all(&[byte]).is_err() {
                break;
            }
            thread::sleep(Duration::from_millis(100));
        }
    });
    assert!(matches!(hurried_outcome(port).await, TlsOutcome::Unreachable { .. }));
}

#[tokio::test]
async fn a_server_that_talks_without_end() {
    for record in [&[22, 3, 3, 0xff, 0xff][..], &[20, 3, 3, 0, 1, 1], &[21, 3, 3, 0, 2, 1, 112]] {
        let record = record.repeat(200);
        let port = serve(move |stream| {
            let _ = stream.read(&mut [0; 500]);
            while stream.write_all(&record).is_ok() {}
        });
        let TlsOutcome::Scanned(scan) = outcome(port).await else { panic!("it is TLS of a kind") };
        assert!(scan.versions.iter().all(|version| version.accepted == Some(false)));
        assert!(scan.versions[0].said.as_deref().is_some_and(|said| said.contains("breaks the rules")));
    }
}

#[tokio::test]
async fn a_server_that_chooses_at_random() {
    // A ServerHello of TLS 1.2 with a suite that counts up.
    let counter = AtomicUsize::new(0);
    let port = serve(move |stream| {
        let _ = stream.read(&mut [0; 500]);
        let number = u16::try_from(counter.fetch_add(1, Ordering::Relaxed)).unwrap().to_be_bytes();
        let mut hello = vec![22, 3, 3, 0, 46, 2, 0, 0, 42, 3, 3];
        hello.extend([1; 32]);
        hello.extend([0, 0x77, number[1], 0, 0, 0]);
        hello.extend([22, 3, 3, 0, 4, 14, 0, 0, 0]);
        let _ = stream.write_all(&hello);
    });
    let TlsOutcome::Scanned(scan) = outcome(port).await else { panic!() };
    assert!(scan.gaps.iter().any(|gap| gap.why.contains("not offered")), "{:?}", scan.gaps);
    assert!(scan.handshakes < 30);
}

#[tokio::test]
async fn a_limit_on_handshakes_is_kept_and_told() {
    let authority = Authority::new();
    let server = Server::start(&authority.issue(&Wanted::default()), INTERMEDIATE);
    let settings = Settings { max_handshakes: 9, ..settings(&authority.pem()) };
    let TlsOutcome::Scanned(scan) = probe(&localhost(server.port), &settings, now()).await else { panic!() };
    assert_eq!(scan.handshakes, 9);
    assert!(scan.version("TLSv1.2").unwrap().more_suites && scan.more_groups);
    assert!(scan.gaps.iter().any(|gap| gap.why.contains("9 handshakes")), "{:?}", scan.gaps);
}
