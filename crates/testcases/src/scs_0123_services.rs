//! scs-0123: which services every cloud has, and how they are called in the catalog.

mod object_storage;
mod s3_works;

use std::borrow::Cow;

use assay_inventory::{FactId, Token};
use assay_standards::requirements::{ServiceTestcase, Services};

use crate::evidence::Needed;
use crate::finding::{Readings, Resource};
use crate::registry::Registry;
use crate::rule::rule;
use crate::testcase::{Demand, Testcase};
use crate::{Evidence, Judgement, Judging, catalog};

const STANDARD: &str = "scs-0123-v1";
const STANDARD_V2: &str = "scs-0123-v2";
const TOKEN: &[FactId] = &[FactId::Token];

const NOT_DEMANDED: &str = "no version of the text demands this service";
const ALIASES: &str =
    "the reference suite does not take every alias that the Service Types Authority defines";
const NO_ENDPOINT: &str = "the reference suite is content with an entry without endpoints; by the text the service must be found through the catalog";

pub(crate) fn register(registry: &mut Registry) {
    for testcase in &Services::get().testcases {
        registry.add(service(testcase));
    }
    object_storage::register(registry);
    s3_works::register(registry);
    registry.add(Testcase {
        id: Cow::Borrowed("scs-0123-v2-canonical-types"),
        standard: STANDARD_V2,
        clause: "service catalog, types and aliases",
        demand: Demand::Must,
        title: Cow::Borrowed("Services have types or aliases of the Service Types Authority"),
        explanation: "Programs find a service by its type. The mandatory and supported services must go by their canonical type or by an alias \
             that the Service Types Authority defines; names of earlier documents are neither. The canonical type is preferred.",
        remedy: Cow::Borrowed("Register the service in the catalog under its canonical type; the old entry may stay beside it."),
        official_facts: TOKEN,
        text_facts: &[],
        own: true,
        judge: rule(canonical_types),
    });
}

fn service(testcase: &'static ServiceTestcase) -> Testcase {
    let what = testcase.text.as_deref().or(testcase.accepts.first().map(String::as_str)).unwrap_or_default();
    let is_v2 = Services::get()
        .services
        .get("v1")
        .is_none_or(|v1| testcase.text.as_ref().is_some_and(|demanded| !v1.mandatory.contains(demanded)));
    Testcase {
        id: Cow::Borrowed(&testcase.id),
        standard: if is_v2 { STANDARD_V2 } else { STANDARD },
        clause: "mandatory IaaS services",
        demand: if testcase.text.is_some() { Demand::Must } else { Demand::May },
        title: Cow::Owned(format!("The catalog lists the service {what}")),
        explanation: "What was built for one cloud runs on the next only if both have the same services. Programs find them in the \
             service catalog, by their type.",
        remedy: Cow::Owned(format!(
            "Deploy the service and register it in the catalog with the type {what}."
        )),
        official_facts: TOKEN,
        text_facts: &[],
        own: false,
        judge: rule(move |evidence| is_listed(testcase, evidence)),
    }
}

fn is_listed(testcase: &ServiceTestcase, evidence: &Evidence<'_>) -> Needed<Judgement> {
    let token = evidence.token()?;
    let mut judging = Judging::default();
    let is_official = testcase.accepts.iter().any(|accepted| catalog::has(token, accepted));
    let accepted = format!("a service of type {} in the catalog", testcase.accepts.join(" or "));
    let Some(demanded) = &testcase.text else {
        if !is_official {
            judging.fail(Readings::Official, None, accepted, "no such service");
            judging.differ(NOT_DEMANDED);
        }
        return Ok(judging.finish());
    };
    let names: Vec<&str> = std::iter::once(demanded.as_str())
        .chain(Services::get().aliases(demanded).iter().map(String::as_str))
        .collect();
    let entry = names.iter().find(|name| catalog::has(token, name));
    let is_found = names.iter().any(|name| catalog::endpoints(token, name).next().is_some());
    let wanted = match names.len() {
        1 => accepted.clone(),
        _ => format!("a service of type {demanded} in the catalog, or one of its aliases"),
    };
    match (is_official, is_found, entry) {
        (true, true, _) => {}
        (false, false, None) => judging.fail(Readings::Both, None, wanted, "no such service"),
        (false, true, Some(alias)) => {
            judging.fail(
                Readings::Official,
                service_entry(alias),
                accepted,
                format!("the type {alias} alone"),
            );
            judging.differ(ALIASES);
        }
        (is_official, _, entry) => {
            let readings = if is_official { Readings::Text } else { Readings::Both };
            let name = entry.copied().unwrap_or(demanded);
            judging.fail(readings, service_entry(name), format!("{wanted}, with an endpoint"), "no endpoint");
            if is_official {
                judging.differ(NO_ENDPOINT);
            }
        }
    }
    Ok(judging.finish())
}

fn service_entry(service_type: &str) -> Resource {
    Resource::new("service", "", service_type)
}

