//! Clouds that fail for longer than one call, and runs that are interrupted or not alone.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use assay_openstack::Budgets;
use assay_standards::Verdict::{Abort, Fail, Pass};
use futures::StreamExt as _;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::fault::error;
use super::proxy::{Answer, Call, Outcome, Script, Service};
use super::run::{Random, Subject, budgets, is_full, left_behind, run, run_beside, run_until, troubles};
use super::scripted::{ALL, BACKUPS, GROUPS, SECRETS, ground, has, instead, nothing, rewriting};
use super::{BACKUP, MACHINE, MANAGERS, NETWORK, S3, SECRET};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_forbids_everything_is_judged_for_itself() {
    let ground = ground().await;
    let services = [Service::KeyManager, Service::BlockStorage, Service::Image, Service::Network];
    let runs = services.map(async |service| {
        let base = ground.base;
        let script = instead(move |call: &Call| {
            call.is_for(service, base)
                .then(|| Outcome::Answer(error(service, 403, "policy does not allow it")))
        });
        // Only without images it matters that content is tried to be had.
        let subject = Subject { thorough: service == Service::Image, ..ALL };
        (service, run(&ground, &subject, script, &budgets()).await)
    });
    for (service, ran) in futures::future::join_all(runs).await {
        assert_eq!(ran.problems, nothing(), "{service:?}");
        assert!(has(&ran, &["HTTP 403: ", "policy does not allow it"]), "{service:?}");
        let verdicts = [SECRETS, BACKUPS, GROUPS].map(|testcase| ran.verdicts(testcase).0.unwrap());
        let expected = match service {
            Service::KeyManager => [Fail, Pass, verdicts[2]],
            Service::BlockStorage => [Pass, Fail, verdicts[2]],
            // Without images an empty volume does.
            Service::Image => [Pass, Pass, verdicts[2]],
            _ => [Pass, Pass, Abort],
        };
        assert_eq!(verdicts, expected, "{service:?}: {:#?}", troubles(&ran.inventory));
    }
}

/// What services say when the quota is used up.
fn over_quota(service: Service) -> (Answer, &'static str) {
    match service {
        Service::BlockStorage => {
            let message =
                "VolumeLimitExceeded: Maximum number of volumes allowed (10) exceeded for quota 'volumes'.";
            let mut answer = error(service, 413, message);
            answer.headers.push(("retry-after".into(), "0".into()));
            (answer, message)
        }
        Service::Network => {
            let message = "Quota exceeded for resources: ['network'].";
            let body = json!({"NeutronError": {"type": "OverQuota", "message": message, "detail": ""}});
            (Answer::json(409, &body), message)
        }
        Service::KeyManager => {
            let message = "Quota reached for project 1. Only 10 secrets are allowed.";
            (error(service, 403, message), message)
        }
        Service::Compute => {
            let message = "Quota exceeded for instances: Requested 1, but already used 10 of 10 instances";
            (error(service, 403, message), message)
        }
        Service::Image | Service::Identity | Service::ObjectStore => {
            let message = "Request returned failure status: the limit of image_count_total is reached";
            (error(service, 413, message), message)
        }
    }
}

/// How a service refuses.
type Refusal = fn(Service) -> Answer;

