//! What Prometheus asks for: what subjects come to, how fresh it is, and what came in.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::Shared;
use super::error::Refusal;
use crate::certificates::{Certificate, Quarterly, manual_in_force};
use crate::scopes::Scopes;
use crate::serve::Monitor;
use crate::store::{ListedScore, civil};

/// The states that a score can have.
const STATES: [&str; 5] = ["PASS", "TENTATIVE", "ABORT", "MISS", "FAIL"];

/// What came of uploads since the program began.
#[derive(Debug, Default)]
pub(crate) struct Uploads {
    stored: AtomicU64,
    known: AtomicU64,
    refused: AtomicU64,
    failed: AtomicU64,
}

impl Uploads {
    /// Counts one by its answer.
    pub(crate) fn count(&self, status: StatusCode) {
        let counter = match status {
            status if status.is_success() => &self.stored,
            StatusCode::CONFLICT => &self.known,
            status if status.is_server_error() => &self.failed,
            _ => &self.refused,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    fn all(&self) -> [(&'static str, u64); 4] {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        [
            ("stored", read(&self.stored)),
            ("known", read(&self.known)),
            ("refused", read(&self.refused)),
            ("failed", read(&self.failed)),
        ]
    }
}

/// All of it, for everybody.
pub(super) async fn metrics(State(monitor): Shared) -> Result<Response, Refusal> {
    let all = monitor.scores().await?;
    let scopes = &all.scopes;
    let size = monitor.store.log_size().await?;
    let outbox = monitor.store.outbox().await?;
    let now = civil(monitor.clock.now());
    // One that cannot be read is told by `monitor verify`, and must not hide all else.
    let certificates = monitor.store.each_certificate().await?;
    let certificates: Vec<Certificate> = certificates.into_iter().filter_map(Result::ok).collect();
    let mut checks = Vec::new();
    for spec in scopes.iter() {
        let in_force = certificates.iter().filter(|one| one.scope == spec.uuid);
        let in_force = in_force.filter(|one| one.standing(now.date()).is_in_force());
        let certified: BTreeSet<&str> = in_force.map(|one| one.subject.as_str()).collect();
        let manual = manual_in_force(spec, now.date());
        let decided = monitor.store.decided(&spec.uuid, manual.clone()).await?;
        // What nobody ever decided is told of those who are certified.
        let mut known: BTreeMap<(&str, &str), Option<DateTime>> =
            certified.iter().flat_map(|subject| manual.iter().map(|id| ((*subject, *id), None))).collect();
        known.extend(decided.iter().map(|(subject, id, at)| ((subject.as_str(), id.as_str()), Some(*at))));
        checks.extend(known.into_iter().map(|((subject, testcase), at)| Check {
            subject: subject.to_owned(),
            scope: &spec.name,
            testcase: testcase.to_owned(),
            stands: Quarterly::new(at, certified.contains(subject), now),
        }));
    }
    let text = exposition((scopes, &all.all), &checks, (size, outbox), &monitor);
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response())
}

/// Something that people have to check again.
struct Check<'s> {
    subject: String,
    scope: &'s str,
    testcase: String,
    stands: Quarterly,
}

