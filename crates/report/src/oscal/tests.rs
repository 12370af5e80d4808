use std::collections::HashSet;

use serde_json::Value;

use super::*;
use crate::{Chosen, fixture};

/// The models that compliance-trestle 5.2.0 (`PyPI`, Apache-2.0) makes of NIST's definition of OSCAL 1.2.1, as a JSON
/// Schema without its prose. Nothing that is not defined is allowed in it.
const SCHEMA: &str = include_str!("assessment-results.schema.json");

fn rendered(reports: &[Report]) -> Value {
    let document: Value = serde_json::from_str(&oscal(reports).unwrap()).unwrap();
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
    let problems: Vec<String> =
        validator.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(problems.is_empty(), "{problems:#?}");
    document
}

fn list<'d>(document: &'d Value, name: &str) -> &'d Vec<Value> {
    document["assessment-results"]["results"][0][name].as_array().unwrap()
}

fn finding<'d>(document: &'d Value, id: &str) -> Option<&'d Value> {
    list(document, "findings").iter().find(|finding| value(finding, "testcase") == id)
}

fn value<'d>(thing: &'d Value, name: &str) -> &'d str {
    let all = thing["props"].as_array().unwrap();
    let prop = all.iter().find(|prop| prop["name"] == name && prop["ns"] == NAMESPACE);
    prop.map_or("", |prop| prop["value"].as_str().unwrap())
}

/// All values of a key, wherever it is.
fn all<'d>(document: &'d Value, is_wanted: &dyn Fn(&str) -> bool, found: &mut Vec<&'d str>) {
    match document {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value {
                    Value::String(text) if is_wanted(key) => found.push(text),
                    other => all(other, is_wanted, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| all(item, is_wanted, found)),
        _ => {}
    }
}

#[test]
fn the_document_keeps_its_shape() {
    insta::assert_snapshot!(oscal(&[fixture::report()]).unwrap());
}

#[test]
fn documents_obey_the_schema() {
    for chosen in [Chosen::Both, Chosen::Official, Chosen::Text] {
        let mut bare = Report { chosen, ..fixture::report() };
        rendered(&[bare.clone(), fixture::report()]);
        bare.testcases.clear();
        bare.versions.clear();
        rendered(&[bare]);
    }
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let mut spoilt: Value = serde_json::from_str(&oscal(&[fixture::report()]).unwrap()).unwrap();
    spoilt["assessment-results"]["results"][0]["findings"][0]["target"]["status"]["state"] = "maybe".into();
    assert!(!jsonschema::is_valid(&schema, &spoilt), "the schema constrains nothing");
}

#[test]
fn every_reference_leads_somewhere_and_every_id_is_one() {
    let document = rendered(&[fixture::report(), fixture::report()]);
    let (mut references, mut ids) = (Vec::new(), Vec::new());
    all(&document, &|key| key.ends_with("-uuid"), &mut references);
    all(&document, &|key| key == "uuid", &mut ids);
    let known: HashSet<&str> = ids.iter().copied().collect();
    assert!(references.len() > 20);
    for reference in references {
        assert!(known.contains(reference), "{reference}");
    }
    let plan = document["assessment-results"]["import-ap"]["href"].as_str().unwrap();
    assert!(known.contains(plan.strip_prefix('#').unwrap()));
    let results = document["assessment-results"]["results"].as_array().unwrap();
    let mut seen = HashSet::new();
    for result in results {
        for thing in
            ["observations", "findings"].into_iter().flat_map(|name| result[name].as_array().unwrap())
        {
            assert!(seen.insert(&thing["uuid"]), "{thing}");
        }
    }
}

