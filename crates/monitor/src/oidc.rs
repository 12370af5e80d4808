//! Logging in with an identity that somebody else vouches for: OpenID Connect, by code, PKCE, state and nonce.
//!
//! Who somebody is, is the issuer and what it calls them (`sub`), and nothing else that it tells: names and addresses for
//! mail can be changed, or given to others.

mod config;

use std::error::Error;
use std::time::Duration;

use assay_report::visible;
use aws_lc_rs::constant_time;
use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreClientAuthMethod, CoreJwsSigningAlgorithm, CoreProviderMetadata,
};
use openidconnect::{
    AsyncHttpClient, AuthType, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointMaybeSet,
    EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, Nonce, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, TokenResponse as _,
};
use reqwest::{Client, redirect};
use secrecy::ExposeSecret as _;
use tokio::sync::{Mutex, Semaphore};
use url::Url;

pub use config::{OidcConfig, OidcProblem};

use crate::intake::hexadecimal_digest;

/// The path that somebody comes back to.
pub(crate) const BACK: &str = "login/oidc/back";
/// How long a provider may take to answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The largest answer, in bytes: keys of a large provider.
const LARGEST: usize = 1 << 20;
/// The longest that somebody is called, in bytes: so long the standard has it.
const LONGEST: usize = 255;
/// So much of what others say is shown, in characters.
const SAID: usize = 300;
/// What a provider says about itself is believed so long when somebody leaves for it, and when they come back.
const KNOWN: SignedDuration = SignedDuration::from_hours(1);
const KNOWN_WELL: SignedDuration = SignedDuration::from_mins(5);
/// How long one that did not answer is left alone.
const AWAY: SignedDuration = SignedDuration::from_secs(10);
/// How many who come back are asked about at the same time.
const TURNS: usize = 8;
/// Clocks may differ by so much.
const SKEW: SignedDuration = SignedDuration::from_mins(5);

/// What signs identities. What anybody could sign, such as nobody at all, or who knows our own secret, is not among it.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 3] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EdDsa,
];

type Provider = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// A provider of identities.
#[derive(Debug)]
pub(crate) struct Oidc {
    config: OidcConfig,
    back: RedirectUrl,
    http: Http,
    known: Mutex<Known>,
    /// Whoever comes back makes the monitor ask the provider.
    turns: Semaphore,
}

/// What a provider says about itself, and since when that is known; or why it said nothing, and when.
#[derive(Debug, Default)]
struct Known {
    metadata: Option<(Timestamp, CoreProviderMetadata)>,
    trouble: Option<(Timestamp, String)>,
}

/// How a provider is asked, whose other addresses are what it says they are.
#[derive(Debug)]
struct Http {
    client: Client,
    /// Whether all of it is asked by TLS, as the issuer itself is.
    is_encrypted: bool,
}

/// Who somebody is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) issuer: String,
    pub(crate) subject: String,
}

/// Why it is not known who somebody is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotKnown {
    /// The provider does not answer as one.
    #[error("the provider of identities cannot be asked: {0}")]
    Away(String),
    /// What it says proves nothing.
    #[error("what came from the provider of identities does not hold: {0}")]
    NotProven(String),
}

/// What goes to a provider and has to come back from it. It is made of a secret that only one browser has, and of what it is
/// for, so that nobody else can bring it back, nor for something else.
pub(crate) struct Attempt {
    pub(crate) state: String,
    nonce: String,
    verifier: String,
}

impl Attempt {
    /// To log in; or, within a session, to connect an identity with its account.
    pub(crate) fn of(secret: &str, session: Option<&str>) -> Self {
        let purpose = session.map_or_else(|| "log in".to_owned(), |session| format!("connect {session}"));
        let part = |what: &str| hexadecimal_digest(&format!("oidc {what} {purpose} {secret}"));
        Self { state: part("state"), nonce: part("nonce"), verifier: part("verifier") }
    }

