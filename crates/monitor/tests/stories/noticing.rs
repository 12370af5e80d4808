use std::time::{Duration, Instant};

use assay_monitor::{NoticeConfig, Settings};
use assay_standards::scope::{Spec, Version};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use wiremock::matchers::{any, header, method};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::desk::Browser;
use super::ground::{Ground, IAAS, PASSWORD, Report};

const WEEKLY: &str = "version-policy-check";
/// Long enough for a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn settings() -> Settings {
    let base_url = "https://compliance.example.com/".into();
    Settings { base_url, watch: Duration::from_millis(50), ..Settings::default() }
}

/// A file of notices with one channel and a rule, and one more that tells at once of what somebody else hands in: when
/// that arrives, all was looked at.
fn config(channel: &str, rule: &str, servers: &str) -> NoticeConfig {
    let text = format!(
        "channels: [{{name: one, {channel}}}]
rules:
- {{name: all, channels: [one]{rule}}}
- {{name: others, channels: [one], subjects: [ci], about: [result]}}
{servers}
"
    );
    NoticeConfig::read("notices", &text, &|_| Ok("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into())).unwrap()
}

pub(super) fn webhook(server: &MockServer, rule: &str) -> NoticeConfig {
    config(&format!("webhook: '{}', secret_file: s", server.uri()), rule, "")
}

pub(super) async fn hook(status: u16) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any()).respond_with(ResponseTemplate::new(status)).mount(&server).await;
    server
}

