//! `assay doctor`: whether a check can work, before it is run.

mod footprint;

use std::fmt::Write as _;

use assay_inventory::{Record, Token, Unavailable};
use assay_openstack::{Checkup, CloudConfig, Overrides, Session, Settings, doctor};
use assay_testcases::{Preflight, preflight};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::args::{Doctor, Listing};
use crate::failure::Failure;
use crate::human::{bold, columns, good, warn, wrapped};
use crate::output::print;

/// What a clock may be off before signatures and tokens get into trouble.
const TOLERATED_SKEW: SignedDuration = SignedDuration::from_secs(30);
/// An application credential or token that ends sooner is worth a word.
const SHORT: SignedDuration = SignedDuration::from_mins(15);

/// Time enough to renew an application credential.
const SOON: SignedDuration = SignedDuration::from_hours(30 * 24);

/// How one point turned out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum State {
    Good,
    Warning,
    Bad,
    /// Not to be found out.
    Unknown,
}

/// One line of the result.
#[derive(Debug, Serialize)]
pub(super) struct Point {
    pub(super) about: &'static str,
    pub(super) state: State,
    pub(super) finding: String,
}

pub(crate) async fn run(arguments: &Doctor) -> Result<u8, Failure> {
    let overrides =
        Overrides { region: arguments.asking.region.clone(), interface: arguments.asking.interface.clone() };
    let config = CloudConfig::find(arguments.cloud.as_deref(), &overrides)?;
    let settings = Settings { timeout: arguments.asking.timeout, ..Settings::default() };
    let session = Session::connect(&config, &settings).await.map_err(|error| {
        Failure::undetermined(
            format!("cloud {}: {error}", config.name()),
            "check auth_url, user and password (or application credential) in clouds.yaml",
        )
    })?;
    let checkup = doctor(&session).await;
    let points = points(&config, session.token(), &checkup);
    let bad = points.iter().any(|point| point.state == State::Bad);
    match arguments.format {
        Listing::Json => {
            let json = serde_json::to_string_pretty(&points)
                .map_err(|error| Failure::usage(error, "this is a defect of assay; please report it"))?;
            print(&format!("{json}\n"))?;
        }
        Listing::Human => print(&for_people(config.name(), &points))?,
    }
    Ok(if bad { 3 } else { 0 })
}

/// Points below what they are about.
pub(super) fn for_people(cloud: &str, points: &[Point]) -> String {
    let mut text = format!("{}\n", bold(cloud));
    let width = columns();
    for point in points {
        let mark = match point.state {
            State::Good => good("ok  "),
            State::Warning => warn("note"),
            State::Bad => warn("bad "),
            State::Unknown => warn("?   "),
        };
        let line = wrapped(&point.finding, width.saturating_sub(7), "", "                    ");
        let _ = writeln!(text, "  {mark} {:<12} {line}", point.about);
    }
    text
}

fn points(config: &CloudConfig, token: &Token, checkup: &Checkup) -> Vec<Point> {
    let mut points = vec![
        credentials(token, checkup),
        expiry(checkup),
        roles(token),
        clock(checkup),
        regions(config, checkup),
    ];
    points.push(tls(config, token));
    points.push(limits(
        "compute",
        &checkup.compute_limits,
        &[
            ("instances", "totalInstancesUsed", "maxTotalInstances"),
            ("vCPUs", "totalCoresUsed", "maxTotalCores"),
            ("MiB of RAM", "totalRAMUsed", "maxTotalRAMSize"),
        ],
    ));
    points.push(limits(
        "volumes",
        &checkup.volume_limits,
        &[
            ("volumes", "totalVolumesUsed", "maxTotalVolumes"),
            ("GiB", "totalGigabytesUsed", "maxTotalVolumeGigabytes"),
            ("backups", "totalBackupsUsed", "maxTotalBackups"),
        ],
    ));
    points.push(networks(&checkup.network_quotas));
    points.push(footprint::footprint(checkup));
    points
}

fn credentials(token: &Token, checkup: &Checkup) -> Point {
    let project =
        token.project.as_ref().map_or("no project".to_owned(), |project| format!("project {}", project.name));
    let (state, kind) = kind(token);
    let (state, end) = match &checkup.credential_end {
        None => (state, String::new()),
        Some(Err(why)) => (State::Warning, format!(", end not known: {why}")),
        Some(Ok(end)) => match ending(*end, Timestamp::now(), SOON) {
            (State::Good, words) => (state, format!(", {words}")),
            (worse, words) => (worse, format!(", {words}")),
        },
    };
    Point { about: "credentials", state, finding: format!("user {} in {project}, {kind}{end}", token.user) }
}

/// What somebody logs in with, and whether that can do more than it should.
pub(super) fn kind(token: &Token) -> (State, String) {
    match &token.application_credential {
        Some(credential) if credential.restricted => {
            (State::Good, format!("restricted application credential {}", credential.name))
        }
        Some(credential) => (
            State::Warning,
            format!(
                "unrestricted application credential {}, which may make others; a restricted one is safer",
                credential.name
            ),
        ),
        None => (
            State::Good,
            "logged in as a person; an application credential is safer, for it can be revoked on its own"
                .into(),
        ),
    }
}

