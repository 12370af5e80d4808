use std::collections::BTreeSet;
use std::panic::catch_unwind;

use assay_monitor::Settings;
use reqwest::redirect::Policy;
use reqwest::{Client, Method};
use serde_json::{Value, json};

use super::documented::{DOCUMENTED, is_documented};
use super::ground::{Answer, Ground, IAAS, PASSWORD, Report};

/// Nobody, who reads all, who hands in for others, the subject itself, who approves, who does all of it.
const WHO: [Option<&str>; 6] =
    [None, Some("reader"), Some("ci"), Some("cloud-b"), Some("approver"), Some("assessor")];

/// An address of the server, how and with what it is asked for, and what each of those hears.
type Asked<'a> = (&'a str, Method, String, Option<&'a Value>, [u16; 6]);

/// The addresses of the server, each with how it is asked, as its source has them; those of the desk are not among them.
pub(super) fn routes() -> BTreeSet<(&'static str, &'static str)> {
    const SOURCE: &str = include_str!("../../src/web.rs");
    let methods = |route: &'static str| {
        let known = [("get(", "GET"), ("post(", "POST"), ("put(", "PUT"), ("delete(", "DELETE")];
        let path = route.split('"').nth(1).unwrap();
        known.into_iter().filter(|(word, _)| route.contains(word)).map(move |(_, method)| (method, path))
    };
    SOURCE.split(".route(").skip(1).flat_map(methods).collect()
}

