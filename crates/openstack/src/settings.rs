use std::time::Duration;

/// How patiently and how hard a cloud is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// How long a connection may take, and how long a server may stay silent before or within an answer. An
    /// answer that trickles in may take four times as long as a whole.
    pub timeout: Duration,
    /// How often a call is made at most when the server is overloaded (429, 502, 503, 504) or the connection
    /// is lost; 1 means no retry.
    pub attempts: u32,
    /// Pause before the first retry, doubled for each further one and shortened by up to half at random.
    pub backoff: Duration,
    /// The longest `Retry-After` that is waited for; if a server asks for more, its answer is taken as final.
    pub retry_after_cap: Duration,
    /// How many calls run at the same time per service.
    pub concurrency: usize,
    /// The largest body that is read, in bytes after decompression.
    pub body_limit: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            timeout: Duration::from_secs(32),
            attempts: 3,
            backoff: Duration::from_millis(500),
            retry_after_cap: Duration::from_secs(30),
            concurrency: 8,
            body_limit: 256 << 20,
        }
    }
}
