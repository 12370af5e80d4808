use std::fmt::Write as _;

use assay_monitor::Settings;
use futures::StreamExt as _;
use futures::stream;
use serde_json::json;
use uuid::Uuid;

use super::asking::routes;
use super::ground::{Answer, Ground, KAAS, PASSWORD, Report};

/// Whatever can stand in an address, percent-encoded: ways to other files, statements, markup, numbers and days that are
/// none, and bytes that are no text.
fn strange() -> Vec<String> {
    let texts = [
        "../../../../etc/passwd",
        "..%2f..%2fetc%2fpasswd",
        "' OR '1'='1",
        "'; DROP TABLE report; --",
        "group-' UNION SELECT 1 --",
        "%",
        "_",
        "\0",
        "a\r\nx: y",
        "\u{202e}gpj.exe",
        "\u{feff}",
        "<script>alert(1)</script>.svg",
        "${jndi:ldap://x}.atom",
        "-1",
        "9223372036854775808",
        "NaN",
        "-009999-01-01",
        "9999-12-31",
        "2026-02-30",
        "00000000-0000-0000-0000-000000000000",
        ".",
        "x/0/000.p/1",
        "0/x999/x999/x999/x999/x999/x999/999.p/255",
        &"a".repeat(4000),
    ];
    let encoded = |text: &str| {
        text.bytes().fold(String::new(), |mut encoded, byte| {
            write!(encoded, "%{byte:02X}").unwrap();
            encoded
        })
    };
    texts.iter().map(|text| encoded(text)).chain(["%FF%C0%AF".into(), "%".into(), "%zz".into()]).collect()
}

pub(crate) async fn nothing_that_is_asked_for_breaks_it(mut ground: Ground) {
    let base_url = "https://compliance.example.com/".into();
    ground.restart(Settings { base_url, ..Settings::default() }).await;
    let report = Report::new("cloud-b", "2026-11-22 10:00:00", &[("version-policy-check", 1)]);
    assert_eq!(ground.hand_in("cloud-b", &ground.own, &report.yaml()).await.status, 200);
    let before = ground.read(None, "/status").await.body;
    let mut addresses = Vec::new();
    for (_, route) in routes() {
        let route = route.replace("{*path}", "{path}").replace("/{form}/", "/page/");
        for strange in strange() {
            for parameters in [&["subject", "scopeuuid"][..], &["at"], &["limit", "skip", "approved", "days"]]
            {
                let plain = route.replace("{subject}", "cloud-b").replace("{scope}", KAAS);
                let plain = plain.replace("{uuid}", &report.uuid.to_string());
                let asked: Vec<String> = parameters.iter().map(|name| format!("{name}={strange}")).collect();
                addresses.push(format!("{plain}?{}", asked.join("&")));
            }
            if let Some((begin, _)) = route.split_once('{') {
                // All of its names at once, and the last one only.
                let names: Vec<&str> =
                    route.split('{').skip(1).filter_map(|name| name.split('}').next()).collect();
                let all = names
                    .iter()
                    .fold(route.clone(), |path, name| path.replace(&format!("{{{name}}}"), &strange));
                addresses.push(all);
                let known = route.replace("{subject}", "cloud-b").replacen("{scope}", &strange, 1);
                addresses.push(known.replace("{uuid}", &strange).replace("{path}", &strange));
                addresses.push(format!("{begin}{strange}"));
            }
        }
        addresses.push(route);
    }
    addresses.sort_unstable();
    addresses.dedup();
    let ground = &ground;
    let asked = stream::iter(&addresses).map(async |address| {
        // What a client would make of an address is not what is sent: it is sent as it stands here.
        let status = sent(ground, address).await;
        assert!((200..500).contains(&status), "{address}: {status}");
    });
    asked.buffer_unordered(8).collect::<()>().await;
    let bodies =
        [json!(null), json!([[[]]]), json!({"subject": "\0", "scope": {"a": 1}}), json!("x\u{202e}")];
    for (_, route) in routes() {
        for body in &bodies {
            let path = route.replace("{uuid}", &report.uuid.to_string());
            let status = ground.send(Some("assessor"), &path, body).await.status;
            assert!(status < 500, "{path} {body}: {status}");
        }
        // Deeper than any reader of JSON should go.
        let deep = ground.post(route).basic_auth("assessor", Some(PASSWORD)).body("[".repeat(60_000));
        let status = Answer::of(deep.header("content-type", "application/json")).await.status;
        assert!(status < 500, "{route}: {status}");
    }
    assert_eq!(ground.read(None, "/status").await.body, before);
}

/// Asks for an address byte for byte, as somebody who may do all.
async fn sent(ground: &Ground, address: &str) -> u16 {
    use base64::Engine as _;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let known = base64::engine::general_purpose::STANDARD.encode(format!("assessor:{PASSWORD}"));
    let request = format!(
        "GET {address} HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {known}\r\nConnection: close\r\n\r\n"
    );
    let mut stream = tokio::net::TcpStream::connect(ground.address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer);
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default()
}

