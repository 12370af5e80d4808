//! The HTTP server: the addresses that today's clients know, and those of our own.

mod access;
mod api;
mod certificates;
mod desk;
mod error;
mod findings;
mod health;
mod integrators;
mod log;
mod metrics;
mod openapi;
mod pages;
mod reports;
mod results;
mod status;

use std::any::Any;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use futures::StreamExt as _;
use serde::de::DeserializeOwned;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;

use self::error::Refusal;
pub(crate) use self::metrics::Uploads;
pub(crate) use self::pages::{Broad, Overviews, segment};
use crate::serve::Monitor;
use crate::workers::BrokeOff;

pub(crate) type Shared = State<Arc<Monitor>>;

/// The largest body, in bytes: reports of a whole fleet with their logs.
const LARGEST_BODY: usize = 32 << 20;
/// Nothing is fetched from elsewhere, nothing is run, nobody frames a page.
const CONTENT_SECURITY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The parts of an address; where it has no such parts, that is said as everything else is.
struct Path<T>(T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let axum::extract::Path(found) = axum::extract::Path::from_request_parts(parts, state).await?;
        Ok(Self(found))
    }
}

/// A whole body, if what was asked first does not refuse it. What is refused is read to its end and forgotten, since
/// a client that still sends might not hear the answer.
async fn body_of<T>(
    asked: Result<T, Refusal>,
    headers: &HeaderMap,
    body: Body,
    largest: usize,
) -> Result<(T, Bytes), Refusal> {
    let too_large = || {
        let detail = format!("the body could not be read, or is larger than {largest} bytes");
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
    };
    let announced = headers.get(header::CONTENT_LENGTH);
    let announced: Option<usize> = announced.and_then(|length| length.to_str().ok()?.parse().ok());
    let asked = match announced {
        Some(length) if asked.is_ok() && length > largest => Err(too_large()),
        _ => asked,
    };
    match asked {
        Ok(answer) => Ok((answer, to_bytes(body, largest).await.map_err(|_| too_large())?)),
        Err(refusal) => {
            let mut rest = body.into_data_stream();
            while let Some(Ok(_)) = rest.next().await {}
            Err(refusal)
        }
    }
}

/// Makes sure that a body is said to be JSON, which a form of another site cannot say.
fn is_json(headers: &HeaderMap) -> Result<(), Refusal> {
    match headers.get(header::CONTENT_TYPE).is_some_and(|value| value == "application/json") {
        true => Ok(()),
        false => Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "send application/json")),
    }
}

/// What is answered to somebody who said who they are may be for them alone: nobody keeps a copy.
async fn keep_private(request: Request, next: Next) -> Response {
    let said_who =
        [header::AUTHORIZATION, header::COOKIE].iter().any(|name| request.headers().contains_key(name));
    let mut response = next.run(request).await;
    if said_who {
        response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    }
    response
}

pub(crate) fn router(monitor: Arc<Monitor>) -> Router {
    let always = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
    };
    Router::new()
        .route(
            "/",
            get(async |State(monitor): Shared| {
                Redirect::temporary(&format!("{}page/table", monitor.settings.base_url))
            }),
        )
        .route("/reports", get(reports::list).post(reports::hand_in))
        .route("/reports/{uuid}", get(reports::show))
        .route("/reports/{uuid}/signed", get(reports::signed))
        .route("/results", get(results::list).post(results::approve))
        .route("/status", get(status::status))
        .route("/healthz", get(health::health))
        .route("/metrics", get(metrics::metrics))
        .route("/{form}/table", get(pages::table))
        .route("/{form}/table_full", get(pages::table_full))
        .route("/{form}/detail/{subject}/{scope}", get(pages::detail))
        .route("/{form}/detail_full/{subject}/{scope}", get(pages::detail_full))
        .route("/{form}/report/{uuid}", get(pages::report))
        .route("/{form}/report_full/{uuid}", get(pages::report_full))
        .route("/{form}/scope/{scope}", get(pages::scope))
        .route("/{form}/matrix/{scope}/{version}", get(pages::matrix))
        .route("/{form}/subject/{subject}", get(pages::subject))
        .route("/{form}/testcases", get(pages::testcases))
        .route("/{form}/testcase/{testcase}", get(pages::testcase))
        .route("/{form}/log", get(pages::log))
        .route("/log/checkpoint", get(log::checkpoint))
        .route("/log/key", get(log::key))
        .route("/log/proof/{uuid}", get(log::proof))
        .route("/log/tile/{*path}", get(log::tile))
        .route("/{form}/certificates", get(pages::certificates))
        .route("/{form}/certificate/{uuid}", get(pages::certificate))
        .route("/{form}/integrators", get(pages::integrators))
        .route("/{form}/integrator/{uuid}", get(pages::integrator))
        .route("/{form}/audit/{subject}/{scope}", get(pages::audit))
        .route("/certificates/revoked.json", get(certificates::revoked))
        .route("/certificates/{uuid}/credential.json", get(certificates::credential))
        .route("/certificates/{uuid}/certificate.pdf", get(certificates::on_paper))
        .route("/feed/{subject}/{scope}", get(pages::feed))
        .route("/badge/{subject}/{scope}", get(certificates::badge))
        .route("/api/v1/applications", get(certificates::applications).post(certificates::apply))
        .route("/api/v1/applications/{uuid}", get(certificates::application))
        .route("/api/v1/applications/{uuid}/moves", post(certificates::make_move))
        .route("/api/v1/certificates", get(certificates::certificates))
        .route("/api/v1/certificates/{uuid}", get(certificates::certificate))
        .route("/api/v1/certificates/{uuid}/revocation", post(certificates::revoke))
        .route("/api/v1/integrators", get(integrators::integrators))
        .route("/api/v1/integrators/{uuid}", get(integrators::integrator))
        .route("/api/v1/integrators/applications", post(integrators::apply))
        .route("/api/v1/integrators/applications/{uuid}", get(integrators::application))
        .route("/api/v1/integrators/applications/{uuid}/moves", post(certificates::make_move))
        .route("/api/v1/integrators/applications/{uuid}/references", post(integrators::add))
        .route("/api/v1/integrators/applications/{uuid}/references/{number}/word", post(integrators::say))
        .route("/api/v1/scores", get(api::scores))
        .route("/api/v1/subjects/{subject}", get(api::subject))
        .route("/api/v1/subjects/{subject}/history", get(api::history))
        .route("/api/v1/subjects/{subject}/audit", get(findings::audit))
        .route("/api/v1/subjects/{subject}/findings", post(findings::find))
        .route("/api/v1/openapi.json", get(openapi::openapi))
        .route("/assets/monitor.css", get(pages::style))
        .merge(desk::router(&monitor))
        .fallback(async || Refusal::not_found("address"))
        .method_not_allowed_fallback(async || {
            Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "that cannot be done at this address")
        })
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, monitor.settings.longest))
        .layer(CatchPanicLayer::custom(|_: Box<dyn Any + Send>| Refusal::from(BrokeOff).into_response()))
        .layer(from_fn(keep_private))
        .layer(always(header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY))
        .layer(always(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(always(header::REFERRER_POLICY, "no-referrer"))
        .with_state(monitor)
}
