//! The one way in which requests leave: limits, no redirects, and the last answer kept.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_s3::config::SharedHttpClient;
use aws_sdk_s3::primitives::{ByteStream, SdkBody};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::http::StatusCode;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Request};
use url::Url;

use crate::answer::{Answer, Trouble, chain, clean};
use crate::{Access, AccessError, Settings};

/// The largest body that is read; the largest object of the probe has 10 MiB.
const BODY_LIMIT: usize = 16 << 20;

/// How much of the body of the last answer is kept; errors are shorter.
const KEPT: usize = 4096;

/// A whole answer.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// A header as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The answer without its body.
    pub(crate) fn answer(&self) -> Answer {
        Answer::new(self.status, &self.headers, &self.body)
    }

    /// The answer if it is a success, else the trouble.
    pub(crate) fn success(self) -> Result<Reply, Trouble> {
        if (200..300).contains(&self.status) { Ok(self) } else { Err(Trouble::Answer(self.answer())) }
    }
}

/// No answer came.
#[derive(Debug, Clone)]
pub(crate) struct NoAnswer {
    message: String,
    /// Whether the connection could not be made or broke; time-outs are not among these.
    is_lost: bool,
}

impl From<NoAnswer> for Trouble {
    fn from(error: NoAnswer) -> Self {
        Trouble::Silence(error.message)
    }
}

/// The HTTP client. Clones keep the same last answer; [`Http::apart`] makes one that keeps its own.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    client: reqwest::Client,
    timeout: std::time::Duration,
    last: Arc<Mutex<Option<Reply>>>,
}

/// A client that follows no redirects, so that nothing signed goes to where a server points.
fn builder(access: &Access) -> Result<reqwest::ClientBuilder, AccessError> {
    let mut builder = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_gzip()
        .danger_accept_invalid_certs(!access.verify);
    for pem in &access.extra_roots {
        let certificates = reqwest::Certificate::from_pem_bundle(pem)
            .map_err(|error| AccessError::Certificates(error.to_string()))?;
        for certificate in certificates {
            builder = builder.add_root_certificate(certificate);
        }
    }
    Ok(builder)
}

impl Http {
    /// A client with the TLS settings of the access.
    pub(crate) fn new(access: &Access, settings: &Settings) -> Result<Self, AccessError> {
        Self::build(builder(access)?, access, settings)
    }

    /// The same, but with the addresses of one host name given.
    pub(crate) fn resolving(
        access: &Access,
        settings: &Settings,
        host: &str,
        addresses: &[std::net::SocketAddr],
    ) -> Result<Self, AccessError> {
        Self::build(builder(access)?.resolve_to_addrs(host, addresses).no_proxy(), access, settings)
    }

    fn build(
        builder: reqwest::ClientBuilder,
        access: &Access,
        settings: &Settings,
    ) -> Result<Self, AccessError> {
        let client =
            builder.connect_timeout(settings.timeout).timeout(settings.timeout).build().map_err(|error| {
                match access.extra_roots.is_empty() {
                    true => AccessError::Client(chain(&error)),
                    // What they hold is looked at only now.
                    false => AccessError::Certificates(chain(&error)),
                }
            })?;
        Ok(Http { client, timeout: settings.timeout, last: Arc::default() })
    }

    /// The same client with a last answer of its own.
    pub(crate) fn apart(&self) -> Self {
        Http { last: Arc::default(), ..self.clone() }
    }

    /// The last answer that came, with the start of its body.
    pub(crate) fn last(&self) -> Option<Reply> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sends a request that nobody signs any more.
    pub(crate) async fn send(&self, request: Request) -> Result<Reply, NoAnswer> {
        let failed = |error: reqwest::Error| NoAnswer {
            is_lost: !error.is_timeout() && !error.is_builder(),
            message: if error.is_timeout() {
                format!("nothing whole came within {:?}", self.timeout)
            } else {
                chain(&error.without_url())
            },
        };
        let mut response = self.client.execute(request).await.map_err(failed)?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > BODY_LIMIT {
                let message = format!("HTTP {status} with a body of more than {BODY_LIMIT} bytes");
                return Err(NoAnswer { message, is_lost: false });
            }
            body.extend_from_slice(&chunk);
        }
        let reply = Reply { status, headers, body };
        let start = reply.body.iter().take(KEPT).copied().collect();
        let kept = Reply { status, headers: reply.headers.clone(), body: start };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
        Ok(reply)
    }

    /// Sends a request without any signature.
    pub(crate) async fn plain(
        &self,
        method: Method,
        url: Url,
        headers: &[(&'static str, &str)],
        body: &[u8],
    ) -> Result<Reply, Trouble> {
        let mut request = Request::new(method, url);
        for (name, value) in headers {
            let value = HeaderValue::from_str(value)
                .map_err(|_| Trouble::Unsent(format!("the header {name} cannot hold {}", clean(value))))?;
            request.headers_mut().insert(HeaderName::from_static(name), value);
        }
        if !body.is_empty() {
            *request.body_mut() = Some(body.to_vec().into());
        }
        Ok(self.send(request).await?)
    }

    /// The client as the SDK takes it.
    pub(crate) fn for_sdk(&self) -> SharedHttpClient {
        let connector = SharedHttpConnector::new(self.clone());
        http_client_fn(move |_, _| connector.clone())
    }

    async fn call_for_sdk(&self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let request = from_sdk(request).await?;
        let reply = self.send(request).await.map_err(|error| {
            let source = error.message.into();
            // Of the two only the first is worth another attempt.
            if error.is_lost { ConnectorError::io(source) } else { ConnectorError::other(source, None) }
        })?;
        let status = StatusCode::try_from(reply.status)
            .map_err(|error| ConnectorError::other(error.to_string().into(), None))?;
        let mut response = HttpResponse::new(status, SdkBody::from(reply.body));
        for (name, value) in &reply.headers {
            // What the SDK cannot hold it cannot need.
            if let Ok(value) = value.to_str() {
                let _ = response.headers_mut().try_append(name.as_str().to_owned(), value.to_owned());
            }
        }
        Ok(response)
    }
}

impl HttpConnector for Http {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let http = self.clone();
        HttpConnectorFuture::new(async move { http.call_for_sdk(request).await })
    }
}

/// A request of the SDK, signed and final.
async fn from_sdk(mut request: HttpRequest) -> Result<Request, ConnectorError> {
    fn unsent(error: impl ToString) -> ConnectorError {
        ConnectorError::user(error.to_string().into())
    }
    let body = request.take_body();
    let body = ByteStream::new(body).collect().await.map_err(unsent)?.to_vec();
    let method = Method::from_bytes(request.method().as_bytes()).map_err(unsent)?;
    let url = Url::parse(request.uri()).map_err(unsent)?;
    let mut sent = Request::new(method, url);
    for (name, value) in request.headers() {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(unsent)?;
        sent.headers_mut().append(name, HeaderValue::from_str(value).map_err(unsent)?);
    }
    if !body.is_empty() {
        *sent.body_mut() = Some(body.into());
    }
    Ok(sent)
}
