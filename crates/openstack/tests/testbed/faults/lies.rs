//! Clouds that lie: links, ids, dates and lists that are not what they should be.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use assay_inventory::{FactId, StepId};
use assay_standards::Verdict::{Fail, Pass};
use futures::StreamExt as _;
use serde_json::{Value, json};

use super::fault::Fault;
use super::ground::Ground;
use super::proxy::{Answer, Call, Outcome, Script, Service};
use super::run::{Elsewhere, Random, Subject, budgets, is_full, old_neutron, run, troubles};
use super::scripted::{BACKUPS, SECRETS, changing, ground, has, instead, nothing, rewriting};
use super::{BACKUP, GROUP, IMAGE, NETWORK, SECRET};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_left_without_a_name_is_judged_but_not_touched() {
    let ground = ground().await;
    let nameless = json!({"id": "0b5e0b5e-0b5e-4b5e-8b5e-0b5e0b5e0b5e", "name": null, "status": "available"});
    let subject = Subject { thorough: false, ..BACKUP };
    let runs = ["volumes", "backups"].map(async |key| {
        let nameless = nameless.clone();
        let script = rewriting(move |_, value| {
            if let Some(items) = value.get_mut(key).and_then(Value::as_array_mut) {
                items.push(nameless.clone());
            }
        });
        (key, run(&ground, &subject, script, &budgets()).await)
    });
    for (key, ran) in futures::future::join_all(runs).await {
        assert_eq!(ran.problems, nothing(), "{key}");
        assert_eq!(ran.verdicts(BACKUPS), (Some(Fail), Pass), "{key}");
        let seen = ran.inventory.volume_backup.value().unwrap();
        assert_eq!(seen.nameless.len(), 1, "{key}");
        assert!(seen.transcript.is_done(StepId::AwaitRestored));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hundreds_of_secrets_are_looked_through_page_by_page() {
    let ground = Ground::prepare("assay-secrets").await;
    ground.fill_with_secrets(230).await;
    let ran = run(&ground, &SECRET, instead(|_| None), &budgets()).await;
    assert_eq!((ran.problems.clone(), troubles(&ran.inventory)), (nothing(), nothing()));
    let seen = ran.inventory.secret_lifecycle.value().unwrap();
    // The new one is the last of them.
    assert_eq!((seen.before, seen.found, seen.intact), (Some(230), Some(true), Some(true)));
    assert_eq!(ran.verdicts(SECRETS), (Some(Pass), Pass));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clocks_that_differ_change_nothing() {
    let ground = ground().await;
    for date in ["Thu, 01 Jan 2026 00:00:00 GMT", "Fri, 31 Dec 2100 23:59:59 GMT", "yesterday"] {
        let script = changing(move |_, answer| {
            answer.headers.retain(|(name, _)| name != "date");
            answer.headers.push(("date".into(), date.into()));
        });
        let subject = Subject { reads: &[FactId::ImageUpload, FactId::Images, FactId::Flavors], ..SECRET };
        let ran = run(&ground, &subject, script, &budgets()).await;
        assert_eq!((ran.problems.clone(), troubles(&ran.inventory)), (nothing(), nothing()), "{date}");
        assert_eq!(ran.verdicts(SECRETS), (Some(Pass), Pass), "{date}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_that_lead_elsewhere_are_not_followed() {
    let ground = ground().await;
    let elsewhere = Elsewhere::open().await;

    // Of the link to a secret only the id counts.
    let url = elsewhere.url.clone();
    let script = rewriting(move |_, value| lead_away(value, &url));
    let ran = run(&ground, &SECRET, script, &budgets()).await;
    assert_eq!((ran.problems.clone(), troubles(&ran.inventory)), (nothing(), nothing()));
    assert_eq!(ran.verdicts(SECRETS), (Some(Pass), Pass));

    // Without a whole list nothing is known, and nothing is made.
    for (subject, key, links) in [
        (SECRET, "secrets", None),
        (BACKUP, "volumes", Some("volumes_links")),
        (BACKUP, "backups", Some("backup_links")),
    ] {
        let url = elsewhere.url.clone();
        let script = rewriting(move |_, value| {
            if value.get(key).is_some_and(Value::is_array) {
                match links {
                    None => value["next"] = json!(url),
                    Some(links) => value[links] = json!([{"rel": "next", "href": url}]),
                }
            }
        });
        let ran = run(&ground, &subject, script, &budgets()).await;
        assert_eq!(ran.problems, nothing(), "{key}");
        assert!(
            has(&ran, &["GET ", "the next page is said to be at"]),
            "{key}: {:#?}",
            troubles(&ran.inventory)
        );
        assert!(
            ran.calls.iter().all(|call| call.key.method == "GET" || call.key.shape.ends_with("/auth/tokens"))
        );
    }

    assert_eq!(elsewhere.visitors(), 0);
}

/// Replaces the beginning of all links to secrets.
fn lead_away(value: &mut Value, url: &str) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| lead_away(item, url)),
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(link) if name == "secret_ref" => {
                        let id = link.rsplit('/').next().unwrap_or_default();
                        *link = format!("{url}/{id}");
                    }
                    _ => lead_away(value, url),
                }
            }
        }
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ids_that_would_lead_out_of_their_collection_are_none() {
    let ground = ground().await;
    let ground = &ground;
    let mut cases = Vec::new();
    for id in ["..", ".", "../../v2.0/networks", "http://127.0.0.1:1/", "?all=true", ""] {
        for (subject, wrapper) in [
            (BACKUP, "volume"),
            (BACKUP, "backup"),
            (BACKUP, "restore"),
            (NETWORK, "network"),
            (NETWORK, "router"),
        ] {
            cases.push((id, subject, wrapper));
        }
    }
    let mut random = Random::seeded();
    if !is_full() {
        cases = (0..4).map(|_| cases.swap_remove(random.below(cases.len()))).collect();
    }
    let runs = cases.into_iter().map(async |(id, subject, wrapper)| {
        let script = rewriting(move |call, value| {
            if let Some(inner) = value.get_mut(wrapper).filter(|_| call.creates()) {
                inner[if wrapper == "restore" { "volume_id" } else { "id" }] = json!(id);
            }
        });
        let subject = Subject { thorough: false, ..subject };
        (id, wrapper, run(ground, &subject, script, &budgets()).await)
    });
    let runs: Vec<_> = futures::stream::iter(runs).buffer_unordered(3).collect().await;
    for (id, wrapper, ran) in runs {
        assert_eq!(ran.problems, nothing(), "{wrapper} {id:?}");
        assert!(has(&ran, &["POST "]), "{wrapper} {id:?}: {:#?}", troubles(&ran.inventory));
    }
}

/// The first answer to a create call is lost, and the first list after it makes no sense.
struct Forgetful {
    fault: Fault,
    base: u16,
    elsewhere: String,
    answer_is_lost: AtomicBool,
    list_is_spoilt: AtomicBool,
}

impl Script for Forgetful {
    fn before(&self, call: &Call) -> Option<Outcome> {
        old_neutron(call)
    }

    fn after(&self, call: &Call, answer: Answer) -> Outcome {
        if call.creates() && !self.answer_is_lost.swap(true, Ordering::SeqCst) {
            return Outcome::Reset;
        }
        let is_search =
            call.key.shape.contains("name=assay-") || call.key.shape.contains("description=assay-");
        if is_search && !self.list_is_spoilt.swap(true, Ordering::SeqCst) {
            return self.fault.spoil(Service::of(&call.path, self.base), Some(&answer), &self.elsewhere);
        }
        Outcome::Answer(answer)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_made_without_an_answer_is_looked_for_until_a_list_makes_sense() {
    let ground = ground().await;
    let (ground, elsewhere) = (&ground, &Elsewhere::open().await);
    let mut cases: Vec<(Subject, Fault)> = Vec::new();
    for subject in [SECRET, GROUP, IMAGE, NETWORK] {
        let faults = Fault::ALL.into_iter().filter(|fault| !fault.is_about_changes());
        cases.extend(faults.map(|fault| (subject, fault)));
    }
    let mut random = Random::seeded();
    if !is_full() {
        cases = (0..8).map(|_| cases.swap_remove(random.below(cases.len()))).collect();
    }
    let runs = cases.into_iter().map(async |(subject, fault)| {
        let script = Arc::new(Forgetful {
            fault,
            base: ground.base,
            elsewhere: elsewhere.url.clone(),
            answer_is_lost: AtomicBool::default(),
            list_is_spoilt: AtomicBool::default(),
        });
        let ran = run(ground, &subject, Arc::clone(&script) as Arc<dyn Script>, &budgets()).await;
        (subject.fact, fault, script, ran)
    });
    let runs: Vec<_> = futures::stream::iter(runs).buffer_unordered(3).collect().await;
    for (fact, fault, script, ran) in runs {
        assert_eq!(ran.problems, nothing(), "{fact}, {fault:?}");
        assert!(script.list_is_spoilt.load(Ordering::SeqCst), "{fact}, {fault:?}: nothing was looked for");
    }
    assert_eq!(elsewhere.visitors(), 0);
}
