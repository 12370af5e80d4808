use std::time::Duration;

/// How a server is probed.
#[derive(Debug, Clone)]
pub struct Settings {
    /// How long one handshake may take, connecting included.
    pub handshake_timeout: Duration,
    /// How long all handshakes with one endpoint may take.
    pub total_timeout: Duration,
    /// How many handshakes are tried with one endpoint at most.
    pub max_handshakes: u32,
    /// How many hosts are probed at a time.
    pub hosts_at_once: usize,
    /// Certification authorities to trust beside those of the system, each a PEM file with one certificate or
    /// more. A server's certificate that is listed itself is trusted, too.
    pub extra_roots: Vec<Vec<u8>>,
    /// Whether the certification authorities of the system are trusted.
    pub native_roots: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            handshake_timeout: Duration::from_secs(5),
            total_timeout: Duration::from_mins(1),
            max_handshakes: 60,
            hosts_at_once: 8,
            extra_roots: Vec::new(),
            native_roots: true,
        }
    }
}

/// Whom to probe.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Target {
    /// Host name or address; IPv6 without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
}
