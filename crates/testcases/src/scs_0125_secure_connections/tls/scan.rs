//! Versions, suites, groups and the traits of the handshake.

use assay_inventory::{TlsGap, TlsScan, TlsVersionScan};
use assay_standards::requirements::{TlsProfile, TlsProfiles};

use super::{About, listed};

const VERSION_13: &str = "TLSv1.3";
/// Names in one finding.
const SHOWN: usize = 6;

/// Whether a gap shows in the judgement of what it is about.
pub(super) fn is_judged(gap: &TlsGap) -> bool {
    gap.what.starts_with("all ") || gap.what == "the certificate"
}

pub(super) fn judge(about: &mut About<'_>, scan: &TlsScan, profile: &TlsProfile) {
    if !scan.versions.iter().any(|version| version.accepted == Some(true)) {
        let said =
            |version: &TlsVersionScan| Some(format!("{}: {}", version.version, version.said.as_deref()?));
        let said: Vec<String> = scan.versions.iter().filter_map(said).collect();
        about.unknown("a TLS handshake that the server takes part in", &said.join("; "));
        return;
    }
    versions(about, scan, profile);
    suites(about, scan, profile);
    groups(about, scan, profile);
    if let (Some(bits), Some(least)) = (scan.dh_bits, profile.dh_bits)
        && bits < least
    {
        about.fail(
            format!("a prime of at least {least} bits for Diffie-Hellman key exchange"),
            format!("{bits} bits"),
        );
    }
    traits(about, scan);
}

fn versions(about: &mut About<'_>, scan: &TlsScan, profile: &TlsProfile) {
    let allowed = |version: &&TlsVersionScan| profile.versions.contains(&version.version);
    let others = || scan.versions.iter().filter(|version| !allowed(version));
    let wrong: Vec<&str> = others()
        .filter(|version| version.accepted == Some(true))
        .map(|version| version.version.as_str())
        .collect();
    if !wrong.is_empty() {
        about.fail(
            format!("no protocol version but {}", profile.versions.join(" and ")),
            format!("{} accepted", wrong.join(", ")),
        );
    }
    for version in others().filter(|version| version.accepted.is_none()) {
        let why = version.said.as_deref().unwrap_or("it was not tried");
        about.unknown(&format!("a refusal of {}", version.version), why);
    }
}

fn suites(about: &mut About<'_>, scan: &TlsScan, profile: &TlsProfile) {
    for (is_13, allowed) in [(true, &profile.suites_13), (false, &profile.suites)] {
        let versions = || scan.versions.iter().filter(|version| (version.version == VERSION_13) == is_13);
        let mut wrong: Vec<&str> = Vec::new();
        for suite in versions().flat_map(|version| &version.suites) {
            if !allowed.contains(suite) && !wrong.contains(&suite.as_str()) {
                wrong.push(suite);
            }
        }
        let has_more = versions().any(|version| version.more_suites);
        let title = if is_13 { "TLS 1.3" } else { "TLS up to 1.2" };
        if !wrong.is_empty() {
            let more = if has_more { ", perhaps others" } else { "" };
            about.fail(
                format!("no cipher suite of {title} that the profile {} does not list", about.name),
                format!("{}{more}", listed(&wrong, SHOWN)),
            );
        } else if has_more {
            let why = gap(scan, "all cipher suites");
            about.unknown(&format!("all cipher suites of {title}"), why);
        }
    }
}

fn groups(about: &mut About<'_>, scan: &TlsScan, profile: &TlsProfile) {
    let later = &TlsProfiles::get().later_groups;
    let beyond = || scan.groups.iter().filter(|group| !profile.curves.contains(group));
    let wrong: Vec<&str> = beyond().filter(|group| !later.contains(group)).map(String::as_str).collect();
    let new: Vec<&str> = beyond().filter(|group| later.contains(group)).map(String::as_str).collect();
    if !wrong.is_empty() {
        about.fail(
            format!("no curve for the key exchange but {}", profile.curves.join(", ")),
            listed(&wrong, SHOWN),
        );
    } else if scan.more_groups {
        about.unknown("all curves for the key exchange", gap(scan, "all groups"));
    }
    if !new.is_empty() {
        about
            .note(format!("{} offered too, which is younger than the profile and no weaker", new.join(", ")));
    }
}

fn traits(about: &mut About<'_>, scan: &TlsScan) {
    for (is_wrong, expected, found) in [
        (scan.compression == Some(true), "no TLS compression", "the server compresses (CRIME)"),
        (
            scan.secure_renegotiation == Some(false),
            "secure renegotiation (RFC 5746)",
            "the server does not announce it",
        ),
        (
            scan.extended_master_secret == Some(false),
            "the extended master secret (RFC 7627)",
            "the server does not support it",
        ),
        (
            scan.fallback_refused == Some(false),
            "a refusal of clients that have fallen back to an old version (TLS_FALLBACK_SCSV, RFC 7507)",
            "the server takes them",
        ),
    ] {
        if is_wrong {
            about.fail(expected, found);
        }
    }
}

/// Why something is not known in full.
fn gap<'a>(scan: &'a TlsScan, what: &str) -> &'a str {
    scan.gaps.iter().find(|gap| gap.what.starts_with(what)).map_or("the scan ended early", |gap| &gap.why)
}
