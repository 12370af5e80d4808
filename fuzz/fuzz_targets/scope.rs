//! Fuzzes scope specs: what they refer to is there, and every day of the timeline can be asked for.

#![no_main]

use std::collections::{BTreeMap, BTreeSet};

use assay_fuzz::told;
use assay_standards::scope::{Request, Spec};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let spec = match Spec::parse("scope.yaml", text) {
        Ok(spec) => spec,
        Err(error) => return told(text, &error),
    };
    for version in &spec.versions {
        let mut seen = BTreeSet::new();
        for (id, target) in version.testcases() {
            assert!(spec.testcase(id).is_some_and(|testcase| testcase.id == id), "{id} is in no script");
            assert!(seen.insert(id), "{id} is there again in {target}");
        }
    }
    for entry in spec.timeline.entries() {
        for (version, validity) in spec.validity(entry.date) {
            assert_eq!(spec.validity_of(&version.name, entry.date), validity);
        }
        if let Ok(selection) = spec.select(&Request::default(), entry.date) {
            assert!(selection.testcases.iter().all(|selected| !selected.places.is_empty()));
        }
    }
    let variables = spec.variables.iter();
    let values: BTreeMap<String, String> =
        variables.map(|one| (one.name.clone(), one.default.clone().unwrap_or_default())).collect();
    for script in &spec.scripts {
        let _ = script.render_args(&values, &["a", "b"]);
        let _ = script.render_env(&values, &[]);
    }
});
