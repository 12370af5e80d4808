use std::collections::HashSet;

use serde_json::Value;

use super::*;
use crate::Chosen;
use crate::fixture;

fn rendered(reports: &[Report]) -> Value {
    serde_json::from_str(&sarif(reports).unwrap()).unwrap()
}

fn results(log: &Value) -> &Vec<Value> {
    log["runs"][0]["results"].as_array().unwrap()
}

fn of<'a>(log: &'a Value, id: &'a str) -> impl Iterator<Item = &'a Value> {
    results(log).iter().filter(move |result| result["ruleId"] == id)
}

#[test]
fn the_document_keeps_its_shape() {
    insta::assert_snapshot!(sarif(&[fixture::report()]).unwrap());
}

#[test]
fn what_the_specification_and_code_scanning_require_is_there() {
    let log = rendered(&[fixture::report(), fixture::report()]);
    assert_eq!(log["version"], "2.1.0");
    assert_eq!(log["runs"].as_array().unwrap().len(), 2);
    for run in log["runs"].as_array().unwrap() {
        assert_eq!(run["tool"]["driver"]["name"], "assay");
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        let ids: HashSet<&str> = rules.iter().map(|rule| rule["id"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), rules.len(), "rule ids must be unique");
        for rule in rules {
            for text in
                [&rule["shortDescription"]["text"], &rule["fullDescription"]["text"], &rule["help"]["text"]]
            {
                assert!(!text.as_str().unwrap().is_empty(), "{rule}");
            }
            if let Some(uri) = rule.get("helpUri") {
                assert!(uri.as_str().unwrap().starts_with("https://"), "{uri}");
            }
        }
        let mut prints = HashSet::new();
        for result in run["results"].as_array().unwrap() {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(rules[index]["id"], result["ruleId"]);
            assert!(!result["message"]["text"].as_str().unwrap().is_empty());
            assert_eq!(result["kind"] == "fail", result["level"] != "none", "{result}");
            assert!(["error", "warning", "note", "none"].contains(&result["level"].as_str().unwrap()));
            let place = &result["locations"][0]["physicalLocation"];
            let uri = place["artifactLocation"]["uri"].as_str().unwrap();
            assert!(
                uri.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_~.%/".contains(&byte)),
                "{uri}"
            );
            assert!(place["region"]["startLine"].as_u64() >= Some(1));
            assert!(prints.insert(result["partialFingerprints"]["finding/v1"].clone()), "{result}");
        }
        assert!(run["invocations"][0]["executionSuccessful"].is_boolean());
    }
}

#[test]
fn levels_follow_the_demand_and_the_deciding_reading() {
    let log = rendered(&[fixture::report()]);
    assert!(of(&log, fixture::FAILS).all(|result| result["level"] == "error"));
    assert_eq!(of(&log, fixture::FAILS).count(), 2);
    assert!(of(&log, fixture::OWN).all(|result| result["level"] == "warning"), "the text does not decide");
    assert!(of(&log, fixture::PASSES).all(|result| result["kind"] == "informational"));

    let by_text = rendered(&[Report { chosen: Chosen::Text, ..fixture::report() }]);
    assert!(of(&by_text, fixture::OWN).all(|result| result["level"] == "error"));
    assert!(of(&by_text, fixture::FAILS_BY_TEXT).all(|result| result["level"] == "warning"), "a SHOULD");

    let official = rendered(&[Report { chosen: Chosen::Official, ..fixture::report() }]);
    assert_eq!(of(&official, fixture::FAILS_BY_TEXT).count() + of(&official, fixture::OWN).count(), 0);
}

#[test]
fn aborts_are_notifications_and_a_miss_is_nothing() {
    let log = rendered(&[fixture::report()]);
    let invocation = &log["runs"][0]["invocations"][0];
    assert_eq!(invocation["executionSuccessful"], false);
    let notifications = invocation["toolExecutionNotifications"].as_array().unwrap();
    assert_eq!(notifications.len(), 1);
    assert_eq!(notifications[0]["associatedRule"]["id"], fixture::ABORTS);
    for id in [fixture::ABORTS, fixture::MISSES, fixture::MANUAL, fixture::UNKNOWN] {
        assert_eq!(of(&log, id).count(), 0, "{id}");
    }
}

#[test]
fn what_people_declare_says_so_and_fails_no_gate() {
    let log = rendered(&[Report { chosen: Chosen::Text, ..fixture::report() }]);
    let failures: Vec<&Value> = of(&log, fixture::DECLARED_FAIL).collect();
    assert_eq!(failures.len(), 1);
    assert_eq!((&failures[0]["kind"], &failures[0]["level"]), (&"fail".into(), &"warning".into()));
    let notes: Vec<&Value> = of(&log, fixture::DECLARED).collect();
    assert_eq!(notes[0]["properties"]["declared"]["name"], "Jane Doe");
    for result in failures.iter().chain(&notes) {
        assert!(result["message"]["text"].as_str().unwrap().contains("not measured; declared by"));
        assert!(result["properties"]["declared"]["evidence"].as_array().is_some_and(|all| !all.is_empty()));
    }
}

#[test]
fn fingerprints_outlive_new_ids_and_tell_twins_apart() {
    let print = |report: &Report| -> Vec<String> {
        let log = rendered(std::slice::from_ref(report));
        results(&log).iter().map(|result| result["partialFingerprints"]["finding/v1"].to_string()).collect()
    };
    let mut report = fixture::report();
    let before = print(&report);
    for finding in report.testcases.iter_mut().flat_map(|testcase| &mut testcase.findings) {
        if let Some(resource) = &mut finding.resource {
            resource.id = "renewed".to_owned();
        }
    }
    assert_eq!(print(&report), before);

    let twin = report.testcases[1].findings[0].clone();
    report.testcases[1].findings.push(twin);
    let prints = print(&report);
    assert_eq!(prints.iter().collect::<HashSet<_>>().len(), prints.len());
}

#[test]
fn names_are_clean() {
    assert_eq!(pascal_case("scs-0103-flavor-4v-16"), "Scs0103Flavor4v16");
    assert_eq!(escape_markdown("a*b<c"), "a\\*b\\<c");
}
