//! TLS of the endpoints against the profile that the standard demands.

mod certificates;
mod scan;

use std::borrow::Cow;
use std::collections::BTreeSet;

use assay_inventory::{FactId, TlsEndpoint, TlsOutcome};
use assay_standards::requirements::TlsProfiles;
use jiff::Timestamp;

use super::STANDARD;
use crate::evidence::Needed;
use crate::finding::{Readings, Resource};
use crate::registry::Registry;
use crate::rule::rule;
use crate::testcase::{Demand, Testcase};
use crate::{Evidence, Judgement, Judging};

pub(super) fn register(registry: &mut Registry) {
    registry.add(Testcase {
        id: Cow::Borrowed("scs-0125-tls"),
        standard: STANDARD,
        clause: "transport layer security",
        demand: Demand::Must,
        title: Cow::Borrowed("Endpoints keep to Mozilla's TLS profile `intermediate`"),
        explanation: "What a server offers, an attacker on the way may bring about. So each endpoint of the catalog, and keystone as it is \
             configured, is asked by handshakes for all that it offers: protocol versions, cipher suites, curves, the prime of the key \
             exchange, secure renegotiation, extended master secret, compression, and the certificates with their chain, key, signature, \
             lifetime and names. An endpoint of plain http fails. A public endpoint that cannot be reached cannot be judged; an internal \
             one is noted.",
        remedy: Cow::Borrowed(
            "Configure the load balancer as https://ssl-config.mozilla.org proposes for the profile Intermediate, and give it a certificate \
             of a trusted authority for the host name in the catalog.",
        ),
        official_facts: &[FactId::TlsEndpoints],
        text_facts: &[],
        own: true,
        judge: rule(tls),
    });
}

fn tls(evidence: &Evidence<'_>) -> Needed<Judgement> {
    let endpoints = evidence
        .inventory
        .tls_endpoints
        .get(FactId::TlsEndpoints)
        .map_err(|why| Box::new(Judgement::aborted(FactId::TlsEndpoints, &why)))?;
    let mut judging = Judging::default();
    let Some((name, profile)) = TlsProfiles::get().demanded_by(STANDARD) else {
        judging.abort(
            Readings::Text,
            None,
            format!("a TLS profile that {STANDARD} demands"),
            "none in the table",
        );
        return Ok(judging.finish_own());
    };
    let mut gaps = BTreeSet::new();
    for endpoint in endpoints {
        let mut about = About { endpoint, name, now: evidence.now, judging: &mut judging };
        match &endpoint.outcome {
            TlsOutcome::Plain => about.not_encrypted("plain http"),
            TlsOutcome::NotTls { message } => about.not_encrypted(message),
            TlsOutcome::Unreachable { message } => about.unknown("an answer to a TLS handshake", message),
            TlsOutcome::Scanned(scan) => {
                scan::judge(&mut about, scan, profile);
                certificates::judge(&mut about, scan, &profile.certificate);
                gaps.extend(
                    scan.gaps.iter().filter(|gap| !scan::is_judged(gap)).map(|gap| (&gap.what, &gap.why)),
                );
            }
        }
    }
    // The same authorities are trusted everywhere, so that what could not be read of them is said once.
    for (what, why) in gaps {
        judging.note(Readings::Text, None, format!("not found out: {what} ({why})"));
    }
    Ok(judging.finish_own())
}

/// The endpoint that is judged, and what is said about it.
struct About<'a> {
    endpoint: &'a TlsEndpoint,
    /// Name of the profile.
    name: &'a str,
    now: Timestamp,
    judging: &'a mut Judging,
}

impl About<'_> {
    /// Host and port, and the first services that answer there.
    fn resource(&self) -> Resource {
        const SHOWN: usize = 3;
        let mut types: Vec<&str> = Vec::new();
        for service in &self.endpoint.services {
            if !types.contains(&service.service_type.as_str()) {
                types.push(&service.service_type);
            }
        }
        let services = listed(&types, SHOWN);
        let place = self.endpoint.authority();
        Resource::new("endpoint", "", if types.is_empty() { place } else { format!("{place} ({services})") })
    }

    fn has_interface(&self, interfaces: &[&str]) -> bool {
        self.endpoint.services.iter().any(|service| interfaces.contains(&service.interface.as_str()))
    }

    fn fail(&mut self, expected: impl Into<Cow<'static, str>>, found: impl Into<Cow<'static, str>>) {
        self.judging.fail(Readings::Text, self.resource(), expected, found);
    }

    fn note(&mut self, found: impl Into<Cow<'static, str>>) {
        self.judging.note(Readings::Text, self.resource(), found);
    }

    /// The text speaks of internal and external endpoints; those for administrators are neither.
    fn not_encrypted(&mut self, found: &str) {
        if self.has_interface(&["public", "internal", "auth_url"]) {
            self.fail("TLS", found.to_owned());
        } else {
            self.note(format!("no TLS: {found}"));
        }
    }

    /// Something that could not be found out. From outside a cloud that is nothing unusual for endpoints that
    /// are not public.
    fn unknown(&mut self, expected: &str, found: &str) {
        if self.has_interface(&["public", "auth_url"]) {
            self.judging.abort(Readings::Text, self.resource(), expected.to_owned(), found.to_owned());
        } else {
            self.note(format!("{expected} could not be had: {found}"));
        }
    }
}

/// Names in a row, the first ones if there are many.
fn listed(names: &[&str], most: usize) -> String {
    let more = names.len().saturating_sub(most);
    let shown = names[..names.len().min(most)].join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}

#[cfg(test)]
mod tests;
