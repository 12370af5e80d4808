//! Fuzzes files of answers to what repairs ask, and the repairs that go by them.

#![no_main]

use std::collections::BTreeSet;

use assay_curate::repair::{Answers, Ground, Observed, SeenVolumeType, repair};
use assay_fuzz::told;
use assay_inventory::Image;
use libfuzzer_sys::fuzz_target;
use serde_json::json;

fuzz_target!(|text: &str| {
    let answers = match Answers::read("answers.yaml", text) {
        Ok(answers) => answers,
        Err(error) => return told(text, &error),
    };
    let image = json!({"id": "1", "name": "Ubuntu 22.04", "visibility": "public", "status": "active"});
    let images: Vec<Image> = vec![serde_json::from_value(image).expect("it is an image")];
    let volume_type = json!({"id": "2", "name": "LUKS", "description": null, "is_public": true});
    let volume_type = serde_json::from_value(volume_type).expect("it is a volume type");
    let volume_types = vec![SeenVolumeType { volume_type, encrypted: None }];
    let others = Observed { volume_types, default_rules: None };
    let now = "2026-11-22T12:00:00Z".parse().expect("it is a time");
    let ground =
        Ground { flavors: &[], images: &images, others: &others, answers: &answers, only: None, now };
    match repair(&ground) {
        Ok(plan) => {
            let changes = plan.actions.iter().flat_map(|action| &action.changes);
            let set: BTreeSet<&str> = changes.map(|change| change.field.as_str()).collect();
            for question in &plan.questions {
                assert!(!set.contains(question.field.as_str()), "{} is set and asked", question.field);
            }
        }
        // What is refused stands in the file.
        Err(refused) => assert!(refused.0.iter().all(|one| one.spot.starts_with("answers.yaml:"))),
    }
});
