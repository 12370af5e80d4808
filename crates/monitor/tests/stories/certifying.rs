use assay_monitor::{Audit, Entry, Settings, audit};
use assay_standards::scope::{Spec, Version};
use assay_transparency::{LogKey, Proof, verify_document};
use serde_json::{Value, json};

use super::ground::{Ground, Report};

pub(crate) const BASE: &str = "https://compliance.example.com/";
const APPLICATIONS: &str = "/api/v1/applications";
const CERTIFICATES: &str = "/api/v1/certificates";

/// The version that can be certified on the first day of the stories.
pub(crate) fn version() -> &'static Version {
    let spec = Spec::embedded_kaas();
    let versions = spec.validity("2026-11-22".parse().unwrap());
    versions.into_iter().find(|(_, validity)| validity.certifiable()).unwrap().0
}

fn application() -> Value {
    json!({
        "subject": "cloud-b", "scope": "scs-compatible-kaas", "version": version().name,
        "organisation": "Wölke & Söhne <script>", "covers": "region one", "contact": "Ann, +49 30 123",
        "evidence": "https://example.com/evidence",
    })
}

/// A cloud whose tests all pass, at a monitor that knows its address.
pub(crate) async fn conforming(mut ground: Ground) -> Ground {
    let settings =
        Settings { base_url: BASE.into(), issuer: Some("The Forum".into()), ..Settings::default() };
    ground.restart(settings).await;
    hand_in(&ground, "2026-11-22 10:00:00", 1).await;
    ground
}

