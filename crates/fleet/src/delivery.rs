//! How a report reaches a monitor.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::outbox::{Letter, Outbox, OutboxError};

/// What is sent, as the reference monitor takes it.
const MEDIA_TYPE: &str = "application/x-signed-yaml";
/// What the tokens of our own monitor begin with.
pub const TOKEN_MARK: &str = "assay_";
/// The first pause between two attempts; each is twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// No pause is longer, whatever a server asks for; who comes back later sends what is left.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// More of an answer is not read.
const MOST_OF_ANSWER: usize = 4096;
/// What our monitor says of a signature that fits and a body without reports.
const NO_REPORT: &str = "422 Unprocessable Entity: empty reports";
/// So much of what a monitor says is shown, in characters.
const SHOWN: usize = 300;
/// What our monitor says of results that it keeps and that do not count, since it does not know them.
const NOT_COUNTED: &str = "not-counted";
/// After so many letters in a row that a monitor did not take, the next are not tried for a while.
const PATIENCE: u32 = 8;
/// How long a monitor is left alone then.
const REST: Duration = Duration::from_mins(5);

/// Who hands reports in.
#[derive(Debug, Clone)]
pub struct Courier {
    client: Client,
    token: Option<HeaderValue>,
    attempts: u32,
    /// How many letters in a row were not taken, and when the last was not.
    failures: Arc<Mutex<(u32, Option<Instant>)>>,
}

/// What became of a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The monitor keeps it, and may say what of it does not count.
    Delivered(Option<String>),
    /// The monitor has had it before.
    Known,
    /// It could not be handed over now.
    Later(String),
    /// The monitor does not want it.
    Refused(String),
}

impl Delivery {
    /// Whether the monitor has it.
    pub fn has_arrived(&self) -> bool {
        matches!(self, Delivery::Delivered(_) | Delivery::Known)
    }
}

/// What a monitor makes of an account or a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Welcome {
    /// It knows it.
    Known,
    /// It does not, in its words.
    Unknown(String),
    /// It does not say.
    Unclear(String),
}

/// Nothing can be handed in at all.
#[derive(Debug, thiserror::Error)]
pub enum CourierError {
    /// The token has characters that no header may have.
    #[error("the token has characters that cannot be sent")]
    Token,
    /// No connections can be made.
    #[error("no connections can be made: {0}")]
    Client(#[from] reqwest::Error),
}

impl Courier {
    /// With a token: name and password in base64 as in a `tokenfile`, or one that a monitor gave.
    ///
    /// # Errors
    /// The token cannot be sent, or no TLS is to be had.
    pub fn new(token: Option<&SecretString>, timeout: Duration) -> Result<Self, CourierError> {
        let token = token.map(credentials).transpose()?;
        let client = Client::builder()
            .user_agent(concat!("assay/", env!("CARGO_PKG_VERSION")))
            // A token is for the monitor that was named, and nobody that it refers to.
            .redirect(Policy::none())
            .connect_timeout(timeout.min(Duration::from_secs(10)))
            .timeout(timeout)
            .build()?;
        Ok(Self { client, token, attempts: 4, failures: Arc::default() })
    }

    /// With another number of attempts for each letter.
    #[must_use]
    pub fn attempts(self, attempts: u32) -> Self {
        Self { attempts: attempts.max(1), ..self }
    }

