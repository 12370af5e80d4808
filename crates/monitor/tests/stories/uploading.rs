use std::time::{Duration, Instant};

use assay_monitor::{Scopes, Settings};
use assay_signature::Signature;
use assay_standards::scope::Spec;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fs;
use std::process::Command;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use serde_json::{Value, json};
use uuid::Uuid;

use super::certifying::{BASE, text};
use super::ground::{Answer, Ground, KAAS, PASSWORD, Report};
use super::vouching::Traveller;

const GREEN: &[(&str, i8)] =
    &[("cncf-k8s-conformance", 1), ("version-policy-check", 1), ("kaas-networking-check", 1)];

/// How operators do it today: `ssh-keygen` and two `--data-binary`.
pub(crate) async fn reports_come_in_as_curl_sends_them(ground: Ground) {
    let report = Report::new("cloud-b", "2026-11-22 11:00:00.5", GREEN);
    let file = ground.folder.path().join("report.yaml");
    fs::write(&file, report.yaml()).unwrap();
    let signed = Command::new("ssh-keygen")
        .args(["-q", "-Y", "sign", "-n", "report", "-f"])
        .args([&ground.own.path, &file])
        .status()
        .unwrap();
    assert!(signed.success());
    let url = ground.url("/reports");
    let send = move || {
        let sent = Command::new("curl")
            .args(["--silent", "--show-error", "--fail-with-body", "--write-out", " %{http_code}"])
            .args(["--user", &format!("cloud-b:{PASSWORD}"), "-H", "Content-Type: application/x-signed-yaml"])
            .args(["--data-binary", &format!("@{}.sig", file.display())])
            .args(["--data-binary", &format!("@{}", file.display()), &url])
            .output()
            .unwrap();
        String::from_utf8(sent.stdout).unwrap()
    };
    let (first, second) = tokio::task::spawn_blocking(move || (send(), send())).await.unwrap();
    assert_eq!(first, "null 200");
    assert_eq!(second, r#"{"detail":"Conflict: report already present"} 409"#);
    let stored = ground.read(Some("cloud-b"), &format!("/reports/{}", report.uuid)).await;
    assert_eq!((stored.status, &stored.body["checked_at"]), (200, &"2026-11-22 11:00:00.500000".into()));
}

pub(crate) async fn each_refusal_says_why(ground: Ground) {
    let report = Report::new("cloud-b", "2026-11-22 11:00:00", GREEN).yaml();
    let signature = ground.own.sign("report", &report);
    let send = async |media: Option<&str>, password: Option<&str>, body: String| {
        let mut request = ground.post("/reports").body(body);
        if let Some(media) = media {
            request = request.header("content-type", media);
        }
        if let Some(password) = password {
            request = request.basic_auth("cloud-b", Some(password));
        }
        Answer::of(request).await
    };
    let yaml = Some("application/x-signed-yaml");
    let good = format!("{signature}&{report}");
    let nobody = send(yaml, None, good.clone()).await;
    assert_eq!(nobody.refusal(), (401, "Not authenticated"));
    let wrong = send(yaml, Some("wrong"), good.clone()).await;
    assert_eq!(wrong.refusal(), (401, "Incorrect username or password"));
    for media in [None, Some("application/x-signed-yaml; charset=utf-8"), Some("text/yaml")] {
        assert_eq!(send(media, Some(PASSWORD), good.clone()).await.status, 415, "{media:?}");
    }
    let unsigned = send(yaml, Some(PASSWORD), report.clone()).await;
    assert_eq!(unsigned.refusal(), (401, "missing signature"));
    for (key, namespace) in [(&ground.own, "file"), (&ground.ci, "report")] {
        let refused = send(yaml, Some(PASSWORD), format!("{}&{report}", key.sign(namespace, &report))).await;
        assert_eq!(refused.status, 401);
        assert!(refused.refusal().1.starts_with("verification failed: "), "{refused:?}");
    }
    let changed = send(yaml, Some(PASSWORD), format!("{signature}&{report}#")).await;
    assert!(changed.refusal().1.contains("one of both was changed"), "{changed:?}");
    let huge = "x".repeat((32 << 20) + 1);
    assert_eq!(send(yaml, Some(PASSWORD), huge).await.status, 413);
    let empty = ground.hand_in("cloud-b", &ground.own, "---\n").await;
    assert_eq!(empty.refusal(), (422, "empty reports"));
    let bad = report.replace("version-policy-check: 1", "version-policy-check: 7");
    let bad = ground.hand_in("cloud-b", &ground.own, &format!("# a comment\n\n{bad}")).await;
    assert_eq!(bad.status, 422);
    let wrong = &bad.body["detail"][0];
    assert_eq!(wrong["path"], "run.invocations.one.results.version-policy-check");
    assert_eq!(wrong["line"], 21);
    assert_eq!(ground.read(Some("cloud-b"), "/reports").await.body, serde_json::json!([]));
}

pub(crate) async fn a_report_may_be_json(ground: Ground) {
    let uuid = Uuid::new_v4();
    let report = json!({
        "spec": {"uuid": KAAS, "name": "a \"scope\"", "url": "https://example.com"},
        "checked_at": "2026-11-22 11:00:00",
        "subject": "cloud-b",
        "run": {"uuid": uuid, "invocations": {"one": {
            "id": "one", "cmd": "check", "results": {"version-policy-check": -1}, "rc": 0,
            "stdout": ["version-policy-check: FAIL"], "stderr": ["a\\b \u{1f6d1}\t--- : # [", ""],
        }}},
    });
    // Escaped as some writers do it: a slash, and a sign beyond the first plane as two.
    let payload = report.to_string().replace('/', "\\/").replace('\u{1f6d1}', "\\ud83d\\uded1");
    let body = format!("{}&{payload}", ground.own.sign("report", &payload));
    let request = ground.post("/reports").header("content-type", "application/x-signed-json");
    let taken = Answer::of(request.basic_auth("cloud-b", Some(PASSWORD)).body(body)).await;
    assert_eq!((taken.status, taken.body), (200, Value::Null));
    let stored = ground.read(Some("cloud-b"), &format!("/reports/{uuid}")).await.body;
    assert_eq!(stored["spec"], report["spec"]);
    for key in ["results", "stdout", "stderr", "rc"] {
        let of = |report: &Value| report["run"]["invocations"]["one"][key].clone();
        assert_eq!(of(&stored), of(&report), "{key}");
    }
}

pub(crate) async fn reports_of_assay_may_be_json(ground: Ground) {
    let testcase = |id: &str, official: &str| {
        let finding = json!({
            "weight": "failure", "readings": ["official", "text"], "resource": null, "expected": "one",
            "found": "two <b>",
        });
        json!({"id": id, "own": false, "manual": false, "declared": null, "official": official, "findings": [finding]})
    };
    let report = |subject: &str| {
        json!({
            "run_id": Uuid::new_v4(), "subject": {"cloud": subject, "auth_url": null, "region": null},
            "scope": {"uuid": KAAS, "name": "SCS-compatible KaaS", "url": "https://example.com"},
            "reference_date": "2026-11-22", "checked_at": "2026-11-22T11:00:00Z", "arguments": ["check", subject],
            "forced_version": null, "forced_testcases": null, "assignment": {}, "readings": ["official", "text"],
            "testcases": [testcase("version-policy-check", "FAIL"), testcase("cncf-k8s-conformance", "MISS")],
        })
    };
    let document = |readings: &[&str], version: u32| {
        let mut reports = [report("cloud-a"), report("cloud-b")];
        for report in &mut reports {
            report["readings"] = json!(readings);
        }
        json!({"format": "assay-report", "version": version, "tool": "assay 1.0", "exit_code": 1, "reports": reports})
    };
    let hand_in = async |document: &Value| {
        let payload = document.to_string();
        let body = format!("{}&{payload}", ground.ci.sign("report", &payload));
        let request = ground.post("/reports").header("content-type", "application/x-signed-json");
        Answer::of(request.basic_auth("ci", Some(PASSWORD)).body(body)).await
    };
    let newer = hand_in(&document(&["official"], 2)).await;
    assert_eq!(newer.status, 422);
    assert!(newer.refusal().1.contains("version 2"), "{newer:?}");
    let text_alone = hand_in(&document(&["text"], 1)).await;
    assert_eq!(text_alone.refusal(), (422, "the report was made without the official reading"));
    let all = document(&["official", "text"], 1);
    assert_eq!(hand_in(&all).await.status, 200);
    assert_eq!(hand_in(&all).await.status, 409);
    for number in [0, 1] {
        let one = &all["reports"][number];
        let (subject, uuid) = (one["subject"]["cloud"].as_str().unwrap(), one["run_id"].as_str().unwrap());
        let status = ground.read(None, "/status").await.body;
        let results = &status[subject][KAAS]["results"];
        assert_eq!(results["version-policy-check"]["result"], -1, "{status}");
        let page = ground.read(None, &format!("/page/report/{uuid}")).await.body.to_string();
        assert!(page.contains("version-policy-check: two &#60;b&#62; (expected: one)"), "{page}");
    }
    let found = assay_monitor::audit(&ground.store).await.unwrap();
    assert_eq!((found.reports, found.findings), (2, Vec::<String>::new()));
}

pub(crate) async fn a_delegate_vouches_for_others(ground: Ground) {
    for subject in ["cloud-a", "cloud-b", "ci"] {
        let report = Report::new(subject, "2026-11-22 11:00:00", GREEN).yaml();
        let taken = ground.hand_in("ci", &ground.ci, &report).await;
        assert_eq!((taken.status, taken.body), (200, Value::Null), "{subject}");
    }
    for subject in ["cloud-c", "unheard-of"] {
        let report = Report::new(subject, "2026-11-22 11:00:00", GREEN).yaml();
        let refused = ground.hand_in("ci", &ground.ci, &report).await;
        assert_eq!(refused.refusal(), (401, "delegation problem?"), "{subject}");
    }
    let about_another = Report::new("cloud-a", "2026-11-22 11:00:00", GREEN).yaml();
    let refused = ground.hand_in("cloud-b", &ground.own, &about_another).await;
    assert_eq!(refused.refusal(), (401, "Permission denied"));
}

pub(crate) async fn all_of_a_stream_is_taken_or_nothing(ground: Ground) {
    let one = Report::new("cloud-a", "2026-11-22 11:00:00", GREEN);
    let two = Report::new("cloud-b", "2026-11-22 11:00:00", GREEN);
    let stream = one.yaml() + &two.yaml();
    assert_eq!(ground.hand_in("ci", &ground.ci, &stream).await.status, 200);
    let three = Report::new("cloud-a", "2026-11-22 11:30:00", &[("version-policy-check", -1)]);
    // The second is known, is not trusted, cannot be read.
    let foreign = Report::new("cloud-c", "2026-11-22 11:30:00", GREEN);
    let broken = Report::new("cloud-b", "yesterday", GREEN);
    for (second, status) in [(&two, 409), (&foreign, 401), (&broken, 422)] {
        let refused = ground.hand_in("ci", &ground.ci, &(three.yaml() + &second.yaml())).await;
        assert_eq!(refused.status, status, "{refused:?}");
        let stored = ground.read(Some("reader"), &format!("/reports/{}", three.uuid)).await;
        assert_eq!(stored.status, 404);
    }
    let status = ground.read(None, "/status").await;
    assert_eq!(status.body["cloud-a"][KAAS]["result"], 1);
    assert_eq!(ground.hand_in("ci", &ground.ci, &three.yaml()).await.status, 200);
}

pub(crate) async fn no_result_lives_longer_because_a_clock_is_wrong(ground: Ground) {
    for checked_at in ["2099-01-01 00:00:00", "2026-11-23 02:00:01", "2026-11-22T12:06:00Z"] {
        let report = Report::new("cloud-b", checked_at, GREEN).yaml();
        let refused = ground.hand_in("cloud-b", &ground.own, &report).await;
        assert_eq!(refused.status, 422);
        assert!(refused.refusal().1.starts_with("checked_at: "), "{refused:?}");
    }
    // A local time of the next day counts from the receipt, so that its week ends a week earlier.
    let report = Report::new("cloud-b", "2026-11-23 01:00:00", GREEN).yaml();
    assert_eq!(ground.hand_in("cloud-b", &ground.own, &report).await.status, 200);
    let result = async || {
        let status = ground.read(None, "/status?subject=cloud-b").await;
        status.body["cloud-b"][KAAS]["results"]["version-policy-check"].clone()
    };
    assert_eq!(result().await["checked_at"], "2026-11-22T12:00:00");
    ground.set_clock("2026-11-29T23:59:59Z");
    assert_eq!(result().await["result"], 1);
    ground.set_clock("2026-11-30T00:00:00Z");
    assert_eq!(result().await, Value::Null);
}

pub(crate) async fn accounts_are_those_of_the_file(ground: Ground) {
    let report = Report::new("cloud-b", "2026-11-22 11:00:00", GREEN);
    assert_eq!(ground.hand_in("cloud-b", &ground.own, &report.yaml()).await.status, 200);
    assert_eq!(ground.read(Some("reader"), "/reports?subject=").await.status, 200);
    // Taken away are a role, a delegation and an account; what was handed in stays.
    let changed = ground
        .accounts()
        .replace("{subject: reader, roles: [read_any]", "{subject: reader, roles: []")
        .replace("group: both, delegates: [ci]}", "group: both}")
        .lines()
        .filter(|line| !line.contains("subject: cloud-b"))
        .collect::<Vec<_>>()
        .join("\n");
    ground.take_accounts(&changed).await;
    assert_eq!(ground.read(Some("reader"), "/reports?subject=").await.refusal(), (401, "Permission denied"));
    let about_a = Report::new("cloud-a", "2026-11-22 11:00:00", GREEN).yaml();
    assert_eq!(ground.hand_in("ci", &ground.ci, &about_a).await.refusal(), (401, "delegation problem?"));
    assert_eq!(ground.read(Some("cloud-b"), "/reports").await.status, 401);
    let stored = ground.read(Some("assessor"), &format!("/reports/{}", report.uuid)).await;
    assert_eq!(stored.status, 200);
}

pub(crate) async fn whoever_has_a_name_next_inherits_nothing(ground: Ground) {
    let mut owner = Traveller::new();
    let form_key = owner.log_in(&ground, "cloud-b").await;
    let sent = [("form_key", form_key.as_str()), ("delegate", "ci")];
    // The file says so, too, at first.
    let without = ground.accounts().replace(", delegates: [ci]", "");
    ground.take_accounts(&without).await;
    assert_eq!(owner.send(&ground.url("/desk/account/delegates"), &sent).await.status, 303);
    let report = || Report::new("cloud-b", "2026-11-22 11:00:00", GREEN).yaml();
    assert_eq!(ground.hand_in("ci", &ground.ci, &report()).await.status, 200);
    let gone: Vec<&str> = without.lines().filter(|line| !line.contains("subject: ci,")).collect();
    ground.take_accounts(&gone.join("\n")).await;
    ground.take_accounts(&without).await;
    assert_eq!(ground.hand_in("ci", &ground.ci, &report()).await.refusal(), (401, "delegation problem?"));
}

pub(crate) async fn a_report_for_another_monitor_is_refused(mut ground: Ground) {
    ground.restart(Settings { base_url: BASE.into(), ..Settings::default() }).await;
    let report = |audience: &str| {
        let report = Report::new("cloud-b", "2026-11-22 11:00:00", GREEN).yaml();
        format!("{report}audience: {audience}\n")
    };
    let other = ground.hand_in("cloud-b", &ground.own, &report("https://other.example.com/")).await;
    assert_eq!(other.refusal(), (422, "audience: the report is meant for https://other.example.com/"));
    for audience in [BASE, BASE.trim_end_matches('/')] {
        assert_eq!(ground.hand_in("cloud-b", &ground.own, &report(audience)).await.status, 200, "{audience}");
    }
}

pub(crate) async fn a_run_of_some_testcases_hides_nothing_of_the_others(ground: Ground) {
    let both = [("version-policy-check", -1), ("cncf-k8s-conformance", 1)];
    let all = Report::new("cloud-b", "2026-11-22 10:00:00", &both);
    assert_eq!(ground.hand_in("cloud-b", &ground.own, &all.yaml()).await.status, 200);
    let some = Report::new("cloud-b", "2026-11-22 11:00:00", &[("version-policy-check", 1)]);
    assert_eq!(ground.hand_in("cloud-b", &ground.own, &some.yaml()).await.status, 200);
    // Of each testcase the newest counts of all that came in; what is not in the newest report stays in force.
    let status = ground.read(None, "/status").await.body;
    let results = &status["cloud-b"][KAAS]["results"];
    for (testcase, report) in [("version-policy-check", &some), ("cncf-k8s-conformance", &all)] {
        assert_eq!(results[testcase]["report"], report.uuid.to_string(), "{testcase}");
        assert_eq!(results[testcase]["result"], 1);
    }
    // And what failed is not forgotten.
    let page = text(&ground, "/page/subject/cloud-b").await;
    for report in [&all, &some] {
        assert!(page.contains(&report.uuid.to_string()), "{page}");
    }
    let shown = text(&ground, &format!("/page/report/{}", some.uuid)).await;
    let fingerprint = Signature::read(&ground.own.sign("report", "")).unwrap().fingerprint();
    assert!(shown.contains("<dd><bdi>cloud-b</bdi></dd>") && shown.contains(&fingerprint), "{shown}");
}

pub(crate) async fn one_that_cannot_be_stored_keeps_out_nobody_else(ground: Ground) {
    // What a check that gave up says first, too.
    let first = Report::new("cloud-b", "2026-11-22 08:00:00", &[("version-policy-check", 0)]);
    assert_eq!(ground.hand_in("cloud-b", &ground.own, &first.yaml()).await.status, 200);
    ground.tamper("UPDATE standing SET verdict = 7").await;
    let reports: Vec<(&str, String)> = (0..24)
        .map(|number| if number % 8 == 0 { "cloud-b" } else { "ci" })
        .map(|subject| {
            (subject, Report::new(subject, "2026-11-22 09:00:00", &[("version-policy-check", 1)]).yaml())
        })
        .collect();
    let sent = reports.iter().map(async |(subject, report)| {
        let key = if *subject == "ci" { &ground.ci } else { &ground.own };
        (*subject, ground.hand_in(subject, key, report).await.status)
    });
    for (subject, status) in futures::future::join_all(sent).await {
        assert_eq!(status, if subject == "ci" { 200 } else { 503 }, "{subject}");
    }
}

pub(crate) async fn who_keeps_others_waiting_is_cut_off(mut ground: Ground) {
    ground.restart(Settings { patience: Duration::from_millis(200), ..Settings::default() }).await;
    let mut slow = TcpStream::connect(ground.address).await.unwrap();
    slow.write_all(b"GET /healthz HTTP/1.1\r\nHost: ").await.unwrap();
    let mut idle = TcpStream::connect(ground.address).await.unwrap();
    // Others are served meanwhile.
    assert_eq!(ground.read(None, "/healthz").await.status, 200);
    for stream in [&mut slow, &mut idle] {
        let mut rest = Vec::new();
        // Sooner than by the patience that a monitor has by itself.
        let end = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut rest)).await;
        assert!(end.is_ok(), "it is cut off");
    }
}

