//! A session with one cloud: the token, and calls that carry it.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use assay_inventory::{Call, FactId, Flavor, Reason, Token, Unavailable};
use assay_journal::Place;
use http::{Method, StatusCode};
use secrecy::SecretString;
use serde_json::Value;
use thiserror::Error;
use url::Url;

use crate::authentication::authenticate;
use crate::client::{Http, Reply, throttled};
use crate::collect::flavors;
use crate::endpoint::{self, Endpoint, Wanted};
use crate::listing::object;
use crate::{CloudConfig, ConfigError, EndpointError, Settings, links};

/// A token that was renewed a moment ago and is refused again will not get better by renewing it.
const RENEWAL_PAUSE: Duration = Duration::from_mins(1);
const MOST_REDIRECTS: usize = 3;

/// A call to a service.
pub(crate) struct Wanting<'a> {
    /// The fact that the call serves; calls without one are not recorded.
    pub(crate) fact: Option<FactId>,
    /// The service.
    pub(crate) endpoint: &'a Endpoint,
    /// HTTP method.
    pub(crate) method: Method,
    /// Where it goes; below the endpoint.
    pub(crate) url: Url,
    /// Further headers.
    pub(crate) headers: &'a [(&'static str, &'static str)],
    /// A body; JSON unless a header says otherwise.
    pub(crate) body: Option<SecretString>,
}

impl<'a> Wanting<'a> {
    /// A GET without further headers.
    pub(crate) fn get(fact: Option<FactId>, endpoint: &'a Endpoint, url: Url) -> Self {
        Wanting { fact, endpoint, method: Method::GET, url, headers: &[], body: None }
    }
}

/// Why there is no session.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The configuration cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The HTTP client cannot be made.
    #[error("the HTTP client cannot be set up: {0}")]
    Client(reqwest::Error),
    /// Keystone gave no token.
    #[error("{0}")]
    Token(Unavailable),
}

impl From<ConnectError> for Unavailable {
    fn from(error: ConnectError) -> Self {
        match error {
            ConnectError::Token(why) => why,
            other => Unavailable::new(Reason::Configuration, other.to_string()),
        }
    }
}

/// An authenticated session with one cloud.
#[derive(Debug)]
pub struct Session {
    config: CloudConfig,
    http: Http,
    token: Token,
    current: Mutex<Current>,
    renewing: tokio::sync::Mutex<()>,
}

/// The token in use, and the how-manieth it is.
#[derive(Debug, Clone)]
struct Current {
    secret: SecretString,
    generation: u32,
    since: Instant,
}

impl Session {
    /// Gets a token from keystone.
    pub async fn connect(config: &CloudConfig, settings: &Settings) -> Result<Self, ConnectError> {
        Self::open(config, settings).await.map_err(|(error, _)| error)
    }

    /// Gets a token from keystone; if there is none, the calls that were made tell more than the error.
    pub(crate) async fn open(
        config: &CloudConfig,
        settings: &Settings,
    ) -> Result<Self, (ConnectError, Vec<Call>)> {
        let before_any_call = |error| (error, Vec::new());
        let certificates = config.certificates().map_err(|error| before_any_call(error.into()))?;
        let http = Http::new(certificates, config.verifies_certificates(), settings)
            .map_err(|error| before_any_call(ConnectError::Client(error)))?;
        let (secret, token) = match authenticate(config, &http).await {
            Ok(found) => found,
            Err(why) => return Err((ConnectError::Token(why), http.calls())),
        };
        Ok(Session {
            config: config.clone(),
            http,
            token,
            current: Mutex::new(Current { secret, generation: 0, since: Instant::now() }),
            renewing: tokio::sync::Mutex::default(),
        })
    }

    /// What keystone said about the token.
    pub fn token(&self) -> &Token {
        &self.token
    }

    /// The configuration of the cloud.
    pub fn config(&self) -> &CloudConfig {
        &self.config
    }

    /// The calls that were made so far.
    pub fn calls(&self) -> Vec<Call> {
        self.http.calls()
    }

    /// Where things are created with this session, for the journal.
    pub fn place(&self) -> Place {
        let project = self.token.project.as_ref().map(|project| project.id.clone());
        Place {
            cloud: self.config.name().to_owned(),
            auth_url: self.config.auth_url().clone(),
            scope: project.or(self.token.domain.clone()).unwrap_or_default(),
            user: self.token.user_id.clone(),
            region: self.config.region().map(str::to_owned),
        }
    }

    /// When it began, for the times of steps.
    pub(crate) fn started(&self) -> Instant {
        self.http.started()
    }

    /// Where a service answers, by its official type.
    pub fn endpoint(&self, service: &'static str) -> Result<Endpoint, EndpointError> {
        let over = self.config.endpoint_override(service);
        endpoint::resolve(&self.token.catalog, service, &self.wanted(), over)
    }

