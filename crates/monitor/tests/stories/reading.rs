use assay_monitor::Scopes;
use assay_standards::scope::Spec;
use serde_json::{Value, json};

use super::ground::{Answer, Ground, IAAS, KAAS, PASSWORD, Report};

pub(crate) async fn reports_are_read_by_whom_they_concern(ground: Ground) {
    let mut uuids = Vec::new();
    for (subject, checked_at) in [
        ("cloud-a", "2026-11-20 10:00:00"),
        ("cloud-b", "2026-11-22 10:00:00"),
        ("cloud-b", "2026-11-21 10:00:00"),
    ] {
        let report = Report::new(subject, checked_at, &[("version-policy-check", 1)]);
        assert_eq!(ground.hand_in("ci", &ground.ci, &report.yaml()).await.status, 200);
        uuids.push(report.uuid.to_string());
    }
    let listed = async |account: &str, query: &str| {
        let answer = ground.read(Some(account), &format!("/reports{query}")).await;
        let reports = answer.body.as_array().cloned().unwrap_or_default();
        let uuids = reports.iter().map(|report| report["run"]["uuid"].as_str().unwrap().to_owned());
        (answer.status, uuids.collect::<Vec<_>>())
    };
    let [a, b, older] = &uuids[..] else { panic!("three were handed in") };
    let of = |uuids: &[&String]| (200, uuids.iter().map(|&uuid| uuid.clone()).collect::<Vec<_>>());
    assert_eq!(listed("cloud-b", "").await, of(&[b, older]));
    assert_eq!(listed("cloud-b", "?limit=1&skip=1").await, of(&[older]));
    assert_eq!(listed("reader", "?subject=").await, of(&[b, older, a]));
    assert_eq!(listed("reader", "?subject=cloud-a").await, of(&[a]));
    assert_eq!(listed("cloud-b", "?subject=cloud-a").await, (401, Vec::new()));
    assert_eq!(listed("cloud-b", "?subject=").await, (401, Vec::new()));
    assert_eq!(ground.read(Some("cloud-b"), "/reports?limit=many").await.status, 422);
    let others = ground.read(Some("cloud-b"), &format!("/reports/{a}")).await;
    assert_eq!(others.refusal(), (401, "Permission denied"));
    let whole = ground.read(Some("reader"), &format!("/reports/{a}")).await;
    assert_eq!(whole.body["run"]["invocations"]["one"]["stderr"], json!(["WARNING: look <b>here</b>"]));
    let upper = ground.read(Some("reader"), &format!("/reports/{}", a.to_uppercase())).await;
    assert_eq!(upper.status, 200);
    for nothing in ["/status?subject=%00", "/page/detail/%00/scs-compatible-iaas"] {
        assert_eq!(ground.read(None, nothing).await.status, 200, "{nothing}");
    }
    assert_eq!(ground.read(Some("reader"), "/reports?subject=%00").await.body, json!([]));
    assert_eq!(ground.read(Some("\0"), "/reports").await.status, 401);
    assert_eq!(ground.read(Some("reader"), "/reports/%00").await.refusal(), (404, "report not found"));
    assert_eq!(ground.read(Some("reader"), "/reports/unheard-of").await.refusal(), (404, "report not found"));
    assert_eq!(ground.read(None, &format!("/reports/{a}")).await.refusal(), (401, "Not authenticated"));
}

