//! What a monitor lacks: results that are not there, that say nothing, or that end before they are looked for again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use assay_standards::scope::Selected;
use jiff::civil::DateTime;
use reqwest::redirect::Policy;
use reqwest::{Client, header};
use serde::Deserialize;
use url::Url;

/// The status of some hundred subjects is some MiB.
const MOST_BYTES: usize = 128 << 20;

/// The results that count at a monitor, as its `/status` tells: by subject, UUID of the scope, and testcase.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standings(BTreeMap<String, BTreeMap<String, BTreeMap<String, Standing>>>);

/// A result that counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Standing {
    is_certain: bool,
    checked_at: DateTime,
}

/// A monitor's status cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum StatusError {
    /// No answer.
    #[error("{url}: {cause}")]
    Unreachable {
        /// What was asked for.
        url: Url,
        /// Why there is no answer.
        cause: String,
    },
    /// Another answer.
    #[error("{0} answered {1}")]
    Refused(Url, reqwest::StatusCode),
    /// Not the JSON that monitors answer with.
    #[error("{0} does not answer as a monitor does: {1}")]
    Strange(Url, String),
}

#[derive(Deserialize)]
struct Card {
    results: BTreeMap<String, CardResult>,
}

#[derive(Deserialize)]
struct CardResult {
    result: i8,
    checked_at: String,
}

impl Standings {
    /// Asks a monitor, ours or the reference.
    ///
    /// # Errors
    /// It does not answer, or not as a monitor does.
    pub async fn ask(monitor: &Url, timeout: Duration) -> Result<Self, StatusError> {
        let url = monitor
            .join("status")
            .map_err(|error| StatusError::Strange(monitor.clone(), error.to_string()))?;
        let unreachable = |error: reqwest::Error| StatusError::Unreachable {
            url: url.clone(),
            cause: crate::delivery::causes(&error),
        };
        let client =
            Client::builder().redirect(Policy::none()).timeout(timeout).build().map_err(unreachable)?;
        let request = client.get(url.clone()).header(header::ACCEPT, "application/json");
        let mut response = request.send().await.map_err(unreachable)?;
        if !response.status().is_success() {
            return Err(StatusError::Refused(url, response.status()));
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > MOST_BYTES {
                return Err(StatusError::Strange(url, format!("more than {MOST_BYTES} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        Self::read(&body).map_err(|why| StatusError::Strange(url, why))
    }

    /// Reads a status.
    ///
    /// # Errors
    /// It is none, in words.
    pub fn read(body: &[u8]) -> Result<Self, String> {
        let cards: BTreeMap<String, BTreeMap<String, Card>> =
            serde_json::from_slice(body).map_err(|error| error.to_string())?;
        let mut standings = Self::default();
        for (subject, scopes) in cards {
            for (scope, card) in scopes {
                let results = standings.0.entry(subject.clone()).or_default().entry(scope).or_default();
                for (testcase, found) in card.results {
                    let checked_at = instant(&found.checked_at)
                        .ok_or_else(|| format!("{:?} is no time", found.checked_at))?;
                    let is_certain = matches!(found.result, -1 | 1);
                    results.insert(testcase, Standing { is_certain, checked_at });
                }
            }
        }
        Ok(standings)
    }

    /// Those of the testcases of a scope without a certain result of a subject that still counts at `then`.
    pub fn missing<'s>(
        &self,
        subject: &str,
        scope: &str,
        testcases: impl IntoIterator<Item = &'s Selected<'s>>,
        then: DateTime,
    ) -> BTreeSet<&'s str> {
        let known = self.0.get(subject).and_then(|scopes| scopes.get(scope));
        let stands = |selected: &Selected<'_>| {
            let standing = known.and_then(|results| results.get(&selected.testcase.id));
            standing.is_some_and(|standing| {
                standing.is_certain && selected.testcase.lifetime.expiry(standing.checked_at) > then
            })
        };
        let missing = testcases.into_iter().filter(|selected| !stands(selected));
        missing.map(|selected| selected.testcase.id.as_str()).collect()
    }
}

/// A civil time, with a blank or a T before the time of day; the reference writes neither zone nor offset.
fn instant(text: &str) -> Option<DateTime> {
    text.trim_end_matches('Z').replacen(' ', "T", 1).parse().ok()
}

#[cfg(test)]
mod tests {
    use assay_standards::scope::{Request, Spec};
    use jiff::civil::date;

    use super::*;

    fn status(results: &str) -> Vec<u8> {
        let uuid = &Spec::embedded_kaas().uuid;
        format!(
            r#"{{"green": {{"{uuid}": {{"name": "x", "results": {{{results}}}, "validity": "effective"}}}}}}"#
        )
        .into_bytes()
    }

    #[test]
    fn what_is_not_there_says_nothing_or_ends_is_missing() {
        let spec = Spec::embedded_kaas();
        let selection = spec.select(&Request::default(), date(2026, 11, 23)).unwrap();
        let asked: BTreeSet<&str> = selection
            .testcases
            .iter()
            .filter(|selected| !selected.testcase.manual)
            .map(|selected| selected.testcase.id.as_str())
            .collect();
        let missing = |results: &str, then| {
            let standings = Standings::read(&status(results)).unwrap();
            let of = |subject| {
                let measured = selection.testcases.iter().filter(|selected| !selected.testcase.manual);
                standings.missing(subject, &spec.uuid, measured, then)
            };
            assert_eq!(of("red"), asked, "nothing is known of this one");
            of("green").into_iter().map(str::to_owned).collect::<BTreeSet<_>>()
        };
        let id = "version-policy-check";
        let result = |code: i8, at: &str| {
            format!(r#""{id}": {{"result": {code}, "checked_at": "{at}", "report": "u"}}"#)
        };
        let soon = date(2026, 11, 24).at(2, 0, 0, 0);
        for (results, then, stands) in [
            (result(1, "2026-11-23T01:00:00"), soon, true),
            (result(-1, "2026-11-23 01:00:00.5"), soon, true),
            (result(0, "2026-11-23T01:00:00"), soon, false),
            (result(1, "2026-01-01T01:00:00"), soon, false),
            (String::new(), soon, false),
        ] {
            assert_eq!(!missing(&results, then).contains(id), stands, "{results}");
        }
        let others = missing(&result(1, "2026-11-23T01:00:00"), soon);
        assert_eq!(others.len(), asked.len() - 1, "the rest is missing");
    }

    #[test]
    fn what_is_no_status_is_told() {
        assert!(Standings::read(b"<html>").is_err());
        assert!(Standings::read(&status(r#""a": {"result": 1, "checked_at": "yesterday"}"#)).is_err());
        assert_eq!(Standings::read(b"{}").unwrap(), Standings::default());
    }
}
