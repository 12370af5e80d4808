use assay_report::ReportProblem;
use assay_yaml::Problems;
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::accounts::{NotRandom, TooBusy};
use crate::intake::NotKept;
use crate::store::StoreError;
use crate::workers::BrokeOff;

/// An answer that is no success, as JSON with `detail`.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    detail: Value,
    asks_for_password: bool,
    /// The field that it is about, with whose name the detail begins.
    field: Option<String>,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: Value::String(detail.into()), asks_for_password: false, field: None }
    }

    /// What is wrong with a field, such as ` is missing`.
    pub(crate) fn of_field(field: &str, what: &str) -> Self {
        Self { field: Some(field.to_owned()), ..Self::unreadable(format!("{field}{what}")) }
    }

    /// Whoever asks is not known.
    pub(crate) fn unknown_caller(detail: &str) -> Self {
        Self { asks_for_password: true, ..Self::new(StatusCode::UNAUTHORIZED, detail) }
    }

    /// Whoever asks is known, but may not. Today's clients know 401 for it.
    pub(crate) fn not_allowed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, detail)
    }

    /// The same where nobody expects anything but what is right.
    pub(crate) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, detail)
    }

    /// What is asked for does not fit what there is.
    pub(crate) fn conflict(detail: impl Into<Value>) -> Self {
        Self { detail: detail.into(), ..Self::new(StatusCode::CONFLICT, "") }
    }

    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("{what} not found"))
    }

    /// It was there, and does not come back.
    pub(crate) fn gone(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::GONE, detail)
    }

    pub(crate) fn unreadable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, detail)
    }
}

impl Refusal {
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// Whether nobody is known by what was shown.
    pub(crate) fn is_unknown_caller(&self) -> bool {
        self.asks_for_password
    }

    /// The field that it is about, and what is wrong with it.
    pub(crate) fn field(&self) -> Option<(&str, &str)> {
        let field = self.field.as_deref()?;
        Some((field, self.detail.as_str()?.strip_prefix(field)?))
    }

    /// Why, for people.
    pub(crate) fn detail(&self) -> String {
        match &self.detail {
            Value::String(detail) => detail.clone(),
            Value::Object(detail) if detail.contains_key("message") => {
                let obstacles = detail.get("obstacles").and_then(Value::as_array).into_iter().flatten();
                let obstacles: Vec<&str> = obstacles.filter_map(Value::as_str).collect();
                format!("{}: {}", detail["message"].as_str().unwrap_or_default(), obstacles.join("; "))
            }
            other => other.to_string(),
        }
    }
}

/// Why an answer is a refusal, for pages that say so in their own words.
#[derive(Debug, Clone)]
pub(super) struct Detail(pub(super) String);

impl From<TooBusy> for Refusal {
    fn from(TooBusy: TooBusy) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "too many logins at once; try again")
    }
}

impl From<NotRandom> for Refusal {
    fn from(error: NotRandom) -> Self {
        tracing::error!(%error, "no secret could be made");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
    }
}

impl From<QueryRejection> for Refusal {
    fn from(rejection: QueryRejection) -> Self {
        Self::unreadable(rejection.body_text())
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "the database failed");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "the database is not available; try again")
    }
}

impl From<NotKept> for Refusal {
    fn from(error: NotKept) -> Self {
        tracing::error!(%error, "what was handed in was not stored");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "nothing was stored; try again")
    }
}

impl From<BrokeOff> for Refusal {
    fn from(error: BrokeOff) -> Self {
        tracing::error!(%error, "a request broke off");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "the request broke off")
    }
}

impl Refusal {
    /// What is wrong with a report, each with its place. `lines_before` is what stands before the document.
    pub(crate) fn of_report(problems: &Problems<ReportProblem>, lines_before: usize) -> Self {
        let detail = problems.problems().iter().map(|problem| {
            json!({
                "path": problem.key(),
                "line": problem.line() + u64::try_from(lines_before).unwrap_or_default(),
                "column": problem.column(),
                "message": problem.kind().to_string(),
            })
        });
        Self { detail: Value::Array(detail.collect()), ..Self::unreadable("") }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let detail = Detail(self.detail());
        let mut response = (self.status, Json(json!({"detail": self.detail}))).into_response();
        response.extensions_mut().insert(detail);
        if self.status == StatusCode::TOO_MANY_REQUESTS {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
        }
        if self.asks_for_password {
            let challenge = HeaderValue::from_static("Basic realm=\"Compliance monitor\", charset=\"UTF-8\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
