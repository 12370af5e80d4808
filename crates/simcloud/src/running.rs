//! Clouds that listen.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

use crate::answer::Answer;
use crate::body::{Body, receive};
use crate::cloud::{Ask, Cloud, PASSWORD, behind_version};
use crate::fault::Outcome;
use crate::{Counts, Kind, Rule, Settings};

/// How much of a body is kept, in bytes: enough for what is read back.
const KEPT: usize = 128 << 10;

/// Why a cloud does not listen.
#[derive(Debug, Error)]
#[error("a simulated cloud cannot listen on 127.0.0.1: {0}")]
pub struct SimCloudError(#[from] io::Error);

/// A connection that is to end without an answer.
#[derive(Debug, Error)]
#[error("the connection ends without an answer")]
struct NoAnswer;

/// Starts simulated clouds.
#[derive(Debug)]
pub struct SimCloud;

impl SimCloud {
    /// A cloud that listens on a free port of 127.0.0.1 until it is dropped.
    ///
    /// # Errors
    /// No port can be had.
    pub async fn start(settings: Settings) -> Result<Running, SimCloudError> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let base = format!("http://{}", listener.local_addr()?);
        let cloud = Arc::new(Cloud::new(settings, base));
        let task = tokio::spawn(listen(listener, Arc::clone(&cloud)));
        Ok(Running { cloud, task })
    }
}

/// A cloud that listens until this is dropped; connections to it are refused from then on.
#[derive(Debug)]
pub struct Running {
    cloud: Arc<Cloud>,
    task: JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Running {
    /// Its name in `clouds.yaml`.
    pub fn name(&self) -> &str {
        &self.cloud.settings.name
    }

    /// Scheme, host and port.
    pub fn url(&self) -> &str {
        &self.cloud.base
    }

    /// Where keystone answers.
    pub fn auth_url(&self) -> String {
        self.cloud.auth_url()
    }

    /// Its entry in `clouds.yaml`, below `clouds:`.
    pub fn entry(&self) -> String {
        let population = &self.cloud.settings.population;
        let token = &population.token;
        let (name, auth_url) = (quoted(self.name()), quoted(&self.auth_url()));
        let mut lines = vec![format!("  {name}:"), "    auth:".into(), format!("      auth_url: {auth_url}")];
        let mut secret = |name: &str, value: &str| lines.push(format!("      {name}: {}", quoted(value)));
        if let Some(credential) = &token.application_credential {
            secret("application_credential_id", &credential.id);
            secret("application_credential_secret", PASSWORD);
            lines.push("    auth_type: v3applicationcredential".into());
        } else {
            secret("username", &token.user);
            secret("user_domain_id", "default");
            secret("password", PASSWORD);
            match (&token.project, &token.domain) {
                (Some(project), _) => secret("project_id", &project.id),
                (None, Some(domain)) => secret("domain_id", domain),
                (None, None) => {}
            }
        }
        if let Some(region) = &population.region {
            lines.push(format!("    region_name: {}", quoted(region)));
        }
        lines.join("\n") + "\n"
    }

    /// From now on these rules hold in place of those before; what they count begins anew.
    pub fn rule(&self, rules: &[Rule]) {
        self.cloud.rule(rules);
    }

    /// What was counted so far.
    pub fn counts(&self) -> Counts {
        self.cloud.counts()
    }

    /// How often each kind of call came: method, service and path, with a star for each id.
    pub fn calls(&self) -> Vec<(String, u64)> {
        self.cloud.calls()
    }

    /// What was created and is still there, by its name, or by its id if it has none.
    pub fn leftovers(&self) -> Vec<(Kind, String)> {
        self.cloud.state().store.leftovers()
    }
}

/// A whole `clouds.yaml`.
pub fn clouds_yaml<'a>(clouds: impl IntoIterator<Item = &'a Running>) -> String {
    let entries: String = clouds.into_iter().map(Running::entry).collect();
    format!("clouds:\n{entries}")
}

/// Text as YAML takes it, whatever is in it.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

async fn listen(listener: TcpListener, cloud: Arc<Cloud>) {
    // These end with this task.
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, _)) => {
                cloud.counters.connections.fetch_add(1, Ordering::Relaxed);
                connections.spawn(serve(stream, Arc::clone(&cloud)));
            }
            Err(error) => {
                tracing::debug!(%error, "a connection cannot be taken");
                tokio::task::yield_now().await;
            }
        }
    }
}

async fn serve(stream: TcpStream, cloud: Arc<Cloud>) {
    // Small answers are to go out at once.
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| respond(request, &cloud));
    if let Err(error) = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await {
        tracing::trace!(%error, "a connection broke off");
    }
}

async fn respond(request: Request<Incoming>, cloud: &Cloud) -> Result<Response<Body>, NoAnswer> {
    let (head, body) = request.into_parts();
    let Ok(received) = receive(&head.method, body, KEPT).await else { return Err(NoAnswer) };
    let mut parts: Vec<String> =
        head.uri.path().split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
    let prefix = if parts.is_empty() { String::new() } else { parts.remove(0) };
    let project = cloud.settings.population.token.project.as_ref().map_or("", |project| &project.id);
    let query = head.uri.query().unwrap_or_default().as_bytes();
    let ask = Ask {
        path: behind_version(&parts, project),
        // What is no service is asked for by S3: a bucket at the root.
        prefix: if crate::Service::of_type(&prefix).is_some() { prefix } else { String::new() },
        url: format!("{}{}", cloud.base, head.uri.path()),
        query: url::form_urlencoded::parse(query).into_owned().collect(),
        method: head.method,
        headers: head.headers,
        body: received.bytes,
        size: received.size,
    };
    match cloud.answer(ask).await {
        Outcome::Answer(answer) => Ok(response(answer, Body::new)),
        Outcome::Torn(answer) => Ok(response(answer, Body::torn)),
        Outcome::Drip(answer) => Ok(response(answer, Body::dripping)),
        Outcome::Silence => std::future::pending::<Result<_, _>>().await,
        Outcome::Reset => Err(NoAnswer),
    }
}

fn response(answer: Answer, body: impl FnOnce(Vec<bytes::Bytes>) -> Body) -> Response<Body> {
    let mut response = Response::new(body(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in answer.headers {
        response.headers_mut().append(name, value);
    }
    response
}
