//! A program that knows nothing but the OpenAPI document asks for all that it allows, and for what it does not.

use std::env;
use std::fs;
use std::path::PathBuf;

use assay_monitor::Settings;
use serde_json::{Value, json};
use tokio::process::Command;

use super::stories::ground::{Ground, KAAS, PASSWORD, Report};

/// What it cannot know.
const HOOKS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testbed/schemathesis/hooks.py");

/// Where `testbed/schemathesis/install` puts it.
fn program() -> PathBuf {
    if let Some(program) = env::var_os("ASSAY_SCHEMATHESIS") {
        return program.into();
    }
    let cache = env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let cache = cache.unwrap_or_else(|| PathBuf::from(env::var_os("HOME").unwrap()).join(".cache"));
    cache.join("assay-testbed/schemathesis/bin/schemathesis")
}

fn finding() -> Value {
    json!({"scope": KAAS, "testcase": "version-policy-check", "finding": "REMARK", "text": "x"})
}

fn application() -> Value {
    json!({
        "subject": "cloud-b", "scope": KAAS, "version": "v1", "organisation": "A", "covers": "all",
        "contact": "somebody", "evidence": "none",
    })
}

fn reference() -> Value {
    json!({"kind": "managed", "environment": "a", "from": "2025-01-01", "evidence": ["x"]})
}

fn integration() -> Value {
    json!({
        "applicant": "cloud-b", "layer": "KaaS", "tier": "Bronze", "organisation": "A", "covers": "all",
        "contact": "somebody", "evidence": "none", "references": [reference()],
    })
}

/// What there is, by the names of the parts of addresses.
struct There {
    report: String,
    application: String,
    certificate: String,
    integrator: String,
    integrated: String,
}

impl There {
    /// A subject with a report, and certificates of both kinds.
    async fn on(ground: &Ground) -> Self {
        let results = [("version-policy-check", 1), ("of-tomorrow", 1)];
        let report = Report::new("cloud-b", "2026-11-22 10:00:00", &results);
        assert_eq!(ground.hand_in("cloud-b", &ground.own, &report.yaml()).await.status, 200);
        let found = ground.send(Some("assessor"), "/api/v1/subjects/cloud-b/findings", &finding()).await;
        assert_eq!(found.status, 201);
        let applied = ground.send(Some("cloud-b"), "/api/v1/applications", &application()).await;
        let application = applied.body["application"].as_str().unwrap().to_owned();
        let integrators = "/api/v1/integrators/applications";
        let applied = ground.send(Some("cloud-b"), integrators, &integration()).await;
        let integrator = applied.body["application"].as_str().unwrap().to_owned();
        let word = format!("{integrators}/{integrator}/references/1/word");
        let accepted = json!({"word": "accepted", "text": "x"});
        assert_eq!(ground.send(Some("assessor"), &word, &accepted).await.status, 200);
        let certified = async |moves: String, grant: Value| {
            let granted = ground.send(Some("assessor"), &moves, &grant).await;
            granted.body["certificate"].as_str().unwrap().to_owned()
        };
        let despite = json!({"move": "grant", "text": "x", "despite": true});
        let certificate = certified(format!("/api/v1/applications/{application}/moves"), despite).await;
        let grant = json!({"move": "grant", "text": "x"});
        let integrated = certified(format!("{integrators}/{integrator}/moves"), grant).await;
        Self { report: report.uuid.to_string(), application, certificate, integrator, integrated }
    }

    /// What a part of an address has to be so that there is something.
    fn part(&self, path: &str, name: &str) -> Option<Value> {
        let has = |words: &str| path.contains(words);
        Some(match name {
            "form" => "page".into(),
            "subject" => "cloud-b".into(),
            "scope" if has("/feed/") => "scs-compatible-kaas.atom".into(),
            "scope" if has("/badge/") => "scs-compatible-kaas.svg".into(),
            "scope" => "scs-compatible-kaas".into(),
            "version" => "v1".into(),
            "testcase" => "version-policy-check".into(),
            "number" => 1.into(),
            "uuid" if has("integrators/applications") => self.integrator.as_str().into(),
            "uuid" if has("applications") => self.application.as_str().into(),
            "uuid" if has("integrator") => self.integrated.as_str().into(),
            "uuid" if has("certificate") => self.certificate.as_str().into(),
            "uuid" => self.report.as_str().into(),
            "path" => "0/000.p/1".into(),
            _ => return None,
        })
    }

    /// What can be sent so that something comes of it.
    fn body(&self, path: &str) -> Option<Value> {
        Some(match path.rsplit('/').next()? {
            "results" => json!({
                "reportuuid": self.report, "scopeuuid": KAAS, "check": "version-policy-check", "approval": true,
            }),
            "findings" => finding(),
            "applications" if path.contains("integrators") => integration(),
            "applications" => application(),
            "moves" => json!({"move": "ask", "text": "x"}),
            "references" => reference(),
            "word" => json!({"word": "accepted", "text": "x"}),
            "revocation" => json!({"reason": "x"}),
            _ => return None,
        })
    }

    /// Says in a document what there is, which a program cannot know.
    fn tell(&self, document: &mut Value) {
        for (path, methods) in document["paths"].as_object_mut().unwrap() {
            for said in methods.as_object_mut().unwrap().values_mut() {
                for parameter in said["parameters"].as_array_mut().unwrap() {
                    if let Some(example) = self.part(path, parameter["name"].as_str().unwrap()) {
                        parameter["example"] = example;
                    }
                }
                let content = said.pointer_mut("/requestBody/content/application~1json");
                if let (Some(content), Some(example)) = (content, self.body(path)) {
                    content["example"] = example;
                }
            }
        }
    }
}

pub(crate) async fn a_stranger_finds_all_as_it_is_documented(mut ground: Ground) {
    let base_url = "https://compliance.example.com/".into();
    ground.restart(Settings { base_url, ..Settings::default() }).await;
    let there = There::on(&ground).await;
    let mut document = ground.read(None, "/api/v1/openapi.json").await.body;
    there.tell(&mut document);
    let file = ground.folder.path().join("openapi.json");
    fs::write(&file, document.to_string()).unwrap();
    let ran = Command::new(program())
        .current_dir(ground.folder.path())
        .env("SCHEMATHESIS_HOOKS", HOOKS)
        .args(["--no-color", "run"])
        .arg(&file)
        .args(["--url", &ground.url("")])
        .args(["--auth", &format!("assessor:{PASSWORD}")])
        .args(["--phases", "examples,coverage,fuzzing", "--max-examples", "5"])
        .args(["--seed", "1", "--generation-deterministic"])
        .args([
            "--checks",
            "not_a_server_error,status_code_conformance,content_type_conformance,\
             response_headers_conformance,response_schema_conformance,ignored_auth",
        ])
        .output()
        .await
        .expect("testbed/schemathesis/install has been run");
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{said}{}", String::from_utf8_lossy(&ran.stderr));
}