    /// Which endpoints of the catalog this session uses.
    pub(crate) fn wanted(&self) -> Wanted<'_> {
        Wanted {
            region: self.config.region(),
            interface: self.config.interface(),
            project: self.token.project.as_ref().map(|project| project.id.as_str()),
        }
    }

    /// The client, for calls that must not carry the token.
    pub(crate) fn http(&self) -> &Http {
        &self.http
    }

    /// The id of the project that the token is scoped to.
    pub(crate) fn project_id(&self) -> Result<&str, Unavailable> {
        self.token
            .project
            .as_ref()
            .map(|project| project.id.as_str())
            .ok_or_else(|| Unavailable::new(Reason::Configuration, "the token is not scoped to a project"))
    }

    /// Gets a resource below an endpoint; anything but success is an error.
    pub(crate) async fn get(
        &self,
        fact: Option<FactId>,
        endpoint: &Endpoint,
        url: Url,
        headers: &[(&'static str, &'static str)],
    ) -> Result<Reply, Unavailable> {
        self.call(Wanting { headers, ..Wanting::get(fact, endpoint, url) }).await
    }

    /// Sends a body of JSON, or none, to a resource below an endpoint, and says what was answered; null if
    /// nothing was.
    ///
    /// # Errors
    /// Anything but success.
    pub async fn send(
        &self,
        endpoint: &Endpoint,
        method: Method,
        path: &[&str],
        headers: &[(&'static str, &'static str)],
        body: Option<&Value>,
    ) -> Result<Value, Unavailable> {
        let body = body.map(|body| body.to_string().into());
        let wanting = Wanting { method, headers, body, ..Wanting::get(None, endpoint, endpoint.at(path)) };
        let reply = self.call(wanting).await?;
        if reply.body.is_empty() {
            return Ok(Value::Null);
        }
        Ok(Value::Object(object(&reply)?))
    }

    /// Asks for resources below an endpoint that a query describes; one page.
    ///
    /// # Errors
    /// Anything but success.
    pub async fn query(
        &self,
        endpoint: &Endpoint,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<Value, Unavailable> {
        let mut url = endpoint.at(path);
        url.query_pairs_mut().extend_pairs(query);
        Ok(Value::Object(object(&self.get(None, endpoint, url, &[]).await?)?))
    }

    /// How many calls may run at the same time per service.
    pub fn concurrency(&self) -> usize {
        self.http.settings().concurrency.max(1)
    }

    /// All flavors that the project can see, private ones included, with their extra specs.
    ///
    /// # Errors
    /// There is no compute service, or it gives no list.
    pub async fn flavors(&self) -> Result<Vec<Flavor>, Unavailable> {
        flavors(self, &|_| ()).await
    }

    /// Calls a service; anything but success is an error.
    ///
    /// A refused token is renewed once. Redirects are followed below the endpoint only.
    pub(crate) async fn call(&self, wanting: Wanting<'_>) -> Result<Reply, Unavailable> {
        // The future of a request is large; on the heap it does not weigh down whoever awaits this one.
        Box::pin(self.call_through(wanting)).await
    }

    async fn call_through(&self, wanting: Wanting<'_>) -> Result<Reply, Unavailable> {
        let endpoint = wanting.endpoint;
        let mut ask = self.http.ask(wanting.fact, endpoint.service, wanting.url);
        for (name, value) in wanting.headers {
            ask.headers.insert(*name, http::HeaderValue::from_static(value));
        }
        ask.repeatable = wanting.method.is_idempotent();
        if !ask.repeatable {
            ask.retry = throttled;
        }
        ask.method = wanting.method;
        ask.body = wanting.body;
        let mut renewed = false;
        let mut redirects = 0;
        loop {
            let current = self.current();
            let reply = self.http.send(&ask, Some(&current.secret)).await?;
            if reply.status.is_success() {
                return Ok(reply);
            }
            if reply.status == StatusCode::UNAUTHORIZED && !renewed {
                renewed = true;
                if self.renew(&current, &reply).await? {
                    continue;
                }
            }
            if !reply.status.is_redirection() {
                return Err(reply.refusal());
            }
            let Some(location) = reply.header(http::header::LOCATION) else {
                return Err(reply.malformed("a redirect without a target"));
            };
            let target = links::follow(&endpoint.url, &ask.url, location).ok_or_else(|| {
                reply.because(
                    Reason::ForeignLink,
                    format!(
                        "the answer redirects to {location:?} outside {}, which is not followed",
                        endpoint.url
                    ),
                )
            })?;
            if ask.method != Method::GET {
                let what = "the answer redirects, which is followed for reading only";
                return Err(reply.because(Reason::Malformed, what));
            }
            ask.url = target;
            redirects += 1;
            if redirects > MOST_REDIRECTS {
                return Err(reply.because(Reason::Malformed, "the server redirects again and again"));
            }
        }
    }

    /// The token that calls carry at the moment.
    pub(crate) fn token_in_use(&self) -> SecretString {
        self.current().secret
    }

    fn current(&self) -> Current {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Gets a new token unless somebody else just did; false if that would be pointless.
    async fn renew(&self, refused: &Current, reply: &Reply) -> Result<bool, Unavailable> {
        let _one_at_a_time = self.renewing.lock().await;
        let current = self.current();
        if current.generation != refused.generation {
            return Ok(true);
        }
        if current.generation > 0 && current.since.elapsed() < RENEWAL_PAUSE {
            return Ok(false);
        }
        tracing::debug!("the token was refused, getting another one");
        let outcome = authenticate(&self.config, &self.http).await;
        let mut place = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        place.generation += 1;
        place.since = Instant::now();
        match outcome {
            Ok((secret, _)) => {
                place.secret = secret;
                Ok(true)
            }
            Err(why) => Err(reply.because(
                Reason::Authentication,
                format!("the token was refused, and there is no new one: {why}"),
            )),
        }
    }
}
