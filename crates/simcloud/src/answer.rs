//! Answers, and how each service words its errors.

use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The services that answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Service {
    /// Keystone.
    Identity,
    /// Glance.
    Image,
    /// Barbican.
    KeyManager,
    /// Neutron.
    Network,
    /// Nova.
    Compute,
    /// Cinder.
    BlockStorage,
    /// Swift, and S3 at the root of the host.
    ObjectStore,
}

impl Service {
    /// The service of an entry of the catalog; none for those that are not simulated.
    pub(crate) fn of_type(service_type: &str) -> Option<Self> {
        Some(match service_type {
            "identity" => Service::Identity,
            "image" => Service::Image,
            "key-manager" => Service::KeyManager,
            "network" => Service::Network,
            "compute" => Service::Compute,
            "block-storage" | "volumev3" | "volumev2" | "volume" | "block-store" => Service::BlockStorage,
            "object-store" | "object-store-s3" | "s3" => Service::ObjectStore,
            _ => return None,
        })
    }
}

/// An answer. Its body may be made of pieces that it shares with others.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    pub(crate) body: Vec<Bytes>,
}

impl Answer {
    /// An answer without a body.
    pub(crate) fn empty(status: u16) -> Self {
        Answer { status, ..Answer::default() }
    }

    /// JSON in pieces.
    pub(crate) fn pieces(status: u16, body: Vec<Bytes>) -> Self {
        Answer { status, body, ..Answer::default() }.with("content-type", "application/json")
    }

    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Answer::pieces(status, vec![Bytes::from(body.to_string())])
    }

    pub(crate) fn of_type(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Answer { status, body: vec![body.into()], ..Answer::default() }.with("content-type", content_type)
    }

    /// The answer with a header; what no header can hold is left out.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((HeaderName::from_static(name), value));
        }
        self
    }

    /// The answer with another body.
    pub(crate) fn with_body(mut self, body: Vec<u8>) -> Self {
        self.body = vec![body.into()];
        self.with_status_of_a_body()
    }

    /// The answer with a status that may have a body.
    pub(crate) fn with_status_of_a_body(mut self) -> Self {
        if self.status == 204 {
            self.status = 200;
        }
        self
    }

    /// The body in one piece.
    pub(crate) fn whole(&self) -> Vec<u8> {
        self.body.concat()
    }
}

/// An error as a service words it.
pub(crate) fn error(service: Service, status: u16, message: &str) -> Answer {
    let title = http::StatusCode::from_u16(status).ok().and_then(|known| known.canonical_reason());
    let title = title.unwrap_or("Error");
    let body = match service {
        Service::Identity => json!({"error": {"code": status, "message": message, "title": title}}),
        Service::KeyManager => json!({"code": status, "title": title, "description": message}),
        Service::Network => neutron_error(&title.replace(' ', ""), message),
        Service::Compute | Service::BlockStorage => {
            let wrapper = match status {
                400 => "badRequest",
                401 => "unauthorized",
                403 => "forbidden",
                404 => "itemNotFound",
                409 => "conflictingRequest",
                413 | 429 => "overLimit",
                503 => "serviceUnavailable",
                _ => "computeFault",
            };
            json!({wrapper: {"code": status, "message": message}})
        }
        Service::ObjectStore => {
            let code = match status {
                400 => "AuthorizationHeaderMalformed",
                401 | 403 => "AccessDenied",
                404 => "NoSuchKey",
                409 => "OperationAborted",
                429 | 503 => "SlowDown",
                _ => "InternalError",
            };
            return s3_error(status, code, message);
        }
        // As WebOb writes it for those who take JSON.
        Service::Image => json!({
            "message": format!("{message}<br /><br />\n\n\n"), "code": format!("{status} {title}"), "title": title,
        }),
    };
    Answer::json(status, &body)
}

/// A page that says so, as it is written for who does not ask for JSON.
pub(crate) fn web_page(status: u16, title: &str, message: &str) -> Answer {
    let page =
        format!("<html><head><title>{title}</title></head><body><h1>{title}</h1>{message}</body></html>");
    Answer::of_type(status, "text/html", page)
}

/// The body of an error of neutron, which has types of its own.
pub(crate) fn neutron_error(kind: &str, message: &str) -> Value {
    json!({"NeutronError": {"type": kind, "message": message, "detail": ""}})
}

/// An error of S3.
pub(crate) fn s3_error(status: u16, code: &str, message: &str) -> Answer {
    let page = format!(
        "<?xml version='1.0' encoding='UTF-8'?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    Answer::of_type(status, "application/xml", page)
}