    /// Whether it is this one that comes back.
    pub(crate) fn is(&self, state: &str) -> bool {
        constant_time::verify_slices_are_equal(self.state.as_bytes(), state.as_bytes()).is_ok()
    }
}

/// What went wrong on the way.
#[derive(Debug, thiserror::Error)]
enum NoAnswer {
    #[error(transparent)]
    Http(#[from] reqwest::Error),
    #[error("the answer is larger than {LARGEST} bytes")]
    Large,
    #[error("{0} is not encrypted")]
    Open(String),
}

impl Oidc {
    /// `base_url` is where the monitor is, as others know it.
    ///
    /// # Errors
    /// It is no whole address, or there is no TLS to be had.
    pub(crate) fn new(config: OidcConfig, base_url: &str) -> Result<Self, NotKnown> {
        let away = |error: &dyn Error| NotKnown::Away(told(error));
        let back = RedirectUrl::new(format!("{base_url}{BACK}")).map_err(|error| away(&error))?;
        // Whoever asks a provider must hear nobody else.
        let client = Client::builder().timeout(TIMEOUT).redirect(redirect::Policy::none()).build();
        let client = client.map_err(|error| away(&error))?;
        let http = Http { client, is_encrypted: config.issuer.url().scheme() == "https" };
        Ok(Self { config, back, http, known: Mutex::default(), turns: Semaphore::new(TURNS) })
    }

    /// What it is called.
    pub(crate) fn name(&self) -> &str {
        &self.config.name
    }

    pub(crate) fn issuer(&self) -> &str {
        self.config.issuer.as_str()
    }

