//! One cloud: who may ask, what goes wrong, and what is counted.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use http::{HeaderMap, Method};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::answer::{Answer, Service, error, web_page};
use crate::catalog::{IDENTITY, catalog, is_version, moved};
use crate::fault::{Fault, Outcome, Rules, drawn, fraction};
use crate::shelf::Store;
use crate::{Rule, Settings, route};

/// What everybody logs in with who has no application credential.
pub(crate) const PASSWORD: &str = "simulated";
const SUBJECT_TOKEN: &str = "x-subject-token";
const DAY: Duration = Duration::from_hours(24);

/// How often a cloud was asked for what, and how it answered.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Connections that were taken.
    pub connections: u64,
    /// Calls, whatever became of them.
    pub calls: u64,
    /// Calls that went wrong by a rule.
    pub faults: u64,
    /// Tokens that were given.
    pub tokens: u64,
    /// Calls that were refused because of their token.
    pub refused: u64,
    /// Bytes of the bodies of all answers.
    pub bytes: u64,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) connections: AtomicU64,
    calls: AtomicU64,
    faults: AtomicU64,
    tokens: AtomicU64,
    refused: AtomicU64,
    bytes: AtomicU64,
}

/// A call.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) method: Method,
    /// The first part of the path; empty at the root.
    pub(crate) prefix: String,
    /// The parts of the path behind version and project.
    pub(crate) path: Vec<String>,
    /// The URL without its query.
    pub(crate) url: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    /// The beginning of the body, and its size.
    pub(crate) body: Vec<u8>,
    pub(crate) size: u64,
}

impl Ask {
    /// The service that is asked; none if there is no such thing.
    pub(crate) fn service(&self) -> Option<Service> {
        match self.prefix.as_str() {
            "" => Some(Service::ObjectStore),
            prefix => Service::of_type(prefix),
        }
    }

    pub(crate) fn parts(&self) -> Vec<&str> {
        self.path.iter().map(String::as_str).collect()
    }

    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// Method and path with a star for each id, as calls are told apart.
    fn shape(&self) -> String {
        let part = |part: &String| if is_id(part) { "*".to_owned() } else { part.clone() };
        let parts: Vec<String> = self.path.iter().map(part).collect();
        format!("{} {}/{}", self.method, self.prefix, parts.join("/"))
    }
}

/// Whether a part of a path is an id: long, of hexadecimal digits and dashes.
fn is_id(part: &str) -> bool {
    part.len() >= 32 && part.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}

/// A token that was given.
#[derive(Debug)]
struct Given {
    at: Instant,
    calls: u64,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    tokens: HashMap<String, Given>,
    /// How often calls of each shape came.
    shapes: HashMap<String, u64>,
    /// How many ids were given.
    given: u64,
    pub(crate) store: Store,
}

/// A cloud that listens somewhere.
#[derive(Debug)]
pub(crate) struct Cloud {
    pub(crate) settings: Settings,
    /// Scheme, host and port.
    pub(crate) base: String,
    rules: RwLock<Rules>,
    state: Mutex<State>,
    pub(crate) counters: Counters,
}

impl Cloud {
    pub(crate) fn new(settings: Settings, base: String) -> Self {
        let rules = RwLock::new(Rules::new(&settings.rules));
        Cloud { settings, base, rules, state: Mutex::default(), counters: Counters::default() }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn counts(&self) -> Counts {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            connections: of(&self.counters.connections),
            calls: of(&self.counters.calls),
            faults: of(&self.counters.faults),
            tokens: of(&self.counters.tokens),
            refused: of(&self.counters.refused),
            bytes: of(&self.counters.bytes),
        }
    }

    /// How often calls of each shape came.
    pub(crate) fn calls(&self) -> Vec<(String, u64)> {
        let mut calls: Vec<_> =
            self.state().shapes.iter().map(|(shape, count)| (shape.clone(), *count)).collect();
        calls.sort();
        calls
    }

    /// Where keystone answers.
    pub(crate) fn auth_url(&self) -> String {
        let recorded = self.settings.population.auth_url.as_deref().unwrap_or("http://localhost/v3");
        moved(IDENTITY, recorded, &self.base)
    }

