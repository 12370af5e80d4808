//! The one client for all calls to services: timeouts, retries, limits and the record of calls.

use std::collections::HashMap;
use std::error::Error as _;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use assay_inventory::{Call, FactId, Reason, Unavailable};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use jiff::Timestamp;
use rustls::{ClientConfig, RootCertStore};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;
use url::Url;

use crate::{Settings, answer, links};

const AUTH_TOKEN: HeaderName = HeaderName::from_static("x-auth-token");
/// What stands in the place of a secret.
pub(crate) const REDACTED: &str = "[redacted]";
/// Headers in which services give the id of a request, the common one first.
const REQUEST_IDS: [&str; 4] =
    ["x-openstack-request-id", "x-compute-request-id", "x-amz-request-id", "x-trans-id"];

/// One call.
#[derive(Debug, Clone)]
pub(crate) struct Ask<'a> {
    /// The fact that the call serves; calls without one are not recorded.
    pub(crate) fact: Option<FactId>,
    /// The service, for the limit on concurrent calls.
    pub(crate) service: &'a str,
    /// Where it goes.
    pub(crate) url: Url,
    /// Headers other than the token.
    pub(crate) headers: HeaderMap,
    /// A user and a password, sent as basic authentication.
    pub(crate) basic: Option<(String, SecretString)>,
    /// HTTP method.
    pub(crate) method: Method,
    /// A body; JSON unless a header says otherwise.
    pub(crate) body: Option<SecretString>,
    /// The most attempts that are made.
    pub(crate) attempts: u32,
    /// Whether it may be repeated when nobody knows if it took effect: true for all that only reads, replaces
    /// or deletes, and for getting a token.
    pub(crate) repeatable: bool,
    /// Which statuses are worth another attempt.
    pub(crate) retry: fn(StatusCode) -> bool,
}

impl Ask<'_> {
    /// Makes the call a POST with this body.
    pub(crate) fn post(&mut self, body: impl Into<SecretString>) {
        self.method = Method::POST;
        self.body = Some(body.into());
    }
}

/// The status of a server that has certainly not done what it was asked for, but may do it later.
pub(crate) fn throttled(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS
}

/// Statuses of a server that is overloaded or restarting.
fn overloaded(status: StatusCode) -> bool {
    matches!(status.as_u16(), 429 | 502 | 503 | 504)
}

/// An answer, whatever its status.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    /// How it was asked for.
    pub(crate) method: Method,
    /// Where it came from.
    pub(crate) url: Url,
    /// HTTP status.
    pub(crate) status: StatusCode,
    /// All headers.
    pub(crate) headers: HeaderMap,
    /// The whole body.
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// The id that the service gave to the request.
    pub(crate) fn request_id(&self) -> Option<String> {
        request_id(&self.headers)
    }

    /// A header as text.
    pub(crate) fn header(&self, name: impl header::AsHeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// This answer as the reason why there is no fact.
    pub(crate) fn because(&self, reason: Reason, message: impl Into<String>) -> Unavailable {
        Unavailable {
            reason,
            request: Some(format!("{} {}", self.method, links::public(&self.url))),
            status: Some(self.status.as_u16()),
            message: message.into(),
            request_id: self.request_id(),
        }
    }

    /// An answer that cannot be understood.
    pub(crate) fn malformed(&self, what: impl std::fmt::Display) -> Unavailable {
        let content_type = self.header(header::CONTENT_TYPE).unwrap_or("no content type");
        self.because(Reason::Malformed, format!("{what} ({content_type}, {})", answer::excerpt(&self.body)))
    }

    /// An answer with the status of an error.
    pub(crate) fn refusal(&self) -> Unavailable {
        let reason = match self.status.as_u16() {
            401 => Reason::Authentication,
            400..=499 => Reason::Refused,
            500..=599 => Reason::ServerError,
            _ => Reason::Malformed,
        };
        let said = answer::server_message(&self.body);
        let message = said.unwrap_or_else(|| match self.status.canonical_reason() {
            Some(phrase) => format!("{phrase} (the server gave no message)"),
            None => "the server gave no message".into(),
        });
        self.because(reason, message)
    }
}

/// The client and what it has done so far.
#[derive(Debug)]
pub(crate) struct Http {
    client: reqwest::Client,
    settings: Settings,
    started: Instant,
    calls: Mutex<Vec<Call>>,
    lanes: Mutex<HashMap<String, Arc<Semaphore>>>,
    concealed: Mutex<Vec<SecretString>>,
}

