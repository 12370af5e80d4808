use assay_monitor::{Audit, audit};
use assay_transparency::{LogKey, Proof, verify_document};
use serde_json::{Value, json};

use super::certifying::{BASE, conforming, hand_in, make, text};
use super::ground::{Ground, IAAS, Report};

const APPLICATIONS: &str = "/api/v1/integrators/applications";

/// An application of an account that is no cloud.
fn application(references: &Value) -> Value {
    json!({
        "applicant": "ci", "layer": "KaaS", "tier": "Silver", "organisation": "Bäuer & Co <script>",
        "covers": "all of the company", "contact": "Bea, +49 40 456", "evidence": "see the references",
        "references": references,
    })
}

/// A cluster of somebody else that is managed.
fn managed(environment: &str, from: &str, more: &Value) -> Value {
    let mut reference = json!({
        "kind": "managed", "environment": environment, "from": from, "evidence": ["https://example.com/contract"],
    });
    reference.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    reference
}

async fn apply(ground: &Ground, references: &Value) -> String {
    let answer = ground.send(Some("ci"), APPLICATIONS, &application(references)).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    format!("{APPLICATIONS}/{}", answer.body["application"].as_str().unwrap())
}

/// Says something of a reference, and hands back what comes of it.
async fn say(ground: &Ground, who: &str, address: &str, (number, word): (i64, &str)) -> (u16, Value) {
    let said = json!({"word": word, "text": "agreed by phone"});
    let answer = ground.send(Some(who), &format!("{address}/references/{number}/word"), &said).await;
    (answer.status, answer.body)
}