    /// Hands over a letter of the outbox, and removes it there once the monitor has it. What fails is noted.
    ///
    /// # Errors
    /// The letter arrived and cannot be removed.
    pub async fn hand_over(
        &self,
        outbox: &Outbox,
        letter: &Letter,
        cancel: &CancellationToken,
    ) -> Result<Delivery, OutboxError> {
        let run = letter.address.run;
        let mut pause = FIRST_PAUSE;
        let mut left = self.attempts;
        if self.rests() {
            return Ok(Delivery::Later("the monitor did not take those before it".into()));
        }
        loop {
            let (delivery, wished) = tokio::select! {
                biased;
                () = cancel.cancelled() => return Ok(Delivery::Later("the run was interrupted".into())),
                sent = self.send(letter) => sent,
            };
            left -= 1;
            match &delivery {
                Delivery::Delivered(_) | Delivery::Known => outbox.remove(run)?,
                Delivery::Refused(why) => outbox.note(run, Timestamp::now(), why, true),
                Delivery::Later(why) => outbox.note(run, Timestamp::now(), why, false),
            }
            if left == 0 || !matches!(delivery, Delivery::Later(_)) {
                self.learn(matches!(delivery, Delivery::Later(_)));
            }
            if left == 0 || !matches!(delivery, Delivery::Later(_)) {
                return Ok(delivery);
            }
            let next = wished.unwrap_or(pause);
            if next > LONGEST_PAUSE {
                return Ok(delivery);
            }
            pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
            tokio::select! {
                () = cancel.cancelled() => return Ok(delivery),
                () = tokio::time::sleep(next) => {}
            }
        }
    }

    /// Whether the monitor is left alone for now: of hundreds of letters, each would wait for its silence.
    fn rests(&self) -> bool {
        let (count, last) = *self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        count >= PATIENCE && last.is_some_and(|last| last.elapsed() < REST)
    }

    fn learn(&self, has_failed: bool) {
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        *failures = if has_failed { (failures.0 + 1, Some(Instant::now())) } else { (0, None) };
    }

    /// Whether a monitor knows the account of the token. It reads, and leaves nothing behind.
    pub async fn knows_account(&self, monitor: &Url) -> Welcome {
        self.asked(monitor.join("reports?limit=1"), |url| self.client.get(url)).await
    }

    /// Whether a monitor knows a key as one of the account, by its signature of nothing: whoever verifies it finds no
    /// report in it, and keeps none.
    pub async fn knows_key(&self, monitor: &Url, signature_of_nothing: &str) -> Welcome {
        let body = format!("{signature_of_nothing}&");
        let post = |url: Url| self.client.post(url).header(CONTENT_TYPE, MEDIA_TYPE).body(body);
        match self.asked(monitor.join("reports"), post).await {
            // Ours says after the signature that there is no report; the reference monitor takes it.
            Welcome::Unclear(why) if why.ends_with(NO_REPORT) => Welcome::Known,
            welcome => welcome,
        }
    }

    async fn asked(
        &self,
        url: Result<Url, url::ParseError>,
        request: impl FnOnce(Url) -> reqwest::RequestBuilder,
    ) -> Welcome {
        let url = match url {
            Ok(url) => url,
            Err(error) => return Welcome::Unclear(error.to_string()),
        };
        let mut request = request(url.clone());
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, token.clone());
        }
        match request.send().await {
            Err(error) => Welcome::Unclear(format!("{url}: {}", causes(&error))),
            Ok(response) => {
                let status = response.status();
                if status.is_success() {
                    return Welcome::Known;
                }
                let why = format!("{url} answered {status}{}", said(response).await);
                match status {
                    StatusCode::UNAUTHORIZED => Welcome::Unknown(why),
                    _ => Welcome::Unclear(why),
                }
            }
        }
    }

    /// One attempt, and how long the monitor wants to be left alone.
    async fn send(&self, letter: &Letter) -> (Delivery, Option<Duration>) {
        let url = match letter.address.monitor.join("reports") {
            Ok(url) => url,
            Err(error) => return (Delivery::Refused(error.to_string()), None),
        };
        let mut request =
            self.client.post(url.clone()).header(CONTENT_TYPE, MEDIA_TYPE).body(letter.body.clone());
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, token.clone());
        }
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => return (Delivery::Later(format!("{url}: {}", causes(&error))), None),
        };
        let status = response.status();
        let wished = response.headers().get(RETRY_AFTER);
        let wished = wished.and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let wished = wished.map(Duration::from_secs);
        if status.is_success() {
            let lines = response.headers().get_all(NOT_COUNTED).iter().filter_map(|line| line.to_str().ok());
            let said: String = lines.collect::<Vec<_>>().join("; ").chars().take(SHOWN).collect();
            let said = Some(assay_report::visible(&said).into_owned()).filter(|said| !said.is_empty());
            return (Delivery::Delivered(said), None);
        }
        if status == StatusCode::CONFLICT {
            return (Delivery::Known, None);
        }
        let why = format!("{url} answered {status}{}", said(response).await);
        let may_pass = status.is_server_error()
            || matches!(
                status,
                StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS
            );
        match may_pass {
            true => (Delivery::Later(why), wished),
            false => (Delivery::Refused(why), None),
        }
    }
}