/// Trouble below HTTP.
#[derive(Debug)]
struct Trouble {
    /// The kind of trouble.
    reason: Reason,
    /// What happened.
    message: String,
    /// Whether another attempt could help.
    transient: bool,
}

impl Http {
    /// A client with the TLS settings of a cloud. It follows no redirects: see ADR 0001.
    pub(crate) fn new(
        certificates: Vec<reqwest::Certificate>,
        verify: bool,
        settings: &Settings,
    ) -> Result<Self, reqwest::Error> {
        let builder = builder(certificates, verify, settings)
            .read_timeout(settings.timeout)
            .timeout(settings.timeout.saturating_mul(4));
        Ok(Http {
            client: builder.build()?,
            settings: settings.clone(),
            started: Instant::now(),
            calls: Mutex::default(),
            lanes: Mutex::default(),
            concealed: Mutex::default(),
        })
    }

    /// The settings that it was made with.
    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The instant from which the times of calls count.
    pub(crate) fn started(&self) -> Instant {
        self.started
    }

    /// Takes a secret that is about to be sent out of all answers from now on.
    pub(crate) fn conceal(&self, secret: SecretString) {
        self.concealed.lock().unwrap_or_else(PoisonError::into_inner).push(secret);
    }

    /// A call with the usual retries.
    pub(crate) fn ask<'a>(&self, fact: Option<FactId>, service: &'a str, url: Url) -> Ask<'a> {
        let headers = HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static("application/json"))]);
        let attempts = self.settings.attempts;
        Ask {
            fact,
            service,
            url,
            headers,
            basic: None,
            method: Method::GET,
            body: None,
            attempts,
            repeatable: true,
            retry: overloaded,
        }
    }

    /// Makes a call until there is an answer worth having; answers of any status are answers.
    pub(crate) async fn send(
        &self,
        ask: &Ask<'_>,
        token: Option<&SecretString>,
    ) -> Result<Reply, Unavailable> {
        let lane = self.lane(ask.service);
        let mut attempt = 1;
        loop {
            let outcome = {
                // The semaphore is never closed, so a failure to get a permit would only lift the limit.
                let _permit = lane.acquire().await.ok();
                self.attempt(ask, token, attempt).await
            };
            let asked_pause = match &outcome {
                Ok(reply) if (ask.retry)(reply.status) => retry_after(&reply.headers, Timestamp::now()),
                Err(trouble) if trouble.transient && ask.repeatable => None,
                _ => return outcome.map_err(|trouble| unavailable(ask, trouble)),
            };
            let too_long = asked_pause.is_some_and(|pause| pause > self.settings.retry_after_cap);
            if attempt >= ask.attempts || too_long {
                return outcome.map_err(|trouble| unavailable(ask, trouble));
            }
            let pause = asked_pause.unwrap_or_else(|| backoff(self.settings.backoff, attempt));
            tracing::debug!(url = %links::public(&ask.url), attempt, ?pause, "will try again");
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    async fn attempt(
        &self,
        ask: &Ask<'_>,
        token: Option<&SecretString>,
        attempt: u32,
    ) -> Result<Reply, Trouble> {
        let start = Instant::now();
        let outcome = self.exchange(ask, token).await;
        let duration = start.elapsed();
        let reply = outcome.as_ref().ok();
        let status = reply.map(|reply| reply.status.as_u16());
        let bytes = reply.map_or(0, |reply| reply.body.len() as u64);
        tracing::debug!(
            url = %links::public(&ask.url), status, bytes, attempt, ?duration,
            trouble = outcome.as_ref().err().map(|trouble| trouble.message.as_str()),
            "{}", ask.method
        );
        if let Some(fact) = ask.fact {
            self.record(Call {
                fact,
                method: ask.method.to_string(),
                url: links::public(&ask.url),
                status,
                request_id: reply.and_then(Reply::request_id),
                started_us: micros(start.saturating_duration_since(self.started)),
                duration_us: micros(duration),
                attempt,
                bytes,
            });
        }
        outcome
    }

    /// Makes a call once whose body is a stream and may take as long as `budget`; answers of any status are answers.
    pub(crate) async fn stream(
        &self,
        ask: &Ask<'_>,
        token: &SecretString,
        data: reqwest::Body,
        client: &reqwest::Client,
        budget: Duration,
    ) -> Result<Reply, Unavailable> {
        let request = client.request(ask.method.clone(), ask.url.clone()).headers(ask.headers.clone());
        let request = request.timeout(budget).body(data);
        self.answer(ask, request, Some(token)).await.map_err(|trouble| unavailable(ask, trouble))
    }

    async fn exchange(&self, ask: &Ask<'_>, token: Option<&SecretString>) -> Result<Reply, Trouble> {
        let mut request =
            self.client.request(ask.method.clone(), ask.url.clone()).headers(ask.headers.clone());
        if let Some((user, password)) = &ask.basic {
            request = request.basic_auth(user, Some(password.expose_secret()));
        }
        if let Some(body) = &ask.body {
            if !ask.headers.contains_key(header::CONTENT_TYPE) {
                request = request.header(header::CONTENT_TYPE, "application/json");
            }
            request = request.body(body.expose_secret().to_owned());
        }
        self.answer(ask, request, token).await
    }

    /// Sends a request with the token and reads the answer.
    async fn answer(
        &self,
        ask: &Ask<'_>,
        mut request: reqwest::RequestBuilder,
        token: Option<&SecretString>,
    ) -> Result<Reply, Trouble> {
        if let Some(token) = token {
            let mut value = HeaderValue::from_str(token.expose_secret()).map_err(|_| Trouble {
                reason: Reason::Authentication,
                message: "the token holds characters that no header can carry".into(),
                transient: false,
            })?;
            value.set_sensitive(true);
            request = request.header(AUTH_TOKEN, value);
        }
        let mut response = request.send().await.map_err(|error| trouble(&error))?;
        let limit = self.settings.body_limit;
        let too_large = || Trouble {
            reason: Reason::TooLarge,
            message: format!("the answer is larger than {limit} bytes"),
            transient: false,
        };
        let announced = response.content_length().unwrap_or_default();
        if announced > limit {
            return Err(too_large());
        }
        let mut body = Vec::with_capacity(usize::try_from(announced.min(1 << 20)).unwrap_or_default());
        while let Some(chunk) = response.chunk().await.map_err(|error| trouble(&error))? {
            if (body.len() + chunk.len()) as u64 > limit {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        let mut headers = std::mem::take(response.headers_mut());
        if let Some(token) = token {
            redact(token.expose_secret(), &mut headers, &mut body);
        }
        for secret in self.concealed.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            redact(secret.expose_secret(), &mut headers, &mut body);
        }
        Ok(Reply {
            method: ask.method.clone(),
            url: ask.url.clone(),
            status: response.status(),
            headers,
            body,
        })
    }

    /// Adds a call to the record.
    fn record(&self, call: Call) {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).push(call);
    }

    /// The calls so far, in the order of their start.
    pub(crate) fn calls(&self) -> Vec<Call> {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone();
        calls.sort_by_key(|call| call.started_us);
        calls
    }

    fn lane(&self, service: &str) -> Arc<Semaphore> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let width = self.settings.concurrency.max(1);
        Arc::clone(lanes.entry(service.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(width))))
    }
}

