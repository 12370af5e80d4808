//! The faults: how an answer is spoilt.

use serde_json::{Map, Value, json};

use super::proxy::{Answer, Outcome, Service};

/// More than a client of these tests reads, in bytes.
pub(crate) const HUGE: usize = 3 << 20;

/// One way in which a call goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Fault {
    /// No answer, and the cloud never heard of it.
    Silence,
    /// No answer, but the cloud did it.
    SilenceAfter,
    /// The connection is reset before the cloud heard of it.
    Reset,
    /// The connection is reset after the cloud did it.
    ResetAfter,
    /// An error of the client, as the service itself would word it.
    Refused(u16),
    /// The cloud is busy and says when to come back.
    Busy,
    /// An error of the server, before anything was done.
    Failed(u16),
    /// An error of the server, although it was done.
    FailedAfter(u16),
    /// The body ends in its middle, as its length says.
    Truncated,
    /// The body ends before its announced end.
    Torn,
    /// Every value has another type.
    WrongTypes,
    /// The body is JSON of another shape.
    WrongShape,
    /// The body is larger than anybody should read.
    Huge,
    /// A redirect to another host.
    Redirect,
}

impl Fault {
    pub(crate) const ALL: [Fault; 19] = [
        Fault::Silence,
        Fault::SilenceAfter,
        Fault::Reset,
        Fault::ResetAfter,
        Fault::Refused(401),
        Fault::Refused(403),
        Fault::Refused(404),
        Fault::Refused(409),
        Fault::Busy,
        Fault::Failed(500),
        Fault::Failed(503),
        Fault::FailedAfter(500),
        Fault::FailedAfter(504),
        Fault::Truncated,
        Fault::Torn,
        Fault::WrongTypes,
        Fault::WrongShape,
        Fault::Huge,
        Fault::Redirect,
    ];

    /// Whether it differs from another fault only for calls that change something.
    pub(crate) fn is_about_changes(self) -> bool {
        matches!(self, Fault::SilenceAfter | Fault::ResetAfter | Fault::FailedAfter(_))
    }

    /// Whether the cloud must be asked first.
    pub(crate) fn needs_answer(self) -> bool {
        self.is_about_changes()
            || matches!(
                self,
                Fault::Truncated | Fault::Torn | Fault::WrongTypes | Fault::WrongShape | Fault::Huge
            )
    }

    /// Whether trouble must be told, given that the call is not a look that is repeated anyway. What is left
    /// over is made up for by another attempt.
    pub(crate) fn must_be_told(self, makes: bool) -> bool {
        match self {
            Fault::Refused(401) | Fault::Busy => false,
            Fault::Reset | Fault::ResetAfter | Fault::Failed(503) | Fault::FailedAfter(504) | Fault::Torn => {
                makes
            }
            _ => true,
        }
    }

    /// What the client gets instead of an answer. `elsewhere` is where nobody should go.
    pub(crate) fn spoil(self, service: Service, answer: Option<&Answer>, elsewhere: &str) -> Outcome {
        let whole = || answer.cloned().unwrap_or_else(|| Answer::json(200, &json!({})));
        Outcome::Answer(match self {
            Fault::Silence | Fault::SilenceAfter => return Outcome::Silence,
            Fault::Reset | Fault::ResetAfter => return Outcome::Reset,
            Fault::Torn => return Outcome::Torn(whole()),
            Fault::Refused(status) | Fault::Failed(status) | Fault::FailedAfter(status) => {
                error(service, status, "the proxy says so")
            }
            Fault::Busy => {
                let mut answer = error(service, 429, "too many requests");
                answer.headers.push(("retry-after".into(), "1".into()));
                answer
            }
            Fault::Truncated => {
                let mut answer = whole();
                answer.status = with_body(answer.status);
                answer.body.truncate(answer.body.len() / 2);
                if answer.body.is_empty() {
                    answer.body = b"{".to_vec();
                }
                answer
            }
            Fault::WrongTypes => {
                let answer = whole();
                Answer::json(with_body(answer.status), &mistyped(answer.value().unwrap_or_default()))
            }
            Fault::WrongShape => Answer::json(with_body(whole().status), &json!([{"id": 7}, null, "x"])),
            Fault::Huge => {
                let mut answer = whole();
                answer.status = with_body(answer.status);
                answer.body.resize(HUGE, b' ');
                answer
            }
            Fault::Redirect => {
                let mut answer = Answer::json(302, &json!({}));
                answer.headers.push(("location".into(), elsewhere.to_owned()));
                answer
            }
        })
    }
}

/// A status of an answer with a body.
fn with_body(status: u16) -> u16 {
    if status == 204 { 200 } else { status }
}

/// Every text a number and every number a text, whatever lies around them.
fn mistyped(value: Value) -> Value {
    match value {
        Value::String(_) => json!(7),
        Value::Number(_) => json!("seven"),
        Value::Bool(_) => json!({"is": "not a flag"}),
        Value::Null => json!([]),
        Value::Array(items) => items.into_iter().map(mistyped).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(name, value)| (name, mistyped(value))).collect::<Map<_, _>>().into()
        }
    }
}

/// An error as a service words it.
pub(crate) fn error(service: Service, status: u16, message: &str) -> Answer {
    let body = match service {
        Service::Identity => json!({"error": {"code": status, "message": message, "title": "Said"}}),
        Service::KeyManager => json!({"code": status, "title": "Said", "description": message}),
        Service::Network => json!({"NeutronError": {"type": "Said", "message": message, "detail": ""}}),
        Service::Compute | Service::BlockStorage => {
            let wrapper = match status {
                401 | 403 => "forbidden",
                404 => "itemNotFound",
                409 => "conflictingRequest",
                413 | 429 => "overLimit",
                400 => "badRequest",
                _ => "computeFault",
            };
            json!({wrapper: {"code": status, "message": message}})
        }
        Service::ObjectStore => {
            let code = match status {
                401 | 403 => "AccessDenied",
                404 => "NoSuchKey",
                409 => "OperationAborted",
                429 | 503 => "SlowDown",
                _ => "InternalError",
            };
            let page = format!(
                "<?xml version='1.0' encoding='UTF-8'?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>"
            );
            let headers = vec![("content-type".into(), "application/xml".into())];
            return Answer { status, headers, body: page.into_bytes() };
        }
        Service::Image => {
            let page = format!(
                "<html>\n <head>\n  <title>{status} Said</title>\n </head>\n <body>\n  <h1>{status} Said</h1>\n  {message}<br /><br />\n </body>\n</html>"
            );
            let headers = vec![("content-type".into(), "text/html; charset=UTF-8".into())];
            return Answer { status, headers, body: page.into_bytes() };
        }
    };
    Answer::json(status, &body)
}
