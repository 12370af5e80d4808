//! What a user's access to a cloud is like: clock, regions, expiry of the token, limits and quotas.

use std::collections::BTreeSet;
use std::time::Duration;

use assay_inventory::{Record, Token, Unavailable};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use crate::Session;
use crate::endpoint::Endpoint;
use crate::listing::object;

/// The findings; what could not be had says why.
#[derive(Debug, Clone)]
pub struct Checkup {
    /// How far keystone's clock is ahead of ours (negative: behind), to about a second.
    pub clock_skew: Result<SignedDuration, Unavailable>,
    /// How long the token is still valid, by our clock; negative if it is over.
    pub token_lifetime: Option<SignedDuration>,
    /// When the application credential ends, if one is used; the inner none means never.
    pub credential_end: Option<Result<Option<Timestamp>, Unavailable>>,
    /// The regions of the catalog, sorted.
    pub regions: Vec<String>,
    /// `limits.absolute` of nova: `maxTotalCores`, `totalCoresUsed` and so on; -1 means unlimited.
    pub compute_limits: Result<Record, Unavailable>,
    /// `limits.absolute` of cinder: `maxTotalVolumes`, `totalVolumesUsed` and so on; sizes in GiB.
    pub volume_limits: Result<Record, Unavailable>,
    /// The quota of neutron by resource: `network`, `floatingip` and so on; -1 means unlimited.
    pub network_quotas: Result<Record, Unavailable>,
}

/// Looks at a session; only reads, and each item on its own.
pub async fn doctor(session: &Session) -> Checkup {
    // The futures are large; on the heap they do not weigh down whoever awaits this one.
    let (clock_skew, credential, compute_limits, volume_limits, network_quotas) = futures::join!(
        Box::pin(clock_skew(session)),
        Box::pin(kept_credential(session)),
        Box::pin(limits(session, "compute")),
        Box::pin(limits(session, "block-storage")),
        Box::pin(network_quotas(session)),
    );
    Checkup {
        clock_skew,
        token_lifetime: token_lifetime(session.token(), Timestamp::now()),
        credential_end: credential.map(|credential| credential.map(|credential| credential.end)),
        regions: regions(session.token()),
        compute_limits,
        volume_limits,
        network_quotas,
    }
}

/// The regions that the catalog names, sorted.
fn regions(token: &Token) -> Vec<String> {
    let endpoints = token.catalog.iter().flat_map(|service| &service.endpoints);
    let regions: BTreeSet<&String> = endpoints.filter_map(|endpoint| endpoint.region.as_ref()).collect();
    regions.into_iter().cloned().collect()
}

fn token_lifetime(token: &Token, now: Timestamp) -> Option<SignedDuration> {
    token.expires_at.map(|expiry| expiry.duration_since(now))
}

async fn clock_skew(session: &Session) -> Result<SignedDuration, Unavailable> {
    let endpoint = Endpoint { service: "identity", url: session.config().identity_url().clone() };
    let before = Timestamp::now();
    let reply = session.get(None, &endpoint, endpoint.at(&[""]), &[]).await?;
    let after = Timestamp::now();
    let date = reply
        .header(http::header::DATE)
        .and_then(|date| jiff::fmt::rfc2822::parse(date).ok())
        .ok_or_else(|| reply.malformed("the answer has no date"))?;
    Ok(skew(date.timestamp(), before, after))
}

/// The difference to the nearest moment of the exchange; the date is cut to full seconds.
fn skew(date: Timestamp, before: Timestamp, after: Timestamp) -> SignedDuration {
    let latest = date.checked_add(Duration::from_secs(1)).unwrap_or(date);
    if latest < before {
        latest.duration_since(before)
    } else if date > after {
        date.duration_since(after)
    } else {
        SignedDuration::ZERO
    }
}