    /// Where somebody goes who wants to be known.
    pub(crate) fn way<'o>(
        &'o self,
        attempt: &'o Attempt,
        now: Timestamp,
    ) -> BoxFuture<'o, Result<Url, NotKnown>> {
        Box::pin(async move {
            let provider = self.provider(now, KNOWN).await?;
            let (state, nonce) = (CsrfToken::new(attempt.state.clone()), Nonce::new(attempt.nonce.clone()));
            let verifier = PkceCodeVerifier::new(attempt.verifier.clone());
            let challenge = PkceCodeChallenge::from_code_verifier_sha256(&verifier);
            let flow = CoreAuthenticationFlow::AuthorizationCode;
            let way = provider.authorize_url(flow, move || state, move || nonce);
            let (way, _, _) = way.set_pkce_challenge(challenge).url();
            self.http.may_ask(&way).map_err(|error| NotKnown::Away(error.to_string()))?;
            Ok(way)
        })
    }

    /// Who somebody is that comes back with a code.
    pub(crate) fn who<'o>(
        &'o self,
        attempt: &'o Attempt,
        code: String,
        now: Timestamp,
    ) -> BoxFuture<'o, Result<Identity, NotKnown>> {
        Box::pin(async move {
            let busy = || NotKnown::Away("many are about to log in; try again in a moment".to_owned());
            let _turn = self.turns.try_acquire().map_err(|_| busy())?;
            let provider = self.provider(now, KNOWN_WELL).await?;
            let request = provider.exchange_code(AuthorizationCode::new(code));
            let request = request.map_err(|error| NotKnown::Away(told(&error)))?;
            let request = request.set_pkce_verifier(PkceCodeVerifier::new(attempt.verifier.clone()));
            let answer = request.request_async(&self.http).await;
            let answer = answer.map_err(|error| not_proven(&error))?;
            let none = || NotKnown::NotProven("there is no ID token".to_owned());
            let token = answer.id_token().ok_or_else(none)?;
            let verifier = provider
                .id_token_verifier()
                .set_allowed_algs(ALGORITHMS)
                .set_time_fn(move || instant(now))
                .set_issue_time_verifier_fn(move |at| match at > instant(now + SKEW) {
                    true => Err(format!("it is of the future: {at}")),
                    false => Ok(()),
                });
            let claims = token.claims(&verifier, &Nonce::new(attempt.nonce.clone()));
            let claims = claims.map_err(|error| not_proven(&error))?;
            let (issuer, subject) = (claims.issuer().to_string(), claims.subject().to_string());
            match subject.len() <= LONGEST && visible(&subject) == subject.as_str() && !subject.is_empty() {
                true => Ok(Identity { issuer, subject }),
                false => Err(NotKnown::NotProven("nobody is called like that".to_owned())),
            }
        })
    }

    /// What a provider says about itself, no older than that, as what it can be asked with.
    async fn provider(&self, now: Timestamp, age: SignedDuration) -> Result<Provider, NotKnown> {
        let mut known = self.known.lock().await;
        let is_fresh = |since: Timestamp, age| now.duration_since(since).abs() < age;
        // Nobody waits for what somebody has just waited for in vain.
        if let Some((_, why)) = known.trouble.as_ref().filter(|(since, _)| is_fresh(*since, AWAY)) {
            return Err(NotKnown::Away(why.clone()));
        }
        let metadata = match &known.metadata {
            Some((since, metadata)) if is_fresh(*since, age) => metadata.clone(),
            _ => {
                let issuer = self.config.issuer.clone();
                match CoreProviderMetadata::discover_async(issuer, &self.http).await {
                    Ok(found) => {
                        *known = Known { metadata: Some((now, found.clone())), trouble: None };
                        found
                    }
                    Err(error) => {
                        let why = told(&error);
                        known.trouble = Some((now, why.clone()));
                        return Err(NotKnown::Away(why));
                    }
                }
            }
        };
        drop(known);
        let secret = self.config.client_secret.as_ref();
        let secret = secret.map(|secret| ClientSecret::new(secret.expose_secret().to_owned()));
        let methods = metadata.token_endpoint_auth_methods_supported().cloned().unwrap_or_default();
        let in_body = methods.contains(&CoreClientAuthMethod::ClientSecretPost)
            && !methods.contains(&CoreClientAuthMethod::ClientSecretBasic);
        let id = ClientId::new(self.config.client_id.clone());
        let provider = CoreClient::from_provider_metadata(metadata, id, secret);
        let auth_type = if in_body { AuthType::RequestBody } else { AuthType::BasicAuth };
        Ok(provider.set_auth_type(auth_type).set_redirect_uri(self.back.clone()))
    }
}

impl Http {
    async fn ask(&self, request: HttpRequest) -> Result<HttpResponse, NoAnswer> {
        let request: reqwest::Request = request.try_into()?;
        self.may_ask(request.url())?;
        let mut answer = self.client.execute(request).await.map_err(reqwest::Error::without_url)?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await? {
            if body.len() + chunk.len() > LARGEST {
                return Err(NoAnswer::Large);
            }
            body.extend(chunk);
        }
        let mut answer = HttpResponse::new(body);
        *answer.status_mut() = status;
        *answer.headers_mut() = headers;
        Ok(answer)
    }

    fn may_ask(&self, url: &Url) -> Result<(), NoAnswer> {
        match url.scheme() == "https" || !self.is_encrypted {
            true => Ok(()),
            false => Err(NoAnswer::Open(url.origin().ascii_serialization())),
        }
    }
}

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = NoAnswer;
    type Future = BoxFuture<'c, Result<HttpResponse, NoAnswer>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.ask(request))
    }
}

fn not_proven(error: &dyn Error) -> NotKnown {
    NotKnown::NotProven(told(error))
}

fn instant(at: Timestamp) -> DateTime<Utc> {
    let nanos = at.subsec_nanosecond().unsigned_abs();
    DateTime::from_timestamp(at.as_second(), nanos).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// An error with what it comes from.
fn told(error: &dyn Error) -> String {
    let mut told = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        told = format!("{told}: {error}");
        cause = error.source();
    }
    visible(&told).chars().take(SAID).collect()
}