/// What stands within the tags of a document, without the values of attributes, and those values.
fn tags(html: &str) -> (Vec<String>, Vec<String>) {
    let (mut tags, mut values) = (Vec::new(), Vec::new());
    let mut rest = html;
    while let Some((_, tag)) = rest.split_once('<') {
        let (mut bare, mut value, mut quote) = (String::new(), String::new(), None);
        let mut end = tag.len();
        for (place, c) in tag.char_indices() {
            match quote {
                Some(open) if c == open => {
                    values.push(std::mem::take(&mut value));
                    quote = None;
                }
                Some(_) => value.push(c),
                None if c == '"' || c == '\'' => quote = Some(c),
                None if c == '>' => {
                    end = place;
                    break;
                }
                None => bare.push(c),
            }
        }
        tags.push(bare);
        rest = &tag[end..];
    }
    (tags, values)
}

pub(crate) async fn nothing_of_a_name_is_markup(mut ground: Ground) {
    const BAD: &str = "\"><evil evil=1 onload=evil()>&lt;evil&gt;";
    let base_url = "https://compliance.example.com/".into();
    ground.restart(Settings { base_url, ..Settings::default() }).await;
    let bad = serde_json::to_string(BAD).unwrap();
    let accounts = format!(
        "{}- {{subject: {bad}, group: {bad}, delegates: [ci]}}\n- {{subject: 'javascript:evil()', delegates: [ci]}}\n",
        ground.accounts()
    );
    ground.take_accounts(&accounts).await;
    let mut paths = vec!["table".to_owned(), "table_full".into(), "log".into(), "certificates".into()];
    for subject in [bad.as_str(), "'javascript:evil()'", "cloud-b"] {
        let report = Report::new(subject, "2026-11-22 10:00:00", &[("version-policy-check", -1)]);
        let yaml = report
            .yaml()
            .replace("name: a scope", &format!("name: {bad}"))
            .replace("url: https://example.com", "url: 'javascript:evil()'")
            .replace(&format!("argv: [-s, {subject}]"), &format!("argv: [{bad}]"))
            .replace("assignment: {}", &format!("assignment: {{{bad}: {bad}}}"))
            .replace("    one:\n", &format!("    {bad}:\n"))
            .replace("id: one", &format!("id: {bad}"))
            .replace("cmd: check", &format!("cmd: {bad}"))
            .replace("version-policy-check: -1", &format!("version-policy-check: -1\n        {bad}: 1"))
            .replace(
                "stdout: []",
                &format!("stdout: [{bad}, {}]", json!(format!("version-policy-check: {BAD}"))),
            )
            .replace("'WARNING: look <b>here</b>'", &json!(format!("ERROR: {BAD}")).to_string());
        let answer = ground.hand_in("ci", &ground.ci, &yaml).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let subject = subject.trim_matches(['\'', '"']).replace("\\\"", "\"");
        let named: String = subject.bytes().fold(String::new(), |mut text, byte| {
            write!(text, "%{byte:02X}").unwrap();
            text
        });
        for path in ["detail", "detail_full", "detail/group-"] {
            let path = if path.ends_with('-') { format!("{path}{named}") } else { format!("{path}/{named}") };
            paths.push(format!("{path}/scs-compatible-kaas"));
        }
        paths.extend([
            format!("subject/{named}"),
            format!("report/{}", report.uuid),
            format!("report_full/{}", report.uuid),
        ]);
    }
    let application = json!({
        "subject": "cloud-b", "scope": "scs-compatible-kaas", "version": "v1", "organisation": BAD,
        "covers": BAD, "contact": BAD, "evidence": BAD,
    });
    let applied = ground.send(Some("cloud-b"), "/api/v1/applications", &application).await;
    let moves = format!("/api/v1/applications/{}/moves", applied.body["application"].as_str().unwrap());
    let granted =
        ground.send(Some("assessor"), &moves, &json!({"move": "grant", "text": BAD, "despite": true})).await;
    let certificate = granted.body["certificate"].as_str().unwrap().to_owned();
    paths.push(format!("certificate/{certificate}"));
    let revoke = format!("/api/v1/certificates/{certificate}/revocation");
    assert_eq!(ground.send(Some("assessor"), &revoke, &json!({"reason": BAD})).await.status, 200);
    let mut paths: Vec<String> =
        paths.iter().flat_map(|path| [format!("/page/{path}"), format!("/fragment/{path}")]).collect();
    paths.push("/feed/javascript%3Aevil()/scs-compatible-kaas.atom".into());
    paths.push("/badge/javascript%3Aevil()/scs-compatible-kaas.svg".into());
    let mut shown = 0;
    for path in paths {
        let answer = ground.read(Some("assessor"), &path).await;
        assert!(matches!(answer.status, 200 | 404), "{path}: {answer:?}");
        let text = answer.body.as_str().unwrap_or_default();
        let (tags, values) = tags(text);
        assert!(!tags.iter().any(|tag| tag.contains("evil")), "{path}: {text}");
        assert!(!values.iter().any(|value| value.trim().starts_with("javascript:")), "{path}: {text}");
        shown += text.matches("evil").count();
    }
    assert!(shown > 100, "it is shown as text, {shown}");
}

