//! Finding out all that a server accepts: it shows one choice per handshake, so offer all, take away what it
//! chose, and offer the rest, until it wants none.

use crate::groups;
use crate::prober::{Prober, Tried};
use crate::protocol::Version;
use crate::suites::suites;

/// Groups that are looked for at most, per version.
const MAX_GROUPS: usize = 10;

/// What a server accepts, in the order of its choice.
#[derive(Debug, Default)]
pub(crate) struct Accepted {
    pub(crate) numbers: Vec<u16>,
    /// Why there may be more.
    pub(crate) gap: Option<String>,
}

impl Prober<'_> {
    /// The cipher suites of a version. `known` have been accepted before and are not offered again; each
    /// portion is offered on its own, and given up after so many have been accepted.
    pub(crate) async fn suites(
        &self,
        version: Version,
        with_shares: bool,
        known: &[u16],
        portions: &[(&[u16], usize)],
    ) -> Accepted {
        let groups = version_groups(version);
        let mut accepted = Accepted::default();
        for (portion, most) in portions {
            let mut rest: Vec<u16> = portion.iter().filter(|suite| !known.contains(suite)).copied().collect();
            let mut left = *most;
            while !rest.is_empty() {
                if left == 0 {
                    accepted.gap = Some(format!("the scan ends after {most} of a kind"));
                    break;
                }
                let mut hello = self.hello(version, &rest, &groups);
                hello.with_shares = with_shares;
                match self.offer(&hello).await {
                    Tried::Chosen(chosen, _) if chosen.version == Some(version) => {
                        let Some(position) = rest.iter().position(|suite| *suite == chosen.suite) else {
                            accepted.gap = Some("the server chose a suite that was not offered".into());
                            break;
                        };
                        accepted.numbers.push(rest.remove(position));
                        left -= 1;
                    }
                    // Another version than before: it has no suite for this one.
                    Tried::Chosen(..) | Tried::Refused { .. } => break,
                    trouble => {
                        accepted.gap = Some(trouble.said(self.settings.handshake_timeout));
                        return accepted;
                    }
                }
            }
        }
        accepted
    }

    /// The groups of TLS 1.3.
    pub(crate) async fn groups_13(&self, with_shares: bool) -> Accepted {
        self.groups(Version::Tls13, with_shares, &suites().tls13, groups::groups_13()).await
    }

    /// The curves of a version up to TLS 1.2. A server with an ECDSA key refuses clients that do not know its
    /// curve, `key_curve`, so that one is offered as long as the server does not choose it.
    pub(crate) async fn curves(&self, version: Version, known: &[u16], key_curve: Option<u16>) -> Accepted {
        let mut offer = groups::curves();
        offer.retain(|group| !known.contains(group) && Some(*group) != key_curve);
        offer.extend(key_curve);
        self.groups(version, false, &suites().with_curves, offer).await
    }

    async fn groups(
        &self,
        version: Version,
        with_shares: bool,
        suites: &[u16],
        mut offer: Vec<u16>,
    ) -> Accepted {
        let mut accepted = Accepted::default();
        while !offer.is_empty() {
            if accepted.numbers.len() == MAX_GROUPS {
                accepted.gap = Some(format!("the scan ends after {MAX_GROUPS}"));
                break;
            }
            let mut hello = self.hello(version, suites, &offer);
            hello.with_shares = with_shares;
            match self.offer(&hello).await {
                Tried::Chosen(chosen, answer) if chosen.version == Some(version) => {
                    let Some(group) = answer.group else {
                        break;
                    };
                    let Some(position) = offer.iter().position(|offered| *offered == group) else {
                        // Servers without the extension take a curve of their own.
                        accepted.numbers.push(group);
                        break;
                    };
                    accepted.numbers.push(offer.remove(position));
                }
                Tried::Chosen(..) | Tried::Refused { .. } => break,
                trouble => {
                    accepted.gap = Some(trouble.said(self.settings.handshake_timeout));
                    break;
                }
            }
        }
        accepted
    }
}

/// All groups that make sense with a version.
pub(crate) fn version_groups(version: Version) -> Vec<u16> {
    match version {
        Version::Ssl3 => Vec::new(),
        Version::Tls13 => groups::groups_13().into_iter().chain(groups::FINITE_FIELDS).collect(),
        Version::Tls10 | Version::Tls11 | Version::Tls12 => groups::curves(),
    }
}
