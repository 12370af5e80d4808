//! Flavors of a real nova: planned, made, changed, replaced. All of them are private, so that nobody else sees them.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::look::Member;
use crate::{assay, command, folder, stdout};

const ADMIN: &str = "testbed-admin";

/// Definitions under names of their own; the flavors are gone in the end.
struct Trial {
    folder: TempDir,
    prefix: String,
    admin: Member,
}

impl Trial {
    fn begin(what: &str) -> Self {
        let prefix = format!("trial-{what}-{}", std::process::id());
        Trial { folder: folder(), prefix, admin: Member::of(ADMIN) }
    }

    fn name(&self, number: u32) -> String {
        format!("{}-{number}", self.prefix)
    }

    /// Writes the definitions of flavors.
    fn define(&self, flavors: &[Value]) -> PathBuf {
        let path = self.folder.path().join("flavors.yaml");
        // JSON is YAML.
        fs::write(&path, json!({"mandatory": flavors}).to_string()).expect("a file");
        path
    }

    fn flavor(&self, number: u32, more: Value) -> Value {
        let mut flavor = json!({"name": self.name(number), "cpus": 1, "ram": 512, "public": false, "hw:mem_page_size": "small"});
        let fields = flavor.as_object_mut().expect("a map");
        fields.extend(more.as_object().expect("a map").clone());
        flavor
    }

    /// The flavors of this trial.
    fn made(&self) -> Vec<Value> {
        let (status, body) = self.admin.call("GET", "compute", "flavors/detail?is_public=None", None);
        let all = body["flavors"].as_array().unwrap_or_else(|| panic!("{status} {body}")).clone();
        let is_ours =
            |flavor: &Value| flavor["name"].as_str().is_some_and(|name| name.starts_with(&self.prefix));
        all.into_iter().filter(is_ours).collect()
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        for flavor in self.made() {
            let path = format!("flavors/{}", flavor["id"].as_str().unwrap_or_default());
            self.admin.call("DELETE", "compute", &path, None);
        }
    }
}

fn flavors(verb: &str, cloud: &str, file: &std::path::Path, more: &[&str]) -> (Option<i32>, Value) {
    let file = file.to_str().expect("UTF-8");
    let arguments = [&["flavors", verb, cloud, "--file", file, "--format", "json"], more].concat();
    let output: Output = assay(&arguments);
    let document = serde_json::from_str(&stdout(&output))
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code(), document)
}

fn verbs(document: &Value) -> Vec<&str> {
    document["actions"]
        .as_array()
        .expect("actions")
        .iter()
        .filter_map(|action| action["verb"].as_str())
        .collect()
}

#[test]
fn what_is_defined_is_made_kept_and_changed() {
    let trial = Trial::begin("life");
    let special =
        json!({"description": "for a trial", "access": ["demo"], "disk": 5, "swap": 64, "ephemeral": 1});
    let file = trial.define(&[trial.flavor(1, json!({})), trial.flavor(2, special)]);
    let (code, planned) = flavors("plan", ADMIN, &file, &[]);
    assert_eq!((code, verbs(&planned)), (Some(1), vec!["create", "create"]));
    assert_eq!(trial.made(), Vec::<Value>::new(), "a plan changes nothing");

    let (code, applied) = flavors("apply", ADMIN, &file, &["--yes"]);
    assert_eq!(code, Some(0), "{applied:#}");
    assert_eq!(
        flavors("plan", ADMIN, &file, &[]),
        (
            Some(0),
            json!({
                "format": "assay-plan", "version": 1, "cloud": ADMIN, "actions": [], "notes": [], "questions": [],
            })
        )
    );
    assert_eq!(trial.made().len(), 2);
    let exported = stdout(&assay(&["flavors", "export", "testbed"]));
    assert!(exported.contains(&trial.name(2)), "the project may use it");
    assert!(!exported.contains(&trial.name(1)), "and not the other");

    // Other extra specs, another description, another project; one is taken out and therefore left alone.
    let changed = json!({"description": "still", "access": ["two"], "disk": 5, "swap": 64, "ephemeral": 1,
        "hw:mem_page_size": "large", "hw_rng:allowed": true});
    let file = trial.define(&[trial.flavor(2, changed.clone())]);
    let (code, applied) = flavors("apply", ADMIN, &file, &["--yes"]);
    assert_eq!((code, verbs(&applied)), (Some(0), vec!["set", "set", "set"]), "{applied:#}");
    assert_eq!(flavors("plan", ADMIN, &file, &[]).0, Some(0));
    assert!(!stdout(&assay(&["flavors", "export", "testbed"])).contains(&trial.name(2)));
    assert_eq!(trial.made().len(), 2);

    // Figures cannot be changed.
    let mut bigger = changed;
    bigger["ram"] = json!(1024);
    let file = trial.define(&[trial.flavor(2, bigger)]);
    let (code, blocked) = flavors("apply", ADMIN, &file, &["--yes"]);
    assert_eq!((code, verbs(&blocked)), (Some(1), vec!["blocked"]));
    let refused = assay(&[
        "flavors",
        "apply",
        ADMIN,
        "--file",
        file.to_str().expect("UTF-8"),
        "--yes",
        "--replace",
        "--max-delete",
        "0",
    ]);
    assert_eq!(refused.status.code(), Some(2), "deletions are capped");
    let (code, replaced) = flavors("apply", ADMIN, &file, &["--yes", "--replace"]);
    assert_eq!((code, verbs(&replaced)), (Some(0), vec!["delete", "create"]), "{replaced:#}");
    assert_eq!(flavors("plan", ADMIN, &file, &[]).0, Some(0));
}