fn exposition(
    (scopes, all): (&Scopes, &[ListedScore]),
    checks: &[Check<'_>],
    (log, (waiting, given_up)): (u64, (i64, i64)),
    monitor: &Monitor,
) -> String {
    let mut text = String::new();
    let mut line = |line: std::fmt::Arguments<'_>| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{line}");
    };
    let known = || all.iter().filter_map(|listed| Some((listed, scopes.by_uuid(&listed.scope)?)));
    line(format_args!(
        "# HELP assay_monitor_score What a subject achieves in a scope, counting only what is certain."
    ));
    line(format_args!("# TYPE assay_monitor_score gauge"));
    for (listed, spec) in known() {
        let (subject, scope) = (label(&listed.subject), label(&spec.name));
        let Some(achieved) = &listed.score.achieved else { continue };
        let version = label(&achieved.version);
        for state in STATES {
            let holds = u8::from(state == achieved.state);
            line(format_args!(
                "assay_monitor_score{{subject={subject},scope={scope},version={version},state=\"{state}\"}} {holds}"
            ));
        }
    }
    line(format_args!(
        "# HELP assay_monitor_newest_result_timestamp_seconds When the newest result was found."
    ));
    line(format_args!("# TYPE assay_monitor_newest_result_timestamp_seconds gauge"));
    for (listed, spec) in known() {
        let (subject, scope, newest) = (label(&listed.subject), label(&spec.name), seconds(listed.newest));
        line(format_args!(
            "assay_monitor_newest_result_timestamp_seconds{{subject={subject},scope={scope}}} {newest}"
        ));
    }
    line(format_args!(
        "# HELP assay_monitor_manual_check_due_timestamp_seconds When people have to check something again."
    ));
    line(format_args!("# TYPE assay_monitor_manual_check_due_timestamp_seconds gauge"));
    let labels = |check: &Check<'_>| {
        let (subject, scope, testcase) = (label(&check.subject), label(check.scope), label(&check.testcase));
        format!("{{subject={subject},scope={scope},testcase={testcase}}}")
    };
    for check in checks {
        let Some(due) = check.stands.due else { continue };
        let (labels, due) = (labels(check), seconds(due));
        line(format_args!("assay_monitor_manual_check_due_timestamp_seconds{labels} {due}"));
    }
    line(format_args!(
        "# HELP assay_monitor_manual_check_overdue Whether that is past, or nobody ever has although there is a certificate."
    ));
    line(format_args!("# TYPE assay_monitor_manual_check_overdue gauge"));
    for check in checks {
        let (labels, is_overdue) = (labels(check), u8::from(check.stands.is_overdue));
        line(format_args!("assay_monitor_manual_check_overdue{labels} {is_overdue}"));
    }
    line(format_args!("# HELP assay_monitor_log_entries What was accepted so far."));
    line(format_args!("# TYPE assay_monitor_log_entries counter"));
    line(format_args!("assay_monitor_log_entries {log}"));
    line(format_args!("# HELP assay_monitor_notices Notices that wait to be sent, and that were given up."));
    line(format_args!("# TYPE assay_monitor_notices gauge"));
    line(format_args!("assay_monitor_notices{{state=\"waiting\"}} {waiting}"));
    line(format_args!("assay_monitor_notices{{state=\"given_up\"}} {given_up}"));
    line(format_args!(
        "# HELP assay_monitor_texts_kept_back Old texts that are not let go, since they are not as they were accepted."
    ));
    line(format_args!("# TYPE assay_monitor_texts_kept_back gauge"));
    let kept_back = monitor.kept_back.load(Ordering::Relaxed);
    line(format_args!("assay_monitor_texts_kept_back {kept_back}"));
    line(format_args!(
        "# HELP assay_monitor_reckoned_unstored_total How often it was reckoned what subjects come to without storing it."
    ));
    line(format_args!("# TYPE assay_monitor_reckoned_unstored_total counter"));
    line(format_args!("assay_monitor_reckoned_unstored_total {}", monitor.reckoning.unstored()));
    line(format_args!(
        "# HELP assay_monitor_uploads_total Uploads since this instance began, by what came of them."
    ));
    line(format_args!("# TYPE assay_monitor_uploads_total counter"));
    for (outcome, count) in monitor.uploads.all() {
        line(format_args!("assay_monitor_uploads_total{{outcome=\"{outcome}\"}} {count}"));
    }
    text
}

/// The value of a label, between its quotes.
fn label(value: &str) -> String {
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

fn seconds(time: DateTime) -> i64 {
    TimeZone::UTC.to_timestamp(time).map_or(0, Timestamp::as_second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_end_where_they_should() {
        assert_eq!(label("a\"b\\c\nd"), r#""a\"b\\c\nd""#);
    }
}