/// The UUID of a report that is stored.
async fn reported(ground: &Ground, subject: &str, results: &[(&str, i8)]) -> String {
    let report = Report::new(subject, "2026-11-22 09:00:00", results);
    let answer = ground.hand_in("ci", &ground.ci, &report.yaml()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    report.uuid.to_string()
}

pub(crate) async fn an_integrator_is_certified_by_points(ground: Ground) {
    let ground = conforming(ground).await;
    let fails = reported(&ground, "cloud-a", &[("version-policy-check", -1)]).await;
    let iaas = Report { scope: IAAS, ..Report::new("cloud-b", "2026-11-22 08:00:00", &[]) };
    assert_eq!(ground.hand_in("ci", &ground.ci, &iaas.yaml()).await.status, 200);
    hand_in(&ground, "2026-11-22 11:00:00", 1).await;
    let passes = ground.read(Some("reader"), "/reports?subject=cloud-b&limit=1").await.body;
    let passes = passes[0].as_str().or_else(|| passes[0]["run"]["uuid"].as_str()).unwrap().to_owned();
    let nowhere = "0b5e0b5e-0b5e-4b5e-8b5e-0b5e0b5e0b5e";
    let share = json!({"part": "the network", "proof": "https://example.com/share"});
    let address = apply(
        &ground,
        &json!([
            managed("cloud-b", "2025-11-22", &json!({"reports": [passes], "named": true})),
            managed("secret customer", "2026-05-22", &json!({"share": share, "reports": [fails]})),
            managed("cloud-b", "2026-01-01", &json!({"reports": [fails, nowhere, iaas.uuid]})),
        ]),
    )
    .await;
    let shown = ground.read(Some("ci"), &address).await.body;
    let score = &shown["score"];
    assert_eq!(
        (&score["claimed"]["sum"], &score["claimed"]["tier"]),
        (&json!("2 + 1 = 3"), &json!("Bronze"))
    );
    assert_eq!((&score["accepted"]["points"], &score["would_be_granted"]), (&json!(0), &json!(null)));
    let references = &shown["references"];
    assert_eq!(
        references[0]["arithmetic"],
        "actively managed since 2025-11-22, for 12 months or more on 2026-11-22: 2 points"
    );
    assert_eq!(references[0]["linked"], json!([{"report": passes, "subject": "cloud-b", "trouble": null}]));
    // What goes by a name of its own may be anything; and somebody should look at what proves two at once.
    let other = "it is about another subject than the environment";
    let linked = json!([{"report": fails, "subject": "cloud-a", "also_named_by": [3], "trouble": other}]);
    assert_eq!(references[1]["linked"], linked);
    assert_eq!(
        references[2]["missing"],
        json!(["another reference about the same environment counts already"])
    );
    let troubles: Vec<&Value> =
        references[2]["linked"].as_array().unwrap().iter().map(|linked| &linked["trouble"]).collect();
    assert_eq!(
        troubles,
        [
            "it is about another subject than the environment",
            "there is no such report here",
            "it is of another scope than the layer needs"
        ]
    );
    // What nobody accepted counts nothing.
    let grant = json!({"move": "grant", "text": "fine"});
    let (status, body) = make(&ground, "assessor", &address, grant.clone()).await;
    assert_eq!(
        (status, &body["detail"]["obstacles"][0]),
        (409, &json!("the accepted references come to 0 points, of 2 that it takes"))
    );
    assert_eq!(say(&ground, "assessor", &address, (2, "refused")).await.0, 200);
    assert_eq!(say(&ground, "assessor", &address, (2, "accepted")).await.0, 200);
    let (_, shown) = say(&ground, "assessor", &address, (1, "accepted")).await;
    assert_eq!(
        (&shown["score"]["accepted"]["points"], &shown["score"]["would_be_granted"]),
        (&json!(3), &json!("Bronze"))
    );
    // One more, for what was asked for.
    let more =
        json!({"kind": "production", "environment": "another", "from": "2025-11-22", "evidence": ["x"]});
    let added = ground.send(Some("ci"), &format!("{address}/references"), &more).await;
    assert_eq!((added.status, &added.body["score"]["claimed"]["points"]), (201, &json!(5)));
    assert_eq!(say(&ground, "approver", &address, (4, "accepted")).await.0, 200);
    let despite = json!({"move": "grant", "text": "fine", "despite": true});
    assert_eq!(make(&ground, "assessor", &address, despite).await.0, 422);
    let (status, body) = make(&ground, "assessor", &address, grant).await;
    assert_eq!(status, 200, "{body}");
    let uuid = body["certificate"].as_str().unwrap().to_owned();
    let moves: Vec<String> = body["moves"]
        .as_array()
        .unwrap()
        .iter()
        .map(|made| made["text"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        moves[1..],
        [
            "reference 2 refused: agreed by phone",
            "reference 2 accepted: agreed by phone",
            "reference 1 accepted: agreed by phone",
            "reference 4: production, another",
            "reference 4 accepted: agreed by phone",
            "fine"
        ]
    );

    // What was decided is told as it was then, and cannot change.
    ground.set_clock("2027-06-01T12:00:00Z");
    let shown = ground.read(Some("ci"), &address).await.body;
    assert_eq!(
        (&shown["score"]["on"], &shown["score"]["accepted"]["points"]),
        (&json!("2026-11-22"), &json!(5))
    );
    assert_eq!(say(&ground, "ci", &address, (1, "withdrawn")).await.0, 409);
    assert_eq!(ground.send(Some("ci"), &format!("{address}/references"), &more).await.status, 409);

    let document: Value =
        serde_json::from_str(&text(&ground, &format!("/certificates/{uuid}/credential.json")).await).unwrap();
    verify_document(&document).unwrap();
    assert_eq!(document["name"], "Certified SCS KaaS Silver Integrator");
    assert_eq!(document["statusPage"], format!("{BASE}page/integrator/{uuid}"));
    let said = &document["credentialSubject"];
    assert_eq!((&said["tier"], &said["points"], &said["needed"]), (&json!("Silver"), &json!(5), &json!(4)));
    let proved: Vec<(&Value, &Value)> = said["references"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (&one["environment"], &one["provedBy"]))
        .collect();
    let (reports, other) = (json!("reports"), json!("other evidence"));
    assert_eq!(proved, [(&json!("cloud-b"), &reports), (&Value::Null, &other), (&Value::Null, &other)]);
    let paper = ground.get(&format!("/certificates/{uuid}/certificate.pdf")).send().await.unwrap();
    assert!(paper.bytes().await.unwrap().starts_with(b"%PDF-1.7"));
    let proof: Proof = text(&ground, &format!("/log/proof/{uuid}")).await.parse().unwrap();
    let key: LogKey = text(&ground, "/log/key").await.parse().unwrap();
    proof.verify(&proof.extra, &key).unwrap();

    // Everybody sees how it was reckoned; nobody sees whom to call, or who does not want to be named.
    let listed = text(&ground, "/api/v1/integrators").await;
    let told = text(&ground, &format!("/api/v1/integrators/{uuid}")).await;
    let pages = ["page", "fragment", "markdown"].map(|form| {
        [
            format!("/{form}/integrators"),
            format!("/{form}/integrator/{uuid}"),
            format!("/{form}/certificate/{uuid}"),
        ]
    });
    for path in pages.as_flattened() {
        let page = text(&ground, path).await;
        assert!(page.contains("Bäuer") && page.contains("KaaS"), "{path}: {page}");
        let is_one = path.ends_with(&uuid);
        assert_eq!(
            page.contains("2 + 1 + 2 = 5, of 4") || page.contains("2 + 1 + 2 = 5</"),
            is_one,
            "{path}: {page}"
        );
        assert_eq!(page.contains("for 12 months or more on 2026-11-22: 2 points"), is_one, "{path}");
        assert!(!page.contains("<script>"), "{path}");
        for hidden in ["+49", "secret customer", "https://example.com/contract", "agreed by phone"] {
            assert!(
                !page.contains(hidden) && !listed.contains(hidden) && !told.contains(hidden),
                "{path}: {hidden}"
            );
        }
    }
    let page = text(&ground, "/page/certificates").await;
    assert!(
        page.contains(&format!("page/integrator/{uuid}"))
            && page.contains("Certified SCS KaaS Silver Integrator")
    );

    // It ends as others do.
    let revocation = format!("/api/v1/certificates/{uuid}/revocation");
    let reason = json!({"reason": "nobody is left who knows how"});
    assert_eq!(ground.send(Some("assessor"), &revocation, &reason).await.status, 200);
    assert!(
        text(&ground, &format!("/page/integrator/{uuid}")).await.contains("nobody is left who knows how")
    );
    assert!(text(&ground, "/certificates/revoked.json").await.contains(&uuid));
    let found = audit(&ground.store).await.unwrap();
    assert_eq!(found, Audit { reports: 4, entries: 6, ..Audit::default() });
}

pub(crate) async fn who_may_do_what_with_references(ground: Ground) {
    let ground = conforming(ground).await;
    let address = apply(&ground, &json!([managed("a", "2025-01-01", &json!({}))])).await;
    let reference = managed("b", "2025-01-01", &json!({}));
    // By whom: nobody, who reads all, the applicant, another account, who approves.
    let who = [None, Some("reader"), Some("ci"), Some("cloud-b"), Some("approver")];
    let word = |word: &str| json!({"word": word, "text": "x"});
    let (references, first) = (format!("{address}/references"), format!("{address}/references/1/word"));
    for (path, body, statuses) in [
        (&address, None, [401, 404, 200, 404, 200]),
        (&references, Some(reference), [401, 404, 201, 404, 403]),
        (&first, Some(word("accepted")), [401, 404, 403, 404, 200]),
        (&first, Some(word("refused")), [401, 404, 403, 404, 200]),
        (&first, Some(word("withdrawn")), [401, 404, 200, 404, 403]),
        // What is withdrawn stays so.
        (&first, Some(word("accepted")), [401, 404, 403, 404, 409]),
    ] {
        for (who, status) in who.into_iter().zip(statuses) {
            let answer = match &body {
                Some(body) => ground.send(who, path, body).await,
                None => ground.read(who, path).await,
            };
            assert_eq!(answer.status, status, "{path} {body:?} by {who:?}: {:?}", answer.body);
        }
    }
    assert_eq!(say(&ground, "approver", &address, (9, "accepted")).await.0, 404);
    // An application of a cloud has no references.
    let cloud = json!({
        "subject": "cloud-b", "scope": "scs-compatible-kaas", "version": super::certifying::version().name,
        "organisation": "A", "covers": "all", "contact": "somebody", "evidence": "none",
    });
    let applied = ground.send(Some("cloud-b"), "/api/v1/applications", &cloud).await.body;
    let path = format!("{APPLICATIONS}/{}", applied["application"].as_str().unwrap());
    assert_eq!(ground.read(Some("approver"), &path).await.status, 404);
    assert_eq!(ground.read(None, &format!("{}/x", "/page/integrator")).await.status, 404);

    for (change, why) in [
        (json!({"layer": "PaaS"}), "layer: IaaS or KaaS"),
        (json!({"tier": "Gold"}), "tier: Silver or Bronze"),
        (json!({"contact": " "}), "contact is missing"),
        (json!({"references": [managed("", "2025-01-01", &json!({}))]}), "environment is missing"),
        (
            json!({"references": [managed("a", "2025-01-01", &json!({"reports": ["x"]}))]}),
            "reports: \"x\" is no UUID",
        ),
        (json!({"references": [managed("a", "2025-02-30", &json!({}))]}), "date is not valid"),
        (
            json!({"references": [managed("a", "2025-01-01", &json!({"kind": "x"}))]}),
            "kind: one of production, managed",
        ),
        (
            json!({"references": [managed("a", "2025-01-01", &json!({"share": {"part": "x", "proof": ""}}))]}),
            "share.proof is missing",
        ),
        (
            json!({"references": [managed("a", "2025-01-01", &json!({"points": 9}))]}),
            "unknown field `points`",
        ),
    ] {
        let mut body = application(&json!([]));
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let answer = ground.send(Some("ci"), APPLICATIONS, &body).await;
        let (status, told) = answer.refusal();
        assert!(status == 422 && told.contains(why), "{change}: {status} {told}");
    }
    let other = ground.send(Some("cloud-b"), APPLICATIONS, &application(&json!([]))).await;
    assert_eq!(other.refusal(), (403, "only the applicant itself may apply"));
}
