use std::sync::Arc;
use std::time::{Duration, Instant};

use assay_monitor::{Clock, Scopes, Settings};
use assay_standards::scope::Spec;
use futures::future::{join, join_all, ready};
use futures::stream::{FuturesUnordered, StreamExt as _};
use sqlx::Connection as _;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::ground::{Answer, Ground, PASSWORD, Report};
use super::noticing::{PATIENCE, all_is_sent, hand_in, hook, requests, settings, webhook};

const GREEN: &[(&str, i8)] =
    &[("cncf-k8s-conformance", 1), ("version-policy-check", 1), ("kaas-networking-check", 1)];
/// What everybody may look at.
const PAGES: [&str; 11] = [
    "/page/table",
    "/status",
    "/page/detail/ci/scs-compatible-kaas",
    "/page/subject/ci",
    "/page/log",
    "/feed/ci/scs-compatible-kaas.atom",
    "/badge/ci/scs-compatible-kaas.svg",
    "/metrics",
    "/api/v1/scores",
    "/api/v1/subjects/ci",
    "/api/v1/subjects/ci/history",
];

/// The row of a subject in the overview.
async fn row(ground: &Ground, subject: &str) -> String {
    let table = ground.read(None, "/markdown/table").await;
    assert_eq!(table.status, 200, "{table:?}");
    let table = table.body.as_str().unwrap().to_owned();
    table.lines().find(|line| line.starts_with(&format!("| {subject} "))).unwrap_or_default().to_owned()
}

/// What a metric without labels is.
async fn metric(ground: &Ground, name: &str) -> String {
    let all = ground.read(None, "/metrics").await.body.as_str().unwrap().to_owned();
    let line = all.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
    line.unwrap_or_else(|| panic!("{name} in {all}")).to_owned()
}

