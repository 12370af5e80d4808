//! What servers offer: versions, suites, groups.

use rcgen::{PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256};

use crate::authority::{Authority, Wanted};
use crate::openssl::{INTERMEDIATE, Server};
use crate::{accepted, groups, scan, settings, suites};

const TLS13: [&str; 3] = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"];

#[tokio::test]
async fn a_server_that_keeps_to_the_profile() {
    let authority = Authority::new();
    let server = Server::start(&authority.issue(&Wanted::default()), INTERMEDIATE);
    let scan = scan(server.port, &settings(&authority.pem())).await;
    assert_eq!(accepted(&scan), ["TLSv1.3", "TLSv1.2"]);
    assert_eq!(suites(&scan, "TLSv1.3"), TLS13);
    assert_eq!(
        suites(&scan, "TLSv1.2"),
        [
            "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256",
            "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384",
            "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
            "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
            "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
        ]
    );
    assert_eq!(groups(&scan), ["X25519", "prime256v1", "secp384r1"]);
    assert_eq!(scan.dh_bits, Some(2048));
    assert_eq!((scan.secure_renegotiation, scan.extended_master_secret), (Some(true), Some(true)));
    assert_eq!((scan.compression, scan.fallback_refused), (Some(false), None));
    assert!(scan.gaps.is_empty() && !scan.more_groups, "{:?}", scan.gaps);
    assert!(scan.handshakes < 30, "{}", scan.handshakes);
    let [certificate] = scan.certificates.as_slice() else { panic!("{:?}", scan.certificates) };
    assert_eq!((certificate.key.as_str(), certificate.key_bits), ("rsa", 2048));
    assert_eq!(certificate.signature, "ecdsa-with-SHA256");
    assert_eq!(certificate.lifetime_days(), 90);
    assert_eq!((&certificate.chain_problem, &certificate.name_problem), (&None, &None));
    assert_eq!(certificate.names, ["localhost", "127.0.0.1"]);
}

#[tokio::test]
async fn old_versions_are_seen() {
    let authority = Authority::new();
    let identity = authority.issue(&Wanted::default());
    for (flag, version) in [("-tls1", "TLSv1"), ("-tls1_1", "TLSv1.1")] {
        let server = Server::start(&identity, &[flag, "-cipher", "ALL:@SECLEVEL=0"]);
        let scan = scan(server.port, &settings(&authority.pem())).await;
        assert_eq!(accepted(&scan), [version]);
        assert!(suites(&scan, version).contains(&"TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"), "{scan:?}");
        assert_eq!(scan.certificates.len(), 1, "shown in clear text");
        assert_eq!(scan.fallback_refused, None);
    }
}

