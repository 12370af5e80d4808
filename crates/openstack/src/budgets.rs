use std::time::Duration;

/// How long probes wait for things to happen, at most. A probe polls with short steps, so none of it is spent
/// where the cloud is quick.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budgets {
    /// For a volume, a backup or a restored volume to become available, each. The reference waits 110 s.
    pub volume: Duration,
    /// For an image to become active.
    pub image: Duration,
    /// For a server to run and to have an address. The reference waits 500 s.
    pub server: Duration,
    /// For the user data to be through, from the moment that the server runs. The reference waits 300 s.
    pub console: Duration,
    /// For all that one probe created to be gone again.
    pub removal: Duration,
    /// For the handshakes with one endpoint.
    pub tls: Duration,
    /// For the features of one S3 server.
    pub s3: Duration,
}

#[expect(clippy::duration_suboptimal_units, reason = "all in seconds, as users set them")]
impl Default for Budgets {
    fn default() -> Self {
        Budgets {
            volume: Duration::from_secs(110),
            image: Duration::from_secs(110),
            server: Duration::from_secs(500),
            console: Duration::from_secs(300),
            removal: Duration::from_secs(300),
            tls: Duration::from_secs(60),
            s3: Duration::from_secs(180),
        }
    }
}

impl Budgets {
    /// The names of all budgets, as the command line has them.
    pub const NAMES: [&str; 7] = ["volume", "image", "server", "console", "removal", "tls", "s3"];

    /// A budget by its name.
    pub fn by_name(&mut self, name: &str) -> Option<&mut Duration> {
        Some(match name {
            "volume" => &mut self.volume,
            "image" => &mut self.image,
            "server" => &mut self.server,
            "console" => &mut self.console,
            "removal" => &mut self.removal,
            "tls" => &mut self.tls,
            "s3" => &mut self.s3,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_to_a_budget() {
        for name in Budgets::NAMES {
            assert!(Budgets::default().by_name(name).is_some(), "{name}");
        }
        assert!(Budgets::default().by_name("patience").is_none());
    }
}