/// The names of the notices that came, once it is one of them.
async fn came(server: &MockServer, name: Option<&str>) -> Vec<String> {
    let begun = Instant::now();
    loop {
        let all = server.received_requests().await.unwrap();
        let names = all.iter().map(|request| request.headers["webhook-id"].to_str().unwrap().to_owned());
        let names: Vec<String> = names.collect();
        if name.map_or(!names.is_empty(), |name| names.iter().any(|one| one == name)) {
            return names;
        }
        assert!(begun.elapsed() < PATIENCE, "{all:#?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub(crate) async fn what_cannot_be_stored_is_reckoned_nevertheless(ground: Ground) {
    let report = Report::new("ci", "2026-11-22 10:00:00", GREEN);
    assert_eq!(ground.hand_in("ci", &ground.ci, &report.yaml()).await.status, 200);
    assert!(row(&ground, "ci").await.contains("[✅ v1]"));
    let occupied = ground.occupied().await;
    ground.set_clock("2026-11-30T00:00:00Z");
    // All come at the same time, and it is reckoned once for all of them.
    join_all((0..32).map(async |_| assert!(row(&ground, "ci").await.contains("[🟧 v1]")))).await;
    assert_eq!(metric(&ground, "assay_monitor_reckoned_unstored_total").await, "1");
    let scores = ground.read(None, "/api/v1/scores").await;
    assert_eq!(scores.body[0]["achieved"]["state"], "MISS", "{scores:?}");
    for page in PAGES {
        assert_eq!(ground.read(None, page).await.status, 200, "{page}");
    }
    occupied.close().await.unwrap();
    assert!(row(&ground, "ci").await.contains("[🟧 v1]"));
    let again = Report::new("ci", "2026-11-30 00:00:00", GREEN);
    assert_eq!(ground.hand_in("ci", &ground.ci, &again.yaml()).await.status, 200);
    assert!(row(&ground, "ci").await.contains("[✅ v1]"));
}

pub(crate) async fn scopes_change_at_once_for_all_that_is_shown(ground: Ground) {
    let report = Report::new("ci", "2026-11-22 10:00:00", GREEN);
    assert_eq!(ground.hand_in("ci", &ground.ci, &report.yaml()).await.status, 200);
    assert!(row(&ground, "ci").await.contains("[✅ v1]"));
    let other = "uuid: 1fffebe6-fd4b-44d3-a36c-fc58b4bb0180\nname: Another form\nurl: https://example.com\nscripts:\n\
                 - executable: x\n  testcases: [{id: version-policy-check}]\nmodules: [{id: m, targets: {main: \
                 [version-policy-check]}}]\ntimeline:\n- date: 2026-01-01\n  versions: {w9: effective}\n\
                 versions: [{version: w9, include: [m]}]\n";
    let other = Scopes::new([Spec::parse("scope", other).unwrap()]);
    // It cannot be stored yet.
    let occupied = ground.occupied().await;
    let monitor = Arc::clone(&ground.monitor);
    let taking = tokio::spawn(async move { monitor.take_scopes(other).await });
    loop {
        let table = ground.read(None, "/markdown/table").await.body.as_str().unwrap().to_owned();
        let (is_other, is_old) = (table.contains("Another form"), table.contains("v1]"));
        assert_ne!(is_other, is_old, "{table}");
        if is_other {
            assert!(table.contains("w9]"), "{table}");
            break;
        }
    }
    let scores = ground.read(None, "/api/v1/scores").await.body;
    assert_eq!(scores[0]["achieved"]["version"], "w9", "{scores}");
    occupied.close().await.unwrap();
    taking.await.unwrap();
    assert!(row(&ground, "ci").await.contains("[✅ w9]"));
}

pub(crate) async fn a_clock_that_is_ahead_is_nobody_elses(ground: Ground) {
    let report = Report::new("ci", "2026-11-22 10:00:00", GREEN);
    assert_eq!(ground.hand_in("ci", &ground.ci, &report.yaml()).await.status, 200);
    assert!(row(&ground, "ci").await.contains("[✅ v1]"));
    let ahead = Clock::of(|| "2026-11-30T06:00:00Z".parse().unwrap());
    let ahead = ground.beside_at(ahead, settings()).await;
    let before = ground.number("SELECT number FROM revision").await;
    for _ in 0..8 {
        let there = ground.read_at(ahead.address, "/markdown/table").await.body;
        assert!(there.as_str().unwrap().contains("[🟧 v1]"), "{there}");
        assert!(row(&ground, "ci").await.contains("[✅ v1]"));
    }
    // Neither goes on undoing what the other has stored: one stores, the other mends it, and that is undone once.
    let after = ground.number("SELECT number FROM revision").await;
    assert!((1..=3).contains(&(after - before)), "{before} to {after}");
    ahead.serving.abort();
}

pub(crate) async fn a_database_may_go_away_for_a_while(mut ground: Ground) {
    let told = hook(200).await;
    ground.restart(settings()).await;
    ground.monitor.take_notices(webhook(&told, ", about: [result], subjects: [cloud-b]"));
    let before = Report::new("ci", "2026-11-22 08:00:00", GREEN);
    assert_eq!(ground.hand_in("ci", &ground.ci, &before.yaml()).await.status, 200);
    if ground.is_postgres() {
        let reports: Vec<Report<'_>> =
            (0..24).map(|_| Report::new("ci", "2026-11-22 09:00:00", GREEN)).collect();
        let sent = reports.iter().map(async |report| ground.hand_in("ci", &ground.ci, &report.yaml()).await);
        let (answers, ()) = join(join_all(sent), ground.let_in(false)).await;
        for page in PAGES.iter().chain(&["/healthz"]) {
            let answer = ground.read(None, page).await;
            assert_eq!(answer.refusal(), (503, "the database is not available; try again"), "{page}");
        }
        let late = Report::new("ci", "2026-11-22 09:30:00", GREEN).yaml();
        let refused = ground.hand_in("ci", &ground.ci, &late).await;
        assert_eq!(refused.refusal(), (503, "the database is not available; try again"));
        ground.let_in(true).await;
        for (report, answer) in reports.iter().zip(answers) {
            assert!(matches!(answer.status, 200 | 503), "{answer:?}");
            // What nobody answered for may be there all the same, and is there then as a whole.
            let again = ground.hand_in("ci", &ground.ci, &report.yaml()).await.status;
            assert!(again == 409 || again == 200 && answer.status == 503, "{answer:?}, then {again}");
        }
    } else {
        let occupied = ground.occupied().await;
        let report = Report::new("ci", "2026-11-22 09:00:00", GREEN).yaml();
        let refused = ground.hand_in("ci", &ground.ci, &report).await;
        assert_eq!(refused.refusal(), (503, "nothing was stored; try again"));
        for page in PAGES.iter().chain(&["/healthz"]) {
            assert_eq!(ground.read(None, page).await.status, 200, "{page}");
        }
        occupied.close().await.unwrap();
        assert_eq!(ground.hand_in("ci", &ground.ci, &report).await.status, 200);
    }
    for page in PAGES.iter().chain(&["/healthz"]) {
        assert_eq!(ground.read(None, page).await.status, 200, "{page}");
    }
    hand_in(&ground, "2026-11-22 10:00:00", -1).await;
    requests(&told, 1).await;
    let audit = assay_monitor::audit(&ground.store).await.unwrap();
    assert!(audit.findings.is_empty(), "{:?}", audit.findings);
}

pub(crate) async fn a_clock_may_jump(mut ground: Ground) {
    let broken = hook(500).await;
    ground.restart(settings()).await;
    let report = Report::new("ci", "2026-11-22 10:00:00", GREEN);
    assert_eq!(ground.hand_in("ci", &ground.ci, &report.yaml()).await.status, 200);
    let all_answer = async |ground: &Ground| {
        for page in PAGES {
            let answer = ground.read(None, page).await;
            assert!(matches!(answer.status, 200 | 404), "{page}: {answer:?}");
        }
    };
    for (now, expected) in [
        ("2026-11-22T06:00:00Z", "✅ v1"),
        ("2026-11-30T00:00:00Z", "🟧 v1"),
        ("2026-11-29T23:00:00Z", "✅ v1"),
        ("2027-11-22T12:00:00Z", "🟧 v1"),
        ("2026-11-22T12:00:00Z", "✅ v1"),
        ("2127-11-22T12:00:00Z", "🛑 –"),
        ("1970-01-01T00:00:00Z", ""),
        ("2026-11-22T12:00:00Z", "✅ v1"),
    ] {
        ground.set_clock(now);
        assert!(row(&ground, "ci").await.contains(expected), "{now}: {}", row(&ground, "ci").await);
        all_answer(&ground).await;
    }
    let scores = ground.read(None, "/api/v1/scores").await;
    assert_eq!(scores.body[0]["achieved"]["state"], "PASS", "{scores:?}");

    // It was another program whose clock was wrong, and it is gone.
    ground.set_clock("2027-11-22T12:00:00Z");
    ground.monitor.take_notices(webhook(&broken, ", about: [result], subjects: [cloud-b]"));
    assert!(row(&ground, "ci").await.contains("[🟧 v1]"));
    hand_in(&ground, "2027-11-22 11:00:00", -1).await;
    let first = came(&broken, None).await.remove(0);
    ground.restart(settings()).await;
    ground.set_clock("2026-11-22T12:30:00Z");
    assert!(row(&ground, "ci").await.contains("[✅ v1]"));
    // What waits to be tried again then is tried now.
    let server = hook(200).await;
    ground.monitor.take_notices(webhook(&server, ", about: [result], subjects: [cloud-b]"));
    came(&server, Some(&first)).await;
    all_is_sent(&ground).await;
}

pub(crate) async fn two_instances_take_a_report_once(ground: Ground) {
    let other = ground.beside(settings()).await;
    let twice = (0..24).map(async |_| {
        let payload = Report::new("ci", "2026-11-22 10:00:00", GREEN).yaml();
        let body = format!("{}&{payload}", ground.ci.sign("report", &payload));
        let (one, two) = join(
            ground.hand_in_at(ground.address, "ci", body.clone()),
            ground.hand_in_at(other.address, "ci", body),
        )
        .await;
        let mut statuses = [one.status, two.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409], "{one:?} {two:?}");
    });
    join_all(twice).await;
    let audit = assay_monitor::audit(&ground.store).await.unwrap();
    assert_eq!((audit.reports, audit.findings), (24, Vec::new()));
    other.serving.abort();
}

pub(crate) async fn what_somebody_was_about_to_send_is_sent_by_another(ground: Ground) {
    let server = MockServer::start().await;
    let never = ResponseTemplate::new(200).set_delay(Duration::from_mins(10));
    Mock::given(any()).respond_with(never).up_to_n_times(1).mount(&server).await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200)).mount(&server).await;
    let rule = ", about: [result], subjects: [cloud-b]";
    let first = ground.beside(settings()).await;
    first.monitor.take_notices(webhook(&server, rule));
    hand_in(&ground, "2026-11-22 08:00:00", -1).await;
    requests(&server, 1).await;
    first.serving.abort();
    // It might still be at it.
    let (second, third) = join(ground.beside(settings()), ground.beside(settings())).await;
    for other in [&second, &third] {
        other.monitor.take_notices(webhook(&server, rule));
    }
    hand_in(&ground, "2026-11-22 09:00:00", 1).await;
    ground.set_clock("2026-11-22T12:03:00Z");
    let sent = requests(&server, 3).await;
    let id = |number: usize| sent[number].headers["webhook-id"].to_str().unwrap().to_owned();
    assert_eq!((id(0) == id(1), id(1) == id(2)), (true, false));
    // Two that do nothing else send each once, and in order.
    for number in 0..6 {
        hand_in(&ground, &format!("2026-11-22 10:{number:02}:00"), if number % 2 == 0 { -1 } else { 1 })
            .await;
        requests(&server, 4 + number).await;
    }
    all_is_sent(&ground).await;
    requests(&server, 9).await;
    second.serving.abort();
    third.serving.abort();
}

pub(crate) async fn who_tries_many_passwords_keeps_out_nobody_else(mut ground: Ground) {
    ground.restart(Settings { is_proxied: true, ..Settings::default() }).await;
    let ask = async |client: &str, account: String, password: &str| {
        let request = ground.get("/reports").header("x-forwarded-for", client);
        Answer::of(request.basic_auth(account, Some(password))).await.status
    };
    let mut flood: FuturesUnordered<_> =
        (0..64).map(|number| ask("192.0.2.1", format!("guess-{number}"), "x")).collect();
    // There is no place left for that client.
    while flood.next().await.unwrap() != 503 {}
    let (status, refused) = join(
        ask("192.0.2.2", "reader".to_owned(), PASSWORD),
        flood.filter(|status| ready(*status == 503)).count(),
    )
    .await;
    assert_eq!(status, 200);
    assert!(refused > 0);
}
