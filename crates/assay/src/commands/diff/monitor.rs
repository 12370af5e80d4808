//! What a monitor knew of a subject at the end of a day, and what changed from one day to another.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::failure::Failure;

/// How long a monitor may take to answer.
const ANSWER: Duration = Duration::from_mins(1);
/// What is known of a subject is some hundred KiB.
const MOST_BYTES: usize = 32 << 20;

/// What a monitor says of a subject. Fields that it says beside these are left alone.
#[derive(Debug, Deserialize)]
pub(super) struct Seen {
    /// The instant that it is told for.
    pub(super) at: Timestamp,
    scopes: Vec<Scope>,
}

#[derive(Debug, Deserialize)]
struct Scope {
    uuid: String,
    name: String,
    achieved: Option<Achieved>,
    testcases: Vec<Testcase>,
}

/// What a subject achieved, in the words of the monitor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Achieved {
    pub(super) state: String,
    pub(super) version: String,
    pub(super) validity: String,
}

#[derive(Debug, Deserialize)]
struct Testcase {
    testcase: String,
    intervals: Vec<Interval>,
}

#[derive(Debug, Deserialize)]
struct Interval {
    state: String,
    first_report: String,
}

/// What counted for a testcase, and the report that says so.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Counted {
    pub(super) state: String,
    pub(super) report: String,
}

/// What changed in a scope.
#[derive(Debug, Serialize)]
pub(super) struct ScopeDiff {
    pub(super) uuid: String,
    pub(super) name: String,
    /// None if nothing was known of the scope, or nothing was achieved.
    pub(super) before: Option<Achieved>,
    pub(super) after: Option<Achieved>,
    pub(super) results: Vec<ResultDiff>,
}

/// A testcase that stands otherwise.
#[derive(Debug, Serialize)]
pub(super) struct ResultDiff {
    pub(super) testcase: String,
    /// None if no result counted.
    pub(super) before: Option<Counted>,
    pub(super) after: Option<Counted>,
}

/// Asks a monitor of ours what a subject came to at the end of a day, or comes to now. None if it did not know it then.
pub(super) async fn seen(monitor: &Url, subject: &str, day: Option<Date>) -> Result<Option<Seen>, Failure> {
    let mut url = monitor.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(["api", "v1", "subjects", subject]);
    }
    if let Some(day) = day {
        url.query_pairs_mut().append_pair("at", &day.to_string());
    }
    let unreachable =
        |error: reqwest::Error| Failure::undetermined(error.without_url(), format!("{url} was asked"));
    let strange = |why: String| {
        Failure::undetermined(
            format!("{url} does not answer as a monitor of assay does: {why}"),
            "the reference monitor keeps no history that could be asked for",
        )
    };
    let client = Client::builder().redirect(Policy::none()).timeout(ANSWER).build().map_err(unreachable)?;
    let mut response = client.get(url.clone()).send().await.map_err(unreachable)?;
    let status = response.status();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
        if body.len() + chunk.len() > MOST_BYTES {
            return Err(strange(format!("more than {MOST_BYTES} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    match status {
        StatusCode::OK => serde_json::from_slice(&body).map(Some).map_err(|error| strange(error.to_string())),
        // Other servers have not found the page, either, but say so in other words.
        StatusCode::NOT_FOUND if detail(&body).is_some() => Ok(None),
        StatusCode::UNPROCESSABLE_ENTITY => {
            let detail = detail(&body).unwrap_or_else(|| status.to_string());
            Err(Failure::usage(detail, "give days as 2026-11-22"))
        }
        _ => Err(strange(status.to_string())),
    }
}

/// What a monitor says of what it does not do.
fn detail(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Refusal {
        detail: String,
    }
    serde_json::from_slice::<Refusal>(body).ok().map(|refusal| refusal.detail)
}

/// What changed, scope by scope; scopes in which nothing did are left out.
pub(super) fn changes<'s>(before: Option<&'s Seen>, after: Option<&'s Seen>) -> Vec<ScopeDiff> {
    let scopes = |seen: Option<&'s Seen>| -> BTreeMap<&'s str, &'s Scope> {
        seen.iter().flat_map(|seen| &seen.scopes).map(|scope| (scope.uuid.as_str(), scope)).collect()
    };
    let (old, new) = (scopes(before), scopes(after));
    let all: BTreeSet<&str> = old.keys().chain(new.keys()).copied().collect();
    let changed = all.into_iter().filter_map(|uuid| {
        let (old, new) = (old.get(uuid).copied(), new.get(uuid).copied());
        let diff = ScopeDiff {
            uuid: uuid.to_owned(),
            name: new.or(old)?.name.clone(),
            before: old.and_then(|scope| scope.achieved.clone()),
            after: new.and_then(|scope| scope.achieved.clone()),
            results: results(old, new),
        };
        (diff.before != diff.after || !diff.results.is_empty()).then_some(diff)
    });
    changed.collect()
}

fn results(before: Option<&Scope>, after: Option<&Scope>) -> Vec<ResultDiff> {
    let (old, new) = (standings(before), standings(after));
    let all: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let state = |standing: Option<&Counted>| standing.map(|standing| standing.state.clone());
    let changed = all.into_iter().filter(|id| state(old.get(*id)) != state(new.get(*id)));
    let diff = |id: &String| ResultDiff {
        testcase: id.clone(),
        before: old.get(id).cloned(),
        after: new.get(id).cloned(),
    };
    changed.map(diff).collect()
}

/// What counts for each testcase at the end of the time that was asked for.
fn standings(scope: Option<&Scope>) -> BTreeMap<String, Counted> {
    let testcases = scope.iter().flat_map(|scope| &scope.testcases);
    let last = testcases.filter_map(|testcase| {
        // The report that began it: what confirmed it may have come in after the day.
        let Interval { state, first_report } = testcase.intervals.last()?;
        let standing = Counted { state: state.clone(), report: first_report.clone() };
        Some((testcase.testcase.clone(), standing))
    });
    last.collect()
}
