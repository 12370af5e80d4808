//! Properties of images (scs-0102).

use std::collections::{BTreeMap, BTreeSet};

use assay_inventory::{Fact, Image, Inventory, Subject};
use assay_standards::requirements::{ImageMetadata, Property};
use assay_testcases::{Evidence, Reading, Registry, Weight};
use jiff::Timestamp;
use serde_json::json;

use super::knowledge::{cure, meaning, suggestion};
use super::{Refused, Work};
use crate::images::{Patch, Step};
use crate::plan::{self, Action, Plan, Question, Resource, Verb};

/// What testcases find wrong with an image, by the place of the property in the standard.
type Faults = BTreeMap<usize, Fault>;

struct Fault {
    expected: String,
    found: String,
    /// Whether the text finds it, too.
    by_text: bool,
}

/// Completes what can be told, and asks for the rest.
pub(super) fn repair(images: &[&Image], work: &mut Work<'_>, plan: &mut Plan) {
    let mut faults = faults(images, work.now);
    let mut mended = Vec::new();
    for image in images {
        match faults.remove(image.id()) {
            Some(faults) => mended.push(one(image, faults, work, plan)),
            None => mended.push((*image).clone()),
        }
    }
    // Images that said too little to be taken for each other may now be.
    let before = unique(images.iter().copied().cloned().collect(), work.now);
    for found in unique(mended, work.now).difference(&before) {
        plan.notes.push(format!(
            "{UNIQUENESS} will fail then: {found}; set os_purpose to oldgeneric on the older ones, or hide them"
        ));
    }
}

const UNIQUENESS: &str = "scs-0102-os_purpose-uniqueness";

/// What is found about several generic images of one kind.
fn unique(images: Vec<Image>, now: Timestamp) -> BTreeSet<String> {
    let mut inventory = Inventory::new(Subject::default(), now);
    inventory.images = Fact::Known(images);
    let judgement =
        Registry::get().find(UNIQUENESS).map(|testcase| testcase.judge(&Evidence::new(&inventory, now)));
    let findings = judgement.into_iter().flat_map(|judgement| judgement.findings);
    findings
        .filter(|finding| finding.weight == Weight::Failure)
        .map(|finding| finding.found.into_owned())
        .collect()
}

/// The image as the plan makes it.
fn one(image: &Image, mut faults: Faults, work: &mut Work<'_>, plan: &mut Plan) -> Image {
    let name = image.name().unwrap_or_default();
    let properties = &ImageMetadata::get().properties;
    let mut mended = image.clone();
    let mut patch = Patch::default();
    let mut given = BTreeMap::new();
    let mut set = |mended: &mut Image, property: &Property, value: &str| {
        let field = property.field();
        match (field, value.parse::<u64>()) {
            ("min_disk" | "min_ram", Ok(number)) => {
                patch.number(image, field, number);
                mended.0.set(field, json!(number));
            }
            ("min_disk" | "min_ram", Err(_)) => {}
            _ => {
                patch.text(image, field, value);
                mended.0.set(field, json!(value));
            }
        }
    };
    // What is known of the distribution decides about its version, so that some show only now.
    loop {
        let open: Vec<usize> = faults.keys().copied().filter(|at| !given.contains_key(at)).collect();
        let mut news = false;
        for at in open {
            let property = &properties[at];
            let answer = work.answers.of_image(name, property.field());
            let value = match (&answer, cure(&mended, property.field())) {
                (Some(answer), _) => answer.text.clone(),
                (None, Some(value)) => value,
                (None, None) => continue,
            };
            set(&mut mended, property, &value);
            given.insert(at, (answer, value));
            news = true;
        }
        if !news {
            break;
        }
        faults = self::faults(&[&mended], work.now).remove(image.id()).unwrap_or_default();
    }
    for (at, fault) in faults {
        let property = &properties[at];
        if !work.is_wanted(&testcase(property)) {
            continue;
        }
        let suggestion = match given.get(&at) {
            // Of some processors the two readings know no common name.
            Some((Some(_), _)) if !fault.by_text && property.name == "architecture" => continue,
            Some((Some(answer), value)) => {
                work.refused.push(Refused {
                    spot: answer.spot.clone(),
                    given: value.clone(),
                    expected: fault.expected,
                });
                continue;
            }
            // What was thought to be known will not do either.
            Some((None, _)) => {
                patch.retain(|field| field != property.field());
                suggestion(&mended, property.field())
            }
            None => suggestion(&mended, property.field()),
        };
        // Glance computes it, once.
        if property.field() == "os_hash_algo" {
            plan.notes.push(format!(
                "{name} ({}): {}; upload it again, for glance computes it",
                image.id(),
                fault.found
            ));
            continue;
        }
        plan.questions.push(Question {
            resource: Resource::Image,
            name: name.to_owned(),
            id: Some(image.id().to_owned()),
            field: property.field().to_owned(),
            expected: meaning(property.field()).map_or(fault.expected, str::to_owned),
            found: fault.found,
            suggestion,
            clause: clause(property),
        });
    }
    let is_wanted = |field: &str| {
        let property = properties.iter().find(|property| property.field() == field);
        property.is_some_and(|property| work.is_wanted(&testcase(property)))
    };
    patch.retain(is_wanted);
    let mut after = image.clone();
    if patch.is_empty() {
        return after;
    }
    let (operations, changes) = patch.into_parts();
    for change in &changes {
        after.0.set(change.field.as_str(), json!(change.to));
    }
    plan.push(Action {
        verb: Verb::Set,
        resource: Resource::Image,
        name: name.to_owned(),
        id: Some(image.id().to_owned()),
        changes,
        reason: "no catalogue describes it, and these can be told".to_owned(),
        clause: Some("scs-0102, properties".to_owned()),
        after: Vec::new(),
        step: Some(plan::Step::Image(Step::Patch { image: image.id().to_owned(), patch: operations })),
    });
    after
}

fn testcase(property: &Property) -> String {
    format!("scs-0102-prop-{}", property.name)
}

fn clause(property: &Property) -> String {
    format!("scs-0102, {}", property.clause)
}

/// What the testcases of both readings find, by the id of the image.
fn faults(images: &[&Image], now: Timestamp) -> BTreeMap<String, Faults> {
    let judged = |image: &&Image| {
        let mut image = (*image).clone();
        // The reference suite trips over images without a single property of their own; they are about to get some.
        image.0.set("assay_repair", json!("yes"));
        image
    };
    let mut inventory = Inventory::new(Subject::default(), now);
    inventory.images = Fact::Known(images.iter().map(judged).collect());
    let evidence = Evidence::new(&inventory, now);
    let mut faults: BTreeMap<String, Faults> = BTreeMap::new();
    for (at, property) in ImageMetadata::get().properties.iter().enumerate() {
        let Some(testcase) = Registry::get().find(&testcase(property)) else { continue };
        for finding in testcase.judge(&evidence).findings {
            if let Some(resource) = finding.resource.filter(|_| finding.weight != Weight::Note) {
                let by_text = finding.readings.include(Reading::Text);
                let fault = Fault {
                    expected: finding.expected.into_owned(),
                    found: finding.found.into_owned(),
                    by_text,
                };
                // The first is what the official reading says.
                let first = faults.entry(resource.id).or_default().entry(at).or_insert(fault);
                first.by_text |= by_text;
            }
        }
    }
    faults
}