pub(crate) async fn what_would_blow_up_is_refused(ground: Ground) {
    let report = || Report::new("cloud-b", "2026-11-22 10:00:00", &[("version-policy-check", 1)]).yaml();
    let mut laughs = "a0: &a0 [x]\n".to_owned();
    for level in 1..40 {
        let before = level - 1;
        writeln!(laughs, "a{level}: &a{level} [*a{before}, *a{before}, *a{before}, *a{before}]").unwrap();
    }
    let bad = [
        report().replace("argv:", &format!("{laughs}argv:")),
        format!("---\n{laughs}"),
        format!("---\n{}\n", "[".repeat(100_000)),
        format!("---\n{}\n", "{a: ".repeat(50_000)),
        format!("---\n{}\n", "- ".repeat(100_000)),
        format!("---\n? {}\n", "? ".repeat(50_000)),
        format!("---\n{}: 1\n", "x".repeat(1 << 20)),
        "---\n&a [*a]\n".to_owned(),
        report().replace("subject: cloud-b", "subject: \"cloud-b\\0\""),
        report().replace("subject: cloud-b", &format!("subject: {}", "x".repeat(100_000))),
        report().replace("checked_at: 2026-11-22 10:00:00", "checked_at: +275760-09-13T00:00:00Z"),
        "---\n".repeat(1_000_000),
        "--- 1\n".repeat(2_000),
    ];
    for (number, payload) in bad.iter().enumerate() {
        let answer = ground.hand_in("cloud-b", &ground.own, payload).await;
        assert!(matches!(answer.status, 401 | 422), "{number}: {answer:?}");
    }
    let json = async |payload: &str| {
        let body = format!("{}&{payload}", ground.own.sign("report", payload));
        let request = ground.post("/reports").header("content-type", "application/x-signed-json");
        Answer::of(request.basic_auth("cloud-b", Some(PASSWORD)).body(body)).await.status
    };
    for payload in ["[".repeat(100_000), "{\"a\":".repeat(100_000), "\"\\ud83d\"".into(), "1e999999".into()] {
        assert_eq!(json(&payload).await, 422, "{}", &payload[..payload.len().min(60)]);
    }
    // Longer than any text may be written, which is no UTF-8.
    let request = ground.post("/reports").header("content-type", "application/x-signed-yaml");
    let overlong = Answer::of(request.basic_auth("cloud-b", Some(PASSWORD)).body(vec![0xc0, 0xaf])).await;
    assert_eq!(overlong.status, 422);
    assert_eq!(ground.read(Some("cloud-b"), "/reports").await.body, json!([]));

    // Much is no bomb: it is taken, and shown in little.
    let lines: Vec<String> = (0..100_000).map(|line| format!("WARNING: {line} \u{202e}txt.exe")).collect();
    let long = Report {
        uuid: Uuid::new_v4(),
        ..Report::new("cloud-b", "2026-11-22 10:00:00", &[("version-policy-check", 1)])
    };
    let yaml = long.yaml().replace("['WARNING: look <b>here</b>']", &json!(lines).to_string());
    assert_eq!(ground.hand_in("cloud-b", &ground.own, &yaml).await.status, 200);
    let page = ground.read(None, &format!("/page/report/{}", long.uuid)).await;
    assert_eq!(page.status, 200);
    let page = page.body.as_str().unwrap().to_owned();
    assert!(!page.contains("\u{202e}"), "nothing turns the line around");
    // A directive says nothing about a report.
    let directive = format!("%YAML 1.1\n{}", report());
    assert_eq!(ground.hand_in("cloud-b", &ground.own, &directive).await.status, 200);
}

pub(crate) async fn an_account_may_hand_in_so_much(mut ground: Ground) {
    ground.restart(Settings { uploads: 2, ..Settings::default() }).await;
    let hand_in = async |account: &str| {
        let report = Report::new(account, "2026-11-22 10:00:00", &[("version-policy-check", 1)]);
        let key = if account == "ci" { &ground.ci } else { &ground.own };
        ground.hand_in(account, key, &report.yaml()).await
    };
    for _ in 0..2 {
        assert_eq!(hand_in("cloud-b").await.status, 200);
    }
    let refused = hand_in("cloud-b").await;
    assert_eq!(refused.refusal(), (429, "too many uploads within an hour; try again later"));
    let request =
        ground.post("/reports").basic_auth("cloud-b", Some(PASSWORD)).body("x").send().await.unwrap();
    assert_eq!(request.status().as_u16(), 429);
    // One comes back every half hour.
    let wait: u64 = request.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((61..=1800).contains(&wait), "{wait}");
    assert_eq!(hand_in("ci").await.status, 200);
}
