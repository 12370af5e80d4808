//! Whom to ask, with which key, and how patiently.

use std::time::Duration;

use secrecy::SecretString;
use thiserror::Error;
use url::Url;

/// An S3 server and a key for it.
#[derive(Debug, Clone)]
pub struct Access {
    /// Where the server answers: `http` or `https`, with a path if the API lies below one.
    pub endpoint: Url,
    /// The region that requests are signed for. A server that wants another one and names it gets that.
    pub region: String,
    /// The access key.
    pub access_key: String,
    /// Its secret.
    pub secret_key: SecretString,
    /// Whether the certificate of the server is verified.
    pub verify: bool,
    /// Certificates that are trusted beside those of the system, as PEM bundles.
    pub extra_roots: Vec<Vec<u8>>,
}

/// How patiently and how hard a server is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How long one request may take, its body included.
    pub timeout: Duration,
    /// How long all attempts together may take. What is not done by then is not tried.
    pub budget: Duration,
    /// How long removing what was made may take, after the attempts.
    pub cleanup: Duration,
    /// How many features are tried at the same time.
    pub concurrency: usize,
    /// How long a version is locked, counted from the clock of the server. If the lock cannot be bypassed,
    /// removing the bucket waits for its end, so this has to be well below `cleanup`.
    pub lock: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            timeout: Duration::from_secs(20),
            budget: Duration::from_mins(3),
            cleanup: Duration::from_secs(90),
            concurrency: 4,
            lock: Duration::from_secs(20),
        }
    }
}

/// Why no request can be sent at all.
#[derive(Debug, Error)]
pub enum AccessError {
    /// The endpoint is no web address.
    #[error("the endpoint {0} is no http or https address; give it as https://s3.example.com")]
    Endpoint(String),
    /// A certificate cannot be read.
    #[error("the certificates to trust cannot be read: {0}; they have to be in PEM form")]
    Certificates(String),
    /// The HTTP client cannot be made.
    #[error("the HTTP client cannot be made: {0}")]
    Client(String),
}