    /// A new id, the same in each run that asks for the same.
    pub(crate) fn new_id(&self, state: &mut State) -> String {
        state.given += 1;
        let (one, two) =
            (drawn(&(self.settings.seed, state.given)), drawn(&(state.given, self.settings.seed)));
        let text = format!("{one:016x}{two:016x}");
        format!("{}-{}-4{}-8{}-{}", &text[..8], &text[8..12], &text[13..16], &text[17..20], &text[20..])
    }

    /// Answers a call, after the time that answers take here.
    pub(crate) async fn answer(&self, ask: Ask) -> Outcome {
        let service = ask.service();
        let draw = self.draw(&ask);
        self.pause(draw).await;
        let fault = service.and_then(|known| self.strike(known, &ask, draw));
        let Some(service) = service else { return Outcome::Answer(Answer::empty(404)) };
        let answer = match fault {
            Some(fault) if !fault.is_done() => Answer::empty(200),
            _ => self.done(service, &ask, fault),
        };
        let answer = answer.with("x-openstack-request-id", &format!("req-{draw:016x}"));
        let outcome = match fault {
            Some(fault) => {
                self.counters.faults.fetch_add(1, Ordering::Relaxed);
                tracing::debug!(cloud = self.settings.name, ?fault, url = ask.url, "a call goes wrong");
                fault.spoil(service, answer, draw)
            }
            None => Outcome::Answer(answer),
        };
        if let Outcome::Answer(answer) | Outcome::Torn(answer) | Outcome::Drip(answer) = &outcome {
            let size: usize = answer.body.iter().map(bytes::Bytes::len).sum();
            self.counters.bytes.fetch_add(size as u64, Ordering::Relaxed);
        }
        outcome
    }

    /// From now on these rules hold, counted anew.
    pub(crate) fn rule(&self, rules: &[Rule]) {
        *self.rules.write().unwrap_or_else(PoisonError::into_inner) = Rules::new(rules);
    }

    fn strike(&self, service: Service, ask: &Ask, draw: u64) -> Option<Fault> {
        let rules = self.rules.read().unwrap_or_else(PoisonError::into_inner);
        rules.strike(service, ask.method.as_str(), &ask.path, draw)
    }

    /// What is drawn for a call: by what it asks for and how often that was asked before, so that it does not depend
    /// on which of several calls at the same time came first.
    fn draw(&self, ask: &Ask) -> u64 {
        self.counters.calls.fetch_add(1, Ordering::Relaxed);
        let shape = ask.shape();
        let mut state = self.state();
        let count = state.shapes.entry(shape.clone()).or_default();
        *count += 1;
        drawn(&(self.settings.seed, shape, *count))
    }

    async fn pause(&self, draw: u64) {
        let pause = self.settings.latency + self.settings.jitter.mul_f64(fraction(draw));
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
    }

    fn done(&self, service: Service, ask: &Ask, fault: Option<Fault>) -> Answer {
        if service == Service::Identity && ask.parts() == ["auth", "tokens"] && ask.method == Method::POST {
            return self.authenticate(ask);
        }
        // Versions are told to everybody, and S3 has keys of its own.
        let is_open = service == Service::ObjectStore || (ask.path.is_empty() && ask.method == Method::GET);
        if !is_open && !self.accepts(ask.header("x-auth-token").unwrap_or_default()) {
            self.counters.refused.fetch_add(1, Ordering::Relaxed);
            let message = "The request you have made requires authentication.";
            let refused = match service {
                Service::Image => web_page(401, "Unauthorized", message),
                // It is the middleware of keystone that refuses, whatever the service.
                _ => error(Service::Identity, 401, message),
            };
            return refused.with("www-authenticate", "Keystone uri=\"simulated\"");
        }
        route::answer(self, service, ask, fault)
    }

    /// Whether a token is good for one more call.
    fn accepts(&self, token: &str) -> bool {
        let life = self.settings.token;
        match self.state().tokens.get_mut(token) {
            Some(given) => {
                given.calls += 1;
                life.calls.is_none_or(|most| given.calls <= most)
                    && life.time.is_none_or(|longest| given.at.elapsed() < longest)
            }
            None => false,
        }
    }