/// When an application credential ends, and whether that is soon.
pub(super) fn ending(end: Option<Timestamp>, now: Timestamp, soon: SignedDuration) -> (State, String) {
    match end {
        None => (State::Good, "without an end".into()),
        Some(end) if end.duration_since(now) < soon => {
            (State::Warning, format!("ends on {}: renew it", end.strftime("%Y-%m-%d")))
        }
        Some(end) => (State::Good, format!("ends on {}", end.strftime("%Y-%m-%d"))),
    }
}

fn expiry(checkup: &Checkup) -> Point {
    let (state, finding) = match checkup.token_lifetime {
        None => (State::Good, "the token has no end".into()),
        Some(left) if left < SHORT => (State::Warning, format!("ends in {} minutes", left.as_mins())),
        Some(left) => {
            (State::Good, format!("ends in {} hours {} minutes", left.as_hours(), left.as_mins() % 60))
        }
    };
    Point { about: "token", state, finding }
}

/// Whether the roles are those of a plain user.
pub(super) fn roles(token: &Token) -> Point {
    match preflight(token) {
        Preflight::Fit => Point { about: "roles", state: State::Good, finding: token.roles.join(", ") },
        Preflight::Unfit(why) => Point { about: "roles", state: State::Bad, finding: why },
    }
}

fn clock(checkup: &Checkup) -> Point {
    let (state, finding) = match &checkup.clock_skew {
        Ok(skew) if skew.abs() <= TOLERATED_SKEW => (State::Good, "agrees with keystone's".into()),
        Ok(skew) => {
            let side = if skew.is_positive() { "behind" } else { "ahead of" };
            (State::Warning, format!("this machine is {} seconds {side} keystone", skew.abs().as_secs()))
        }
        Err(why) => (State::Warning, format!("not known: {why}")),
    };
    Point { about: "clock", state, finding }
}

fn regions(config: &CloudConfig, checkup: &Checkup) -> Point {
    let known = checkup.regions.join(", ");
    let (state, finding) = match config.region() {
        Some(region) if checkup.regions.iter().any(|known| known == region) => {
            (State::Good, format!("{region} (of {known})"))
        }
        Some(region) => (State::Bad, format!("{region} is not in the catalog, which has {known}")),
        None if checkup.regions.len() > 1 => {
            (State::Warning, format!("none chosen; the catalog has {known}: choose one with --region"))
        }
        None => (State::Good, known),
    };
    Point { about: "region", state, finding }
}

fn tls(config: &CloudConfig, token: &Token) -> Point {
    let endpoints = token.catalog.iter().flat_map(|service| &service.endpoints);
    let plain = endpoints
        .filter(|endpoint| endpoint.interface == config.interface() && endpoint.url.starts_with("http://"))
        .count();
    let (state, finding) = match (config.verifies_certificates(), plain) {
        (false, _) => (State::Warning, "certificates are not verified (verify: false in clouds.yaml)".into()),
        (true, 0) if config.auth_url().starts_with("https://") => {
            (State::Good, "certificates are verified on all endpoints".into())
        }
        (true, plain) => (
            State::Warning,
            format!("{plain} endpoints of the catalog, or keystone itself, are reached without TLS"),
        ),
    };
    Point { about: "TLS", state, finding }
}

fn number(record: &Record, field: &str) -> Option<i64> {
    record.integer(field).value()
}

fn used_of(used: Option<i64>, max: Option<i64>, what: &str) -> Option<(bool, String)> {
    let max = max?;
    let used = used.unwrap_or(0);
    Some(match max {
        ..0 => (false, format!("{used} {what}, unlimited")),
        _ => (used >= max, format!("{used} of {max} {what}")),
    })
}

fn limits(
    about: &'static str,
    limits: &Result<Record, Unavailable>,
    figures: &[(&str, &str, &str)],
) -> Point {
    match limits {
        Err(why) => Point { about, state: State::Warning, finding: format!("not known: {why}") },
        Ok(record) => {
            let used: Vec<(bool, String)> = figures
                .iter()
                .filter_map(|(what, used, max)| used_of(number(record, used), number(record, max), what))
                .collect();
            let state = if used.iter().any(|(full, _)| *full) { State::Warning } else { State::Good };
            let words: Vec<String> = used.into_iter().map(|(_, words)| words).collect();
            Point { about, state, finding: words.join(", ") }
        }
    }
}

fn networks(quotas: &Result<Record, Unavailable>) -> Point {
    match quotas {
        Err(why) => Point { about: "networks", state: State::Warning, finding: format!("not known: {why}") },
        Ok(record) => {
            let words: Vec<String> =
                [("network", "networks"), ("router", "routers"), ("floatingip", "floating IPs")]
                    .into_iter()
                    .filter_map(|(field, what)| {
                        let quota = number(record, field)?;
                        Some(if quota < 0 {
                            format!("unlimited {what}")
                        } else {
                            format!("up to {quota} {what}")
                        })
                    })
                    .collect();
            Point { about: "networks", state: State::Good, finding: words.join(", ") }
        }
    }
}