/// Answers to what a service is asked for, but for tokens, and to creates alone if so wanted.
fn refusing(service: Service, base: u16, answer: Refusal, only_creates: bool) -> Arc<dyn Script> {
    instead(move |call: &Call| {
        let is_meant = call.is_for(service, base) && !call.path.contains("/auth/tokens");
        (is_meant && (call.creates() || !only_creates)).then(|| Outcome::Answer(answer(service)))
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn compute_identity_and_object_store_that_refuse_are_judged_for_themselves() {
    let ground = ground().await;
    let ground = &ground;
    let (budgets, base) = (&budgets(), ground.base);
    let forbidden = |service| error(service, 403, "policy does not allow it");
    let full = |service| over_quota(service).0;
    let cases: [(Subject, Service, Refusal, bool, &str); 7] = [
        (MACHINE, Service::Compute, forbidden, false, "policy does not allow it"),
        (MACHINE, Service::Compute, full, true, "Quota exceeded for instances"),
        (S3, Service::Identity, forbidden, false, "policy does not allow it"),
        (S3, Service::Identity, full, true, "is reached"),
        (S3, Service::ObjectStore, forbidden, false, "403"),
        (S3, Service::ObjectStore, full, true, "413"),
        (MANAGERS, Service::Identity, forbidden, false, "policy does not allow it"),
    ];
    let runs = cases.into_iter().map(async |(subject, service, answer, only_creates, words)| {
        let script = refusing(service, base, answer, only_creates);
        ((subject, service, words), run(ground, &subject, script, budgets).await)
    });
    let runs: Vec<_> = futures::stream::iter(runs).buffer_unordered(3).collect().await;
    for ((subject, service, words), ran) in runs {
        let about = format!("{} with {service:?} saying {words:?}", subject.fact);
        assert_eq!(ran.problems, nothing(), "{about}");
        let features = ran.inventory.s3_features.value().into_iter().flat_map(|seen| &seen.features);
        let is_told =
            features.map(|one| format!("{:?} {}", one.status, one.detail)).any(|one| one.contains(words));
        assert!(is_told || has(&ran, &[words]), "{about}: {:#?}", troubles(&ran.inventory));
        let (testcase, prescription) = subject.prescribed[0];
        let (official, text) = ran.verdicts(testcase);
        let verdict = official.unwrap_or(text);
        assert_eq!(verdict, prescription(&ran.inventory, Pass), "{about}");
        assert_ne!(verdict, Pass, "{about}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_that_probes_used_up_beside_each_other_is_tried_again_alone() {
    let ground = ground().await;
    let base = ground.base;
    // As if another probe had the last volume of the quota at that moment.
    let once = || {
        let refused = AtomicUsize::new(0);
        instead(move |call: &Call| {
            let is_first = call.is_for(Service::BlockStorage, base)
                && call.creates()
                && refused.fetch_add(1, Ordering::SeqCst) == 0;
            is_first.then(|| Outcome::Answer(over_quota(Service::BlockStorage).0))
        })
    };
    let budgets = budgets();
    // A thorough probe would do with an empty volume in place of the first.
    let subjects = [ALL, BACKUP].map(|subject| Subject { thorough: false, ..subject });
    let (beside, alone) = futures::join!(
        run(&ground, &subjects[0], once(), &budgets),
        run(&ground, &subjects[1], once(), &budgets)
    );
    assert_eq!((beside.problems.clone(), troubles(&beside.inventory)), (nothing(), nothing()));
    assert_eq!(beside.verdicts(BACKUPS), (Some(Pass), Pass));
    // Nothing of ours can have used it up, and to the reference this is a failure.
    assert_eq!(alone.problems, nothing());
    assert_eq!(alone.verdicts(BACKUPS), (Some(Fail), Abort));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quota_that_is_used_up_is_told_in_the_words_of_the_service() {
    let ground = ground().await;
    let base = ground.base;
    let quota = |call: &Call, base| call.creates().then(|| over_quota(Service::of(&call.path, base)).0);
    let ran =
        run(&ground, &ALL, instead(move |call| quota(call, base).map(Outcome::Answer)), &budgets()).await;
    assert_eq!(ran.problems, nothing());
    for service in [Service::BlockStorage, Service::Network, Service::KeyManager, Service::Image] {
        let (_, message) = over_quota(service);
        assert!(has(&ran, &["POST ", message]), "{message}: {:#?}", troubles(&ran.inventory));
    }
    // To the reference, a 403 is a 403, and any trouble with backups a failure.
    let verdicts = [SECRETS, BACKUPS, GROUPS].map(|testcase| ran.verdicts(testcase));
    assert_eq!(verdicts.map(|(official, _)| official), [Some(Fail), Some(Fail), Some(Abort)]);
    assert_eq!(verdicts[1].1, Abort, "a full project says nothing of backups");

    // The quota ends at some later create: two volumes, two backups, two images.
    let mut random = Random::seeded();
    let limits: Vec<usize> = if is_full() { (1..8).collect() } else { vec![1 + random.below(7)] };
    for limit in limits {
        let made = AtomicUsize::new(0);
        let script = instead(move |call| {
            let refusal = quota(call, base)?;
            (made.fetch_add(1, Ordering::SeqCst) >= limit).then_some(Outcome::Answer(refusal))
        });
        let ran = run(&ground, &BACKUP, script, &budgets()).await;
        assert_eq!(ran.problems, nothing(), "after {limit}");
    }
}

/// Sets fields of single volumes and backups.
fn pinned(collection: &'static str, wrapper: &'static str, fields: Value) -> Arc<dyn Script> {
    rewriting(move |call, value| {
        let is_one = call.key.method == "GET" && call.key.shape.ends_with(&format!("/{collection}/*"));
        if let Some(inner) = value.get_mut(wrapper).and_then(Value::as_object_mut).filter(|_| is_one) {
            inner.extend(fields.as_object().cloned().unwrap_or_default());
        }
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_stuck_or_broken_is_told_with_its_state_and_taken_down() {
    let ground = ground().await;
    let short = Budgets { volume: Duration::from_secs(4), ..budgets() };
    let cases = [
        ("volumes", "volume", json!({"status": "creating"}), "\"creating\""),
        ("volumes", "volume", json!({"status": "backing-up"}), "\"backing-up\""),
        ("backups", "backup", json!({"status": "creating"}), "\"creating\""),
        ("volumes", "volume", json!({"status": "error"}), "it went to error"),
        (
            "backups",
            "backup",
            json!({"status": "error", "fail_reason": "the backup store is full"}),
            "it went to error: the backup store is full",
        ),
    ];
    let subject = Subject { thorough: false, ..BACKUP };
    let runs = cases.into_iter().map(async |(collection, wrapper, fields, words)| {
        (words, run(&ground, &subject, pinned(collection, wrapper, fields), &short).await)
    });
    let runs: Vec<_> = futures::stream::iter(runs).buffer_unordered(3).collect().await;
    for (words, ran) in runs {
        assert_eq!(ran.problems, nothing(), "{words}");
        assert!(has(&ran, &[words]), "{words}: {:#?}", troubles(&ran.inventory));
        assert_eq!(ran.verdicts(BACKUPS), (Some(Fail), Fail), "{words}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_ends_in_error_is_told_in_the_words_of_nova() {
    let ground = ground().await;
    let fault =
        json!({"code": 500, "message": "No valid host was found. There are not enough hosts available."});
    let fields = json!({"status": "ERROR", "fault": fault});
    let ran = run(&ground, &MACHINE, pinned("servers", "server", fields), &budgets()).await;
    assert_eq!(ran.problems, nothing());
    assert!(has(&ran, &["ERROR", "No valid host was found."]), "{:#?}", troubles(&ran.inventory));
    assert_eq!(ran.verdicts("scs-0101-entropy-avail").0, Some(Abort));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_deleted_is_named_and_waits_for_the_next_cleanup() {
    let ground = ground().await;
    let short = Budgets { removal: Duration::from_secs(5), ..budgets() };
    let message = "Invalid backup: Backup status must be available or error";
    let script = instead(move |call| {
        (call.method == "DELETE" && call.path.contains("/backups/"))
            .then(|| Outcome::Answer(error(Service::BlockStorage, 400, message)))
    });
    let ran = run(&ground, &Subject { thorough: false, ..BACKUP }, script, &short).await;
    // That the next cleanup takes it down is part of the run.
    assert_eq!(ran.problems, nothing());
    let left: Vec<&str> = ran.inventory.leftovers.iter().map(|left| left.kind.as_str()).collect();
    assert!(left.contains(&"backup"), "{left:?}");
    assert!(has(&ran, &["DELETE ", "HTTP 400", message]), "{:#?}", troubles(&ran.inventory));
    assert_eq!(ran.verdicts(BACKUPS), (Some(Pass), Pass), "the backup was made and restored");
}

/// All answers of a service are the outcome, from some call on.
fn dying(service: Service, base: u16, after: usize, how: fn() -> Outcome) -> Arc<dyn Script> {
    let calls = AtomicUsize::new(0);
    instead(move |call| {
        let is_over = call.is_for(service, base) && calls.fetch_add(1, Ordering::SeqCst) >= after;
        is_over.then(how)
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_dies_takes_no_longer_than_the_budget_and_the_rest_waits() {
    let ground = ground().await;
    let ground = &ground;
    let mut random = Random::seeded();
    let mut cases: Vec<(Subject, Service, usize)> = (0..40)
        .map(|after| (BACKUP, Service::BlockStorage, after))
        .chain((0..14).map(|after| (NETWORK, Service::Network, after)))
        .chain((0..8).map(|after| (SECRET, Service::KeyManager, after)))
        .collect();
    if !is_full() {
        cases = (0..5).map(|_| cases.swap_remove(random.below(cases.len()))).collect();
    }
    let short = Budgets { removal: Duration::from_secs(5), volume: Duration::from_secs(20), ..budgets() };
    let ways: [fn() -> Outcome; 4] = [
        || Outcome::Reset,
        || Outcome::Silence,
        || Outcome::Answer(error(Service::Identity, 503, "no backend is up")),
        // What a proxy says that does not know the service any more.
        || Outcome::Answer(error(Service::Image, 404, "default backend - 404")),
    ];
    let runs = cases.into_iter().enumerate().map(|(number, (subject, service, after))| {
        let short = short.clone();
        async move {
            let script = dying(service, ground.base, after, ways[number % ways.len()]);
            (subject.fact, after, number % ways.len(), run(ground, &subject, script, &short).await)
        }
    });
    let runs: Vec<_> = futures::stream::iter(runs).buffer_unordered(4).collect().await;
    for (fact, after, way, ran) in runs {
        assert_eq!(ran.problems, nothing(), "{fact} after {after} calls, way {way}");
        // What is waited for at most: a volume, what comes after it, and taking down; a call each in flight.
        assert!(ran.took < Duration::from_secs(100), "{fact} after {after} calls, way {way}: {:?}", ran.took);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_ends_is_renewed_and_one_that_cannot_be_is_told() {
    let ground = ground().await;
    let mut random = Random::seeded();
    let afters: Vec<usize> = if is_full() { (0..30).collect() } else { vec![random.below(30)] };
    let base = ground.base;
    let ending = |after: usize, for_good: bool| {
        let first: Mutex<Option<String>> = Mutex::default();
        let calls = AtomicUsize::new(0);
        instead(move |call| {
            let Some(token) = &call.token else {
                // Keystone itself.
                let is_again = for_good && calls.load(Ordering::SeqCst) > after;
                return is_again
                    .then(|| Outcome::Answer(error(Service::Identity, 401, "the account is disabled")));
            };
            let first = first.lock().unwrap().get_or_insert_with(|| token.clone()).clone();
            let is_over = *token == first && calls.fetch_add(1, Ordering::SeqCst) >= after;
            is_over
                .then(|| Outcome::Answer(error(Service::of(&call.path, base), 401, "the token has expired")))
        })
    };
    let budgets = budgets();
    for after in afters {
        let (renewed, refused) = futures::join!(
            run(&ground, &BACKUP, ending(after, false), &budgets),
            run(&ground, &BACKUP, ending(after, true), &budgets),
        );
        assert_eq!(
            (renewed.problems, refused.problems.clone()),
            (nothing(), nothing()),
            "after {after} calls"
        );
        assert_eq!(troubles(&renewed.inventory), nothing(), "after {after} calls");
        assert!(has(&refused, &["the account is disabled"]), "{:#?}", troubles(&refused.inventory));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interruption_at_any_call_leaves_nothing() {
    let ground = ground().await;
    let ground = &ground;
    let mut random = Random::seeded();
    let mut cases: Vec<usize> = (0..70).collect();
    if !is_full() {
        cases = (0..6).map(|_| cases.swap_remove(random.below(cases.len()))).collect();
    }
    let runs = cases.into_iter().map(async |after| {
        let cancel = CancellationToken::new();
        let (told, calls) = (cancel.clone(), AtomicUsize::new(0));
        let script = instead(move |_| {
            if calls.fetch_add(1, Ordering::SeqCst) == after {
                told.cancel();
            }
            None
        });
        (after, run_until(ground, &ALL, script, &budgets(), &cancel).await)
    });
    let runs: Vec<_> = futures::stream::iter(runs).buffer_unordered(3).collect().await;
    for (after, ran) in runs {
        assert_eq!(ran.problems, nothing(), "after {after} calls");
        assert_eq!(ran.inventory.leftovers, [], "after {after} calls");
        // Nothing is begun after it. What was in flight was taken down.
        let mut states: BTreeMap<String, usize> = BTreeMap::new();
        for call in &ran.calls {
            *states.entry(call.key.method.clone()).or_default() += 1;
        }
        assert!(ran.took < Duration::from_secs(60), "after {after} calls: {:?}, {states:?}", ran.took);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_runs_in_one_project_do_not_disturb_each_other() {
    let ground = ground().await;
    let folder = tempfile::tempdir().unwrap();
    let (cancel, budgets) = (CancellationToken::new(), budgets());
    let subject = Subject { thorough: false, ..ALL };
    let one = || run_beside(&ground, &subject, instead(|_| None), &budgets, &cancel, folder.path());
    let (first, second) = futures::join!(one(), one());
    for ran in [&first, &second] {
        // That neither deletes what the other made is seen by the proxy.
        assert_eq!((ran.problems.clone(), troubles(&ran.inventory)), (nothing(), nothing()));
        assert_eq!(left_behind(&ground, ran, folder.path()).await, nothing());
    }
    assert!(first.marks.is_disjoint(&second.marks) && !first.marks.is_empty());
}