    fn authenticate(&self, ask: &Ask) -> Answer {
        let body = ask.json().unwrap_or_default();
        let identity = &body["auth"]["identity"];
        if !self.knows(identity) || !self.may_use(&body["auth"]["scope"]) {
            return error(Service::Identity, 401, "The request you have made requires authentication.");
        }
        let number = self.counters.tokens.fetch_add(1, Ordering::Relaxed);
        let secret = format!("simulated-{:016x}-{number}", drawn(&(self.settings.seed, number)));
        let given = Given { at: Instant::now(), calls: 0 };
        self.state().tokens.insert(secret.clone(), given);
        Answer::json(201, &self.token(&identity["methods"], number)).with(SUBJECT_TOKEN, &secret)
    }

    /// Whether the name is right and the secret with it.
    fn knows(&self, identity: &Value) -> bool {
        let token = &self.settings.population.token;
        let user = &identity["password"]["user"];
        let is_user = user["name"] == token.user || user["id"] == token.user_id;
        let credential = &identity["application_credential"];
        let is_credential = token
            .application_credential
            .as_ref()
            .is_some_and(|own| credential["id"] == own.id && credential["secret"] == PASSWORD);
        (is_user && user["password"] == PASSWORD) || is_credential
    }

    /// Whether a token may have this scope: the one of the recording, or none, which leads to the same.
    fn may_use(&self, scope: &Value) -> bool {
        let token = &self.settings.population.token;
        let project = &scope["project"];
        match (&token.project, &token.domain) {
            _ if scope.is_null() => true,
            (Some(own), _) => project["id"] == own.id || project["name"] == own.name,
            (None, Some(own)) => scope["domain"]["id"] == *own,
            (None, None) => true,
        }
    }

    fn token(&self, methods: &Value, number: u64) -> Value {
        let token = &self.settings.population.token;
        let now = Timestamp::now();
        let life = self.settings.token.time.unwrap_or(DAY);
        let expires = SignedDuration::try_from(life).ok().and_then(|life| now.checked_add(life).ok());
        let instant = |at: Timestamp| at.strftime("%Y-%m-%dT%H:%M:%S.000000Z").to_string();
        let domain = json!({"id": "default", "name": "Default"});
        let roles = token.roles.iter().enumerate();
        let roles: Vec<Value> =
            roles.map(|(number, name)| json!({"id": format!("{number:032x}"), "name": name})).collect();
        let mut said = json!({
            "methods": methods,
            "user": {"id": token.user_id, "name": token.user, "domain": domain, "password_expires_at": null},
            "audit_ids": [format!("{number:022}")],
            "issued_at": instant(now),
            "expires_at": expires.map(instant),
            "roles": roles,
            "catalog": catalog(&token.catalog, &self.base),
        });
        if let Some(project) = &token.project {
            said["project"] = json!({"id": project.id, "name": project.name, "domain": domain});
            said["is_domain"] = false.into();
        } else if let Some(id) = &token.domain {
            said["domain"] = json!({"id": id, "name": id});
        }
        if let Some(own) = &token.application_credential {
            said["application_credential"] =
                json!({"id": own.id, "name": own.name, "restricted": own.restricted});
        }
        json!({"token": said})
    }
}

/// The parts of a path behind its prefix, without the version, what stands before it, and the project behind it.
pub(crate) fn behind_version(parts: &[String], project: &str) -> Vec<String> {
    let mut rest = match parts.iter().position(|part| is_version(part)) {
        Some(at) => &parts[at + 1..],
        None => parts,
    };
    if let [first, others @ ..] = rest
        && !project.is_empty()
        && (first == project || first.strip_prefix("AUTH_") == Some(project))
    {
        rest = others;
    }
    rest.to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_and_project_are_left_out_of_paths() {
        let parts = |text: &str| -> Vec<String> { text.split('/').map(str::to_owned).collect() };
        for (given, rest) in [
            ("v2.1/flavors/detail", "flavors/detail"),
            ("volume/v3/p1/types", "types"),
            ("v3/p1/volumes/v1", "volumes/v1"),
            ("v2/images/p1", "images/p1"),
            ("v1/AUTH_p1", ""),
        ] {
            assert_eq!(behind_version(&parts(given), "p1").join("/"), rest, "{given}");
        }
    }
}