pub(crate) async fn who_does_not_take_answers_is_cut_off(mut ground: Ground) {
    /// More than fits between the two of them.
    const MANY: usize = 4_000;
    ground.restart(Settings { patience: Duration::from_millis(500), ..Settings::default() }).await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut greedy = socket.connect(ground.address).await.unwrap();
    let ask = b"GET /assets/monitor.css HTTP/1.1\r\nHost: x\r\n\r\n".repeat(MANY);
    // It is cut off while it asks, or after.
    let _ = greedy.write_all(&ask).await;
    let mut waiting = tokio::time::interval(Duration::from_millis(20));
    let begun = Instant::now();
    // What it is sent from now on, nobody takes.
    while greedy.write_all(b"GET").await.is_ok() {
        assert!(begun.elapsed() < Duration::from_mins(1), "nobody cuts it off");
        waiting.tick().await;
    }
    assert_eq!(ground.read(None, "/healthz").await.status, 200);
}

pub(crate) async fn a_body_that_never_ends_is_cut_off(mut ground: Ground) {
    ground.restart(Settings { longest: Duration::from_millis(500), ..Settings::default() }).await;
    let mut slow = TcpStream::connect(ground.address).await.unwrap();
    let who = STANDARD.encode(format!("cloud-b:{PASSWORD}"));
    let head = format!(
        "POST /reports HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\nContent-Type: application/x-signed-yaml\r\n\
         Authorization: Basic {who}\r\n\r\n---"
    );
    slow.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(20), slow.read_to_end(&mut answer)).await;
    assert!(read.is_ok(), "it is cut off");
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

