use assay_inventory::{
    Fact, TlsCertificate, TlsEndpoint, TlsGap, TlsOutcome, TlsScan, TlsService, TlsVersionScan,
};
use assay_standards::Verdict::{self, Abort, Fail, Pass};

use crate::finding::Weight;
use crate::{Judgement, testing};

/// A server that keeps to the profile.
fn good() -> TlsScan {
    let version = |name: &str, accepted: bool, suites: &[&str]| TlsVersionScan {
        version: name.into(),
        accepted: Some(accepted),
        said: (!accepted).then(|| "alert protocol_version".into()),
        suites: suites.iter().map(|suite| (*suite).into()).collect(),
        more_suites: false,
    };
    TlsScan {
        versions: vec![
            version("TLSv1.3", true, &["TLS_AES_256_GCM_SHA384"]),
            version("TLSv1.2", true, &["TLS_DHE_RSA_WITH_AES_256_GCM_SHA384"]),
            version("TLSv1.1", false, &[]),
            version("TLSv1", false, &[]),
            version("SSLv3", false, &[]),
        ],
        groups: vec!["X25519".into(), "prime256v1".into()],
        dh_bits: Some(2048),
        certificates: vec![TlsCertificate {
            subject: "CN=cloud.example.com".into(),
            issuer: "CN=authority".into(),
            names: vec!["cloud.example.com".into()],
            key: "rsa".into(),
            key_bits: 2048,
            curve: None,
            signature: "sha256WithRSAEncryption".into(),
            not_before: "2026-10-01T00:00:00Z".parse().unwrap(),
            not_after: "2026-12-30T00:00:00Z".parse().unwrap(),
            sent_with: 1,
            chain_problem: None,
            name_problem: None,
        }],
        secure_renegotiation: Some(true),
        extended_master_secret: Some(true),
        fallback_refused: None,
        compression: Some(false),
        handshakes: 27,
        ..TlsScan::default()
    }
}

fn judge(interfaces: &[&str], outcome: TlsOutcome) -> Judgement {
    let service = |interface: &&str| TlsService {
        service_type: "compute".into(),
        interface: (*interface).into(),
        region: None,
        url: "https://cloud.example.com:8774".into(),
    };
    testing::judge("scs-0125-tls", |inventory| {
        inventory.tls_endpoints = Fact::Known(vec![TlsEndpoint {
            services: interfaces.iter().map(service).collect(),
            host: "cloud.example.com".into(),
            port: 8774,
            outcome,
        }]);
    })
}

/// The verdict, and what was found, in the public endpoint of a server.
fn scanned(change: impl FnOnce(&mut TlsScan)) -> (Verdict, Vec<String>) {
    let mut scan = good();
    change(&mut scan);
    let judgement = judge(&["public"], TlsOutcome::Scanned(scan));
    for finding in &judgement.findings {
        let named =
            finding.resource.as_ref().is_some_and(|one| one.name == "cloud.example.com:8774 (compute)");
        assert!(named || finding.weight == Weight::Note, "{finding:?}");
    }
    (judgement.text, judgement.findings.into_iter().map(|finding| finding.found.into_owned()).collect())
}

fn certificate(change: impl FnOnce(&mut TlsCertificate)) -> (Verdict, Vec<String>) {
    scanned(|scan| change(&mut scan.certificates[0]))
}

#[test]
fn a_server_within_the_profile_passes() {
    assert_eq!(scanned(|_| ()), (Pass, Vec::new()));
    // TLS 1.3 alone is within it, too.
    let only_13 = |scan: &mut TlsScan| {
        scan.versions[1].accepted = Some(false);
        scan.versions[1].suites.clear();
        (scan.dh_bits, scan.secure_renegotiation, scan.extended_master_secret, scan.compression) =
            (None, None, None, None);
    };
    assert_eq!(scanned(only_13), (Pass, Vec::new()));
}

#[test]
fn every_deviation_is_a_finding_of_its_own() {
    type Change = fn(&mut TlsScan);
    let changes: [(Change, &str); 10] = [
        (|scan| scan.versions[3].accepted = Some(true), "TLSv1 accepted"),
        (|scan| scan.versions[0].suites.push("TLS_AES_128_CCM_SHA256".into()), "TLS_AES_128_CCM_SHA256"),
        (
            |scan| scan.versions[1].suites.push("TLS_RSA_WITH_AES_128_CBC_SHA".into()),
            "TLS_RSA_WITH_AES_128_CBC_SHA",
        ),
        // A suite of TLS 1.3 is no suite of TLS 1.2.
        (|scan| scan.versions[1].suites.push("TLS_AES_128_GCM_SHA256".into()), "TLS_AES_128_GCM_SHA256"),
        (|scan| scan.groups.push("secp521r1".into()), "secp521r1"),
        (|scan| scan.dh_bits = Some(2047), "2047 bits"),
        (|scan| scan.compression = Some(true), "the server compresses (CRIME)"),
        (|scan| scan.secure_renegotiation = Some(false), "the server does not announce it"),
        (|scan| scan.extended_master_secret = Some(false), "the server does not support it"),
        (|scan| scan.fallback_refused = Some(false), "the server takes them"),
    ];
    for (change, found) in changes {
        assert_eq!(scanned(change), (Fail, vec![found.to_owned()]));
    }
    let all = |scan: &mut TlsScan| changes.iter().for_each(|(change, _)| change(scan));
    // Both suites of TLS 1.2 are in one finding.
    assert_eq!(scanned(all).1.len(), changes.len() - 1);
}

