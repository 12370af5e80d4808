//! Answers of the server, and what they say about a feature.

use std::error::Error;
use std::fmt;

use assay_inventory::S3FeatureState;
use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use reqwest::header::HeaderMap;

/// Text from outside is cut after so many characters.
const LONGEST: usize = 200;
/// Headers in which servers give the id of a request, the common one first.
pub(crate) const REQUEST_IDS: [&str; 3] = ["x-amz-request-id", "x-trans-id", "x-request-id"];
/// Codes by which a server says that it does not have a feature.
const NOT_HERE: [&str; 6] = [
    "NotImplemented",
    "MethodNotAllowed",
    "NotSupported",
    "UnsupportedOperation",
    "AccessControlListNotSupported",
    "InvalidEncryptionAlgorithmError",
];

/// An answer of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// S3 error code.
    pub code: Option<String>,
    /// The words of the server.
    pub message: Option<String>,
    /// The id that the server gave the request.
    pub request_id: Option<String>,
}

impl Answer {
    /// Reads status, headers and, if it is an error of S3, the body.
    pub(crate) fn new(status: u16, headers: &HeaderMap, body: &[u8]) -> Self {
        let text = String::from_utf8_lossy(body);
        let is_error = status >= 300 && text.contains("<Error");
        let element = |name| if is_error { element(&text, name) } else { None };
        Answer { status, code: element("Code"), message: element("Message"), request_id: request_id(headers) }
    }

    /// What the answer says about a feature for which it refuses a well-formed request.
    pub(crate) fn state(&self) -> S3FeatureState {
        if matches!(self.status, 405 | 501)
            || self.code.as_deref().is_some_and(|code| NOT_HERE.contains(&code))
        {
            S3FeatureState::Absent
        } else if self.status == 403 && self.code.as_deref() != Some("SignatureDoesNotMatch") {
            S3FeatureState::NotTried
        } else {
            S3FeatureState::Broken
        }
    }

    /// Whether it is a refusal and no failure of the server.
    pub(crate) fn is_refusal(&self) -> bool {
        (400..500).contains(&self.status)
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HTTP {}", self.status)?;
        if let Some(code) = &self.code {
            write!(f, " {code}")?;
        }
        if let Some(message) = &self.message {
            write!(f, " ({message})")?;
        }
        Ok(())
    }
}

/// Why a step did not go as it should.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The server refused it or failed.
    Answer(Answer),
    /// The server claimed success, but its answer makes no sense.
    Nonsense(Answer, String),
    /// There was no answer.
    Silence(String),
    /// The request could not be made.
    Unsent(String),
}

impl Trouble {
    /// The answer, if there was one.
    pub(crate) fn answer(&self) -> Option<&Answer> {
        match self {
            Trouble::Answer(answer) | Trouble::Nonsense(answer, _) => Some(answer),
            Trouble::Silence(_) | Trouble::Unsent(_) => None,
        }
    }

    /// Whether the server answered with this status.
    pub(crate) fn is_status(&self, status: u16) -> bool {
        matches!(self, Trouble::Answer(answer) if answer.status == status)
    }

    /// Whether the server answered with this code.
    pub(crate) fn is_code(&self, code: &str) -> bool {
        self.answer().and_then(|answer| answer.code.as_deref()) == Some(code)
    }

    /// Whether the server understood and refused.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self, Trouble::Answer(answer) if answer.is_refusal())
    }

    /// What it says about a feature.
    pub(crate) fn state(&self) -> S3FeatureState {
        match self {
            Trouble::Answer(answer) => answer.state(),
            Trouble::Nonsense(..) | Trouble::Silence(_) => S3FeatureState::Broken,
            Trouble::Unsent(_) => S3FeatureState::NotTried,
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Answer(answer) => answer.fmt(f),
            Trouble::Nonsense(answer, why) => write!(f, "HTTP {} with nonsense: {why}", answer.status),
            Trouble::Silence(why) => write!(f, "no answer: {why}"),
            Trouble::Unsent(why) => write!(f, "the request could not be made: {why}"),
        }
    }
}

impl<E> From<SdkError<E, HttpResponse>> for Trouble
where
    E: ProvideErrorMetadata + Error + 'static,
{
    fn from(error: SdkError<E, HttpResponse>) -> Self {
        let Some(raw) = error.raw_response() else {
            let why = match &error {
                // What the connector says stands alone.
                SdkError::DispatchFailure(failure) => {
                    failure.as_connector_error().and_then(Error::source).map(chain)
                }
                _ => None,
            };
            let why = why.unwrap_or_else(|| chain(&error));
            return match error {
                SdkError::ConstructionFailure(_) => Trouble::Unsent(why),
                _ => Trouble::Silence(why),
            };
        };
        let status = raw.status().as_u16();
        let request_id = REQUEST_IDS.iter().find_map(|name| raw.headers().get(name)).map(clean);
        let meta = error.as_service_error().map(ProvideErrorMetadata::meta);
        let text = |text: Option<&str>| text.map(clean).filter(|text| !text.is_empty());
        let answer = Answer {
            status,
            code: text(meta.and_then(|meta| meta.code())),
            message: text(meta.and_then(|meta| meta.message())),
            request_id,
        };
        if (200..300).contains(&status) {
            let why = chain(&error);
            return Trouble::Nonsense(answer, why);
        }
        Trouble::Answer(answer)
    }
}

/// The result of a feature that is not present.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// How the feature stands.
    pub(crate) state: S3FeatureState,
    /// What was done and seen.
    pub(crate) detail: String,
    /// The answer that settled it.
    pub(crate) answer: Option<Answer>,
}

impl Finding {
    fn new(state: S3FeatureState, detail: impl Into<String>) -> Self {
        Finding { state, detail: detail.into(), answer: None }
    }

