use assay_monitor::Scopes;
use assay_standards::scope::Spec;
use serde_json::{Value, json};

use super::ground::{Answer, Ground, PASSWORD, Report};

/// The testcases that decide about Kubernetes, and one that lives for a week.
const ALL: [&str; 3] = ["cncf-k8s-conformance", "kaas-networking-check", "version-policy-check"];
const WEEKLY: &str = "version-policy-check";

async fn hand_in(ground: &Ground, subject: &str, checked_at: &str, results: &[(&str, i8)]) {
    let report = Report::new(subject, checked_at, results);
    let answer = ground.hand_in("ci", &ground.ci, &report.yaml()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

async fn of_subject(ground: &Ground, path: &str) -> Value {
    let answer = ground.read(None, &format!("/api/v1/subjects/{path}")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body["scopes"][0].clone()
}

/// What a subject achieves: state, version, and when all was last certain.
async fn achieved(ground: &Ground, path: &str) -> (String, String, Option<String>) {
    let scope = of_subject(ground, path).await;
    let text = |field: &str| scope["achieved"][field].as_str().map(str::to_owned);
    (text("state").unwrap(), text("version").unwrap(), text("certain"))
}

/// The intervals of a testcase, each as state, begin and end.
async fn intervals(ground: &Ground, path: &str, testcase: &str) -> Vec<[String; 3]> {
    let scope = of_subject(ground, path).await;
    let testcases = scope["testcases"].as_array().unwrap().clone();
    let found = testcases.into_iter().find(|one| one["testcase"] == testcase);
    let intervals = found.map(|found| found["intervals"].as_array().unwrap().clone()).unwrap_or_default();
    let text = |interval: &Value, field: &str| interval[field].as_str().unwrap().to_owned();
    intervals.iter().map(|one| ["state", "from", "to"].map(|field| text(one, field))).collect()
}

pub(crate) async fn giving_up_proves_nothing(ground: Ground) {
    hand_in(&ground, "ci", "2026-11-20 10:00:00", &ALL.map(|id| (id, 1))).await;
    let state = async |of: &str| achieved(&ground, of).await.0;
    assert_eq!(state("ci").await, "PASS");
    hand_in(&ground, "ci", "2026-11-21 10:00:00", &[(WEEKLY, 0)]).await;
    let shaken = achieved(&ground, "ci").await;
    assert_eq!(shaken, ("TENTATIVE".into(), "v1".into(), Some("2026-11-20T10:00:00Z".into())));
    // The old surface knows no such thing.
    let status = ground.read(None, "/status").await.body;
    assert_eq!(status["ci"].as_object().unwrap().values().next().unwrap()["result"], 0);
    hand_in(&ground, "ci", "2026-11-21 11:00:00", &[(WEEKLY, -1)]).await;
    assert_eq!(state("ci").await, "FAIL");
    hand_in(&ground, "ci", "2026-11-21 12:00:00", &[(WEEKLY, 0)]).await;
    assert_eq!(state("ci").await, "FAIL", "who gives up has mended nothing");
    let all = [
        ["PASS", "2026-11-20T10:00:00Z", "2026-11-21T10:00:00Z"],
        ["TENTATIVE", "2026-11-21T10:00:00Z", "2026-11-21T11:00:00Z"],
        ["FAIL", "2026-11-21T11:00:00Z", "2026-11-30T00:00:00Z"],
    ];
    assert_eq!(intervals(&ground, "ci/history", WEEKLY).await, all);
    let table = ground.read(None, "/page/table").await.body.as_str().unwrap().to_owned();
    assert!(table.contains("<td data-label=\"Certain\">FAIL v1</td>"), "{table}");
    // The results of that week expire at the same time.
    ground.set_clock("2026-11-29T23:59:59Z");
    assert_eq!(state("ci").await, "FAIL");
    ground.set_clock("2026-11-30T00:00:00Z");
    assert_eq!(state("ci").await, "MISS");
    let metrics = ground.read(None, "/metrics").await.body.as_str().unwrap().to_owned();
    for line in [
        "assay_monitor_score{subject=\"ci\",scope=\"SCS-compatible KaaS\",version=\"v1\",state=\"MISS\"} 1",
        "assay_monitor_score{subject=\"ci\",scope=\"SCS-compatible KaaS\",version=\"v1\",state=\"FAIL\"} 0",
        "assay_monitor_newest_result_timestamp_seconds{subject=\"ci\",scope=\"SCS-compatible KaaS\"} 1795262400",
        "assay_monitor_log_entries 4",
        "assay_monitor_uploads_total{outcome=\"stored\"} 4",
    ] {
        assert!(metrics.lines().any(|told| told == line), "{line} in {metrics}");
    }
    let scores = ground.read(None, "/api/v1/scores").await.body;
    assert_eq!(scores[0]["achieved"]["state"], "MISS", "{scores}");
    assert_eq!(scores[0]["newest"], "2026-11-21T12:00:00Z");
}

pub(crate) async fn any_day_can_be_asked_for(ground: Ground) {
    for (checked_at, code) in [
        ("2026-11-02 10:00:00", 1),
        ("2026-11-03 10:00:00", 1),
        ("2026-11-04 10:00:00", -1),
        ("2026-11-22 09:00:00", 1),
    ] {
        hand_in(&ground, "ci", checked_at, &ALL.map(|id| (id, if id == WEEKLY { code } else { 1 }))).await;
    }
    for (at, state) in [
        ("2026-11-03", "PASS"),
        ("2026-11-04", "FAIL"),
        ("2026-11-15", "FAIL"),
        ("2026-11-16", "MISS"),
        ("2026-11-22", "PASS"),
    ] {
        assert_eq!(achieved(&ground, &format!("ci?at={at}")).await.0, state, "{at}");
    }
    let before = ground.read(None, "/api/v1/subjects/ci?at=2026-11-01").await;
    assert_eq!(before.refusal(), (404, "subject not found"));
    for bad in ["2026-11-23", "yesterday", "2026-13-01"] {
        assert_eq!(ground.read(None, &format!("/api/v1/subjects/ci?at={bad}")).await.status, 422, "{bad}");
    }
    let all = [
        ["PASS", "2026-11-02T10:00:00Z", "2026-11-04T10:00:00Z"],
        ["FAIL", "2026-11-04T10:00:00Z", "2026-11-16T00:00:00Z"],
        ["PASS", "2026-11-22T09:00:00Z", "2026-11-30T00:00:00Z"],
    ];
    assert_eq!(intervals(&ground, "ci/history", WEEKLY).await, all);
    assert_eq!(intervals(&ground, "ci/history?days=2", WEEKLY).await, all[2..]);
    assert_eq!(intervals(&ground, "ci/history?days=2&at=2026-11-05", WEEKLY).await, all[..2]);
}

pub(crate) async fn what_comes_late_takes_its_place_in_the_past(ground: Ground) {
    let days: Vec<(String, i8)> = [1, 1, 0, -1, -1, 1, 0, 0, 1, 1, -1, 1]
        .into_iter()
        .zip(1..)
        .map(|(code, day)| (format!("2026-11-{day:02} 10:00:00"), code))
        .collect();
    for (checked_at, code) in &days {
        hand_in(&ground, "cloud-a", checked_at, &[(WEEKLY, *code)]).await;
    }
    // The same in an order in which each place of a history is met.
    for place in [11, 5, 0, 3, 8, 1, 7, 10, 2, 9, 4, 6] {
        let (checked_at, code) = &days[place];
        hand_in(&ground, "cloud-b", checked_at, &[(WEEKLY, *code)]).await;
    }
    let [one, other] = [
        intervals(&ground, "cloud-a/history", WEEKLY).await,
        intervals(&ground, "cloud-b/history", WEEKLY).await,
    ];
    assert_eq!(one, other);
    let states: Vec<&str> = one.iter().map(|interval| interval[0].as_str()).collect();
    assert_eq!(states, ["PASS", "TENTATIVE", "FAIL", "PASS", "TENTATIVE", "PASS", "FAIL", "PASS"]);
    for day in 1..=12 {
        let [one, other] = ["cloud-a", "cloud-b"].map(|subject| format!("{subject}?at=2026-11-{day:02}"));
        assert_eq!(achieved(&ground, &one).await, achieved(&ground, &other).await, "{day}");
    }
}

pub(crate) async fn the_history_is_shown(ground: Ground) {
    hand_in(&ground, "ci", "2026-11-20 10:00:00", &ALL.map(|id| (id, 1))).await;
    hand_in(&ground, "ci", "2026-11-21 10:00:00", &[(WEEKLY, -1)]).await;
    let page = async |path: &str| {
        let answer = ground.read(None, path).await;
        assert_eq!(answer.status, 200, "{path}: {answer:?}");
        answer.body.as_str().unwrap().to_owned()
    };
    let shown = page("/page/subject/ci").await;
    assert!(shown.contains("SCS-compatible KaaS</a>: FAIL v1</h2>"), "{shown}");
    assert!(
        shown.contains("aria-label=\"PASS from 2026-11-20 10:00, FAIL from 2026-11-21 10:00\""),
        "{shown}"
    );
    assert!(shown.contains("PASS → FAIL</a>"), "{shown}");
    // The version came to what its testcases came to together, and to nothing before they were known.
    let version = "\"MISS from 2026-10-24 00:00, PASS from 2026-11-20 10:00, FAIL from 2026-11-21 10:00\"";
    assert!(shown.contains(version) && shown.contains("matrix/scs-compatible-kaas/v1\">v1</a>"), "{shown}");
    let then = page("/markdown/subject/ci?at=2026-11-20&days=90").await;
    assert!(then.contains("| v1 | PASS |"), "{then}");
    assert!(then.contains("scs-compatible-kaas): PASS v1") && then.contains("MISS → PASS"), "{then}");
    assert!(!then.contains("FAIL"), "{then}");
    assert!(page("/page/subject/nobody").await.contains("Nothing is known of this subject."));
    assert!(page("/page/table").await.contains("<a href=\"/page/subject/ci\">"));
    let odd = page("/page/subject/%3Cscript%3E?days=1000000&at=").await;
    assert!(!odd.contains("<script"), "{odd}");
}

pub(crate) async fn many_at_once_are_stored_each_for_itself(ground: Ground) {
    let mut reports: Vec<Report<'_>> =
        (0..12).map(|_| Report::new("ci", "2026-11-22 10:00:00", &[(WEEKLY, 1)])).collect();
    // Two that are one and the same, and one that nobody may hand in.
    reports[7].uuid = reports[3].uuid;
    reports[9].subject = "cloud-c";
    let payloads: Vec<String> = reports.iter().map(Report::yaml).collect();
    let bodies: Vec<String> =
        payloads.iter().map(|payload| format!("{}&{payload}", ground.ci.sign("report", payload))).collect();
    let requests = bodies.into_iter().map(|body| {
        let request = ground.post("/reports").header("content-type", "application/x-signed-yaml");
        Answer::of(request.basic_auth("ci", Some(PASSWORD)).body(body))
    });
    let mut answers: Vec<u16> =
        futures::future::join_all(requests).await.into_iter().map(|answer| answer.status).collect();
    answers.sort_unstable();
    assert_eq!(answers, [[200; 10].as_slice(), &[401, 409]].concat());
    let stored = ground.read(Some("ci"), "/reports?limit=100").await.body;
    assert_eq!(stored.as_array().map(Vec::len), Some(10));
    assert_eq!(json!(of_subject(&ground, "ci").await["testcases"][0]["testcase"]), WEEKLY);
}

pub(crate) async fn results_of_the_same_instant_take_turns(ground: Ground) {
    // Times ahead of UTC count as the receipt, which is the same for all that came at once, to the nanosecond.
    ground.set_clock("2026-11-22T12:00:00.123456789Z");
    let all =
        [1, -1, 1, 0, -1].map(|code| Report::new("ci", "2026-11-22 13:00:00", &[(WEEKLY, code)]).yaml());
    let answer = ground.hand_in("ci", &ground.ci, &all.concat()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(achieved(&ground, "ci").await.0, "FAIL");
    // One displaces another at an instant, and what comes late stands before both.
    for (checked_at, code) in [
        ("01:00:00", 1),
        ("05:00:00", 1),
        ("05:00:00", -1),
        ("03:00:00", -1),
        ("06:00:00", 1),
        ("05:00:00", 0),
        ("07:00:00", -1),
    ] {
        hand_in(&ground, "cloud-a", &format!("2026-11-22 {checked_at}"), &[(WEEKLY, code)]).await;
    }
    let states: Vec<[String; 3]> = intervals(&ground, "cloud-a/history", WEEKLY).await;
    let short: Vec<(&str, &str)> =
        states.iter().map(|[state, from, _]| (state.as_str(), &from[11..16])).collect();
    assert_eq!(short, [("PASS", "01:00"), ("FAIL", "03:00"), ("PASS", "06:00"), ("FAIL", "07:00")]);
}

pub(crate) async fn a_day_without_results_is_one_of_a_known_subject(ground: Ground) {
    for checked_at in ["2026-01-05 10:00:00", "2026-11-20 10:00:00"] {
        hand_in(&ground, "ci", checked_at, &ALL.map(|id| (id, 1))).await;
    }
    assert_eq!(achieved(&ground, "ci?at=2026-01-06").await.0, "PASS");
    assert_eq!(achieved(&ground, "ci?at=2026-07-01").await.0, "MISS");
    assert_eq!(ground.read(None, "/api/v1/subjects/ci?at=2026-01-04").await.status, 404);
}

pub(crate) async fn what_came_while_its_scope_was_away_counts_later(ground: Ground) {
    hand_in(&ground, "ci", "2026-11-20 10:00:00", &ALL.map(|id| (id, 1))).await;
    let state = async || ground.read(None, "/api/v1/scores").await.body[0]["achieved"]["state"].clone();
    assert_eq!(state().await, "PASS");
    ground.monitor.take_scopes(Scopes::new([])).await;
    assert_eq!(ground.read(None, "/api/v1/scores").await.body, json!([]));
    hand_in(&ground, "ci", "2026-11-21 10:00:00", &[("kaas-networking-check", -1)]).await;
    // A result of that testcase lives for a month, whatever was known when it came.
    hand_in(&ground, "cloud-a", "2026-10-01 10:00:00", &[("kaas-networking-check", 1)]).await;
    hand_in(&ground, "cloud-a", "2026-11-21 10:00:00", &[("kaas-networking-check", -1)]).await;
    ground.monitor.take_scopes(Scopes::embedded()).await;
    assert_eq!(state().await, "FAIL");
    let history = intervals(&ground, "cloud-a/history?days=90", "kaas-networking-check").await;
    assert_eq!(history[0], ["PASS", "2026-10-01T10:00:00Z", "2026-11-21T10:00:00Z"]);
}

pub(crate) async fn any_day_of_a_very_long_history_is_known(ground: Ground) {
    let spec = Spec::embedded_iaas();
    let testcases: Vec<&str> =
        spec.testcases().iter().map(|testcase| testcase.id.as_str()).take(60).collect();
    let report = |checked_at: String, code: i8| {
        let results: Vec<(&str, i8)> = testcases.iter().map(|&id| (id, code)).collect();
        Report { scope: &spec.uuid, ..Report::new("ci", &checked_at, &results) }.yaml()
    };
    // More changes than are handed out, all of them after the first day.
    let minutes = (0..100).map(|minute: i8| {
        report(
            format!("2026-11-22 0{}:{:02}:00", minute / 60, minute % 60),
            if minute % 2 == 0 { -1 } else { 1 },
        )
    });
    let all = [report("2026-11-20 10:00:00".to_owned(), 1)].into_iter().chain(minutes).collect::<String>();
    assert_eq!(ground.hand_in("ci", &ground.ci, &all).await.status, 200);
    let then = of_subject(&ground, "ci?at=2026-11-20").await;
    let states: Vec<&str> = then["testcases"]
        .as_array()
        .unwrap()
        .iter()
        .map(|testcase| testcase["intervals"][0]["state"].as_str().unwrap())
        .collect();
    assert_eq!((states, &then["cut"]), (vec!["PASS"; 60], &json!(false)));
    assert_eq!(of_subject(&ground, "ci/history").await["cut"], true);
    let page = ground.read(None, "/page/subject/ci").await.body;
    assert!(page.as_str().unwrap().contains("the older ones are left out"));
}