pub(crate) async fn every_address_is_for_whom_it_is_meant(mut ground: Ground) {
    let base_url = "https://compliance.example.com/".into();
    ground.restart(Settings { base_url, ..Settings::default() }).await;
    let report = Report::new("cloud-b", "2026-11-22 10:00:00", &[("version-policy-check", 1)]);
    assert_eq!(ground.hand_in("cloud-b", &ground.own, &report.yaml()).await.status, 200);
    let application = json!({
        "subject": "cloud-b", "scope": "scs-compatible-kaas", "version": "v1", "organisation": "A",
        "covers": "all", "contact": "somebody", "evidence": "none",
    });
    let applied = ground.send(Some("cloud-b"), "/api/v1/applications", &application).await;
    let application_of = applied.body["application"].as_str().unwrap().to_owned();
    let moves = format!("/api/v1/applications/{application_of}/moves");
    let grant = json!({"move": "grant", "text": "x", "despite": true});
    let certificate = ground.send(Some("assessor"), &moves, &grant).await.body["certificate"].clone();
    let certificate = certificate.as_str().unwrap();
    let uuid = report.uuid.to_string();
    let all = [200; 6];
    let approval = json!({
        "reportuuid": uuid, "scopeuuid": report.scope, "check": "version-policy-check", "approval": true,
    });
    let ask = json!({"move": "ask", "text": "x"});
    let finding = json!({
        "scope": "scs-compatible-kaas", "testcase": "version-policy-check", "finding": "REMARK", "text": "x",
    });
    let reference = json!({"kind": "managed", "environment": "a", "from": "2025-01-01", "evidence": ["x"]});
    let integration = json!({
        "applicant": "cloud-b", "layer": "KaaS", "tier": "Bronze", "organisation": "A", "covers": "all",
        "contact": "somebody", "evidence": "none", "references": [reference],
    });
    let applied = ground.send(Some("cloud-b"), "/api/v1/integrators/applications", &integration).await;
    let integrator = applied.body["application"].as_str().unwrap().to_owned();
    let integrator = format!("/api/v1/integrators/applications/{integrator}");
    let accept = json!({"word": "accepted", "text": "x"});
    let accepted = ground.send(Some("assessor"), &format!("{integrator}/references/1/word"), &accept).await;
    assert_eq!(accepted.status, 200);
    let granting = json!({"move": "grant", "text": "x"});
    let granted = ground.send(Some("assessor"), &format!("{integrator}/moves"), &granting).await;
    let integrated = granted.body["certificate"].as_str().unwrap().to_owned();
    let form = |word: &str| format!("/page/{word}");
    // Where today's clients know 401, it is 401 for who is known, too.
    let matrix: Vec<Asked<'_>> = vec![
        ("/", Method::GET, "/".into(), None, [307; 6]),
        ("/reports", Method::GET, "/reports".into(), None, [401, 200, 200, 200, 200, 200]),
        ("/reports", Method::GET, "/reports?subject=cloud-b".into(), None, [401, 200, 401, 200, 401, 200]),
        ("/reports/{uuid}", Method::GET, format!("/reports/{uuid}"), None, [401, 200, 401, 200, 401, 200]),
        (
            "/reports/{uuid}/signed",
            Method::GET,
            format!("/reports/{uuid}/signed"),
            None,
            [401, 200, 403, 200, 403, 200],
        ),
        ("/results", Method::GET, "/results".into(), None, [401, 200, 401, 401, 401, 200]),
        ("/results", Method::POST, "/results".into(), Some(&approval), [401, 401, 401, 401, 200, 200]),
        ("/status", Method::GET, "/status".into(), None, all),
        ("/healthz", Method::GET, "/healthz".into(), None, all),
        ("/metrics", Method::GET, "/metrics".into(), None, all),
        ("/{form}/table", Method::GET, form("table"), None, all),
        ("/{form}/table_full", Method::GET, form("table_full"), None, all),
        ("/{form}/detail/{subject}/{scope}", Method::GET, form(&format!("detail/cloud-b/{IAAS}")), None, all),
        (
            "/{form}/detail_full/{subject}/{scope}",
            Method::GET,
            form(&format!("detail_full/cloud-b/{IAAS}")),
            None,
            all,
        ),
        ("/{form}/report/{uuid}", Method::GET, form(&format!("report/{uuid}")), None, all),
        (
            "/{form}/report_full/{uuid}",
            Method::GET,
            form(&format!("report_full/{uuid}")),
            None,
            [401, 200, 401, 200, 401, 200],
        ),
        ("/{form}/scope/{scope}", Method::GET, form(&format!("scope/{IAAS}")), None, all),
        ("/{form}/subject/{subject}", Method::GET, form("subject/cloud-b"), None, all),
        ("/{form}/matrix/{scope}/{version}", Method::GET, form("matrix/scs-compatible-kaas/v1"), None, all),
        ("/{form}/testcases", Method::GET, form("testcases"), None, all),
        ("/{form}/testcase/{testcase}", Method::GET, form("testcase/version-policy-check"), None, all),
        ("/{form}/log", Method::GET, form("log"), None, all),
        ("/{form}/certificates", Method::GET, form("certificates"), None, all),
        ("/{form}/certificate/{uuid}", Method::GET, form(&format!("certificate/{certificate}")), None, all),
        ("/{form}/integrators", Method::GET, form("integrators"), None, all),
        ("/{form}/integrator/{uuid}", Method::GET, form(&format!("integrator/{integrated}")), None, all),
        ("/api/v1/integrators", Method::GET, "/api/v1/integrators".into(), None, all),
        ("/api/v1/integrators/{uuid}", Method::GET, format!("/api/v1/integrators/{integrated}"), None, all),
        (
            "/api/v1/integrators/applications",
            Method::POST,
            "/api/v1/integrators/applications".into(),
            Some(&integration),
            [401, 403, 403, 201, 403, 201],
        ),
        (
            "/api/v1/integrators/applications/{uuid}",
            Method::GET,
            integrator.clone(),
            None,
            [401, 404, 404, 200, 200, 200],
        ),
        (
            "/api/v1/integrators/applications/{uuid}/moves",
            Method::POST,
            format!("{integrator}/moves"),
            Some(&ask),
            [401, 404, 404, 403, 409, 409],
        ),
        (
            "/api/v1/integrators/applications/{uuid}/references",
            Method::POST,
            format!("{integrator}/references"),
            Some(&reference),
            [401, 404, 404, 409, 403, 409],
        ),
        (
            "/api/v1/integrators/applications/{uuid}/references/{number}/word",
            Method::POST,
            format!("{integrator}/references/1/word"),
            Some(&accept),
            [401, 404, 404, 403, 409, 409],
        ),
        ("/log/checkpoint", Method::GET, "/log/checkpoint".into(), None, all),
        ("/log/key", Method::GET, "/log/key".into(), None, all),
        ("/log/proof/{uuid}", Method::GET, format!("/log/proof/{uuid}"), None, all),
        ("/log/tile/{*path}", Method::GET, "/log/tile/0/000.p/1".into(), None, all),
        ("/certificates/revoked.json", Method::GET, "/certificates/revoked.json".into(), None, all),
        (
            "/certificates/{uuid}/credential.json",
            Method::GET,
            format!("/certificates/{certificate}/credential.json"),
            None,
            all,
        ),
        (
            "/certificates/{uuid}/certificate.pdf",
            Method::GET,
            format!("/certificates/{certificate}/certificate.pdf"),
            None,
            all,
        ),
        ("/feed/{subject}/{scope}", Method::GET, "/feed/cloud-b/scs-compatible-kaas.atom".into(), None, all),
        ("/badge/{subject}/{scope}", Method::GET, "/badge/cloud-b/scs-compatible-kaas.svg".into(), None, all),
        ("/api/v1/scores", Method::GET, "/api/v1/scores".into(), None, all),
        ("/api/v1/subjects/{subject}", Method::GET, "/api/v1/subjects/cloud-b".into(), None, all),
        (
            "/api/v1/subjects/{subject}/history",
            Method::GET,
            "/api/v1/subjects/cloud-b/history".into(),
            None,
            all,
        ),
        ("/api/v1/certificates", Method::GET, "/api/v1/certificates".into(), None, all),
        (
            "/api/v1/certificates/{uuid}",
            Method::GET,
            format!("/api/v1/certificates/{certificate}"),
            None,
            all,
        ),
        (
            "/api/v1/applications",
            Method::GET,
            "/api/v1/applications".into(),
            None,
            [401, 200, 200, 200, 200, 200],
        ),
        (
            "/api/v1/applications",
            Method::POST,
            "/api/v1/applications".into(),
            Some(&application),
            [401, 403, 403, 201, 403, 201],
        ),
        (
            "/api/v1/applications/{uuid}",
            Method::GET,
            format!("/api/v1/applications/{application_of}"),
            None,
            [401, 404, 404, 200, 200, 200],
        ),
        // It is decided, which only those hear who may decide.
        (
            "/api/v1/applications/{uuid}/moves",
            Method::POST,
            moves.clone(),
            Some(&ask),
            [401, 404, 404, 403, 409, 409],
        ),
        (
            "/api/v1/subjects/{subject}/audit",
            Method::GET,
            "/api/v1/subjects/cloud-b/audit?scope=scs-compatible-kaas".into(),
            None,
            [401, 200, 403, 200, 200, 200],
        ),
        (
            "/{form}/audit/{subject}/{scope}",
            Method::GET,
            form("audit/cloud-b/scs-compatible-kaas"),
            None,
            [401, 200, 403, 200, 200, 200],
        ),
        (
            "/api/v1/subjects/{subject}/findings",
            Method::POST,
            "/api/v1/subjects/cloud-b/findings".into(),
            Some(&finding),
            [401, 403, 403, 403, 201, 201],
        ),
        ("/api/v1/openapi.json", Method::GET, "/api/v1/openapi.json".into(), None, all),
        ("/assets/monitor.css", Method::GET, "/assets/monitor.css".into(), None, all),
    ];
    let client = Client::builder().redirect(Policy::none()).build().unwrap();
    let mut asked = BTreeSet::new();
    for (route, method, path, body, statuses) in &matrix {
        asked.insert((method.as_str(), *route));
        for (who, status) in WHO.into_iter().zip(statuses) {
            let mut request = client.request(method.clone(), ground.url(path));
            if let Some(who) = who {
                request = request.basic_auth(who, Some(PASSWORD));
            }
            if let Some(body) = body {
                request = request.header("content-type", "application/json").body(body.to_string());
            }
            let answer = Answer::of(request).await.status;
            assert_eq!(answer, *status, "{method} {path} by {who:?}");
        }
        // Nobody else's password helps.
        let wrong = client.request(method.clone(), ground.url(path)).basic_auth("assessor", Some("guess"));
        let answer = wrong.send().await.unwrap().status().as_u16();
        let is_public = statuses[0] != 401;
        assert_eq!(answer == 401, !is_public, "{method} {path}");
    }
    // Revoking is tried last, since it happens once.
    let revoke = format!("/api/v1/certificates/{certificate}/revocation");
    asked.insert(("POST", "/api/v1/certificates/{uuid}/revocation"));
    let reason = json!({"reason": "x"});
    for (who, status) in WHO.into_iter().zip([401, 403, 403, 403, 200, 409]) {
        assert_eq!(ground.send(who, &revoke, &reason).await.status, status, "{who:?}");
    }
    // Handing in has stories of its own, for who may do it depends on what is handed in.
    asked.insert(("POST", "/reports"));
    assert_eq!(asked, routes(), "every address is in the matrix");
}

pub(crate) async fn all_that_programs_may_ask_is_documented(ground: Ground) {
    let Answer { status, body, .. } = ground.read(None, "/api/v1/openapi.json").await;
    assert_eq!(status, 200);
    assert_eq!(body, DOCUMENTED.document);
    let mut documented = BTreeSet::new();
    for (path, said) in body["paths"].as_object().unwrap() {
        documented
            .extend(said.as_object().unwrap().keys().map(|method| (method.to_uppercase(), path.clone())));
    }
    let served = routes().into_iter().map(|(method, route)| (method.to_owned(), route.replace("{*", "{")));
    assert_eq!(documented, served.collect());
    // What is documented says something: not everything is.
    for (status, kind, body) in [
        (418, "application/json", json!({"detail": "x"})),
        (200, "text/html", json!("")),
        (200, "application/json", json!([{"subject": 1}])),
    ] {
        let invented = || is_documented("GET", "/api/v1/scores", (status, Some(kind)), &body);
        assert!(catch_unwind(invented).is_err(), "{status} {kind} {body}");
    }
}