pub(crate) async fn what_does_not_count_is_told_until_it_does(ground: Ground) {
    let take = async |testcases: &str| {
        let spec = format!(
            "uuid: of-tomorrow\nname: Of tomorrow\nurl: https://example.com\nscripts:\n- executable: x\n  \
             testcases: [{testcases}]\nmodules: [{{id: m, targets: {{main: [a]}}}}]\ntimeline:\n- date: 2026-11-01\n  \
             versions: {{v1: effective}}\nversions: [{{version: v1, include: [m]}}]\n"
        );
        ground.monitor.take_scopes(Scopes::new([Spec::parse("scope", &spec).unwrap()])).await;
    };
    let mut report = Report::new("cloud-b", "2026-11-22 10:00:00", &[("a", 1), ("b_c", -1)]);
    report.scope = "of-tomorrow";
    let uuid = report.uuid.to_string();
    let told = async || {
        let read = ground.read(Some("cloud-b"), &format!("/reports/{uuid}")).await;
        let [page, markdown] = ["page", "markdown"].map(|form| format!("/{form}/report/{uuid}"));
        let (page, markdown) = (ground.read(None, &page).await, ground.read(None, &markdown).await);
        let text = |answer: &Answer| answer.body.as_str().unwrap().to_owned();
        (read.body["uncounted"].clone(), text(&page), text(&markdown))
    };
    let handed = ground.hand_in("cloud-b", &ground.own, &report.yaml()).await;
    assert_eq!((handed.status, &handed.body), (200, &Value::Null));
    let all = format!("{uuid}: a, b_c: the scope is not known here; kept, and counts as soon as it is");
    assert_eq!(handed.headers["not-counted"], all);
    let (uncounted, page, _) = told().await;
    assert_eq!(uncounted, json!([{"why": "unknown-scope", "testcases": ["a", "b_c"]}]));
    assert!(page.contains("All results: the scope is not known here"), "{page}");
    // One of both is known.
    take("{id: a}").await;
    let (uncounted, page, markdown) = told().await;
    assert_eq!(uncounted, json!([{"why": "unknown-testcase", "testcases": ["b_c"]}]));
    let why = ": the scope does not know the testcase; kept, and counts as soon as it does";
    assert!(page.contains(&format!("<bdi>b_c</bdi>{why}.</li>")), "{page}");
    assert!(markdown.contains(&format!("- Not counted: b\\_c{why}")), "{markdown}");
    let counts = async || {
        let status = ground.read(None, "/status").await.body["cloud-b"]["of-tomorrow"]["results"].clone();
        status.as_object().unwrap().keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(counts().await, ["a"]);
    let stated = report.yaml().replace("cmd: check", "cmd: 'assay declare: stated by people, not measured'");
    let stated = stated.replace(&uuid, "00000000-0000-4000-8000-000000000001");
    let handed = ground.hand_in("cloud-b", &ground.own, &stated).await;
    let lines: Vec<&str> =
        handed.headers.get_all("not-counted").iter().map(|line| line.to_str().unwrap()).collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].ends_with(&format!(": b_c{why}")), "{lines:?}");
    assert!(
        lines[1].ends_with(": a: a program decides that, whatever people state; kept, and does not count")
    );
    // What was kept counts, without being handed in again.
    take("{id: a}, {id: b_c}").await;
    let (uncounted, page, markdown) = told().await;
    assert_eq!((uncounted, counts().await), (Value::Null, vec!["a".to_owned(), "b_c".to_owned()]));
    assert!(!page.contains("Not counted") && !markdown.contains("Not counted"));
}
