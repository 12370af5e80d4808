//! A monitor with samples: everything on it came in as it does elsewhere, signed and over HTTP, but nothing is true.

mod subjects;

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use assay_signature::{NotSigned, ThrowawayKey};
use assay_standards::scope::{Spec, Version};
use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{Timestamp, ToSpan};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use uuid::Uuid;

use self::subjects::{SUBJECTS, Step, Subject};
use crate::accounts::Bootstrap;
use crate::clock::Clock;
use crate::intake::NAMESPACE;
use crate::scopes::Scopes;
use crate::serve::{Monitor, ServeError, Settings};
use crate::store::Store;

/// What its passwords cost: they are long, random, and forgotten with the samples.
const COST: u32 = 6;
/// The accounts beside those of the subjects, with their roles.
const ACCOUNTS: [(&str, &str); 3] =
    [(CI, "append_any"), ("demo-reader", "read_any"), (ASSESSOR, "read_any, approve")];
const CI: &str = "demo-ci";
const ASSESSOR: &str = "demo-assessor";

/// A monitor with samples.
#[derive(Debug)]
pub struct Demo {
    /// It goes on from now.
    pub monitor: Arc<Monitor>,
    /// The password of all its accounts.
    pub password: String,
}

/// Why there are no samples.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DemoError {
    /// The monitor does not serve.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// Nothing can be signed.
    #[error(transparent)]
    Key(#[from] NotSigned),
    /// Something about the samples is wrong.
    #[error("the samples were not taken: {0}")]
    Refused(String),
}

fn refused(error: impl std::fmt::Display) -> DemoError {
    DemoError::Refused(error.to_string())
}

impl Demo {
    /// The accounts that are no subjects.
    pub fn accounts() -> impl Iterator<Item = &'static str> {
        ACCOUNTS.into_iter().map(|(name, _)| name)
    }

    /// Fills an empty database: the eighteen months up to now pass in a few seconds. `settings` have to say the whole
    /// address. `key` is the private key that the log is signed with.
    ///
    /// # Errors
    /// The database, the network on loopback, or a scope that has become another one than the samples are made for.
    pub async fn open(store: Store, settings: Settings, key: &str) -> Result<Self, DemoError> {
        let settings = Settings { demo: true, issuer: Some("Nobody (samples)".into()), ..settings };
        let now = Timestamp::now();
        let past = Arc::new(Mutex::new(Some(now)));
        let clock = Clock::of({
            let past = Arc::clone(&past);
            move || past.lock().unwrap_or_else(PoisonError::into_inner).unwrap_or_else(Timestamp::now)
        });
        let scopes = Scopes::embedded();
        let monitor = Arc::new(Monitor::open(store, scopes.clone(), clock, settings, key).await?);
        let password = password()?;
        let signing = ThrowawayKey::generate()?;
        monitor.take_accounts(&accounts(&password, &signing)?).await?;
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(ServeError::from)?;
        let address = listener.local_addr().map_err(ServeError::from)?;
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(Arc::clone(&monitor).serve(listener, async {
            // It is told to stop, or whoever would tell it is gone.
            let _ = stopped.await;
        }));
        let client = Client::builder().no_proxy().build().map_err(refused)?;
        let base = format!("http://{address}");
        let password_of_all = &password;
        let mut visit =
            Visit { client, base, password: password_of_all, signing, scopes, certificates: Vec::new() };
        let turn = |at: Option<Timestamp>| *past.lock().unwrap_or_else(PoisonError::into_inner) = at;
        for days in days() {
            let at = now - 24.hours() * i64::from(days);
            turn(Some(at));
            visit.check(days, at).await?;
            visit.take_steps(days).await?;
        }
        turn(None);
        drop(stop);
        serving.await.map_err(refused)??;
        Ok(Self { monitor, password })
    }
}

/// The days on which something happens, counted back from now: those of checks, which are made every week, and those of
/// steps.
fn days() -> Vec<i32> {
    let steps = SUBJECTS.iter().flat_map(|subject| subject.steps).map(|(day, _)| *day);
    let mut days: Vec<i32> = (0..=546).filter(|day| is_checked_on(*day)).chain(steps).collect();
    days.sort_unstable_by(|a, b| b.cmp(a));
    days.dedup();
    days
}