/// The account that a token is of, as far as it says so: those that a monitor gave do not.
pub fn account(token: &SecretString) -> Option<String> {
    let decoded = STANDARD.decode(token.expose_secret().trim()).ok()?;
    let (name, _) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some(name.to_owned())
}

fn credentials(token: &SecretString) -> Result<HeaderValue, CourierError> {
    let token = token.expose_secret().trim();
    let scheme = if token.starts_with(TOKEN_MARK) { "Bearer" } else { "Basic" };
    let mut value = HeaderValue::from_str(&format!("{scheme} {token}")).map_err(|_| CourierError::Token)?;
    value.set_sensitive(true);
    Ok(value)
}

/// An error with all that led to it; the outermost alone says little.
pub(crate) fn causes(error: &reqwest::Error) -> String {
    let mut said = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let text = error.to_string();
        if !said.contains(&text) {
            said = format!("{said}: {text}");
        }
        cause = error.source();
    }
    said
}

/// What the monitor says about it: the detail of its JSON, or its first words.
async fn said(mut response: reqwest::Response) -> String {
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() >= MOST_OF_ANSWER {
            break;
        }
    }
    body.truncate(MOST_OF_ANSWER);
    let text = String::from_utf8_lossy(&body);
    let detail = serde_json::from_slice::<serde_json::Value>(&body)
        .ok()
        .and_then(|answer| Some(answer.get("detail")?.as_str()?.to_owned()));
    let said: String = detail.as_deref().unwrap_or(text.trim()).chars().take(SHOWN).collect();
    match said.is_empty() {
        true => String::new(),
        false => format!(": {}", assay_report::visible(&said)),
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;
    use wiremock::matchers::{body_bytes, header, method, path};
    use wiremock::{Mock, MockServer, ResponseTemplate};

    use super::*;
    use crate::outbox::Address;

    struct Sending {
        server: MockServer,
        outbox: Outbox,
        _folder: tempfile::TempDir,
        letter: Letter,
    }

    async fn sending() -> Sending {
        let server = MockServer::start().await;
        let folder = tempfile::tempdir().unwrap();
        let outbox = Outbox::open(folder.path()).unwrap();
        let address = Address {
            run: Uuid::from_u128(5),
            monitor: format!("{}/monitor/", server.uri()).parse().unwrap(),
            subject: "green".into(),
            scope: "scs-compatible-iaas".into(),
            sender: "green".into(),
            written_at: Timestamp::UNIX_EPOCH,
        };
        let letter = Letter { address, body: b"signature\n&---\n".to_vec() };
        outbox.put(&letter).unwrap();
        Sending { server, outbox, _folder: folder, letter }
    }

    impl Sending {
        async fn answer(&self, template: ResponseTemplate, times: u64) {
            let mock = Mock::given(method("POST")).and(path("/monitor/reports"));
            let mock = mock.and(body_bytes(self.letter.body.clone())).respond_with(template);
            mock.up_to_n_times(times).mount(&self.server).await;
        }

        async fn hand_over(&self) -> Delivery {
            let token = SecretString::from("Z3JlZW46cGFzcw==\n");
            let courier = Courier::new(Some(&token), Duration::from_secs(5)).unwrap().attempts(3);
            courier.hand_over(&self.outbox, &self.letter, &CancellationToken::new()).await.unwrap()
        }

        fn is_kept(&self) -> bool {
            self.outbox.letter(self.letter.address.run).unwrap().is_some()
        }
    }

    #[tokio::test]
    async fn what_arrived_is_kept_no_longer() {
        let sending = sending().await;
        let mock = Mock::given(header("content-type", MEDIA_TYPE))
            .and(header("authorization", "Basic Z3JlZW46cGFzcw=="))
            .and(body_bytes(sending.letter.body.clone()));
        mock.respond_with(ResponseTemplate::new(200)).expect(1).mount(&sending.server).await;
        assert_eq!(sending.hand_over().await, Delivery::Delivered(None));
        assert!(!sending.is_kept());
    }

    #[tokio::test]
    async fn what_the_monitor_has_had_before_has_arrived() {
        let sending = sending().await;
        sending.answer(ResponseTemplate::new(409), 1).await;
        assert_eq!(sending.hand_over().await, Delivery::Known);
        assert!(!sending.is_kept());
    }

    #[tokio::test]
    async fn what_may_pass_is_tried_again() {
        let sending = sending().await;
        sending.answer(ResponseTemplate::new(429).insert_header("retry-after", "0"), 1).await;
        sending.answer(ResponseTemplate::new(200), 1).await;
        assert_eq!(sending.hand_over().await, Delivery::Delivered(None));
        assert!(!sending.is_kept());
    }

    #[tokio::test]
    async fn who_wants_to_be_left_alone_for_long_is_asked_another_time() {
        let sending = sending().await;
        sending.answer(ResponseTemplate::new(503).insert_header("retry-after", "3600"), 9).await;
        let Delivery::Later(why) = sending.hand_over().await else { panic!("it may pass") };
        assert!(why.ends_with("answered 503 Service Unavailable"), "{why}");
        assert!(sending.is_kept());
        assert_eq!(sending.outbox.attempts(sending.letter.address.run).count, 1);
    }

    #[tokio::test]
    async fn what_is_refused_is_kept_with_the_reason() {
        let sending = sending().await;
        let answer = r#"{"detail": "delegation\u001b[31m problem?"}"#;
        sending.answer(ResponseTemplate::new(401).set_body_string(answer), 9).await;
        let Delivery::Refused(why) = sending.hand_over().await else { panic!("it is refused") };
        assert!(why.ends_with("answered 401 Unauthorized: delegation\\u{1b}[31m problem?"), "{why}");
        assert!(sending.is_kept());
        assert!(sending.outbox.attempts(sending.letter.address.run).refused);
    }

    #[tokio::test]
    async fn a_token_goes_to_nobody_else() {
        let sending = sending().await;
        let elsewhere = MockServer::start().await;
        Mock::given(method("POST"))
            .respond_with(ResponseTemplate::new(200))
            .expect(0)
            .mount(&elsewhere)
            .await;
        let location = format!("{}/reports", elsewhere.uri());
        sending.answer(ResponseTemplate::new(307).insert_header("location", location.as_str()), 9).await;
        assert!(matches!(sending.hand_over().await, Delivery::Refused(_)));
        assert!(sending.is_kept());
    }

    #[tokio::test]
    async fn without_a_monitor_it_waits() {
        let sending = sending().await;
        let mut letter = sending.letter.clone();
        letter.address.monitor = "http://127.0.0.1:1/".parse().unwrap();
        let courier = Courier::new(None, Duration::from_secs(5)).unwrap().attempts(1);
        let delivery = courier.hand_over(&sending.outbox, &letter, &CancellationToken::new()).await.unwrap();
        assert!(matches!(delivery, Delivery::Later(_)), "{delivery:?}");
        assert!(sending.is_kept());
    }

    #[tokio::test]
    async fn a_monitor_says_whether_it_knows_account_and_key() {
        let reports = |verb: &str| Mock::given(method(verb)).and(path("/reports"));
        let refused = |status, detail: &str| {
            ResponseTemplate::new(status).set_body_json(serde_json::json!({"detail": detail}))
        };
        let courier = Courier::new(Some(&SecretString::from("YTpi")), Duration::from_secs(5)).unwrap();
        for (answer, expected) in [
            (refused(200, "empty reports"), Some(true)),
            (refused(422, "empty reports"), Some(true)),
            (refused(401, "verification failed"), Some(false)),
            (refused(422, "the body is no UTF-8"), None),
            (refused(503, ""), None),
        ] {
            let server = MockServer::start().await;
            reports("POST").and(body_bytes(*b"signature\n&")).respond_with(answer).mount(&server).await;
            let url = monitor_at(&server);
            let found = match courier.knows_key(&url, "signature\n").await {
                Welcome::Known => Some(true),
                Welcome::Unknown(_) => Some(false),
                Welcome::Unclear(_) => None,
            };
            assert_eq!(found, expected);
        }
        let server = MockServer::start().await;
        let asked = reports("GET").and(header("authorization", "Basic YTpi"));
        asked.respond_with(ResponseTemplate::new(200)).up_to_n_times(1).mount(&server).await;
        reports("GET").respond_with(refused(401, "Incorrect")).mount(&server).await;
        let url = monitor_at(&server);
        assert_eq!(courier.knows_account(&url).await, Welcome::Known);
        assert!(
            matches!(courier.knows_account(&url).await, Welcome::Unknown(why) if why.ends_with("Incorrect"))
        );
        let nowhere = "http://127.0.0.1:1/".parse().unwrap();
        assert!(matches!(courier.knows_account(&nowhere).await, Welcome::Unclear(_)));
    }

    fn monitor_at(server: &MockServer) -> Url {
        format!("{}/", server.uri()).parse().unwrap()
    }

    #[tokio::test]
    async fn what_does_not_count_is_told() {
        let sending = sending().await;
        let answer = ResponseTemplate::new(200).append_header("not-counted", "a: not in the scope");
        sending.answer(answer.append_header("not-counted", "b: not in the scope"), 1).await;
        let told = "a: not in the scope; b: not in the scope".to_owned();
        assert_eq!(sending.hand_over().await, Delivery::Delivered(Some(told)));
    }

    #[tokio::test]
    async fn a_monitor_that_takes_nothing_is_left_alone() {
        let sending = sending().await;
        sending.answer(ResponseTemplate::new(503), u64::from(PATIENCE)).await;
        sending.answer(ResponseTemplate::new(200), 1).await;
        let courier = Courier::new(None, Duration::from_secs(5)).unwrap().attempts(1);
        let cancel = CancellationToken::new();
        for _ in 0..PATIENCE {
            let delivery = courier.hand_over(&sending.outbox, &sending.letter, &cancel).await.unwrap();
            assert!(matches!(delivery, Delivery::Later(why) if why.contains("503")));
        }
        let delivery = courier.hand_over(&sending.outbox, &sending.letter, &cancel).await.unwrap();
        assert!(
            matches!(delivery, Delivery::Later(why) if why == "the monitor did not take those before it")
        );
        assert!(sending.is_kept());
        let another = Courier::new(None, Duration::from_secs(5)).unwrap();
        let delivery = another.hand_over(&sending.outbox, &sending.letter, &cancel).await.unwrap();
        assert_eq!(delivery, Delivery::Delivered(None));
    }

    #[tokio::test]
    async fn an_end_does_not_wait_for_a_monitor() {
        let sending = sending().await;
        sending.answer(ResponseTemplate::new(200).set_delay(Duration::from_mins(1)), 1).await;
        let courier = Courier::new(None, Duration::from_mins(2)).unwrap();
        let cancel = CancellationToken::new();
        cancel.cancel();
        let delivery = courier.hand_over(&sending.outbox, &sending.letter, &cancel).await.unwrap();
        assert_eq!(delivery, Delivery::Later("the run was interrupted".into()));
        assert!(sending.is_kept());
    }

    #[test]
    fn tokens_of_a_monitor_are_known_by_their_mark() {
        let of = |token: &str| credentials(&SecretString::from(token)).unwrap().to_str().unwrap().to_owned();
        assert_eq!(of("assay_abc\n"), "Bearer assay_abc");
        assert_eq!(of("Z3JlZW46cGFzcw=="), "Basic Z3JlZW46cGFzcw==");
        assert!(credentials(&SecretString::from("a\nb")).is_err());
        assert_eq!(account(&SecretString::from("Z3JlZW46cGFzcw==\n")).as_deref(), Some("green"));
        assert_eq!(account(&SecretString::from("assay_abc")), None);
    }
}