#[tokio::test]
async fn a_fallback_from_a_later_version_is_refused() {
    let authority = Authority::new();
    let server =
        Server::start(&authority.issue(&Wanted::default()), &["-cipher", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"]);
    let settings = settings(&authority.pem());
    let scan = scan(server.port, &settings).await;
    assert_eq!(accepted(&scan), ["TLSv1.3", "TLSv1.2", "TLSv1.1", "TLSv1"]);
    assert_eq!(scan.fallback_refused, Some(true));
    assert!(scan.version("TLSv1.2").unwrap().more_suites, "{scan:?}");
    assert!(scan.handshakes <= settings.max_handshakes);
    let weak = suites(&scan, "TLSv1.2");
    assert!(weak.contains(&"TLS_RSA_WITH_NULL_SHA"), "weak ones are looked for first: {weak:?}");
}

#[tokio::test]
async fn weak_suites_are_found() {
    let authority = Authority::new();
    let ciphers = "DES-CBC3-SHA:AES128-SHA:AES256-GCM-SHA384:ECDHE-RSA-AES128-SHA256:AECDH-AES128-SHA:\
                   DHE-RSA-CAMELLIA128-SHA:ARIA128-GCM-SHA256:@SECLEVEL=0";
    let server = Server::start(&authority.issue(&Wanted::default()), &["-tls1_2", "-cipher", ciphers]);
    let scan = scan(server.port, &settings(&authority.pem())).await;
    let mut expected = vec![
        "TLS_DHE_RSA_WITH_CAMELLIA_128_CBC_SHA",
        "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
        "TLS_ECDH_anon_WITH_AES_128_CBC_SHA",
        "TLS_RSA_WITH_AES_128_CBC_SHA",
        "TLS_RSA_WITH_AES_256_GCM_SHA384",
        "TLS_RSA_WITH_ARIA_128_GCM_SHA256",
    ];
    let has_3des =
        std::process::Command::new("openssl").args(["ciphers", "DES-CBC3-SHA:@SECLEVEL=0"]).output();
    if has_3des.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("DES-CBC3-SHA")) {
        expected.push("TLS_RSA_WITH_3DES_EDE_CBC_SHA");
        expected.sort_unstable();
    }
    assert_eq!(suites(&scan, "TLSv1.2"), expected);
    assert!(!scan.version("TLSv1.2").unwrap().more_suites);
}

#[tokio::test]
async fn a_server_with_rare_suites_alone_speaks_tls_12() {
    let authority = Authority::new();
    let server =
        Server::start(&authority.issue(&Wanted::default()), &["-tls1_2", "-cipher", "AES128-SHA256"]);
    let scan = scan(server.port, &settings(&authority.pem())).await;
    assert_eq!(suites(&scan, "TLSv1.2"), ["TLS_RSA_WITH_AES_128_CBC_SHA256"]);
    assert!(scan.groups.is_empty() && scan.dh_bits.is_none());
}

#[tokio::test]
async fn groups_are_found_with_every_version() {
    let authority = Authority::new();
    let rsa = authority.issue(&Wanted::default());
    let ecdsa = authority.issue(&Wanted { algorithm: &PKCS_ECDSA_P256_SHA256, ..Wanted::default() });
    for (identity, arguments, expected) in [
        (&rsa, &["-tls1_3", "-groups", "X448:P-521:X25519"][..], &["X25519", "X448", "secp521r1"][..]),
        (
            &rsa,
            &["-tls1_2", "-groups", "P-521:brainpoolP256r1:X25519"],
            &["X25519", "brainpoolP256r1", "secp521r1"],
        ),
        // The curve of the key must be offered all the time.
        (&ecdsa, &["-tls1_2", "-groups", "X448:P-256:P-384"], &["X448", "prime256v1", "secp384r1"]),
        (&ecdsa, &["-no_tls1_3", "-serverpref", "-groups", "P-384:P-256"], &["prime256v1", "secp384r1"]),
    ] {
        let server = Server::start(identity, arguments);
        let scan = scan(server.port, &settings(&authority.pem())).await;
        assert_eq!(groups(&scan), expected, "{arguments:?}");
        assert!(!scan.more_groups);
    }
}

#[tokio::test]
async fn a_small_prime_is_measured() {
    let authority = Authority::new();
    let file = authority.folder().join("dh.pem");
    // The 1024-bit prime of RFC 2409, second Oakley group.
    let parameters = "-----BEGIN DH PARAMETERS-----\n\
                      MIGHAoGBAP//////////yQ/aoiFowjTExmKLgNwc0SkCTgiKZ8x0Agu+pjsTmyJR\n\
                      Sgh5jjQE3e+VGbPNOkMbMCsKbfJfFDdP4TVtbVHCReSFtXZiXn7G9ExC6aY37WsL\n\
                      /1y29Aa37e44a/taiZ+lrp8kEXxLH+ZJKGZR7OZTgf//////////AgEC\n\
                      -----END DH PARAMETERS-----\n";
    std::fs::write(&file, parameters).unwrap();
    let server = Server::start(
        &authority.issue(&Wanted { algorithm: &PKCS_RSA_SHA256, ..Wanted::default() }),
        &["-tls1_2", "-cipher", "DHE:@SECLEVEL=0", "-dhparam", file.to_str().unwrap()],
    );
    let scan = scan(server.port, &settings(&authority.pem())).await;
    assert_eq!(scan.dh_bits, Some(1024));
}

#[tokio::test]
async fn the_suites_of_tls_13_are_found() {
    let authority = Authority::new();
    let server = Server::start(
        &authority.issue(&Wanted::default()),
        &[
            "-tls1_3",
            "-ciphersuites",
            "TLS_AES_128_CCM_8_SHA256:TLS_AES_128_CCM_SHA256:TLS_AES_256_GCM_SHA384",
        ],
    );
    let scan = scan(server.port, &settings(&authority.pem())).await;
    assert_eq!(accepted(&scan), ["TLSv1.3"]);
    assert_eq!(
        suites(&scan, "TLSv1.3"),
        ["TLS_AES_128_CCM_8_SHA256", "TLS_AES_128_CCM_SHA256", "TLS_AES_256_GCM_SHA384"]
    );
    assert_eq!((scan.secure_renegotiation, scan.compression), (None, None));
}
