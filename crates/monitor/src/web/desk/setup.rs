//! How the monitor is set up, and what it keeps.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use askama::Template;
use assay_standards::scope::{Spec, Validity};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jiff::Timestamp;

use super::super::Shared;
use super::super::error::Refusal;
use super::forms::Visitor;
use super::{Page, shown_time};
use crate::accounts::Role;
use crate::scopes::Scopes;
use crate::store::{Kept, ReportedScope, civil};

#[derive(Template)]
#[template(path = "desk/setup.html")]
struct Setup<'s> {
    base: &'s str,
    program: String,
    database: &'static str,
    issuer: &'s str,
    log: &'s str,
    entries: u64,
    kept: Kept,
    /// How long texts are kept; none for ever.
    keep: Option<String>,
    /// How many may not go, since they are not as they were accepted.
    kept_back: u64,
    is_telling: bool,
    is_trusting_others: bool,
    scopes: Vec<ScopeRow<'s>>,
    /// Scopes of reports that the monitor does not know, and what came in about them.
    unknown: Vec<(String, String)>,
}

/// A scope that the monitor knows.
struct ScopeRow<'s> {
    name: &'s str,
    slug: String,
    uuid: &'s str,
    versions: String,
    testcases: usize,
    /// What came in about it.
    came: String,
}

/// What an operator otherwise has to look for on the machine.
pub(super) async fn show(State(monitor): Shared, visitor: Visitor) -> Result<Response, Refusal> {
    visitor.must_have(Role::Admin)?;
    let (store, settings, now) = (&monitor.store, &monitor.settings, monitor.clock.now());
    let scopes = monitor.scopes();
    let reported = store.reported_scopes().await?;
    let mut reported: BTreeMap<String, String> =
        reported.into_iter().map(|scope| (scope.uuid.clone(), came(&scope))).collect();
    let rows = scopes.iter().map(|spec| ScopeRow {
        name: &spec.name,
        slug: Scopes::slug(spec),
        uuid: &spec.uuid,
        versions: in_force(spec, now),
        testcases: spec.testcases().len(),
        came: reported.remove(&spec.uuid).unwrap_or_else(|| "nothing".to_owned()),
    });
    let rows = rows.collect();
    let setup = Setup {
        base: &settings.base_url,
        program: format!("assay {}", env!("CARGO_PKG_VERSION")),
        database: store.kind(),
        issuer: monitor.issuer(),
        log: monitor.signer.key().name(),
        entries: store.log_size().await?,
        kept: store.kept().await?,
        keep: settings.keep_reports.map(|keep| format!("{keep:#}")),
        kept_back: monitor.kept_back.load(Ordering::Relaxed),
        is_telling: monitor.notices().is_some(),
        is_trusting_others: monitor.oidc().is_some(),
        scopes: rows,
        unknown: reported.into_iter().collect(),
    };
    let title = "This monitor".to_owned();
    Page { monitor: &monitor, visitor: Some(&visitor), title, said: None }.show(StatusCode::OK, &setup)
}

/// What came in about a scope.
fn came(scope: &ReportedScope) -> String {
    let counted = |count: i64, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let (reports, subjects) = (counted(scope.reports, "report"), counted(scope.subjects, "subject"));
    format!("{reports} about {subjects}, the newest of {}", shown_time(scope.newest))
}

/// The versions that count at an instant, each with how.
fn in_force(spec: &Spec, now: Timestamp) -> String {
    let versions = spec.validity(civil(now).date()).into_iter();
    let versions = versions.filter(|(_, validity)| *validity != Validity::Deprecated);
    let named = versions.map(|(version, validity)| format!("{} {}", version.name, validity.as_str()));
    named.collect::<Vec<_>>().join(", ")
}
