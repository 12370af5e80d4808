use assay_monitor::{Audit, Scopes, Settings, audit};
use assay_standards::scope::Spec;
use serde_json::{Value, json};

use super::ground::{Ground, Report};

const VIEW: &str = "/api/v1/subjects/cloud-b/audit?scope=scs-compatible-kaas";
const FINDINGS: &str = "/api/v1/subjects/cloud-b/findings";
const WEEKLY: &str = "version-policy-check";

fn finding(testcase: &str, word: &str) -> Value {
    json!({
        "scope": "scs-compatible-kaas", "testcase": testcase, "finding": word, "seen_on": "2026-11-20",
        "text": "seen <b>on site</b>", "evidence": "https://example.com/photo",
    })
}

fn told(view: &Value) -> Vec<&str> {
    view["contradictions"].as_array().unwrap().iter().map(|one| one["told"].as_str().unwrap()).collect()
}

pub(crate) async fn what_is_said_of_a_subject_stands_side_by_side(ground: Ground) {
    let measured = Report::new("cloud-b", "2026-11-22 10:00:00", &[(WEEKLY, -1)]);
    assert_eq!(ground.hand_in("cloud-b", &ground.own, &measured.yaml()).await.status, 200);
    let stated =
        Report::new("cloud-b", "2026-11-22 09:00:00", &[(WEEKLY, 1), ("node-distribution-check", 1)]);
    let stated = stated.yaml().replace("cmd: check", "cmd: 'assay declare: stated by people, not measured'");
    assert_eq!(ground.hand_in("cloud-b", &ground.own, &stated).await.status, 200);
    let view = ground.read(Some("cloud-b"), VIEW).await.body;
    let differs = "declared PASS on 2026-11-22, but measured FAIL on 2026-11-22";
    assert_eq!(told(&view), [differs]);
    for (testcase, word) in [("node-distribution-check", "FAIL"), (WEEKLY, "PASS"), (WEEKLY, "REMARK")] {
        let answer = ground.send(Some("approver"), FINDINGS, &finding(testcase, word)).await;
        assert_eq!(answer.status, 201, "{answer:?}");
    }
    let view = ground.read(Some("approver"), VIEW).await.body;
    assert_eq!(
        told(&view),
        [
            "declared PASS on 2026-11-22, but found by an auditor FAIL on 2026-11-20",
            differs,
            "measured FAIL on 2026-11-22, but found by an auditor PASS on 2026-11-20",
        ]
    );
    assert_eq!(view["version"], "v1");
    let of = |id: &str| {
        let all = view["testcases"].as_array().unwrap();
        all.iter().find(|sides| sides["testcase"] == id).unwrap_or_else(|| panic!("{id}: {view}")).clone()
    };
    assert_eq!(
        (&of(WEEKLY)["target"], &of(WEEKLY)["findings"][0]["opinion"]),
        (&json!("main"), &json!("REMARK"))
    );
    let manual = of("node-distribution-check");
    assert_eq!((&manual["manual"], &manual["measured"]), (&json!(true), &json!(null)));
    // What was never looked at is there, too.
    assert_eq!(of("cncf-k8s-conformance")["declared"], json!(null));
    for form in ["page", "fragment", "markdown"] {
        let path = format!("/{form}/audit/cloud-b/scs-compatible-kaas");
        let request = ground.get(&path).basic_auth("approver", Some(super::ground::PASSWORD));
        let page = request.send().await.unwrap().text().await.unwrap();
        assert!(page.contains(differs) && page.contains("on site") && !page.contains("<b>"), "{page}");
        assert_eq!(ground.read(None, &path).await.status, 401);
    }
    // The log tells everybody that something was found, and nobody what.
    let log = ground.get("/markdown/log").send().await.unwrap().text().await.unwrap();
    assert!(log.contains("[finding]") && !log.contains("on site"), "{log}");
    for (change, status, why) in [
        (json!({"scope": "x"}), 422, "scope: "),
        (json!({"testcase": "x"}), 422, "testcase: "),
        (json!({"finding": "ABORT"}), 422, "finding: PASS, FAIL or REMARK"),
        (json!({"text": ""}), 422, "text is missing"),
        (json!({"seen_on": "2026-11-23"}), 422, "seen_on: 2026-11-23 has not come yet"),
    ] {
        let mut body = finding(WEEKLY, "PASS");
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let answer = ground.send(Some("approver"), FINDINGS, &body).await;
        assert!(answer.status == status && answer.refusal().1.starts_with(why), "{change}: {answer:?}");
    }
    let nobody = FINDINGS.replace("cloud-b", "cloud-x");
    assert_eq!(ground.send(Some("approver"), &nobody, &finding(WEEKLY, "PASS")).await.status, 404);
    assert_eq!(ground.read(Some("reader"), &VIEW.replace("cloud-b", "cloud-x")).await.status, 404);
    assert_eq!(ground.read(Some("reader"), &format!("{VIEW}&version=v99")).await.status, 404);
    let found = audit(&ground.store).await.unwrap();
    assert_eq!(found, Audit { reports: 2, entries: 5, ..Audit::default() });
    for (statement, told) in [
        (
            "UPDATE finding SET opinion = 'PASS' WHERE opinion = 'FAIL'",
            "the log says something else about it",
        ),
        ("DELETE FROM finding", "is in the log, and nowhere else"),
    ] {
        ground.tamper(statement).await;
        let findings = audit(&ground.store).await.unwrap().findings;
        assert!(findings.iter().any(|finding| finding.contains(told)), "{statement}: {findings:#?}");
    }
}