/// An application credential, as keystone keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptCredential {
    /// When it ends; none means never.
    pub end: Option<Timestamp>,
    /// What it is limited to, each as `METHOD path (service)`; if there is none, to nothing but its roles.
    pub access_rules: Vec<String>,
}

/// What keystone keeps of the application credential of a session, if it has one; only reads.
pub async fn kept_credential(session: &Session) -> Option<Result<KeptCredential, Unavailable>> {
    let credential = session.token().application_credential.as_ref()?;
    Some(kept(session, &credential.id).await)
}

async fn kept(session: &Session, credential: &str) -> Result<KeptCredential, Unavailable> {
    let endpoint = Endpoint { service: "identity", url: session.config().identity_url().clone() };
    let url = endpoint.at(&["users", &session.token().user_id, "application_credentials", credential]);
    let reply = session.get(None, &endpoint, url, &[]).await?;
    let body = object(&reply)?;
    let credential = body.get("application_credential");
    let end = match credential.and_then(|credential| credential.get("expires_at")) {
        None | Some(Value::Null) => None,
        Some(end) => Some(
            end.as_str()
                .and_then(instant)
                .ok_or_else(|| reply.malformed("the end of the application credential is no time"))?,
        ),
    };
    let rules = credential.and_then(|credential| credential.get("access_rules")).and_then(Value::as_array);
    let access_rules = rules.into_iter().flatten().map(access_rule).collect();
    Ok(KeptCredential { end, access_rules })
}

fn access_rule(rule: &Value) -> String {
    let field = |name| rule.get(name).and_then(Value::as_str).unwrap_or("?");
    format!("{} {} ({})", field("method"), field("path"), field("service"))
}

/// An instant as keystone writes it, with or without the `Z` that it means.
fn instant(text: &str) -> Option<Timestamp> {
    let utc = format!("{}Z", text.trim_end_matches('Z'));
    utc.parse().ok()
}

async fn limits(session: &Session, service: &'static str) -> Result<Record, Unavailable> {
    let endpoint = session.endpoint(service)?;
    let reply = session.get(None, &endpoint, endpoint.at(&["limits"]), &[]).await?;
    let mut body = object(&reply)?;
    body.get_mut("limits")
        .and_then(|limits| limits.get_mut("absolute"))
        .and_then(Value::as_object_mut)
        .map(to_record)
        .ok_or_else(|| reply.malformed("the answer holds no limits"))
}

async fn network_quotas(session: &Session) -> Result<Record, Unavailable> {
    let endpoint = session.endpoint("network")?;
    let url = endpoint.at(&["quotas", session.project_id()?]);
    let reply = session.get(None, &endpoint, url, &[]).await?;
    let mut body = object(&reply)?;
    body.get_mut("quota")
        .and_then(Value::as_object_mut)
        .map(to_record)
        .ok_or_else(|| reply.malformed("the answer holds no quotas"))
}

fn to_record(fields: &mut Map<String, Value>) -> Record {
    std::mem::take(fields).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keystone_leaves_the_zone_out() {
        let end = Some("2027-01-02T03:04:05Z".parse().unwrap());
        assert_eq!(instant("2027-01-02T03:04:05.000000"), end);
        assert_eq!(instant("2027-01-02T03:04:05Z"), end);
        assert_eq!(instant("tomorrow"), None);
    }

    #[test]
    fn a_clock_within_the_exchange_is_right() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let (before, after) = (at("2026-01-01T00:00:10.5Z"), at("2026-01-01T00:00:11.5Z"));
        for (date, millis) in [
            ("2026-01-01T00:00:10Z", 0),
            ("2026-01-01T00:00:11Z", 0),
            ("2026-01-01T00:00:09Z", -500),
            ("2026-01-01T00:00:12Z", 500),
            ("2026-01-01T01:00:11.5Z", 3_600_000),
            ("2025-12-31T23:00:09.5Z", -3_600_000),
        ] {
            assert_eq!(skew(at(date), before, after), SignedDuration::from_millis(millis), "{date}");
        }
    }
}
