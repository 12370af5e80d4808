//! The interface of our own for programs: JSON, with the states that count only what is certain.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::error::Refusal;
use super::{Path, Shared};
use crate::past::{Past, TestcasePast, achieved};
use crate::score::Achieved;
use crate::serve::Monitor;
use crate::store::{History, civil};

/// The time that something is asked for: so many days up to the end of a day, or up to now.
#[derive(Debug, Deserialize, JsonSchema)]
pub(super) struct Span {
    days: Option<i32>,
    at: Option<String>,
}

impl Span {
    /// The longest, in days: as far back as a history has to go at least.
    const LONGEST: i32 = 550;

    /// How many days; 30 if it was not said.
    pub(super) fn days(&self) -> i32 {
        self.days.unwrap_or(30).clamp(1, Self::LONGEST)
    }

    /// The last instant of the day that was asked for, if that is past, and the day; an empty day is none.
    pub(super) fn until(&self, now: Timestamp) -> Result<(DateTime, Option<Date>), Refusal> {
        let now = civil(now);
        let Some(day) = self.at.as_deref().filter(|day| !day.is_empty()) else { return Ok((now, None)) };
        let day: Date = day
            .parse()
            .map_err(|error| Refusal::unreadable(format!("at: no day such as 2026-11-22: {error}")))?;
        if day > now.date() {
            return Err(Refusal::unreadable(format!("at: {day} has not come yet")));
        }
        let end = day.tomorrow().ok().and_then(|next| next.at(0, 0, 0, 0).checked_sub(1.microsecond()).ok());
        Ok((end.unwrap_or(now).min(now), Some(day)))
    }
}

/// A scope as it is named in answers.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ScopeName")]
pub(super) struct NamedScope<'s> {
    pub(super) uuid: &'s str,
    pub(super) name: &'s str,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Score")]
pub(super) struct ListedScore<'s> {
    subject: &'s str,
    scope: NamedScope<'s>,
    achieved: Option<AchievedView>,
    /// When the newest result was found.
    newest: Timestamp,
    /// As the reference monitor reckons.
    summary: Option<&'s str>,
}

/// What is achieved, as it is handed out.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Achieved")]
pub(super) struct AchievedView {
    state: String,
    version: String,
    validity: String,
    /// When all was last certain, where it is not.
    certain: Option<Timestamp>,
}

impl From<Achieved> for AchievedView {
    fn from(achieved: Achieved) -> Self {
        let Achieved { state, certain, version, validity } = achieved;
        Self { state, version, validity, certain: certain.map(instant) }
    }
}

/// A time in UTC, which is all that is kept.
fn instant(time: DateTime) -> Timestamp {
    TimeZone::UTC.to_timestamp(time).unwrap_or(Timestamp::MAX)
}

/// What all subjects come to now.
pub(super) async fn scores(State(monitor): Shared) -> Result<Response, Refusal> {
    let scores = monitor.scores().await?;
    let listed: Vec<ListedScore<'_>> = scores
        .all
        .iter()
        .filter_map(|listed| {
            let spec = scores.scopes.by_uuid(&listed.scope)?;
            Some(ListedScore {
                subject: &listed.subject,
                scope: NamedScope { uuid: &spec.uuid, name: &spec.name },
                achieved: listed.score.achieved.clone().map(Into::into),
                newest: instant(listed.newest),
                summary: listed.score.plain.as_ref().map(|cell| cell.summary.as_str()),
            })
        })
        .collect();
    json_of(&listed)
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Subject")]
pub(super) struct SubjectView<'s> {
    subject: &'s str,
    /// The instant for which it is told.
    at: Timestamp,
    scopes: Vec<ScopeView<'s>>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "SubjectScope")]
pub(super) struct ScopeView<'s> {
    #[serde(flatten)]
    scope: NamedScope<'s>,
    achieved: Option<AchievedView>,
    testcases: Vec<TestcaseView<'s>>,
    /// Whether older intervals of that time were left out, since there are very many.
    cut: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "SubjectTestcase")]
pub(super) struct TestcaseView<'s> {
    testcase: &'s str,
    intervals: Vec<IntervalView>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Interval")]
pub(super) struct IntervalView {
    state: &'static str,
    from: Timestamp,
    /// The first instant at which it did not hold any more, or will not if nothing comes in before.
    to: Timestamp,
    /// Whether something may come in before, so that it goes on.
    open: bool,
    first_report: String,
    last_report: String,
}

/// What a subject came to at the end of a day, or comes to now.
pub(super) async fn subject(
    State(monitor): Shared,
    Path(subject): Path<String>,
    span: Result<Query<Span>, QueryRejection>,
) -> Result<Response, Refusal> {
    let Query(span) = span?;
    let (at, _) = span.until(monitor.clock.now())?;
    view(&monitor, &subject, (at, at)).await
}

/// What a subject came to over the last days.
pub(super) async fn history(
    State(monitor): Shared,
    Path(subject): Path<String>,
    span: Result<Query<Span>, QueryRejection>,
) -> Result<Response, Refusal> {
    let Query(span) = span?;
    let (until, _) = span.until(monitor.clock.now())?;
    let from = until.checked_sub(span.days().days()).unwrap_or(DateTime::MIN);
    view(&monitor, &subject, (from, until)).await
}

/// The intervals between two instants, both included.
async fn view(
    monitor: &Monitor,
    subject: &str,
    (from, until): (DateTime, DateTime),
) -> Result<Response, Refusal> {
    let _turn = monitor.histories.acquire().await;
    let known = monitor.scopes();
    let mut scopes = Vec::new();
    for spec in known.iter() {
        if !monitor.store.was_known(subject, &spec.uuid, until).await? {
            continue;
        }
        let History { spells, is_cut } = monitor.store.history(subject, &spec.uuid, (from, until)).await?;
        let past = Past::new(spec, &spells, from);
        let testcases = past.testcases.into_iter().map(|past| testcase(past, until));
        scopes.push(ScopeView {
            scope: NamedScope { uuid: &spec.uuid, name: &spec.name },
            achieved: achieved(spec, &spells, until).map(Into::into),
            testcases: testcases.filter(|view| !view.intervals.is_empty()).collect(),
            cut: is_cut,
        });
    }
    if scopes.is_empty() {
        return Err(Refusal::not_found("subject"));
    }
    json_of(&SubjectView { subject, at: instant(until), scopes })
}

fn testcase(past: TestcasePast<'_>, until: DateTime) -> TestcaseView<'_> {
    let intervals =
        past.intervals.into_iter().filter(|known| known.interval.from <= until).map(|known| IntervalView {
            state: known.word(),
            from: instant(known.interval.from),
            to: instant(known.interval.to),
            open: known.is_open,
            first_report: known.first_report,
            last_report: known.last_report,
        });
    TestcaseView { testcase: &past.testcase.id, intervals: intervals.collect() }
}

pub(super) fn json_of(view: &impl Serialize) -> Result<Response, Refusal> {
    let text = serde_json::to_string(view).map_err(|error| {
        tracing::error!(%error, "an answer could not be written");
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "the answer could not be written")
    })?;
    Ok(([(header::CONTENT_TYPE, "application/json")], text).into_response())
}