/// What all clients of a cloud have in common.
pub(crate) fn builder(
    certificates: Vec<reqwest::Certificate>,
    verify: bool,
    settings: &Settings,
) -> reqwest::ClientBuilder {
    let builder = reqwest::Client::builder()
        .user_agent(concat!("assay/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(settings.timeout);
    match &*USUAL_TLS {
        Some(usual) if verify && certificates.is_empty() => builder.tls_backend_preconfigured(usual.clone()),
        _ => certificates
            .into_iter()
            .fold(builder.danger_accept_invalid_certs(!verify), reqwest::ClientBuilder::add_root_certificate),
    }
}

/// TLS for clouds without a certificate authority of their own. Those that the machine trusts are some hundred files:
/// they are read once, not for each cloud of a fleet, which would also keep them. None if there are none to be read;
/// then whoever makes a client is told.
static USUAL_TLS: LazyLock<Option<ClientConfig>> = LazyLock::new(|| {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return None;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut config = versions.ok()?.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Some(config)
});

/// Takes a secret out of an answer that mirrors it, so that it gets into no message and no snapshot.
fn redact(secret: &str, headers: &mut HeaderMap, body: &mut Vec<u8>) {
    if secret.is_empty() {
        return;
    }
    if let Ok(text) = std::str::from_utf8(body)
        && text.contains(secret)
    {
        *body = text.replace(secret, REDACTED).into_bytes();
    }
    for value in headers.values_mut() {
        if value.to_str().is_ok_and(|text| text.contains(secret)) {
            *value = HeaderValue::from_static(REDACTED);
        }
    }
}

fn unavailable(ask: &Ask<'_>, trouble: Trouble) -> Unavailable {
    Unavailable {
        reason: trouble.reason,
        request: Some(format!("{} {}", ask.method, links::public(&ask.url))),
        status: None,
        message: trouble.message,
        request_id: None,
    }
}

/// What went wrong with a request that got no answer.
fn trouble(error: &reqwest::Error) -> Trouble {
    let causes = causes(error);
    let deepest = causes.last().cloned().unwrap_or_else(|| "unknown cause".into());
    let (reason, what, transient) = if error.is_timeout() {
        return Trouble { reason: Reason::Timeout, message: "no answer in time".into(), transient: false };
    } else if error.is_connect() && is_tls(error, &causes) {
        (Reason::Tls, "no TLS connection", false)
    } else if error.is_connect() {
        (Reason::Unreachable, "no connection", true)
    } else if error.is_builder() {
        (Reason::Configuration, "the request could not be built", false)
    } else if error.is_decode()
        && causes.iter().any(|cause| cause.contains("gzip") || cause.contains("deflate"))
    {
        (Reason::Malformed, "the body cannot be decompressed", false)
    } else if causes.iter().any(|cause| cause.contains("HTTP") && cause.contains("pars")) {
        (Reason::Malformed, "the answer is not HTTP", false)
    } else {
        (Reason::Unreachable, "the connection was lost", true)
    };
    Trouble { reason, message: format!("{what}: {deepest}"), transient }
}

/// What keeps an `https` connection from being made is TLS, unless it is the network or the name of the host.
fn is_tls(error: &reqwest::Error, causes: &[String]) -> bool {
    let mut source = error.source();
    while let Some(cause) = source {
        if cause.downcast_ref::<io::Error>().is_some_and(|error| error.raw_os_error().is_some()) {
            return false;
        }
        source = cause.source();
    }
    error.url().is_some_and(|url| url.scheme() == "https")
        && !causes.iter().any(|cause| cause.contains("dns error"))
}

/// The texts of all causes; the URL of the request, which stands in the outermost, is left out.
fn causes(error: &reqwest::Error) -> Vec<String> {
    let mut causes = Vec::new();
    let mut source = error.source();
    while let Some(cause) = source {
        causes.push(cause.to_string());
        source = cause.source();
    }
    causes
}

fn request_id(headers: &HeaderMap) -> Option<String> {
    REQUEST_IDS.iter().find_map(|name| {
        let id = headers.get(*name)?.to_str().ok()?;
        (!id.is_empty() && id.len() <= 200).then(|| id.to_owned())
    })
}

/// How long the server asks to wait, given in seconds or as a date.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Some(Duration::try_from(until.duration_since(now)).unwrap_or_default())
}

/// Doubled with each attempt, and shortened by up to half so that clients do not come back in step.
fn backoff(base: Duration, attempt: u32) -> Duration {
    let full = base.saturating_mul(1 << attempt.saturating_sub(1).min(10));
    // A fresh `RandomState` is randomly seeded, which is random enough for this.
    let share = RandomState::new().hash_one(attempt) % 512;
    full.mul_f64(1.0 - f64::from(u16::try_from(share).unwrap_or_default()) / 1024.0)
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(value: &str) -> Option<Duration> {
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        let headers = HeaderMap::from_iter([(header::RETRY_AFTER, HeaderValue::from_str(value).unwrap())]);
        retry_after(&headers, now)
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_date() {
        assert_eq!(wait("7"), Some(Duration::from_secs(7)));
        assert_eq!(wait("Thu, 01 Jan 2026 00:00:09 GMT"), Some(Duration::from_secs(9)));
        assert_eq!(wait("Wed, 31 Dec 2025 23:59:00 GMT"), Some(Duration::ZERO));
        assert_eq!(wait("soon"), None);
        assert_eq!(wait("-1"), None);
    }

    #[test]
    fn pauses_grow_and_are_never_shorter_than_half() {
        for attempt in 1..20 {
            let full = Duration::from_millis(100) * (1 << (attempt - 1).min(10));
            let pause = backoff(Duration::from_millis(100), attempt);
            assert!(pause <= full && pause >= full / 2, "{attempt}: {pause:?}");
        }
    }
}
