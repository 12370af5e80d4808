//! A certification authority for tests, and certificates of it.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
    PKCS_RSA_SHA256, SignatureAlgorithm,
};
use tempfile::TempDir;

use crate::now;

pub(crate) const DAY: i64 = 24 * 60 * 60;

/// A certification authority that lives in a folder.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

/// What the certificate of a server is like.
pub(crate) struct Wanted {
    pub(crate) names: Vec<String>,
    /// Days from now.
    pub(crate) from: i64,
    /// Days from now.
    pub(crate) until: i64,
    pub(crate) algorithm: &'static SignatureAlgorithm,
}

impl Default for Wanted {
    fn default() -> Self {
        Wanted {
            names: vec!["localhost".into(), "127.0.0.1".into()],
            from: -10,
            until: 80,
            algorithm: &PKCS_RSA_SHA256,
        }
    }
}

/// Certificate and key in PEM, in files and in memory.
pub(crate) struct Identity {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
    pub(crate) certificate_pem: String,
    pub(crate) key_pair: KeyPair,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let name = format!("authority {}", folder.path().display());
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Authority { issuer, folder }
    }

    pub(crate) fn pem(&self) -> String {
        self.issuer.pem()
    }

    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    pub(crate) fn issue(&self, wanted: &Wanted) -> Identity {
        let key_pair = KeyPair::generate_for(wanted.algorithm).unwrap();
        let mut params = CertificateParams::new(wanted.names.clone()).unwrap();
        params.distinguished_name.push(DnType::CommonName, "server of the tests");
        params.not_before = days_from_now(wanted.from).into();
        params.not_after = days_from_now(wanted.until).into();
        let certificate_pem = params.signed_by(&key_pair, &self.issuer).unwrap().pem();
        let stem = format!("{:?}", wanted.algorithm).replace(|one: char| !one.is_alphanumeric(), "");
        let (certificate, key) =
            (self.folder().join(format!("{stem}.crt")), self.folder().join(format!("{stem}.key")));
        fs::write(&certificate, &certificate_pem).unwrap();
        fs::write(&key, key_pair.serialize_pem()).unwrap();
        Identity { certificate, key, certificate_pem, key_pair }
    }
}

fn days_from_now(days: i64) -> SystemTime {
    let seconds = now().as_second() + days * DAY;
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds.try_into().unwrap())
}