/// Hands in a report whose first result is this one; all others pass.
pub(crate) async fn hand_in(ground: &Ground, checked_at: &str, first: i8) {
    let all: Vec<&str> = version().testcases().map(|(id, _)| id).collect();
    let results: Vec<(&str, i8)> =
        all.iter().enumerate().map(|(place, id)| (*id, if place == 0 { first } else { 1 })).collect();
    let report = Report::new("cloud-b", checked_at, &results);
    let answer = ground.hand_in("cloud-b", &ground.own, &report.yaml()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

async fn apply(ground: &Ground) -> String {
    let answer = ground.send(Some("cloud-b"), APPLICATIONS, &application()).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    format!("{APPLICATIONS}/{}", answer.body["application"].as_str().unwrap())
}

pub(crate) async fn make(ground: &Ground, account: &str, address: &str, made: Value) -> (u16, Value) {
    let answer = ground.send(Some(account), &format!("{address}/moves"), &made).await;
    (answer.status, answer.body)
}

async fn grant(ground: &Ground, address: &str) -> String {
    let (status, body) = make(ground, "assessor", address, json!({"move": "grant", "text": "fine"})).await;
    assert_eq!(status, 200, "{body}");
    body["certificate"].as_str().unwrap().to_owned()
}

pub(crate) async fn text(ground: &Ground, path: &str) -> String {
    let answer = ground.get(path).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200, "{path}");
    answer.text().await.unwrap()
}

async fn badge(ground: &Ground) -> String {
    let picture = ground.get("/badge/cloud-b/scs-compatible-kaas.svg").send().await.unwrap();
    assert_eq!(picture.headers()["content-type"], "image/svg+xml; charset=utf-8");
    let picture = picture.text().await.unwrap();
    let told = picture.split("</title>").next().unwrap().split(": ").last().unwrap();
    told.to_owned()
}

pub(crate) async fn entries(ground: &Ground) -> Vec<Entry> {
    let entries: Vec<Entry> = {
        let page = ground.get("/log/checkpoint").send().await.unwrap().text().await.unwrap();
        let size: usize = page.lines().nth(1).unwrap().parse().unwrap();
        let path = format!("/log/tile/entries/000.p/{size}");
        let bytes = ground.get(&path).send().await.unwrap().bytes().await.unwrap();
        let bundled = assay_transparency::bundled(&bytes).unwrap();
        bundled.iter().map(|entry| serde_json::from_slice(entry).unwrap()).collect()
    };
    entries
}

pub(crate) async fn a_certificate_is_applied_for_and_granted(ground: Ground) {
    assert_eq!(badge(&ground).await, "nothing is known");
    let mut ground = conforming(ground).await;
    assert_eq!(badge(&ground).await, "all tests pass; not certified");
    let address = apply(&ground).await;
    // The assessors ask, the applicant answers.
    let asked = make(&ground, "assessor", &address, json!({"move": "ask", "text": "which zones?"})).await;
    assert_eq!((asked.0, &asked.1["course"]), (200, &json!("asked")));
    let told = make(&ground, "cloud-b", &address, json!({"move": "evidence", "text": "three"})).await;
    assert_eq!((told.0, &told.1["course"]), (200, &json!("submitted")));
    for (wrong, why) in [
        (json!({"move": "grant", "text": "x", "valid_from": "2026-11-21"}), "valid_from: between"),
        (json!({"move": "grant", "text": "x", "valid_from": "2027-11-21"}), "valid_from: between"),
        (json!({"move": "apply", "text": "x"}), "move: "),
        (json!({"move": "ask", "text": " "}), "text is missing"),
        (json!({"move": "ask", "text": "a\u{0}b"}), "text has characters that cannot be seen"),
        (json!({"move": "ask", "text": "x", "despite": true}), "valid_from and despite go with grant only"),
    ] {
        let (status, body) = make(&ground, "assessor", &address, wrong.clone()).await;
        assert_eq!(status, 422, "{wrong}");
        assert!(body["detail"].as_str().unwrap().starts_with(why), "{wrong}: {body}");
    }
    // While something fails, nothing is granted.
    hand_in(&ground, "2026-11-22 11:00:00", -1).await;
    let (status, body) = make(&ground, "assessor", &address, json!({"move": "grant", "text": "fine"})).await;
    assert_eq!(status, 409);
    assert!(body["detail"]["obstacles"][0].as_str().unwrap().ends_with(" is FAIL"), "{body}");
    hand_in(&ground, "2026-11-22 11:30:00", 1).await;

    let uuid = grant(&ground, &address).await;
    assert_eq!(badge(&ground).await, "certified, and all tests pass");
    let certified = text(&ground, "/page/table?group=both&state=certified").await;
    let until = format!("page/certificate/{uuid}\">until 2027-11-22</a>");
    assert!(certified.contains(&until) && !certified.contains("cloud-a"), "{certified}");
    let document: Value =
        serde_json::from_str(&text(&ground, &format!("/certificates/{uuid}/credential.json")).await).unwrap();
    let issuer = verify_document(&document).unwrap().to_string();
    assert_eq!(document["issuer"], json!({"id": issuer, "name": "The Forum"}));
    assert_eq!(document["validUntil"], "2027-11-22T00:00:00Z");
    assert_eq!(document["credentialSubject"]["organisation"], "Wölke & Söhne <script>");
    assert_eq!(document["statusPage"], format!("{BASE}page/certificate/{uuid}"));
    let paper = ground.get(&format!("/certificates/{uuid}/certificate.pdf")).send().await.unwrap();
    assert_eq!(paper.headers()["content-type"], "application/pdf");
    assert!(paper.bytes().await.unwrap().starts_with(b"%PDF-1.7"));
    // It is in the log, as it is handed out.
    let proof: Proof = text(&ground, &format!("/log/proof/{uuid}")).await.parse().unwrap();
    let key: LogKey = text(&ground, "/log/key").await.parse().unwrap();
    proof.verify(&proof.extra, &key).unwrap();
    let Ok(Entry::Certificate { certificate, number: 1, despite: None, .. }) =
        serde_json::from_slice(&proof.extra)
    else {
        panic!("{:?}", String::from_utf8_lossy(&proof.extra))
    };
    assert_eq!(certificate, uuid);

    // No report can take its name.
    let named = Report { uuid: uuid.parse().unwrap(), ..Report::new("cloud-b", "2026-11-22 11:40:00", &[]) };
    assert_eq!(ground.hand_in("cloud-b", &ground.own, &named.yaml()).await.status, 409);

    // What is decided stays.
    let (status, body) = make(&ground, "cloud-b", &address, json!({"move": "evidence", "text": "x"})).await;
    assert_eq!((status, body["detail"].as_str().unwrap().contains("is granted")), (409, true));

    // Everybody sees the certificate, and nobody the contact.
    for form in ["page", "fragment", "markdown"] {
        for path in [format!("/{form}/certificates"), format!("/{form}/certificate/{uuid}")] {
            let page = text(&ground, &path).await;
            assert!(page.contains("Wölke") && page.contains("cloud-b"), "{path}: {page}");
            assert!(!page.contains("<script>") && !page.contains("+49"), "{path}: {page}");
        }
    }
    let listed = text(&ground, CERTIFICATES).await;
    assert!(listed.contains(&uuid) && !listed.contains("+49"), "{listed}");
    assert_eq!(ground.read(None, &format!("{CERTIFICATES}?subject=cloud-a")).await.body, json!([]));
    assert!(text(&ground, "/page/log").await.contains("certificate 1"));

    // A test that fails later ends nothing.
    hand_in(&ground, "2026-11-22 11:45:00", -1).await;
    assert_eq!(badge(&ground).await, "some tests do not pass");
    let now = ground.read(None, &format!("{CERTIFICATES}/{uuid}")).await.body;
    assert_eq!((&now["standing"], &now["number"]), (&json!("valid"), &json!(1)));
    let page = text(&ground, &format!("/page/certificate/{uuid}")).await;
    assert!(page.contains("The certificate is valid; some tests do not pass"), "{page}");

    ground.set_clock("2027-11-22T00:00:00Z");
    assert_eq!(badge(&ground).await, "the certificate has expired");
    assert_eq!(ground.read(None, &format!("{CERTIFICATES}/{uuid}")).await.body["standing"], "expired");
    let all = audit(&ground.store).await.unwrap();
    assert_eq!(all, Audit { reports: 4, entries: 5, ..Audit::default() });
    // Nothing is granted by a monitor that does not know where it is.
    ground.set_clock("2026-11-22T12:00:00Z");
    ground.restart(Settings::default()).await;
    let address = apply(&ground).await;
    let (status, body) = make(&ground, "assessor", &address, json!({"move": "grant", "text": "fine"})).await;
    assert_eq!((status, body["detail"].as_str().unwrap().contains("--base-url")), (503, true));
}

pub(crate) async fn a_certificate_is_revoked(ground: Ground) {
    let ground = conforming(ground).await;
    let empty: Value = serde_json::from_str(&text(&ground, "/certificates/revoked.json").await).unwrap();
    verify_document(&empty).unwrap();
    assert_eq!(empty["revoked"], json!([]));
    let first = grant(&ground, &apply(&ground).await).await;
    let second = grant(&ground, &apply(&ground).await).await;
    let address = format!("{CERTIFICATES}/{first}/revocation");
    let reason = json!({"reason": "the cloud was sold"});
    assert_eq!(ground.send(Some("assessor"), &address, &json!({"reason": ""})).await.status, 422);
    let answer = ground.send(Some("assessor"), &address, &reason).await;
    assert_eq!((answer.status, &answer.body["standing"]), (200, &json!("revoked")));
    assert_eq!(ground.send(Some("assessor"), &address, &reason).await.status, 409);
    // The other one still counts.
    assert_eq!(badge(&ground).await, "certified, and all tests pass");
    let address = format!("{CERTIFICATES}/{second}/revocation");
    assert_eq!(ground.send(Some("assessor"), &address, &reason).await.status, 200);
    assert_eq!(badge(&ground).await, "the certificate was revoked");
    let list: Value = serde_json::from_str(&text(&ground, "/certificates/revoked.json").await).unwrap();
    verify_document(&list).unwrap();
    assert_eq!(list["revoked"].as_array().unwrap().len(), 2);
    assert_eq!(list["revoked"][1]["certificate"], first);
    assert_eq!(list["nextUpdate"], "2026-11-29T12:00:00Z");
    let newest = entries(&ground).await.pop();
    assert!(matches!(newest, Some(Entry::Revocation { certificate, .. }) if certificate == second));
    let page = text(&ground, &format!("/page/certificate/{first}")).await;
    assert!(page.contains("Revoked on 2026-11-22") && page.contains("the cloud was sold"), "{page}");
}

pub(crate) async fn who_may_do_what_with_applications(ground: Ground) {
    let ground = conforming(ground).await;
    let address = apply(&ground).await;
    let moves = format!("{address}/moves");
    let certificate = grant(&ground, &apply(&ground).await).await;
    let revocation = format!("{CERTIFICATES}/{certificate}/revocation");
    let made = |made: &str| json!({"move": made, "text": "x"});
    let who = [None, Some("reader"), Some("ci"), Some("cloud-b"), Some("assessor")];
    // By whom it is asked for: nobody, who reads all, who hands in for others, the subject, the assessors.
    for (path, body, statuses) in [
        (APPLICATIONS, None, [401, 200, 200, 200, 200]),
        (address.as_str(), None, [401, 404, 404, 200, 200]),
        (CERTIFICATES, None, [200; 5]),
        ("/certificates/revoked.json", None, [200; 5]),
        (moves.as_str(), Some(made("ask")), [401, 404, 404, 403, 200]),
        (moves.as_str(), Some(made("grant")), [401, 404, 404, 403, 200]),
        (revocation.as_str(), Some(json!({"reason": "x"})), [401, 403, 403, 403, 200]),
        (APPLICATIONS, Some(application()), [401, 403, 403, 201, 201]),
    ] {
        for (who, status) in who.into_iter().zip(statuses) {
            let answer = match &body {
                Some(body) => ground.send(who, path, body).await,
                None => ground.read(who, path).await,
            };
            assert_eq!(answer.status, status, "{path} {body:?} by {who:?}: {:?}", answer.body);
        }
    }
    // Who approves speaks for no subject.
    for applicants in ["evidence", "withdraw"] {
        let answer = ground.send(Some("approver"), &moves, &made(applicants)).await;
        assert_eq!(answer.refusal().0, 403, "{applicants}");
    }
    let rejected = apply(&ground).await;
    let (status, body) = make(&ground, "approver", &rejected, json!({"move": "reject", "text": "no"})).await;
    assert_eq!((status, &body["course"]), (200, &json!("rejected")));
    let withdrawn = apply(&ground).await;
    let (status, body) = make(&ground, "cloud-b", &withdrawn, json!({"move": "withdraw", "text": "x"})).await;
    assert_eq!((status, &body["course"]), (200, &json!("withdrawn")));
    // Others see none of it, and do not learn that it is there.
    assert_eq!(ground.read(Some("reader"), APPLICATIONS).await.body, json!([]));
    let own = ground.read(Some("cloud-b"), APPLICATIONS).await.body;
    assert_eq!(own.as_array().unwrap().len(), 6);
    // Who is both, assessor and admin, decides about nothing that he spoke for.
    let applied = ground.send(Some("assessor"), APPLICATIONS, &application()).await.body;
    let applied = format!("{APPLICATIONS}/{}", applied["application"].as_str().unwrap());
    let answered = apply(&ground).await;
    assert_eq!(make(&ground, "assessor", &answered, made("evidence")).await.0, 200);
    for address in [applied, answered] {
        for decided in ["ask", "grant", "reject"] {
            assert_eq!(
                make(&ground, "assessor", &address, made(decided)).await.0,
                403,
                "{address} {decided}"
            );
        }
        assert_eq!(make(&ground, "approver", &address, made("reject")).await.0, 200, "{address}");
    }
    // A form of another site cannot send what counts.
    let form = ground.post(&revocation).basic_auth("assessor", Some(super::ground::PASSWORD));
    let form = form.header("content-type", "text/plain").body("{\"reason\": \"x\"}");
    assert_eq!(form.send().await.unwrap().status().as_u16(), 415);
    for (change, why) in [
        (json!({"version": "v0"}), "version: v0 is not in force; these are: "),
        (json!({"scope": "nonsense"}), "scope: there is none of that name"),
        (json!({"organisation": ""}), "organisation is missing"),
        (json!({"evidence": "x".repeat(10_001)}), "evidence is longer than 10000 characters"),
        (json!({"covers": "a\nb"}), "covers has characters that cannot be seen"),
        (json!({"organisation": "a\u{202e}b"}), "organisation has characters that cannot be seen"),
        (json!({"more": 1}), "unknown field `more`"),
    ] {
        let mut body = application();
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let answer = ground.send(Some("cloud-b"), APPLICATIONS, &body).await;
        let (status, told) = answer.refusal();
        assert!(status == 422 && told.starts_with(why), "{status} {told}");
    }
}

pub(crate) async fn what_is_done_to_a_certificate_later_is_found(ground: Ground) {
    let ground = conforming(ground).await;
    let uuid = grant(&ground, &apply(&ground).await).await;
    let reason = json!({"reason": "x"});
    ground.send(Some("assessor"), &format!("{CERTIFICATES}/{uuid}/revocation"), &reason).await;
    assert_eq!(audit(&ground.store).await.unwrap().findings, Vec::<String>::new());
    for (statement, told) in [
        ("UPDATE certificate SET valid_until = valid_until + 1", "the log says something else about it"),
        (
            "UPDATE certificate SET valid_until = valid_until - 1, organisation = 'x'",
            "something else about it",
        ),
        ("UPDATE certificate SET reason = 'y'", "otherwise whether it was revoked"),
        ("UPDATE certificate SET revoked_at = NULL", "otherwise whether it was revoked"),
        ("UPDATE certificate SET uuid = 'x'", "is in the log, and nowhere else"),
    ] {
        ground.tamper(statement).await;
        let findings = audit(&ground.store).await.unwrap().findings;
        assert!(findings.iter().any(|finding| finding.contains(told)), "{statement}: {findings:#?}");
    }
}

pub(crate) async fn the_next_certificate_begins_when_the_last_one_ends(ground: Ground) {
    let ground = conforming(ground).await;
    grant(&ground, &apply(&ground).await).await;
    ground.set_clock("2027-11-01T12:00:00Z");
    hand_in(&ground, "2027-11-01 11:00:00", 1).await;
    assert_eq!(badge(&ground).await, "all tests pass, but not for long, or not for certain");
    let next = json!({"move": "grant", "text": "again", "valid_from": "2027-11-22", "despite": true});
    let (status, body) = make(&ground, "assessor", &apply(&ground).await, next).await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(badge(&ground).await, "certified, and all tests pass");
    let all = ground.read(None, CERTIFICATES).await.body;
    assert_eq!([&all[0]["standing"], &all[1]["standing"]], ["not yet valid", "about to end"]);
    assert_eq!((&all[0]["number"], &all[0]["valid_until"]), (&json!(2), &json!("2028-11-22")));
}

pub(crate) async fn one_that_is_granted_against_the_tests_says_so(ground: Ground) {
    let ground = conforming(ground).await;
    hand_in(&ground, "2026-11-22 11:00:00", 0).await;
    let address = apply(&ground).await;
    let made = json!({"move": "grant", "text": "looked at by hand", "despite": true});
    let (status, body) = make(&ground, "assessor", &address, made.clone()).await;
    assert_eq!(status, 200, "{body}");
    // Where nothing speaks against it, there is nothing to say.
    hand_in(&ground, "2026-11-22 11:30:00", 1).await;
    assert_eq!(make(&ground, "assessor", &apply(&ground).await, made).await.0, 200);
    let despite: Vec<Option<String>> = entries(&ground)
        .await
        .into_iter()
        .filter_map(|entry| match entry {
            Entry::Certificate { despite, .. } => Some(despite),
            _ => None,
        })
        .collect();
    assert_eq!(despite, [Some("looked at by hand".to_owned()), None]);
    assert!(text(&ground, "/page/log").await.contains("despite its tests: looked at by hand"));
}
