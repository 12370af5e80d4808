use std::time::Duration;

use assay_report::ReportProblem;
use assay_yaml::Problems;
use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;

use crate::accounts::{NotRandom, TooBusy};
use crate::intake::NotKept;
use crate::store::StoreError;
use crate::workers::BrokeOff;

/// An answer that is no success, as JSON with `detail`.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    said: Refused,
    asks_for_password: bool,
    /// When to ask again, if that is known.
    wait: Option<Duration>,
    /// The field that it is about, with whose name the detail begins.
    field: Option<String>,
}

/// What an answer says that is no success.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Refused {
    detail: Why,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "Detail")]
enum Why {
    Text(String),
    /// What is wrong with a report, each with its place.
    Problems(Vec<Problem>),
    Obstacles {
        message: String,
        obstacles: Vec<String>,
    },
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ReportProblem")]
struct Problem {
    /// The key, from the root.
    path: String,
    line: u64,
    column: u64,
    message: String,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self::because(status, Why::Text(detail.into()))
    }

    fn because(status: StatusCode, detail: Why) -> Self {
        Self { status, said: Refused { detail }, asks_for_password: false, wait: None, field: None }
    }

    /// Somebody asks too often, and may again after a while.
    pub(crate) fn too_many(detail: &str, wait: Duration) -> Self {
        Self { wait: Some(wait), ..Self::new(StatusCode::TOO_MANY_REQUESTS, detail) }
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
    pub(crate) fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, detail)
    }

    /// Several things speak against what is asked for.
    pub(crate) fn obstacles(obstacles: Vec<String>) -> Self {
        let message = "something speaks against it".to_owned();
        Self::because(StatusCode::CONFLICT, Why::Obstacles { message, obstacles })
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
        match &self.said.detail {
            Why::Text(detail) => Some((field, detail.strip_prefix(field)?)),
            Why::Problems(_) | Why::Obstacles { .. } => None,
        }
    }

    /// Why, for people.
    pub(crate) fn detail(&self) -> String {
        match &self.said.detail {
            Why::Text(detail) => detail.clone(),
            Why::Problems(problems) => {
                let told = problems.iter().map(|problem| format!("{}: {}", problem.path, problem.message));
                told.collect::<Vec<_>>().join("; ")
            }
            Why::Obstacles { message, obstacles } => format!("{message}: {}", obstacles.join("; ")),
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

impl From<PathRejection> for Refusal {
    fn from(rejection: PathRejection) -> Self {
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
        let told = problems.problems().iter().map(|problem| Problem {
            path: problem.key().to_owned(),
            line: problem.line() + u64::try_from(lines_before).unwrap_or_default(),
            column: problem.column(),
            message: problem.kind().to_string(),
        });
        Self::because(StatusCode::UNPROCESSABLE_ENTITY, Why::Problems(told.collect()))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let detail = Detail(self.detail());
        let mut response = (self.status, Json(self.said)).into_response();
        response.extensions_mut().insert(detail);
        if let Some(wait) = self.wait {
            // A second begun is one to wait.
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        if self.asks_for_password {
            let challenge = HeaderValue::from_static("Basic realm=\"Compliance monitor\", charset=\"UTF-8\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}