fn canonical_types(evidence: &Evidence<'_>) -> Needed<Judgement> {
    let token = evidence.token()?;
    let table = Services::get();
    let mut judging = Judging::default();
    for service_type in types(token) {
        match (table.canonical(service_type), table.renamed.get(service_type)) {
            (Some(canonical), _) if canonical == service_type => {}
            (Some(canonical), _) if catalog::has(token, canonical) => {}
            (Some(canonical), _) => {
                let found = format!("an alias; the canonical type {canonical} is preferred");
                judging.note(Readings::Text, service_entry(service_type), found);
            }
            (None, Some(new_name)) if catalog::has(token, new_name) => {}
            (None, Some(new_name)) => judging.fail(
                Readings::Text,
                service_entry(service_type),
                format!("the type {new_name}"),
                format!("{service_type}, which is neither that type nor an alias of it"),
            ),
            (None, None) => judging.note(
                Readings::Text,
                service_entry(service_type),
                "a type that neither the standard nor the Service Types Authority knows",
            ),
        }
    }
    Ok(judging.finish_own())
}

/// The types in the catalog, each once, in the order of their first entry.
fn types(token: &Token) -> Vec<&str> {
    let mut types: Vec<&str> = Vec::new();
    for service in &token.catalog {
        if !types.contains(&service.service_type.as_str()) {
            types.push(&service.service_type);
        }
    }
    types
}

#[cfg(test)]
mod tests {
    use assay_inventory::Fact;
    use assay_standards::Verdict::{self, Fail, Pass};

    use super::*;
    use crate::testing;

    fn verdicts(id: &str, service_types: &[&str]) -> (Verdict, Verdict) {
        testing::verdicts(id, |inventory| inventory.token = Fact::Known(testing::token(service_types)))
    }

    #[test]
    fn a_service_is_found_by_its_exact_type() {
        for name in ["compute", "identity", "image", "network", "load-balancer"] {
            let id = format!("scs-0123-service-{name}");
            assert_eq!(verdicts(&id, &[name]), (Pass, Pass), "{name}");
            assert_eq!(verdicts(&id, &[&name.to_uppercase(), "object-store"]), (Fail, Fail), "{name}");
            assert_eq!(verdicts(&id, &[]), (Fail, Fail), "{name}");
        }
        assert_eq!(verdicts("scs-0123-service-s3", &["object-store-s3"]), (Pass, Pass));
        assert_eq!(verdicts("scs-0123-service-s3", &["s3", "object-store"]), (Fail, Fail));
    }

    #[test]
    fn placement_is_demanded_by_the_reference_suite_alone() {
        assert_eq!(verdicts("scs-0123-service-placement", &["placement"]), (Pass, Pass));
        assert_eq!(verdicts("scs-0123-service-placement", &["compute"]), (Fail, Pass));
    }

    #[test]
    fn block_storage_has_aliases_that_the_reference_suite_does_not_take() {
        let id = "scs-0123-storage-apis";
        for (name, expected) in [
            ("block-storage", (Pass, Pass)),
            ("volumev3", (Pass, Pass)),
            ("volume", (Pass, Pass)),
            ("volumev2", (Fail, Pass)),
            ("block-store", (Fail, Pass)),
            ("cinder", (Fail, Fail)),
        ] {
            assert_eq!(verdicts(id, &[name]), expected, "{name}");
        }
    }

    #[test]
    fn an_entry_without_endpoints_is_there_but_not_found() {
        let judged = |id: &str, service_types: &[&str]| {
            testing::verdicts(id, |inventory| {
                let mut token = testing::token(service_types);
                token.catalog[0].endpoints.clear();
                inventory.token = Fact::Known(token);
            })
        };
        assert_eq!(judged("scs-0123-service-image", &["image"]), (Pass, Fail));
        assert_eq!(judged("scs-0123-service-image", &["image", "image"]), (Pass, Pass));
        assert_eq!(judged("scs-0123-storage-apis", &["volumev2"]), (Fail, Fail));
        assert_eq!(judged("scs-0123-storage-apis", &["volumev3", "block-storage"]), (Pass, Pass));
    }

    #[test]
    fn aliases_are_noted_and_old_names_fail() {
        let judge = |service_types: &[&str]| {
            testing::judge("scs-0123-v2-canonical-types", |inventory| {
                inventory.token = Fact::Known(testing::token(service_types));
            })
        };
        let judged = judge(&["compute", "object-store-s3"]);
        assert_eq!((judged.text, judged.findings.len()), (Pass, 0));
        for alias in ["volumev3", "bare-metal", "ha", "sharev2", "cloudformation"] {
            let judged = judge(&[alias]);
            assert_eq!((judged.text, judged.findings.len()), (Pass, 1), "{alias}");
        }
        for (old, new) in
            [("s3", "object-store-s3"), ("billing", "rating"), ("shared-file-systems", "shared-file-system")]
        {
            assert_eq!(judge(&[old]).text, Fail, "{old}");
            assert_eq!(judge(&[old, new]).text, Pass, "{old} beside {new}");
        }
    }

    #[test]
    fn how_binding_and_where_demanded() {
        let find = |id: &str| Registry::get().find(id).unwrap();
        assert_eq!(find("scs-0123-service-placement").demand, Demand::May);
        assert_eq!(find("scs-0123-service-compute").standard, STANDARD);
        assert_eq!(find("scs-0123-service-s3").standard, STANDARD_V2);
    }
}