#[test]
fn certificates_are_judged_at_the_limits() {
    type Change = fn(&mut TlsCertificate);
    let changes: [(Change, Verdict, &str); 11] = [
        (|one| one.key_bits = 2047, Fail, "2047 bits"),
        (|one| (one.key, one.curve) = ("ecdsa".into(), Some("secp521r1".into())), Fail, "secp521r1"),
        (|one| (one.key, one.curve) = ("ecdsa".into(), Some("prime256v1".into())), Pass, ""),
        (|one| one.key = "ed25519".into(), Fail, "ed25519"),
        (|one| one.signature = "sha384WithRSAEncryption".into(), Fail, "sha384WithRSAEncryption"),
        (|one| one.not_after = "2027-10-02T23:59:59Z".parse().unwrap(), Pass, ""),
        (|one| one.not_after = "2027-10-03T00:00:00Z".parse().unwrap(), Fail, "367 days"),
        (|one| one.not_after = "2026-11-21T23:59:59Z".parse().unwrap(), Fail, "it expired on 2026-11-21"),
        (
            |one| one.not_before = "2026-11-22T00:00:01Z".parse().unwrap(),
            Fail,
            "it is valid from 2026-11-22 on",
        ),
        (|one| one.chain_problem = Some("why".into()), Fail, "CN=cloud.example.com: why"),
        (|one| one.name_problem = Some("it is for x".into()), Fail, "it is for x"),
    ];
    for (change, verdict, found) in changes {
        let expected: Vec<String> =
            [found].into_iter().filter(|found| !found.is_empty()).map(String::from).collect();
        assert_eq!(certificate(change), (verdict, expected));
    }
}

#[test]
fn one_of_two_certificates_may_have_another_type_of_key() {
    let second = |scan: &mut TlsScan| {
        let mut second = scan.certificates[0].clone();
        (second.key, second.signature) = ("ed25519".into(), "ecdsa-with-SHA1".into());
        scan.certificates.push(second);
    };
    assert_eq!(scanned(second), (Pass, Vec::new()));
}

#[test]
fn hybrids_with_an_allowed_curve_are_noted() {
    let (verdict, found) = scanned(|scan| scan.groups.push("X25519MLKEM768".into()));
    assert_eq!(verdict, Pass);
    assert!(found[0].starts_with("X25519MLKEM768 offered too"), "{found:?}");
    assert_eq!(scanned(|scan| scan.groups.push("MLKEM512".into())).0, Fail);
}

#[test]
fn what_is_not_known_is_not_passed() {
    type Change = fn(&mut TlsScan);
    let changes: [Change; 5] = [
        |scan| scan.versions[1].more_suites = true,
        |scan| scan.more_groups = true,
        |scan| scan.versions[4].accepted = None,
        |scan| scan.certificates.clear(),
        |scan| scan.versions.iter_mut().for_each(|version| version.accepted = Some(false)),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let (verdict, found) = scanned(change);
        assert_eq!((verdict, found.len()), (Abort, 1), "{number}: {found:?}");
    }
    // Once a suite is wrong, others make no difference.
    let both = |scan: &mut TlsScan| {
        scan.versions[1].more_suites = true;
        scan.versions[1].suites.push("TLS_RSA_WITH_NULL_SHA".into());
    };
    assert_eq!(scanned(both), (Fail, vec!["TLS_RSA_WITH_NULL_SHA, perhaps others".to_owned()]));
}

#[test]
fn endpoints_without_tls_or_without_an_answer() {
    let message = || "connection refused".to_owned();
    for (interfaces, outcome, verdict, weight) in [
        (&["public"][..], TlsOutcome::Plain, Fail, Weight::Failure),
        (&["internal"], TlsOutcome::Plain, Fail, Weight::Failure),
        (&["auth_url"], TlsOutcome::Plain, Fail, Weight::Failure),
        (&["admin"], TlsOutcome::Plain, Pass, Weight::Note),
        (&["admin", "public"], TlsOutcome::NotTls { message: message() }, Fail, Weight::Failure),
        (&["public"], TlsOutcome::Unreachable { message: message() }, Abort, Weight::Abort),
        (&["auth_url"], TlsOutcome::Unreachable { message: message() }, Abort, Weight::Abort),
        (&["internal", "public"], TlsOutcome::Unreachable { message: message() }, Abort, Weight::Abort),
        (&["internal"], TlsOutcome::Unreachable { message: message() }, Pass, Weight::Note),
        (&["admin"], TlsOutcome::Unreachable { message: message() }, Pass, Weight::Note),
    ] {
        let judgement = judge(interfaces, outcome.clone());
        assert_eq!(judgement.text, verdict, "{interfaces:?} {outcome:?}");
        assert_eq!(judgement.findings.len(), 1);
        assert_eq!(judgement.findings[0].weight, weight);
    }
}

#[test]
fn what_could_not_be_read_of_the_authorities_is_said_once() {
    let gap = TlsGap { what: "an additional certification authority".into(), why: "no PEM".into() };
    let judgement = testing::judge("scs-0125-tls", |inventory| {
        let endpoint = |port| TlsEndpoint {
            services: Vec::new(),
            host: "cloud.example.com".into(),
            port,
            outcome: TlsOutcome::Scanned(TlsScan { gaps: vec![gap.clone()], ..good() }),
        };
        inventory.tls_endpoints = Fact::Known(vec![endpoint(1), endpoint(2)]);
    });
    assert_eq!((judgement.text, judgement.findings.len()), (Pass, 1), "{:?}", judgement.findings);
}