pub(crate) async fn hand_in(ground: &Ground, checked_at: &str, code: i8) {
    let report = Report::new("cloud-b", checked_at, &[(WEEKLY, code)]);
    let answer = ground.hand_in("cloud-b", &ground.own, &report.yaml()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

/// The requests, once there are so many.
pub(super) async fn requests(server: &MockServer, count: usize) -> Vec<Request> {
    let begun = Instant::now();
    loop {
        let requests = server.received_requests().await.unwrap();
        if requests.len() >= count {
            assert_eq!(requests.len(), count, "{requests:#?}");
            return requests;
        }
        assert!(begun.elapsed() < PATIENCE, "{requests:#?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// What a webhook was told: topic, word before and word now of each notice.
fn notices(request: &Request) -> Vec<(String, Value, Value)> {
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    let all = body["notices"].as_array().unwrap().iter();
    let told = |notice: &Value| {
        let topic = format!("{}:{}", notice["about"].as_str().unwrap(), notice["of"].as_str().unwrap());
        (topic, notice["from"].clone(), notice["to"].clone())
    };
    all.map(told).collect()
}

/// Everything was looked at, and this is how many requests there are then.
async fn is_looked_at(ground: &Ground, server: &MockServer, before: usize, checked_at: &str) {
    let report = Report::new("ci", checked_at, &[(WEEKLY, -1)]);
    assert_eq!(ground.hand_in("ci", &ground.ci, &report.yaml()).await.status, 200);
    let told = requests(server, before + 1).await;
    let body: Value = serde_json::from_slice(&told[before].body).unwrap();
    assert_eq!(body["rule"], "others");
    all_is_sent(ground).await;
    requests(server, before + 1).await;
}

/// Nothing waits any more.
pub(crate) async fn all_is_sent(ground: &Ground) {
    let begun = Instant::now();
    loop {
        let metrics = ground.get("/metrics").send().await.unwrap().text().await.unwrap();
        if metrics.contains("assay_monitor_notices{state=\"waiting\"} 0\n") {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{metrics}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub(crate) async fn who_wants_to_know_is_told_what_changed(mut ground: Ground) {
    let server = hook(204).await;
    ground.restart(settings()).await;
    ground.monitor.take_notices(webhook(&server, ", about: [result], subjects: [cloud-b]"));
    // Two instances tell it once.
    let other = ground.beside(settings()).await;
    other.monitor.take_notices(webhook(&server, ", about: [result], subjects: [cloud-b]"));
    hand_in(&ground, "2026-11-22 08:00:00", 1).await;
    hand_in(&ground, "2026-11-22 09:00:00", -1).await;
    let told = requests(&server, 1).await;
    let topic = format!("result:{WEEKLY}");
    assert_eq!(notices(&told[0]), [(topic.clone(), json!("PASS"), json!("FAIL"))]);
    let body: Value = serde_json::from_slice(&told[0].body).unwrap();
    assert_eq!(body["notices"][0]["page"], "https://compliance.example.com/page/subject/cloud-b");
    assert_eq!(body["notices"][0]["when"], "2026-11-22T09:00:00");
    let signature = told[0].headers["webhook-signature"].to_str().unwrap();
    assert!(signature.starts_with("v1,") && told[0].headers.contains_key("webhook-timestamp"));
    // The same again is nothing new; that a check gives up lifts no FAIL.
    hand_in(&ground, "2026-11-22 10:00:00", -1).await;
    hand_in(&ground, "2026-11-22 10:30:00", 0).await;
    is_looked_at(&ground, &server, 1, "2026-11-22 10:45:00").await;
    hand_in(&ground, "2026-11-22 11:00:00", 1).await;
    let told = requests(&server, 3).await;
    assert_eq!(notices(&told[2]), [(topic, json!("FAIL"), Value::Null)]);
    assert_ne!(told[0].headers["webhook-id"], told[2].headers["webhook-id"]);
    let feed = ground.get("/feed/cloud-b/scs-compatible-kaas.atom").send().await.unwrap();
    assert_eq!(feed.headers()["content-type"], "application/atom+xml; charset=utf-8");
    let feed = feed.text().await.unwrap();
    let titles: Vec<&str> = feed.split("<title>").skip(2).filter_map(|rest| rest.split('<').next()).collect();
    assert_eq!(
        titles,
        ["FAIL → PASS", "PASS → FAIL", "MISS → PASS"].map(|change| format!("{WEEKLY}: {change}"))
    );
    assert_eq!(ground.read(None, "/feed/nobody/scs-compatible-kaas.atom").await.status, 404);
    all_is_sent(&ground).await;
    requests(&server, 3).await;
}

pub(crate) async fn admins_see_what_became_of_notices(mut ground: Ground) {
    const PAGE: &str = "/desk/notices";
    ground.restart(settings()).await;
    let admin = Browser::of(&ground, "assessor").await;
    assert!(admin.get(PAGE).await.text.contains("tells nobody anything"));
    assert_eq!(admin.fill_in(PAGE, &[("test", "one")]).await.status, 404);
    // A receiver who takes no such message; it is given up at once.
    let picky = hook(422).await;
    ground.monitor.take_notices(webhook(&picky, ", about: [result], subjects: [cloud-b]"));
    hand_in(&ground, "2026-11-22 08:00:00", 1).await;
    hand_in(&ground, "2026-11-22 09:00:00", -1).await;
    requests(&picky, 1).await;
    all_is_sent(&ground).await;
    assert!(admin.get("/desk").await.text.contains("1 notice was given up"));
    let page = admin.get(PAGE).await.text;
    for shown in [
        "webhook at 127.0.0.1",
        "<bdi>all</bdi>, <bdi>others</bdi>",
        "cloud-b: 1 to look at",
        "given up",
        "HTTP 422",
    ] {
        assert!(page.contains(shown), "{shown} is not in {page}");
    }
    assert!(!page.contains(&picky.uri()), "the address may be a secret");
    // The receiver is put right, and gets it.
    let server = hook(204).await;
    ground.monitor.take_notices(webhook(&server, ", about: [result], subjects: [cloud-b]"));
    let (_, rest) = page.split_once("name=\"message\" value=\"").unwrap();
    let message = &rest[..36];
    assert_eq!(admin.fill_in(PAGE, &[("message", message), ("send", "no more")]).await.status, 404);
    let again = [("message", message), ("send", "again")];
    assert_eq!(admin.fill_in(PAGE, &again).await.status, 303);
    let told = requests(&server, 1).await;
    assert_eq!(notices(&told[0]).len(), 1);
    all_is_sent(&ground).await;
    assert_eq!(admin.fill_in(PAGE, &again).await.status, 404, "what was sent is over");
    assert!(admin.get(&format!("{PAGE}?only=unsent")).await.text.contains("All were sent."));
    assert!(!admin.get("/desk").await.text.contains("given up"));
    // One that is tried again and again can be given up.
    let broken = hook(503).await;
    ground.monitor.take_notices(webhook(&broken, ", about: [result], subjects: [cloud-b]"));
    assert_eq!(admin.fill_in(PAGE, &[("test", "one")]).await.status, 303);
    requests(&broken, 1).await;
    let begun = Instant::now();
    let page = loop {
        let page = admin.get(&format!("{PAGE}?only=unsent")).await.text;
        if page.contains("HTTP 503") {
            break page;
        }
        assert!(begun.elapsed() < PATIENCE, "{page}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert!(page.contains("tried once, again "), "{page}");
    let (_, rest) = page.split_once("name=\"message\" value=\"").unwrap();
    let no_more = [("message", &rest[..36]), ("send", "no more")];
    assert_eq!(admin.fill_in(PAGE, &no_more).await.status, 303);
    all_is_sent(&ground).await;
    assert!(admin.get(PAGE).await.text.contains("given up"));
    ground.monitor.take_notices(webhook(&server, ", about: [result], subjects: [cloud-b]"));
    // A test says that it is one.
    assert_eq!(admin.fill_in(PAGE, &[("test", "nobody")]).await.status, 404);
    assert_eq!(admin.fill_in(PAGE, &[("test", "one")]).await.status, 303);
    let told = requests(&server, 2).await;
    let body: Value = serde_json::from_slice(&told[1].body).unwrap();
    assert_eq!((&body["type"], &body["notices"]), (&json!("compliance.test"), &json!([])));
    assert!(admin.get("/desk/changes").await.text.contains("tested the channel one"));
}

pub(crate) async fn notices_name_the_checkers(mut ground: Ground) {
    let server = hook(204).await;
    ground.restart(settings()).await;
    ground.monitor.take_notices(webhook(&server, ", about: [result], subjects: [cloud-b]"));
    // The last has been told that something is the matter by one that does not say who it is.
    for (hour, code, creator) in [
        ("06", 1, "assay 0.1.0"),
        ("07", 1, "assay 0.2.0"),
        ("08", -1, "assay 0.3.0"),
        ("09", -1, "assay 0.4.0"),
        ("10", 1, ""),
        ("11", -1, "'assay\u{202e}'"),
    ] {
        let checked_at = format!("2026-11-22 {hour}:00:00");
        let report = Report::new("cloud-b", &checked_at, &[(WEEKLY, code)]).yaml();
        let report = report.replace("\nchecked_at:", &format!("\ncreator: {creator}\nchecked_at:"));
        let answer = ground.hand_in("cloud-b", &ground.own, &report).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let told = ["08", "10", "11"].iter().take_while(|told| **told <= hour).count();
        requests(&server, told).await;
    }
    let told = requests(&server, 3).await;
    let by = |request: &Request| {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let told = &body["notices"][0];
        (told["from_by"].clone(), told["to_by"].clone())
    };
    assert_eq!(by(&told[0]), (json!("assay 0.2.0"), json!("assay 0.3.0")));
    assert_eq!(by(&told[1]), (json!("assay 0.4.0"), Value::Null));
    assert_eq!(by(&told[2]), (Value::Null, json!("assay\u{202e}")));
    let feed = ground.get("/feed/cloud-b/scs-compatible-kaas.atom").send().await.unwrap();
    let feed = feed.text().await.unwrap();
    let found: Vec<&str> = feed
        .split("<content type=\"text\">")
        .skip(1)
        .filter_map(|rest| rest.split(" since").next())
        .collect();
    assert_eq!(
        found,
        [
            "was PASS and is FAIL (found by assay\\u{202e})",
            "was FAIL (found by assay 0.4.0) and is PASS",
            "was PASS (found by assay 0.2.0) and is FAIL (found by assay 0.3.0)",
            "was MISS and is PASS (found by assay 0.1.0)",
        ]
        .map(|sentence| format!("{WEEKLY} {sentence}"))
    );
    all_is_sent(&ground).await;
}

pub(crate) async fn a_notice_waits_until_it_arrives(mut ground: Ground) {
    let broken = hook(500).await;
    ground.restart(settings()).await;
    ground.monitor.take_notices(webhook(&broken, ""));
    hand_in(&ground, "2026-11-22 09:00:00", -1).await;
    let first = requests(&broken, 1).await;
    let metrics = ground.get("/metrics").send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("assay_monitor_notices{state=\"waiting\"} 1\n"), "{metrics}");
    // Another instance, much later, and the server is well again.
    let server = hook(200).await;
    ground.restart(settings()).await;
    ground.set_clock("2026-11-22T13:00:00Z");
    ground.monitor.take_notices(webhook(&server, ""));
    let second = requests(&server, 1).await;
    assert_eq!(first[0].headers["webhook-id"], second[0].headers["webhook-id"]);
    assert_eq!(first[0].body, second[0].body);
    all_is_sent(&ground).await;
}

pub(crate) async fn only_what_happens_again_is_told(mut ground: Ground) {
    let server = hook(200).await;
    ground.restart(settings()).await;
    ground.monitor.take_notices(webhook(
        &server,
        ", after: 3, about: [result], subjects: [cloud-b], scopes: [scs-compatible-kaas]",
    ));
    for (hour, code) in [("01", 1), ("02", -1), ("03", -1), ("04", 1), ("05", -1), ("06", -1)] {
        hand_in(&ground, &format!("2026-11-22 {hour}:00:00"), code).await;
    }
    is_looked_at(&ground, &server, 0, "2026-11-22 07:00:00").await;
    hand_in(&ground, "2026-11-22 08:00:00", -1).await;
    let told = requests(&server, 2).await;
    assert_eq!(notices(&told[1]), [(format!("result:{WEEKLY}"), json!("PASS"), json!("FAIL"))]);
}

/// Takes two mails as a mail server does, and says what came.
async fn mail_server(listener: TcpListener) -> String {
    let taken = [0, 1].map(async |_| mail(&listener).await);
    futures::future::join_all(taken).await.concat()
}

async fn mail(listener: &TcpListener) -> String {
    let (stream, _) = listener.accept().await.unwrap();
    let mut stream = BufReader::new(stream);
    let mut said = String::new();
    stream.write_all(b"220 here\r\n").await.unwrap();
    let mut is_data = false;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap() == 0 {
            return said;
        }
        said += &line;
        let answer = match line.trim_end() {
            "." => {
                is_data = false;
                "250 taken"
            }
            _ if is_data => continue,
            "DATA" => {
                is_data = true;
                "354 go on"
            }
            "QUIT" => return said,
            _ => "250 yes",
        };
        stream.write_all(format!("{answer}\r\n").as_bytes()).await.unwrap();
    }
}

pub(crate) async fn people_are_told_by_mail_and_in_rooms(mut ground: Ground) {
    ground.restart(settings()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mail = tokio::spawn(mail_server(listener));
    let server = format!("mail: {{host: 127.0.0.1, port: {port}, tls: none, from: Monitor <m@example.com>}}");
    ground.monitor.take_notices(config("mail: [a@example.com, b@example.com]", "", &server));
    hand_in(&ground, "2026-11-22 09:00:00", -1).await;
    let said = tokio::time::timeout(PATIENCE, mail).await.unwrap().unwrap();
    for line in [
        "RCPT TO:<a@example.com>",
        "RCPT TO:<b@example.com>",
        "Subject: SCS compliance of cloud-b: 1 to look at",
        "https://compliance.example.com/page/subject/cloud-b",
        "version-policy-check: FAIL, since 2026-11-22 09:00 UTC",
        "@example.com>",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    all_is_sent(&ground).await;

    let matrix = MockServer::start().await;
    let given = Mock::given(method("PUT"))
        .and(header("authorization", "Bearer whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
    given.respond_with(ResponseTemplate::new(200)).mount(&matrix).await;
    let server = format!("matrix: {{url: '{}/', token_file: t}}", matrix.uri());
    ground.monitor.take_notices(config("matrix: '!room:example.com'", "", &server));
    hand_in(&ground, "2026-11-22 10:00:00", 1).await;
    let told = requests(&matrix, 1).await;
    let path = told[0].url.path();
    assert!(path.starts_with("/_matrix/client/v3/rooms/!room:example.com/send/m.room.message/"), "{path}");
    let body: Value = serde_json::from_slice(&told[0].body).unwrap();
    assert!(body["body"].as_str().unwrap().contains("version-policy-check: FAIL → well again"), "{body}");
    all_is_sent(&ground).await;
}

pub(crate) async fn contacts_are_told_what_is_theirs(mut ground: Ground) {
    ground.restart(settings()).await;
    let hook = hook(204).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let mail = tokio::spawn(mail_server(listener));
    let (subject, admin) = (Browser::of(&ground, "cloud-b").await, Browser::of(&ground, "assessor").await);
    let path = "/desk/subject/cloud-b";
    assert!(!subject.get(path).await.text.contains("name=\"told\""), "no mail goes to contacts yet");
    let text = format!(
        "channels:
- {{name: theirs, mail: contacts}}
- {{name: ours, webhook: '{}', secret_file: s}}
mail: {{host: 127.0.0.1, port: {port}, tls: none, from: Monitor <m@example.com>}}
rules: [{{name: all, channels: [theirs, ours], about: [result]}}]
",
        hook.uri()
    );
    let config = || {
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        NoticeConfig::read("notices", &text, &|_| Ok(secret.into())).unwrap()
    };
    assert!(subject.get(path).await.text.contains("name=\"contact\""));
    let wishes = async |contact: &str, is_told: bool| {
        let fields = [("contact", contact), ("told", "on")];
        subject.fill_in(path, &fields[..if is_told { 2 } else { 1 }]).await
    };
    let refused = wishes("call +49 30 1", true).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text.contains("is no address for mail"), "{}", refused.text);
    assert_eq!(wishes("call +49 30 1", false).await.status, 303, "assessors may read anything");
    assert_eq!(wishes("ops@example.com, Night <night@example.com>", true).await.status, 303);
    ground.monitor.take_notices(config());
    assert!(subject.get(path).await.text.contains("name=\"told\" checked"));

    // Both have something to be told, and one of them asked for it.
    for (name, key) in [("cloud-b", &ground.own), ("ci", &ground.ci)] {
        let report = Report::new(name, "2026-11-22 09:00:00", &[(WEEKLY, -1)]);
        assert_eq!(ground.hand_in(name, key, &report.yaml()).await.status, 200);
    }
    let said = tokio::time::timeout(PATIENCE, mail).await.unwrap().unwrap();
    for line in [
        "RCPT TO:<ops@example.com>",
        "RCPT TO:<night@example.com>",
        "Subject: SCS compliance of cloud-b: 1 to look at",
        "https://compliance.example.com/desk/subject/cloud-b",
    ] {
        assert!(said.contains(line), "{line}: {said}");
    }
    assert!(!said.contains("subject/ci"), "{said}");
    all_is_sent(&ground).await;
    let page = admin.get("/desk/notices").await.text;
    assert!(page.contains("mail to the contacts of subjects that asked for it"), "{page}");
    assert!(page.contains("Send a test to ours") && !page.contains("Send a test to theirs"), "{page}");
    assert_eq!(admin.fill_in("/desk/notices", &[("test", "theirs")]).await.status, 404);

    // Whoever does not want it any more is left alone. Mail would now find nobody, and wait.
    assert_eq!(wishes("ops@example.com", false).await.status, 303);
    let told = hook.received_requests().await.unwrap().len();
    hand_in(&ground, "2026-11-22 10:00:00", 1).await;
    requests(&hook, told + 1).await;
    all_is_sent(&ground).await;
}

pub(crate) async fn silence_and_ends_are_told_once(mut ground: Ground) {
    let server = hook(200).await;
    ground.restart(settings()).await;
    ground.monitor.take_notices(webhook(
        &server,
        ", about: [expiry, silence, certificate], subjects: [cloud-b], silent: 24",
    ));
    hand_in(&ground, "2026-11-22 09:00:00", 1).await;
    let application = json!({
        "subject": "cloud-b", "scope": "scs-compatible-kaas", "version": "v1", "organisation": "A",
        "covers": "all", "contact": "somebody", "evidence": "none",
    });
    let applied = ground.send(Some("cloud-b"), "/api/v1/applications", &application).await;
    assert_eq!(applied.status, 201, "{applied:?}");
    let moves = format!("/api/v1/applications/{}/moves", applied.body["application"].as_str().unwrap());
    let made = json!({"move": "grant", "text": "x", "despite": true});
    let granted = ground.post(&moves).basic_auth("assessor", Some(PASSWORD));
    let granted = granted.header("content-type", "application/json").body(made.to_string()).send().await;
    assert_eq!(granted.unwrap().status().as_u16(), 200);
    is_looked_at(&ground, &server, 0, "2026-11-22 09:00:00").await;
    // The PASS is about to expire, and nothing comes in.
    ground.set_clock("2026-11-28T12:00:00Z");
    let told = requests(&server, 2).await;
    assert!(notices(&told[1]).contains(&("silence:".into(), Value::Null, json!("no reports"))));
    // Most of a year later the certificate ends; what was told is not told again.
    ground.set_clock("2027-11-01T12:00:00Z");
    let begun = Instant::now();
    let is_told = |requests: &[Request], word: &str| {
        let all = requests.iter().flat_map(notices).collect::<Vec<_>>();
        all.iter().filter(|(topic, _, to)| topic == "certificate:1" && *to == json!(word)).count()
    };
    while is_told(&server.received_requests().await.unwrap(), "about to end") == 0 {
        assert!(begun.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    ground.set_clock("2027-11-23T12:00:00Z");
    while is_told(&server.received_requests().await.unwrap(), "expired") == 0 {
        assert!(begun.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    all_is_sent(&ground).await;
    let all = server.received_requests().await.unwrap();
    let silences = all.iter().flat_map(notices).filter(|(topic, ..)| topic == "silence:").count();
    assert_eq!((is_told(&all, "about to end"), is_told(&all, "expired"), silences), (1, 1, 1));
}

pub(crate) async fn integrators_are_told_of_the_end(mut ground: Ground) {
    let server = hook(200).await;
    ground.restart(settings()).await;
    let application = json!({
        "applicant": "ci", "layer": "KaaS", "tier": "Bronze", "organisation": "A", "covers": "all",
        "contact": "somebody", "evidence": "none",
        "references": [{"kind": "managed", "environment": "a", "from": "2025-01-01", "evidence": ["x"]}],
    });
    let applied = ground.send(Some("ci"), "/api/v1/integrators/applications", &application).await;
    let applied = applied.body["application"].as_str().unwrap().to_owned();
    let address = format!("/api/v1/integrators/applications/{applied}");
    for (path, body) in [
        ("references/1/word", json!({"word": "accepted", "text": "x"})),
        ("moves", json!({"move": "grant", "text": "x"})),
    ] {
        let answer = ground.send(Some("assessor"), &format!("{address}/{path}"), &body).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    ground.set_clock("2027-11-01T12:00:00Z");
    ground.monitor.take_notices(webhook(&server, ", scopes: [scs-kaas-integrator]"));
    let told = requests(&server, 1).await;
    assert_eq!(notices(&told[0]), [("certificate:1".to_owned(), Value::Null, json!("about to end"))]);
    let body: Value = serde_json::from_slice(&told[0].body).unwrap();
    let told = &body["notices"][0];
    assert_eq!((&told["subject"], &told["scope"]), (&json!("ci"), &json!("SCS KaaS Integrator")));
    assert!(told["page"].as_str().unwrap().ends_with("page/integrators"), "{told}");
    all_is_sent(&ground).await;
}

pub(crate) async fn what_waits_to_happen_again_keeps_back_nothing(mut ground: Ground) {
    let spec = Spec::embedded_iaas();
    let (version, _) = spec.validity("2026-11-22".parse().unwrap())[0];
    let failing: Vec<(&str, i8)> = version.target(Version::MAIN).iter().map(|id| (id.as_str(), -1)).collect();
    let clouds: Vec<String> =
        (0..12).map(|number| format!("cloud-{number:02}")).chain(["z".into()]).collect();
    let accounts: String =
        clouds.iter().map(|cloud| format!("- {{subject: {cloud}, delegates: [ci]}}\n")).collect();
    let server = hook(200).await;
    ground.restart(settings()).await;
    ground.take_accounts(&format!("{}{accounts}", ground.accounts())).await;
    let all: String = clouds
        .iter()
        .map(|cloud| Report { scope: IAAS, ..Report::new(cloud, "2026-11-22 08:00:00", &failing) }.yaml())
        .collect();
    assert_eq!(ground.hand_in("ci", &ground.ci, &all).await.status, 200);
    ground.monitor.take_notices(webhook(&server, ", after: 2, about: [result]"));
    let again = Report { scope: IAAS, ..Report::new("z", "2026-11-22 09:00:00", &failing[..1]) };
    assert_eq!(ground.hand_in("ci", &ground.ci, &again.yaml()).await.status, 200);
    let told = requests(&server, 1).await;
    assert_eq!(notices(&told[0]).len(), 1);
    assert!(failing.len() * 12 > 500, "more than is told at once");
}