#[test]
fn who_may_not_make_flavors_is_told_so_for_each() {
    let trial = Trial::begin("forbidden");
    let file = trial.define(&[trial.flavor(1, json!({})), trial.flavor(2, json!({}))]);
    let (code, applied) = flavors("apply", "testbed", &file, &["--yes"]);
    assert_eq!(code, Some(3));
    for outcome in applied["outcomes"].as_array().expect("outcomes") {
        assert_eq!(outcome["outcome"], "failed");
        let why = outcome["why"].as_str().expect("a reason");
        assert!(
            why.contains("POST http") && why.contains("HTTP 403") && why.contains("request id req-"),
            "{why}"
        );
    }
    assert_eq!(trial.made(), Vec::<Value>::new());
}

#[test]
fn what_needs_a_step_that_failed_is_not_tried() {
    let trial = Trial::begin("chain");
    let wrong = trial.flavor(1, json!({"access": ["demo"]}));
    let file = trial.define(std::slice::from_ref(&wrong));
    assert_eq!(flavors("apply", ADMIN, &file, &["--yes"]).0, Some(0));
    let before = trial.made();
    // A plain user may use it, but not delete it; so nothing may be made in its place.
    let mut bigger = wrong;
    bigger["ram"] = json!(1024);
    bigger.as_object_mut().expect("a map").remove("access");
    let file = trial.define(&[bigger]);
    let (code, applied) = flavors("apply", "testbed", &file, &["--yes", "--replace"]);
    assert_eq!((code, verbs(&applied)), (Some(3), vec!["delete", "create"]));
    let outcomes = applied["outcomes"].as_array().expect("outcomes");
    assert_eq!((&outcomes[0]["outcome"], &outcomes[1]["outcome"]), (&json!("failed"), &json!("not-tried")));
    assert_eq!(trial.made(), before);
}

#[test]
fn one_that_fails_stops_no_other() {
    let trial = Trial::begin("partly");
    // Nova refuses an id with a character that is not printable.
    let file = trial.define(&[trial.flavor(1, json!({"flavorid": "a\u{1}b"})), trial.flavor(2, json!({}))]);
    let (code, applied) = flavors("apply", ADMIN, &file, &["--yes"]);
    assert_eq!(code, Some(3));
    let outcomes: Vec<&str> = applied["outcomes"]
        .as_array()
        .expect("outcomes")
        .iter()
        .filter_map(|one| one["outcome"].as_str())
        .collect();
    assert_eq!(outcomes, ["failed", "done"], "{applied:#}");
    assert_eq!(trial.made().len(), 1);
}

#[test]
fn nothing_is_changed_without_a_word() {
    let trial = Trial::begin("asked");
    let file = trial.define(&[trial.flavor(1, json!({}))]);
    let output = assay(&["flavors", "apply", ADMIN, "--file", file.to_str().expect("UTF-8")]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("say --yes"));
    assert_eq!(trial.made(), Vec::<Value>::new());
}

#[test]
fn a_report_tells_what_is_to_be_made() {
    let folder = folder();
    let report = folder.path().join("report.json");
    let report = report.to_str().expect("UTF-8");
    let of_flavors = "scs-0103-flavor-(8v-16|16v-32|2v-8|1l-1-5)$";
    let checked = assay(&["check", "testbed", "--testcases", of_flavors, "-o", report]);
    assert_eq!(checked.status.code(), Some(1), "some of them fail in the seeded cloud");
    let planned = assay(&["flavors", "plan", ADMIN, "--from-check", report, "--format", "json"]);
    let document: Value = serde_json::from_str(&stdout(&planned)).expect("JSON");
    let actions = document["actions"].as_array().expect("actions").iter();
    let names: BTreeSet<&str> = actions.filter_map(|action| action["name"].as_str()).collect();
    assert_eq!(names, BTreeSet::from(["SCS-8V-16", "SCS-16V-32", "SCS-1L-1-5"]), "{document:#}");
}

#[test]
fn a_run_that_is_killed_is_healed_by_the_next() {
    let trial = Trial::begin("killed");
    let demo = json!({"access": ["demo"]});
    let file = trial.define(&(1..=12).map(|number| trial.flavor(number, demo.clone())).collect::<Vec<_>>());
    let arguments = ["flavors", "apply", ADMIN, "--file", file.to_str().expect("UTF-8"), "--yes"];
    let mut child = command(trial.folder.path(), &arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it runs");
    let begun = Instant::now();
    while trial.made().is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(30), "no flavor is made");
    }
    child.kill().expect("it can be killed");
    child.wait().expect("it ends");

    // Flavors without their extra specs and projects may be there, and others not at all.
    let (code, applied) = flavors("apply", ADMIN, &file, &["--yes"]);
    assert_eq!(code, Some(0), "{applied:#}");
    assert_eq!(flavors("plan", ADMIN, &file, &[]).0, Some(0));
    let names: BTreeSet<String> =
        trial.made().iter().filter_map(|flavor| flavor["name"].as_str().map(str::to_owned)).collect();
    assert_eq!(names, (1..=12).map(|number| trial.name(number)).collect());
}