fn is_checked_on(day: i32) -> bool {
    day % 7 == 0 || day == 3
}

fn password() -> Result<String, DemoError> {
    let mut bytes = [0; 18];
    rand::fill(&mut bytes).map_err(refused)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

fn accounts(password: &str, key: &ThrowawayKey) -> Result<Bootstrap, DemoError> {
    let hash = bcrypt::hash(password, COST).map_err(refused)?;
    let public = key.public().to_string();
    let (kind, key) = public.split_once(' ').unwrap_or_default();
    let mut text = "accounts:\n".to_owned();
    for (name, roles) in ACCOUNTS {
        let keys = match name {
            CI => format!("[{{public_key: {key}, public_key_type: {kind}, public_key_name: demo}}]"),
            _ => "[]".to_owned(),
        };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "- {{subject: {name}, roles: [{roles}], api_keys: ['{hash}'], keys: {keys}}}");
    }
    for subject in SUBJECTS {
        let group = subject.group.map_or_else(String::new, |group| format!("group: {group}, "));
        let _ =
            writeln!(text, "- {{subject: {}, {group}delegates: [{CI}], api_keys: ['{hash}']}}", subject.name);
    }
    Bootstrap::read("samples", &text).map_err(refused)
}

/// Whoever hands the samples in.
struct Visit<'p> {
    client: Client,
    base: String,
    password: &'p str,
    signing: ThrowawayKey,
    scopes: Scopes,
    /// Each application by its address, with whose it is, and the certificate it led to.
    certificates: Vec<(&'static str, String, Option<String>)>,
}

impl Visit<'_> {
    /// Hands in what was found on a day.
    async fn check(&self, day: i32, at: Timestamp) -> Result<(), DemoError> {
        let mut payload = String::new();
        let is_checked = |subject: &&Subject| {
            let (first, last) = subject.checked;
            is_checked_on(day) && (last..=first).contains(&day)
        };
        for (subject, minutes) in SUBJECTS.iter().filter(is_checked).zip((5..).step_by(37)) {
            let spec = self.spec(subject)?;
            payload.push_str(&report(subject, spec, (day, at - minutes.minutes())));
        }
        if payload.is_empty() {
            return Ok(());
        }
        let signature = self.signing.sign(NAMESPACE, payload.as_bytes())?;
        let request = self.client.post(format!("{}/reports", self.base));
        let request = request.header("content-type", "application/x-signed-yaml");
        self.answer(request.body(format!("{signature}&{payload}")), CI).await?;
        Ok(())
    }

    fn spec(&self, subject: &Subject) -> Result<&Spec, DemoError> {
        self.scopes.find(subject.scope).ok_or_else(|| refused(format!("there is no scope {}", subject.scope)))
    }

    /// Does what was done about certificates on a day.
    async fn take_steps(&mut self, day: i32) -> Result<(), DemoError> {
        for subject in SUBJECTS {
            for (_, step) in subject.steps.iter().filter(|(of, _)| *of == day) {
                self.take(subject, step).await?;
            }
        }
        Ok(())
    }

    async fn take(&mut self, subject: &Subject, step: &Step) -> Result<(), DemoError> {
        let made = |word: &str, text: &str| json!({"move": word, "text": text});
        let known = || self.certificates.iter().rev().find(|(of, ..)| *of == subject.name);
        let moves = || known().map_or_else(String::new, |(_, application, _)| format!("{application}/moves"));
        match step {
            Step::Apply(evidence) => {
                let spec = self.spec(subject)?;
                let asked = json!({
                    "subject": subject.name, "scope": spec.uuid, "version": version(spec),
                    "organisation": subject.organisation, "covers": subject.covers,
                    "contact": format!("someone@{}.example", subject.name), "evidence": evidence,
                });
                let answer = self.send("/api/v1/applications", subject.name, &asked).await?;
                let uuid = answer["application"].as_str().unwrap_or_default();
                self.certificates.push((subject.name, format!("/api/v1/applications/{uuid}"), None));
            }
            Step::Ask(text) => drop(self.send(&moves(), ASSESSOR, &made("ask", text)).await?),
            Step::Evidence(text) => drop(self.send(&moves(), subject.name, &made("evidence", text)).await?),
            Step::Grant(text) => {
                let answer = self.send(&moves(), ASSESSOR, &made("grant", text)).await?;
                let granted = answer["certificate"].as_str().map(str::to_owned);
                if let Some(known) = self.certificates.iter_mut().rev().find(|(of, ..)| *of == subject.name) {
                    known.2 = granted;
                }
            }
            Step::Revoke(reason) => {
                let certificate = known().and_then(|(_, _, certificate)| certificate.as_deref());
                let path = format!("/api/v1/certificates/{}/revocation", certificate.unwrap_or_default());
                self.send(&path, ASSESSOR, &json!({"reason": reason})).await?;
            }
        }
        Ok(())
    }

    async fn send(&self, path: &str, account: &str, body: &Value) -> Result<Value, DemoError> {
        let request = self.client.post(format!("{}{path}", self.base));
        let request = request.header("content-type", "application/json").body(body.to_string());
        self.answer(request, account).await
    }

    async fn answer(&self, request: RequestBuilder, account: &str) -> Result<Value, DemoError> {
        let response = request.basic_auth(account, Some(self.password)).send().await.map_err(refused)?;
        let (status, url) = (response.status(), response.url().path().to_owned());
        let text = response.text().await.map_err(refused)?;
        match status.is_success() {
            true => serde_json::from_str(&text).map_err(refused),
            false => Err(refused(format!("{url} by {account}: {status}: {text}"))),
        }
    }
}

