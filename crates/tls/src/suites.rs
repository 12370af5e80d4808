//! Cipher suites, in the portions in which they are offered. A server that does not know a suite ignores it,
//! but some stumble over hellos with more than 128 suites.

use std::sync::LazyLock;

use tls_parser::{CIPHERS, TlsCipherAu, TlsCipherEnc, TlsCipherKx, TlsCipherMac, TlsCipherSuite};

/// `TLS_EMPTY_RENEGOTIATION_INFO_SCSV`: the client knows secure renegotiation.
pub(crate) const RENEGOTIATION: u16 = 0x00ff;
/// `TLS_FALLBACK_SCSV`: the client has tried a later version before.
pub(crate) const FALLBACK: u16 = 0x5600;

/// How the server tells its part of the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exchange {
    EllipticCurve,
    FiniteField,
    Other,
}

pub(crate) struct Suites {
    /// Suites of TLS 1.3.
    pub(crate) tls13: Vec<u16>,
    /// Ephemeral key exchange and authenticated encryption, for TLS 1.2.
    pub(crate) modern: Vec<u16>,
    /// What SSL 3 and TLS up to 1.1 can negotiate, and TLS 1.2 too.
    pub(crate) old: Vec<u16>,
    /// The rest of TLS 1.2.
    pub(crate) others: Vec<u16>,
    /// Every suite of TLS 1.2 and before whose exchange is on an elliptic curve and ephemeral.
    pub(crate) with_curves: Vec<u16>,
}

/// All suites that a server can choose without knowing the client: none with pre-shared keys, Kerberos or
/// passwords. Weak ones come first.
pub(crate) fn suites() -> &'static Suites {
    static SUITES: LazyLock<Suites> = LazyLock::new(|| {
        let mut known: Vec<&TlsCipherSuite> =
            CIPHERS.values().filter(|suite| suite.id.0 != 0 && is_for_strangers(suite)).collect();
        known.sort_unstable_by_key(|suite| (suite.enc_size, suite.id.0));
        let choose = |wanted: &dyn Fn(&TlsCipherSuite) -> bool| -> Vec<u16> {
            known.iter().filter(|suite| wanted(suite)).map(|suite| suite.id.0).collect()
        };
        let is_13 = |suite: &TlsCipherSuite| suite.kx == TlsCipherKx::Tls13;
        let is_old = |suite: &TlsCipherSuite| {
            matches!(suite.mac, TlsCipherMac::Null | TlsCipherMac::HmacMd5 | TlsCipherMac::HmacSha1)
        };
        Suites {
            tls13: choose(&is_13),
            modern: choose(&is_modern),
            old: choose(&|suite| !is_13(suite) && is_old(suite)),
            others: choose(&|suite| !is_13(suite) && !is_old(suite) && !is_modern(suite)),
            with_curves: choose(&|suite| {
                suite.kx == TlsCipherKx::Ecdhe && matches!(suite.au, TlsCipherAu::Rsa | TlsCipherAu::Ecdsa)
            }),
        }
    });
    &SUITES
}

fn is_for_strangers(suite: &TlsCipherSuite) -> bool {
    let is_strange_exchange = matches!(
        suite.kx,
        TlsCipherKx::Psk | TlsCipherKx::Krb5 | TlsCipherKx::Srp | TlsCipherKx::Eccpwd | TlsCipherKx::Null
    );
    let is_strange_proof = matches!(
        suite.au,
        TlsCipherAu::Psk
            | TlsCipherAu::Krb5
            | TlsCipherAu::Srp
            | TlsCipherAu::Srp_Dss
            | TlsCipherAu::Srp_Rsa
            | TlsCipherAu::Eccpwd
    );
    !is_strange_exchange && !is_strange_proof
}

fn is_modern(suite: &TlsCipherSuite) -> bool {
    matches!(suite.kx, TlsCipherKx::Dhe | TlsCipherKx::Ecdhe)
        && matches!(suite.au, TlsCipherAu::Rsa | TlsCipherAu::Ecdsa)
        && matches!(suite.enc, TlsCipherEnc::Aes | TlsCipherEnc::Chacha20_Poly1305)
        && suite.mac == TlsCipherMac::Aead
}

/// The name that IANA gave a suite.
pub(crate) fn name(number: u16) -> String {
    match TlsCipherSuite::from_id(number) {
        Some(suite) => suite.name.to_owned(),
        None => format!("suite {number:#06x}"),
    }
}

pub(crate) fn exchange(number: u16) -> Exchange {
    match TlsCipherSuite::from_id(number).map(|suite| suite.kx) {
        Some(TlsCipherKx::Ecdhe | TlsCipherKx::Ecdh | TlsCipherKx::Aecdh) => Exchange::EllipticCurve,
        Some(TlsCipherKx::Dhe | TlsCipherKx::Dh) => Exchange::FiniteField,
        _ => Exchange::Other,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn names(suites: &[u16]) -> BTreeSet<String> {
        suites.iter().map(|suite| name(*suite)).collect()
    }

    #[test]
    fn portions_are_disjoint_and_small_enough() {
        let Suites { tls13, modern, old, others, .. } = suites();
        let all: BTreeSet<&u16> = tls13.iter().chain(modern).chain(old).chain(others).collect();
        assert_eq!(all.len(), tls13.len() + modern.len() + old.len() + others.len());
        assert!(all.len() > 200);
        assert!(modern.len() + old.len() < 128 && others.len() < 128, "{} {}", old.len(), others.len());
    }

    #[test]
    fn suites_are_in_the_portion_that_fits() {
        let suites = suites();
        for (portion, member) in [
            (&suites.tls13, "TLS_AES_128_GCM_SHA256"),
            (&suites.modern, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"),
            (&suites.modern, "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384"),
            (&suites.old, "TLS_RSA_WITH_3DES_EDE_CBC_SHA"),
            (&suites.old, "TLS_RSA_EXPORT_WITH_RC4_40_MD5"),
            (&suites.old, "TLS_DH_anon_WITH_AES_128_CBC_SHA"),
            (&suites.old, "TLS_ECDH_anon_WITH_NULL_SHA"),
            (&suites.others, "TLS_RSA_WITH_AES_128_GCM_SHA256"),
            (&suites.others, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256"),
            (&suites.with_curves, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"),
        ] {
            assert!(names(portion).contains(member), "{member}");
        }
        let psk = "TLS_ECDHE_PSK_WITH_AES_128_CBC_SHA";
        assert!(!names(&suites.old).contains(psk) && !names(&suites.with_curves).contains(psk));
    }
}