    pub(crate) fn absent(detail: impl Into<String>) -> Self {
        Finding::new(S3FeatureState::Absent, detail)
    }

    pub(crate) fn broken(detail: impl Into<String>) -> Self {
        Finding::new(S3FeatureState::Broken, detail)
    }

    pub(crate) fn not_tried(detail: impl Into<String>) -> Self {
        Finding::new(S3FeatureState::NotTried, detail)
    }

    /// A step failed, which says about the feature what its trouble says.
    pub(crate) fn failed(step: &str, trouble: &Trouble) -> Self {
        Finding::settled(trouble.state(), format!("{step}: {trouble}"), trouble)
    }

    /// With a state of its own.
    pub(crate) fn settled(state: S3FeatureState, detail: impl Into<String>, trouble: &Trouble) -> Self {
        Finding { state, detail: detail.into(), answer: trouble.answer().cloned() }
    }
}

/// What trying a feature comes to: how it was seen to work, or why it is not present.
pub(crate) type Outcome = Result<String, Finding>;

/// Fails with a finding unless a condition holds.
pub(crate) fn ensure(condition: bool, finding: impl FnOnce() -> Finding) -> Result<(), Finding> {
    if condition { Ok(()) } else { Err(finding()) }
}

/// Results of requests that have to succeed, or have to be refused.
pub(crate) trait Step<T>: Sized {
    /// The result, with trouble told apart.
    fn told(self) -> Result<T, Trouble>;

    /// The request has to succeed; `step` says what it does, as in `put the rule`.
    fn step(self, step: &str) -> Result<T, Finding> {
        self.told().map_err(|trouble| Finding::failed(step, &trouble))
    }

    /// The request has to be refused, because a feature forbids it; `step` says what must not work.
    fn refused(self, step: &str) -> Result<Answer, Finding> {
        match self.told() {
            Ok(_) => Err(Finding::broken(format!("{step}: it was allowed"))),
            Err(Trouble::Answer(answer)) if answer.is_refusal() => Ok(answer),
            Err(trouble) => {
                let detail = format!("{step}: it should be refused, but: {trouble}");
                Err(Finding::settled(S3FeatureState::Broken, detail, &trouble))
            }
        }
    }
}

impl<T, E> Step<T> for Result<T, SdkError<E, HttpResponse>>
where
    E: ProvideErrorMetadata + Error + 'static,
{
    fn told(self) -> Result<T, Trouble> {
        self.map_err(Trouble::from)
    }
}

impl<T> Step<T> for Result<T, Trouble> {
    fn told(self) -> Result<T, Trouble> {
        self
    }
}

/// The id of a request.
pub(crate) fn request_id(headers: &HeaderMap) -> Option<String> {
    REQUEST_IDS.iter().find_map(|name| headers.get(*name)?.to_str().ok()).map(clean)
}

/// The text of the first element of a name, without its markup.
pub(crate) fn element(xml: &str, name: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    Some(clean(text)).filter(|text| !text.is_empty())
}

/// Text from outside: in one line, without control characters, not longer than can be shown.
pub(crate) fn clean(text: &str) -> String {
    let mut line = String::new();
    for word in text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// An error with its causes, in one line.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let text = clean(&error.to_string());
        // Many errors repeat their cause.
        if parts.last().is_none_or(|last| !last.contains(&text)) {
            parts.push(text);
        }
        next = error.source();
    }
    clean(&parts.join(": "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer::new(status, &HeaderMap::new(), body.as_bytes())
    }

    #[test]
    fn what_a_refusal_says_about_the_feature() {
        let error = |code: &str| format!("<Error><Code>{code}</Code><Message>no</Message></Error>");
        for (status, code, state) in [
            (501, "NotImplemented", S3FeatureState::Absent),
            (501, "", S3FeatureState::Absent),
            (405, "MethodNotAllowed", S3FeatureState::Absent),
            (400, "AccessControlListNotSupported", S3FeatureState::Absent),
            (403, "AccessDenied", S3FeatureState::NotTried),
            (403, "", S3FeatureState::NotTried),
            (403, "SignatureDoesNotMatch", S3FeatureState::Broken),
            (400, "MalformedXML", S3FeatureState::Broken),
            (307, "TemporaryRedirect", S3FeatureState::Broken),
            (404, "", S3FeatureState::Broken),
            (500, "InternalError", S3FeatureState::Broken),
            (503, "SlowDown", S3FeatureState::Broken),
        ] {
            assert_eq!(answer(status, &error(code)).state(), state, "{status} {code}");
        }
    }

    #[test]
    fn words_of_the_server_are_made_harmless() {
        let long =
            format!("<Error><Code>a\u{1b}[31m\r\nb</Code><Message>{}</Message></Error>", "ü".repeat(5000));
        let answer = answer(400, &long);
        assert_eq!(answer.code.as_deref(), Some("a [31m b"));
        assert_eq!(answer.message.map(|message| message.chars().count()), Some(LONGEST + 1));
        assert_eq!(element("<Code></Code>", "Code"), None);
        assert_eq!(element("</Code><Code>", "Code"), None);
    }

    #[test]
    fn a_success_is_no_refusal() {
        let allowed = Ok::<(), Trouble>(()).refused("read without a key").unwrap_err();
        assert_eq!(allowed.state, S3FeatureState::Broken);
        let failed =
            Err::<(), _>(Trouble::Answer(answer(500, ""))).refused("read without a key").unwrap_err();
        assert_eq!(failed.state, S3FeatureState::Broken);
        let refused = Err::<(), _>(Trouble::Answer(answer(403, ""))).refused("read without a key");
        assert_eq!(refused.map(|answer| answer.status), Ok(403));
    }
}