pub(crate) async fn the_status_is_for_everybody(ground: Ground) {
    assert_eq!(ground.read(None, "/status").await.body, json!({}));
    let results = [("cncf-k8s-conformance", 1), ("version-policy-check", 0), ("kaas-networking-check", 1)];
    let cluster = Report::new("cloud-a", "2026-11-22 10:00:00", &results);
    let mut cloud =
        Report::new("cloud-b", "2026-11-22 10:00:00", &[("scs-0100-syntax-check", -1), ("made-up", 1)]);
    cloud.scope = IAAS;
    let mut elsewhere = Report::new("cloud-b", "2026-11-22 10:00:00", &[("x", 1)]);
    elsewhere.scope = "another scope";
    let stream = cluster.yaml() + &cloud.yaml() + &elsewhere.yaml();
    assert_eq!(ground.hand_in("ci", &ground.ci, &stream).await.status, 200);
    let status = ground.read(None, "/status").await.body;
    let kaas = &status["cloud-a"][KAAS];
    assert_eq!(kaas["name"], "SCS-compatible KaaS");
    assert_eq!(
        (&kaas["result"], &kaas["passed_str"], &kaas["validity"]),
        (&json!(0), &json!("v1"), &json!("effective"))
    );
    assert_eq!(
        (&kaas["relevant"], &kaas["passed"], &kaas["best_passed"]),
        (&json!(["v1"]), &json!(["v1"]), &json!(0))
    );
    assert_eq!(
        kaas["buckets"],
        json!({
            "0": ["version-policy-check"],
            "1": ["cncf-k8s-conformance", "kaas-networking-check"],
            "null": ["node-distribution-check"],
        })
    );
    assert_eq!(
        kaas["results"]["version-policy-check"],
        json!({"result": 0, "checked_at": "2026-11-22T10:00:00", "report": cluster.uuid.to_string()})
    );
    assert_eq!(kaas["testcases"]["cncf-k8s-conformance"]["lifetime"], "year");
    let v1 = &kaas["versions"]["v1"];
    assert_eq!(
        (&v1["_idx"], &v1["result"], &v1["tc_target"]["version-policy-check"]),
        (&json!(0), &json!(0), &json!("main"))
    );
    assert_eq!(v1["targets"]["main"]["result"], 0);
    let iaas = &status["cloud-b"][IAAS];
    assert_eq!((&iaas["result"], &iaas["passed_str"]), (&json!(-1), &json!("")));
    assert_eq!(iaas["results"].as_object().unwrap().len(), 1, "what no scope knows does not count");
    assert_eq!(status["cloud-b"].as_object().unwrap().len(), 1);
    let only = async |query: &str| {
        let body = ground.read(None, &format!("/status?{query}")).await.body;
        body.as_object().unwrap().keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(only("subject=cloud-a").await, ["cloud-a"]);
    assert_eq!(only(&format!("scopeuuid={IAAS}")).await, ["cloud-b"]);
    assert!(only("subject=nobody").await.is_empty());
    let html = Answer::of(ground.get("/status").header("accept", "text/html")).await;
    assert_eq!(html.status, 406);
    let head = ground.get("/status").build().unwrap();
    let head = reqwest::Client::new().head(head.url().clone()).send().await.unwrap();
    assert_eq!(head.status(), 200);
}

pub(crate) async fn later_results_take_the_place_of_earlier_ones(ground: Ground) {
    let result = async || {
        let status = ground.read(None, "/status").await.body;
        let result = &status["cloud-a"][KAAS]["results"]["version-policy-check"];
        (result["result"].clone(), result["report"].as_str().unwrap_or_default().to_owned())
    };
    let hand_in = async |checked_at: &str, code: i8| {
        let report = Report::new("cloud-a", checked_at, &[("version-policy-check", code)]);
        assert_eq!(ground.hand_in("ci", &ground.ci, &report.yaml()).await.status, 200);
        report.uuid.to_string()
    };
    let pass = hand_in("2026-11-22 10:00:00", 1).await;
    assert_eq!(result().await, (json!(1), pass.clone()));
    // What comes late but was measured earlier changes nothing.
    hand_in("2026-11-22 09:00:00", -1).await;
    assert_eq!(result().await, (json!(1), pass));
    // Of two at the same time, the one that came later counts.
    let fail = hand_in("2026-11-22 10:00:00", -1).await;
    assert_eq!(result().await, (json!(-1), fail));
    let abort = hand_in("2026-11-22 11:00:00", 0).await;
    assert_eq!(result().await, (json!(0), abort));
}

pub(crate) async fn results_are_approved_by_who_may(ground: Ground) {
    let report = Report::new("cloud-a", "2026-11-22 10:00:00", &[("version-policy-check", -1), ("other", 1)]);
    assert_eq!(ground.hand_in("ci", &ground.ci, &report.yaml()).await.status, 200);
    let listed = async |query: &str| {
        let answer = ground.read(Some("reader"), &format!("/results{query}")).await;
        let results = answer.body.as_array().cloned().unwrap_or_default();
        results.iter().map(|one| (one["check"].clone(), one["approval"].clone())).collect::<Vec<_>>()
    };
    let (policy, other) = (json!("version-policy-check"), json!("other"));
    let both = [(other.clone(), json!(true)), (policy.clone(), json!(false))];
    assert_eq!(listed("").await, both);
    assert_eq!(listed("?approved=false").await, both[1..]);
    let approve = async |account: &str, testcase: &str| {
        let body = json!([{
            "reportuuid": report.uuid, "scopeuuid": KAAS, "version": "*", "check": testcase, "approval": true,
        }]);
        let request = ground.post("/results").basic_auth(account, Some(PASSWORD));
        Answer::of(request.header("content-type", "application/json").body(body.to_string())).await
    };
    assert_eq!(approve("reader", "version-policy-check").await.status, 401);
    assert_eq!(approve("assessor", "unheard-of").await.status, 404);
    let approved = approve("assessor", "version-policy-check").await;
    assert_eq!((approved.status, approved.body), (200, Value::Null));
    assert!(listed("?approved=false").await.is_empty());
    let whole = ground.read(Some("reader"), "/results?approved=true&limit=1&skip=1").await.body;
    assert_eq!(
        whole,
        json!([{
            "reportuuid": report.uuid, "subject": "cloud-a", "checked_at": "2026-11-22T10:00:00",
            "scopeuuid": KAAS, "version": "*", "check": "version-policy-check", "result": -1, "approval": true,
        }])
    );
    assert_eq!(ground.read(Some("ci"), "/results").await.status, 401);
    let no_json = ground.post("/results").basic_auth("assessor", Some(PASSWORD)).body("[]");
    assert_eq!(Answer::of(no_json).await.status, 415);
    // A week later nothing is listed any more.
    ground.set_clock("2026-11-29T10:00:01Z");
    assert!(listed("").await.is_empty());
}

pub(crate) async fn the_scopes_can_change(ground: Ground) {
    let mut report = Report::new("cloud-a", "2026-11-22 10:00:00", &[("a", 1)]);
    report.scope = "of-tomorrow";
    assert_eq!(ground.hand_in("ci", &ground.ci, &report.yaml()).await.status, 200);
    assert_eq!(ground.read(None, "/status").await.body, json!({}));
    let spec = "uuid: of-tomorrow\nname: Of tomorrow\nurl: https://example.com\nscripts:\n- executable: x\n  \
                testcases: [{id: a}]\nmodules: [{id: m, targets: {main: [a]}}]\ntimeline:\n- date: 2026-11-23\n  \
                versions: {v1: effective}\nversions: [{version: v1, include: [m]}]\n";
    ground.monitor.take_scopes(Scopes::new([Spec::parse("scope", spec).unwrap()])).await;
    let scope = async || ground.read(None, "/status").await.body["cloud-a"]["of-tomorrow"].clone();
    assert_eq!((&scope().await["passed_str"], &scope().await["result"]), (&json!(""), &json!(-1)));
    // The timeline counts for the day of the request.
    ground.set_clock("2026-11-23T00:00:00Z");
    assert_eq!((&scope().await["passed_str"], &scope().await["result"]), (&json!("v1"), &json!(1)));
}

pub(crate) async fn the_server_says_nothing_about_itself(ground: Ground) {
    let health = ground.read(None, "/healthz").await;
    assert_eq!((health.status, health.body), (200, json!("")));
    let nowhere = ground.get("/nowhere").send().await.unwrap();
    assert_eq!(nowhere.status(), 404);
    let headers = nowhere.headers();
    assert!(headers["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert!(!headers.contains_key("server"));
    let wrong_method = ground.post("/status").send().await.unwrap();
    assert_eq!(
        (wrong_method.status().as_u16(), &wrong_method.headers()["allow"]),
        (405, &"GET,HEAD".parse().unwrap())
    );
    let said: Value = serde_json::from_str(&wrong_method.text().await.unwrap()).unwrap();
    assert_eq!(said["detail"], "that cannot be done at this address");
    assert_eq!(ground.read(None, "/nowhere").await.refusal(), (404, "address not found"));
}

pub(crate) async fn what_people_state_takes_the_place_of_no_measurement(ground: Ground) {
    let result = async |testcase: &str| {
        let status = ground.read(None, "/status").await.body;
        status["cloud-a"][KAAS]["results"][testcase]["result"].clone()
    };
    let measured = Report::new("cloud-a", "2026-11-22 10:00:00", &[("version-policy-check", -1)]);
    assert_eq!(ground.hand_in("ci", &ground.ci, &measured.yaml()).await.status, 200);
    let stated = [("version-policy-check", 1), ("node-distribution-check", 1)];
    let stated = Report::new("cloud-a", "2026-11-22 11:00:00", &stated).yaml();
    let stated = stated.replace("cmd: check", "cmd: 'assay declare: stated by people, not measured'");
    assert_eq!(ground.hand_in("ci", &ground.ci, &stated).await.status, 200);
    assert_eq!(result("version-policy-check").await, -1);
    // What no program can find out, people state.
    assert_eq!(result("node-distribution-check").await, 1);
}
