//! The prober against real servers: `openssl s_server`, rustls, and some that mean no good.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests fail like tests"
)]

mod authority;
mod catalog;
mod certificates;
mod hostile;
mod offers;
mod openssl;
mod rustls_server;
mod scripted;

use std::time::Duration;

use assay_inventory::{TlsOutcome, TlsScan, TlsVersionScan};
use assay_tls::{Settings, Target, probe};
use jiff::Timestamp;

/// The instant that counts as now.
const NOW: &str = "2026-11-22T00:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

/// Settings that trust one authority and are quick to give up.
fn settings(authority: &str) -> Settings {
    Settings {
        handshake_timeout: Duration::from_secs(5),
        total_timeout: Duration::from_mins(1),
        extra_roots: vec![authority.as_bytes().to_vec()],
        native_roots: false,
        ..Settings::default()
    }
}

fn localhost(port: u16) -> Target {
    Target { host: "localhost".into(), port }
}

async fn scan(port: u16, settings: &Settings) -> TlsScan {
    match probe(&localhost(port), settings, now()).await {
        TlsOutcome::Scanned(scan) => {
            assert!(scan.handshakes <= settings.max_handshakes, "{}", scan.handshakes);
            scan
        }
        other => panic!("{other:?}"),
    }
}

fn accepted(scan: &TlsScan) -> Vec<&str> {
    let accepted = |version: &&TlsVersionScan| version.accepted == Some(true);
    scan.versions.iter().filter(accepted).map(|version| version.version.as_str()).collect()
}

/// The suites of a version, sorted.
fn suites<'a>(scan: &'a TlsScan, version: &str) -> Vec<&'a str> {
    let mut suites: Vec<&str> = scan.version(version).unwrap().suites.iter().map(String::as_str).collect();
    suites.sort_unstable();
    suites
}

fn groups(scan: &TlsScan) -> Vec<&str> {
    let mut groups: Vec<&str> = scan.groups.iter().map(String::as_str).collect();
    groups.sort_unstable();
    groups
}