#[test]
fn the_deciding_reading_says_whether_an_objective_is_met() {
    let state = |document: &Value, id: &str| {
        let status = &finding(document, id).unwrap()["target"]["status"];
        (status["state"].as_str().unwrap().to_owned(), status["reason"].as_str().unwrap().to_owned())
    };
    let pair = |state: &str, reason: &str| (state.to_owned(), reason.to_owned());
    let both = rendered(&[fixture::report()]);
    assert_eq!(state(&both, fixture::PASSES), pair("satisfied", "pass"));
    assert_eq!(state(&both, fixture::FAILS), pair("not-satisfied", "fail"));
    assert_eq!(state(&both, fixture::FAILS_BY_TEXT), pair("satisfied", "pass"));
    assert_eq!(state(&both, fixture::ABORTS), pair("not-satisfied", "other"));
    assert_eq!(state(&both, fixture::MISSES), pair("not-satisfied", "other"));
    let differing = finding(&both, fixture::FAILS_BY_TEXT).unwrap();
    assert_eq!((value(differing, "official"), value(differing, "text")), ("PASS", "FAIL"));
    assert!(finding(&both, fixture::OWN).is_none(), "the reference suite does not have it");
    assert!(finding(&both, fixture::MANUAL).is_none(), "nobody was asked");

    let by_text = rendered(&[Report { chosen: Chosen::Text, ..fixture::report() }]);
    for id in [fixture::FAILS_BY_TEXT, fixture::OWN] {
        assert_eq!(state(&by_text, id), pair("not-satisfied", "fail"), "{id}");
    }
    assert_eq!(value(finding(&by_text, fixture::FAILS_BY_TEXT).unwrap(), "official"), "");
}

#[test]
fn observations_tell_in_which_reading_they_count() {
    let document = rendered(&[fixture::report()]);
    let of = |id: &str, name: &str| {
        let all = list(&document, "observations").iter().filter(|one| value(one, "testcase") == id);
        let wanted =
            all.filter(|one| one["types"][0] == "finding").flat_map(|one| one["props"].as_array().unwrap());
        let wanted = wanted.filter(|prop| prop["name"] == name).map(|prop| prop["value"].as_str().unwrap());
        wanted.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(of(fixture::FAILS_BY_TEXT, "reading"), ["text"]);
    assert_eq!(of(fixture::ABORTS, "reading"), ["official", "text"]);
    assert_eq!(of(fixture::ABORTS, "weight"), ["abort"]);
    let official = rendered(&[Report { chosen: Chosen::Official, ..fixture::report() }]);
    assert!(!official.to_string().contains("\"text\""), "a reading that was not asked for leaves a trace");
}

#[test]
fn what_people_declare_comes_from_them() {
    let document = rendered(&[fixture::report()]);
    let declared = list(&document, "observations")
        .iter()
        .find(|one| value(one, "testcase") == fixture::DECLARED)
        .unwrap();
    assert_eq!(declared["methods"][0], "INTERVIEW");
    let person = &declared["origins"][0]["actors"][0]["actor-uuid"];
    let parties = document["assessment-results"]["metadata"]["parties"].as_array().unwrap();
    let party = parties.iter().find(|party| party["uuid"] == *person).unwrap();
    assert_eq!(party["name"], "Jane Doe");
    assert_eq!(declared["relevant-evidence"][0]["href"], "https://docs.example.org/kms#hsm");
}

#[test]
fn a_thing_is_the_same_one_in_the_next_report() {
    let mut next = fixture::report();
    next.run_id = Uuid::from_u128(7);
    let (first, next) = (rendered(&[fixture::report()]), rendered(&[next]));
    let parts = |document: &Value, name: &str| {
        document["assessment-results"]["results"][0]["local-definitions"][name].clone()
    };
    for name in ["components", "inventory-items"] {
        assert_eq!(parts(&first, name), parts(&next, name));
    }
    assert_ne!(first["assessment-results"]["uuid"], next["assessment-results"]["uuid"]);
    assert!(matches!(oscal(&[]), Err(RenderError::NoSubject)));
}

#[test]
fn names_are_tokens() {
    for (text, expected) in
        [("scs-0102-prop-min_disk", "scs-0102-prop-min_disk"), ("5.1", "_5.1"), ("a b", "a_b"), ("", "_")]
    {
        assert_eq!(token(text), expected);
    }
}