pub(crate) async fn what_people_check_is_due_every_quarter(mut ground: Ground) {
    // A certificate says where it is found.
    let base_url = "https://compliance.example.com/".into();
    ground.restart(Settings { base_url, ..Settings::default() }).await;
    let spec = "uuid: with-papers\nname: With papers\nurl: https://example.com\nscripts:\n- executable: x\n  \
                testcases: [{id: a}]\n- testcases: [{id: papers, lifetime: year}, {id: never}]\nmodules: \
                [{id: m, targets: {main: [a, papers, never]}}]\ntimeline:\n- date: 2026-01-01\n  versions: {v1: \
                effective}\nversions: [{version: v1, include: [m], stabilized_at: 2026-01-01}]\n";
    ground.monitor.take_scopes(Scopes::new([Spec::parse("scope", spec).unwrap()])).await;
    let stated = async |at: &str, code: i8| {
        let mut report = Report::new("cloud-b", at, &[]);
        report.scope = "with-papers";
        report.results = vec![("papers", code)];
        let stated =
            report.yaml().replace("cmd: check", "cmd: 'assay declare: stated by people, not measured'");
        assert_eq!(ground.hand_in("cloud-b", &ground.own, &stated).await.status, 200);
    };
    stated("2026-11-22 10:00:00", 1).await;
    let text = async |path: &str| ground.get(path).send().await.unwrap().text().await.unwrap();
    let overdue =
        "assay_monitor_manual_check_overdue{subject=\"cloud-b\",scope=\"With papers\",testcase=\"papers\"}";
    for (now, is_late) in
        [("2026-11-22T12:00:00Z", false), ("2027-02-22T09:59:59Z", false), ("2027-02-22T10:00:01Z", true)]
    {
        ground.set_clock(now);
        let page = text("/markdown/subject/cloud-b").await;
        let late = if is_late { ", overdue" } else { "" };
        assert!(page.contains(&format!("| papers | 2026-11-22 | 2027-02-22{late} |")), "{now}: {page}");
        assert!(page.contains("| never | never | – |"), "{page}");
        assert_eq!(text("/page/subject/cloud-b").await.contains("overdue"), is_late);
        // It is about now, and not about the past.
        assert!(!text("/page/subject/cloud-b?at=2026-11-22").await.contains("every quarter"));
        let metrics = text("/metrics").await;
        assert!(metrics.contains(&format!("{overdue} {}\n", u8::from(is_late))), "{now}: {metrics}");
        let due = "testcase=\"papers\"} 1803290400\n";
        assert!(metrics.contains(due) && !metrics.contains("testcase=\"never\""), "{metrics}");
    }
    // That somebody gave up decides nothing; a FAIL does.
    stated("2027-02-22 10:00:00", 0).await;
    assert!(text("/metrics").await.contains(&format!("{overdue} 1\n")));
    ground.set_clock("2027-02-23T10:00:00Z");
    stated("2027-02-23 09:00:00", -1).await;
    assert!(text("/metrics").await.contains(&format!("{overdue} 0\n")));
    // What nobody ever looked at is overdue where there is a certificate, and everywhere the same.
    let application = json!({
        "subject": "cloud-b", "scope": "with-papers", "version": "v1", "organisation": "A", "covers": "all",
        "contact": "c", "evidence": "e",
    });
    let applied = ground.send(Some("cloud-b"), "/api/v1/applications", &application).await.body;
    let moves = format!("/api/v1/applications/{}/moves", applied["application"].as_str().unwrap());
    let grant = json!({"move": "grant", "text": "x", "despite": true});
    let granted = ground.send(Some("assessor"), &moves, &grant).await.body;
    let certificate = granted["certificate"].as_str().unwrap().to_owned();
    let page = text("/markdown/subject/cloud-b").await;
    assert!(page.contains("| never | never | overdue |"), "{page}");
    let page = text(&format!("/markdown/certificate/{certificate}")).await;
    assert!(page.contains("| never, which people check | overdue |"), "{page}");
    let metrics = text("/metrics").await;
    assert!(metrics.contains("testcase=\"never\"} 1\n"), "{metrics}");
    assert_eq!(
        metrics.matches("testcase=\"never\"").count(),
        1,
        "it has no day on which it was due: {metrics}"
    );
    // One that is revoked bears nothing out any more.
    let revocation = format!("/api/v1/certificates/{certificate}/revocation");
    assert_eq!(ground.send(Some("assessor"), &revocation, &json!({"reason": "x"})).await.status, 200);
    assert!(!text("/metrics").await.contains("testcase=\"never\""));
    let page = text(&format!("/markdown/certificate/{certificate}")).await;
    assert!(page.contains("| never, which people check | – |"), "{page}");
}