/// The version that the samples are about: the newest that is stable.
fn version(spec: &Spec) -> &str {
    let newest = spec.versions.iter().filter(|version| version.stabilized_at.is_some());
    newest.max_by_key(|version| version.stabilized_at).map_or("", |version| &version.name)
}

/// A report as the reference checker writes it.
fn report(subject: &Subject, spec: &Spec, (day, at): (i32, Timestamp)) -> String {
    let (mut results, mut verdicts, mut said) = (String::new(), String::new(), String::new());
    for (testcase, _) in spec.version(version(spec)).into_iter().flat_map(Version::testcases) {
        let trouble = subject.troubles.iter().find(|trouble| {
            let (first, last) = trouble.days;
            (last..=first).contains(&day) && testcase.starts_with(trouble.testcases)
        });
        let verdict = trouble.map_or(1, |trouble| trouble.verdict);
        let word = match verdict {
            1 => "PASS",
            0 => "ABORT",
            _ => "FAIL",
        };
        // Writing to a string cannot fail.
        let _ = writeln!(results, "        {testcase}: {verdict}");
        let _ = writeln!(verdicts, "      - '{testcase}: {word}'");
        if let Some(trouble) = trouble {
            let _ = writeln!(said, "      - 'ERROR: {testcase}: {}'", trouble.said.replace('\'', "''"));
        }
    }
    format!(
        "---
spec: {{uuid: {uuid}, name: {name}, url: '{url}'}}
checked_at: {checked_at}
reference_date: {date}
subject: {subject}
run:
  uuid: {run}
  argv: [-s, {subject}, -o, report.yaml]
  assignment: {{subject_root: samples}}
  sections: null
  forced_version: null
  forced_tests: null
  invocations:
    one:
      id: one
      cmd: check {subject}
      results:
{results}      rc: {rc}
      stdout:
{verdicts}      stderr:
      - 'INFO: a sample, which nobody has measured'
{said}",
        uuid = spec.uuid,
        name = spec.name,
        url = spec.url,
        checked_at = at.strftime("%F %T"),
        date = at.strftime("%F"),
        subject = subject.name,
        run = Uuid::new_v4(),
        rc = u8::from(!said.is_empty()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn troubles_are_about_testcases_that_there_are() {
        let scopes = Scopes::embedded();
        for subject in SUBJECTS {
            let spec = scopes.find(subject.scope).unwrap();
            let version = spec.version(version(spec)).unwrap();
            for trouble in subject.troubles {
                let begins = |(id, _): (&str, &str)| id.starts_with(trouble.testcases);
                assert!(version.testcases().any(begins), "{}: {}", subject.name, trouble.testcases);
                assert!(trouble.days.0 > trouble.days.1, "{}", subject.name);
            }
        }
    }
}
