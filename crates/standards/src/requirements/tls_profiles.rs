//! Mozilla's TLS profiles, one of which scs-0125 demands.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::table::embedded;

/// What a profile demands of a server's certificate.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsCertificateRule {
    /// Types of key, of which the server must have one.
    pub keys: Vec<String>,
    /// Curves that an ECDSA key may be on.
    pub curves: Vec<String>,
    /// Least size of an RSA key in bits; none if RSA keys are not among the types.
    #[serde(default)]
    pub rsa_bits: Option<u32>,
    /// How the issuer may sign; one certificate of the server must be signed so.
    pub signatures: Vec<String>,
    /// Longest life in days.
    pub most_days: i64,
}

/// What a server may offer, and what it must.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsProfile {
    /// Protocol versions that may be offered, as OpenSSL calls them.
    pub versions: Vec<String>,
    /// Cipher suites that TLS 1.3 may offer, as IANA calls them.
    pub suites_13: Vec<String>,
    /// Cipher suites that earlier versions may offer.
    pub suites: Vec<String>,
    /// Curves that may be offered for the key exchange.
    pub curves: Vec<String>,
    /// Least size of the prime of a finite-field key exchange, in bits; none if no suite has one.
    #[serde(default)]
    pub dh_bits: Option<u32>,
    /// What the certificate must be like.
    pub certificate: TlsCertificateRule,
}

/// The table of profiles.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsProfiles {
    /// Version of the guidelines.
    pub version: String,
    /// Where they can be read.
    pub url: String,
    /// The profile that a standard demands, by the document with its version.
    pub demanded: BTreeMap<String, String>,
    /// Groups that came after the profiles and are no weaker than what they allow.
    pub later_groups: Vec<String>,
    /// The profiles by name.
    pub profiles: BTreeMap<String, TlsProfile>,
}

impl TlsProfiles {
    /// The table that is part of the program.
    pub fn get() -> &'static TlsProfiles {
        static TABLE: LazyLock<TlsProfiles> = LazyLock::new(|| {
            embedded("tls-profiles.yaml", include_str!("../../data/requirements/tls-profiles.yaml"))
        });
        &TABLE
    }

    /// Name and content of the profile that a standard demands.
    pub fn demanded_by(&self, standard: &str) -> Option<(&str, &TlsProfile)> {
        let name = self.demanded.get(standard)?;
        Some((name, self.profiles.get(name)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_demanded_profile_is_there() {
        let table = TlsProfiles::get();
        assert!(!table.demanded.is_empty());
        for (standard, profile) in &table.demanded {
            assert!(table.demanded_by(standard).is_some(), "{standard}: {profile}");
        }
        assert_eq!(table.demanded_by("scs-0125-v1").map(|(name, _)| name), Some("intermediate"));
        assert_eq!(table.demanded_by("scs-0124-v1"), None);
    }

    #[test]
    fn a_later_profile_allows_less() {
        let profile = |name: &str| &TlsProfiles::get().profiles[name];
        for (strict, lax) in [("modern", "intermediate"), ("intermediate", "old")] {
            let (strict, lax) = (profile(strict), profile(lax));
            assert!(strict.versions.iter().all(|version| lax.versions.contains(version)));
            assert!(strict.suites.iter().all(|suite| lax.suites.contains(suite)));
            assert!(strict.suites.len() < lax.suites.len());
            assert!(strict.certificate.most_days <= lax.certificate.most_days);
            assert!(strict.dh_bits.is_none() || strict.dh_bits > lax.dh_bits);
        }
        assert_eq!(profile("old").suites.len(), 26);
        assert_eq!(profile("intermediate").suites.len(), 9);
    }

    #[test]
    fn suites_are_ephemeral_and_authenticated_from_intermediate_on() {
        for suite in &TlsProfiles::get().profiles["intermediate"].suites {
            assert!(suite.starts_with("TLS_ECDHE_") || suite.starts_with("TLS_DHE_RSA_"), "{suite}");
            assert!(suite.contains("_GCM_") || suite.contains("_POLY1305_"), "{suite}");
        }
    }
}
