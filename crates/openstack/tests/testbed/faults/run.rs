//! One run of a probe through a proxy, and looks at what it left.

use std::collections::BTreeSet;
use std::env;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use assay_inventory::{DomainManagerOutcome, FactId, Inventory, Leftover, Step, Unavailable};
use assay_journal::Journal;
use assay_openstack::{
    Budgets, Cleanup, CloudConfig, ConfigFiles, DomainManagerConfig, DomainManagerRequest, Probes, Request,
    Session, Settings, clean_up_domains, cleanup, collect, domain_managers,
};
use assay_standards::Verdict;
use assay_testcases::judge;
use futures::FutureExt as _;
use jiff::Timestamp;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::ground::{Ground, MANAGERS, PASSWORD};
use super::proxy::{Answer, Call, Outcome, Proxy, Script, Seen};

/// Where what a probe creates can be found, and who can remove it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the project.
    Project,
    /// In the object store of the project, and with its user.
    Store,
    /// In two domains.
    Domains,
}

/// A probe to be swept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject {
    /// The probe.
    pub(crate) fact: FactId,
    /// What it needs to be read before.
    pub(crate) reads: &'static [FactId],
    /// Whether it does what the text reading needs, too.
    pub(crate) thorough: bool,
    /// The testcases that judge it, and the verdict that each must have after an inventory: the official one, or
    /// that of the text where nothing is official.
    pub(crate) prescribed: &'static [(&'static str, Prescription)],
    /// Whether getting the token is swept, too.
    pub(crate) token: bool,
    /// Whether the cloud is one from before 2023.2, which does not list its default security group rules.
    pub(crate) is_old: bool,
    /// Where it creates things.
    pub(crate) place: Place,
    /// How many faults strike one run, for a probe of many parts that do not depend on each other.
    pub(crate) together: usize,
}

/// Which verdict an inventory must get; the second is that of a run without faults.
pub(crate) type Prescription = fn(&Inventory, Verdict) -> Verdict;

impl Subject {
    fn facts(&self) -> BTreeSet<FactId> {
        self.reads.iter().copied().chain([FactId::Token, self.fact]).collect()
    }
}

/// How patiently a cloud is asked in these tests.
pub(crate) fn settings() -> Settings {
    Settings {
        timeout: Duration::from_secs(10),
        backoff: Duration::from_millis(100),
        body_limit: 1 << 20,
        ..Settings::default()
    }
}

/// Long enough for a busy bed; a run without faults spends a small part of it.
pub(crate) fn budgets() -> Budgets {
    Budgets {
        volume: Duration::from_secs(60),
        image: Duration::from_secs(30),
        removal: Duration::from_secs(60),
        server: Duration::from_secs(60),
        console: Duration::from_secs(30),
        ..Budgets::default()
    }
}

/// What all waits of a probe may take together, with a call in flight at the end of each.
fn bound(budgets: &Budgets) -> Duration {
    let waits = budgets.volume * 4 + budgets.image * 2 + budgets.server + budgets.console + budgets.removal;
    waits + settings().timeout * 30
}

/// What became of one run.
pub(crate) struct Ran {
    /// What was seen.
    pub(crate) inventory: Inventory,
    /// The marks of what was to be created.
    pub(crate) marks: BTreeSet<String>,
    /// How long it took.
    pub(crate) took: Duration,
    /// The calls.
    pub(crate) calls: Vec<Seen>,
    /// The way to the cloud, for the next run.
    proxy: Proxy,
    place: Place,
    /// What must not be.
    pub(crate) problems: Vec<String>,
}

impl Ran {
    /// The verdict of a testcase in the official reading and in that of the text.
    pub(crate) fn verdicts(&self, testcase: &str) -> (Option<Verdict>, Verdict) {
        let judgement = judge(&self.inventory, [testcase], self.inventory.recorded_at).remove(0).1;
        (judgement.official, judgement.text)
    }
}

/// Runs a probe through a proxy, and looks at what is left: nothing that the inventory does not name, and
/// nothing at all once what has a journal was cleaned up.
pub(crate) async fn run(
    ground: &Ground,
    subject: &Subject,
    script: Arc<dyn Script>,
    budgets: &Budgets,
) -> Ran {
    run_until(ground, subject, script, budgets, &CancellationToken::new()).await
}

/// As [`run`], and it may be interrupted.
pub(crate) async fn run_until(
    ground: &Ground,
    subject: &Subject,
    script: Arc<dyn Script>,
    budgets: &Budgets,
    cancel: &CancellationToken,
) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    let mut ran = run_beside(ground, subject, script, budgets, cancel, folder.path()).await;
    ran.problems.extend(left_behind(ground, &ran, folder.path()).await);
    ran
}

/// As [`run_until`], with the journal in a folder that others may use, too. It does not look at what is left.
pub(crate) async fn run_beside(
    ground: &Ground,
    subject: &Subject,
    script: Arc<dyn Script>,
    budgets: &Budgets,
    cancel: &CancellationToken,
    folder: &Path,
) -> Ran {
    let proxy = Proxy::start(ground.base, script).await;
    let config = ground.config(folder, &proxy.auth_url());
    let mut problems = Vec::new();
    let begun = Instant::now();
    let collecting = async {
        match subject.place {
            Place::Domains => tried_in_domains(&config, budgets, cancel, folder).await,
            Place::Project | Place::Store => {
                let facts = subject.facts();
                let request = Request {
                    facts: &facts,
                    started_at: Timestamp::now(),
                    preflight: &|_| Ok(()),
                    probes: Some(Probes { journals: &journals(folder), budgets, thorough: subject.thorough }),
                    cancel,
                    events: &|_| (),
                };
                collect(&config, &settings(), &request).await
            }
        }
    };
    let collecting = AssertUnwindSafe(Box::pin(collecting)).catch_unwind();
    let nothing = || Inventory::new(config.subject(), Timestamp::now());
    let inventory = match tokio::time::timeout(bound(budgets), collecting).await {
        Ok(Ok(inventory)) => inventory,
        Ok(Err(_)) => {
            problems.push("it panicked".to_owned());
            nothing()
        }
        Err(_) => {
            problems.push("it did not end in time".to_owned());
            nothing()
        }
    };
    let took = begun.elapsed();
    proxy.be_plain();
    let (marks, calls) = proxy.notes(|notes| {
        problems.extend(notes.foreign.iter().map(|what| format!("{what}, which was not made here")));
        (notes.marks.clone(), notes.calls.clone())
    });
    Ran { inventory, marks, took, calls, problems, proxy, place: subject.place }
}

/// What two domain managers see.
async fn tried_in_domains(
    config: &CloudConfig,
    budgets: &Budgets,
    cancel: &CancellationToken,
    folder: &Path,
) -> Inventory {
    let mut inventory = Inventory::new(config.subject(), Timestamp::now());
    (inventory.domain_managers, inventory.calls) =
        in_domains(config, budgets, cancel, folder, async |request| domain_managers(request).await).await;
    inventory.leftovers =
        inventory.domain_managers.value().map(|seen| seen.leftovers.clone()).unwrap_or_default();
    inventory
}

/// Work of the two domain managers.
async fn in_domains<T>(
    config: &CloudConfig,
    budgets: &Budgets,
    cancel: &CancellationToken,
    folder: &Path,
    work: impl AsyncFnOnce(&DomainManagerRequest<'_>) -> T,
) -> T {
    let managers = DomainManagerConfig::parse(Path::new("managers.yaml"), &managers()).unwrap();
    let logins = managers.logins(config, &ConfigFiles::default()).unwrap();
    let request = DomainManagerRequest {
        logins: &logins,
        settings: &settings(),
        budgets,
        journals: &journals(folder),
        started_at: Timestamp::now(),
        cancel,
        events: &|_| (),
    };
    work(&request).await
}

/// The configuration of the managers.
fn managers() -> String {
    let domain = |(domain, manager): &(&str, &str)| {
        format!("- {{name: {domain}, manager: {{username: {manager}, password: {PASSWORD}}}}}\n")
    };
    format!("domains:\n{}", MANAGERS.iter().map(domain).collect::<String>())
}

/// Where runs of these tests have their journals.
pub(crate) fn journals(folder: &Path) -> PathBuf {
    folder.join("journal")
}

/// Looks at what is left, and cleans up as the next run would.
pub(crate) async fn left_behind(ground: &Ground, ran: &Ran, folder: &Path) -> Vec<String> {
    let (inventory, marks, journals) = (&ran.inventory, &ran.marks, &journals(folder));
    let mut problems = Vec::new();
    let left = ground.look(ran.place, marks).await;
    let files = || std::fs::read_dir(journals).map_or(0, Iterator::count);
    if inventory.leftovers.is_empty() {
        problems.extend(left.iter().map(|item| format!("left behind without a word: {item}")));
        if files() > 0 {
            problems.push("a journal is left, though nothing is said to be".to_owned());
        }
    } else if files() == 0 {
        problems.push("something is said to be left, but there is no journal".to_owned());
    }
    if files() > 0 && ran.place == Place::Domains {
        let config = ground.config(folder, &ran.proxy.auth_url());
        let (budgets, cancel) = (budgets(), CancellationToken::new());
        let cleaned = in_domains(&config, &budgets, &cancel, folder, async |request| {
            Box::pin(clean_up_domains(request, false)).await
        });
        let cleaned = cleaned.await;
        problems.extend(cleaned.missing);
        problems.extend(cleaned.leftovers.iter().map(|left| format!("cleaning up did not help: {left}")));
    }
    if files() > 0 {
        for config in ground.configs(ran.place, folder, &ran.proxy.auth_url()) {
            let session = Session::connect(&config, &Settings::default()).await.unwrap();
            let (mut found, errors) = Journal::abandoned(journals);
            problems.extend(errors.iter().map(ToString::to_string));
            found.retain(|journal| journal.place().is_same(&session.place()));
            let work = Cleanup { journals: found, found: Vec::new(), budget: Duration::from_mins(2) };
            let cleaned = cleanup(&session, &work).await;
            problems.extend(cleaned.leftovers.iter().map(|left| format!("cleaning up did not help: {left}")));
        }
        if files() > 0 {
            problems.push("the journal stays after cleaning up".to_owned());
        }
    }
    if !inventory.leftovers.is_empty() {
        let left = ground.look(ran.place, marks).await;
        problems.extend(left.iter().map(|item| format!("left behind after cleaning up: {item}")));
    }
    problems
}

/// All that went wrong by the inventory, in words.
pub(crate) fn troubles(inventory: &Inventory) -> Vec<String> {
    let facts = FactId::ALL.iter().filter_map(|fact| inventory.unavailable(*fact));
    // That a cloud is old is no trouble.
    let facts =
        facts.filter(|why| !why.is_not_offered("default-security-group-rules")).map(ToString::to_string);
    let steps = steps(inventory).into_iter().filter_map(|step| step.trouble).map(|why| why.to_string());
    let leftovers = inventory.leftovers.iter().map(Leftover::to_string);
    let rows = inventory.domain_managers.value().into_iter().flat_map(|seen| &seen.rows);
    let rows = rows
        .filter(|row| row.outcome != DomainManagerOutcome::Conforms)
        .map(|row| format!("{} {:?}: {}", row.id, row.outcome, row.seen));
    facts.chain(steps).chain(leftovers).chain(rows).collect()
}

/// The steps of all probes.
pub(crate) fn steps(inventory: &Inventory) -> Vec<Step> {
    let transcripts = [
        inventory.new_security_group.value().map(|seen| &seen.transcript),
        inventory.secret_lifecycle.value().map(|seen| &seen.transcript),
        inventory.volume_backup.value().map(|seen| &seen.transcript),
        inventory.image_upload.value().map(|seen| &seen.transcript),
        inventory.provider_network_use.value().map(|seen| &seen.transcript),
        inventory.virtual_machine.value().map(|seen| &seen.transcript),
    ];
    let mut steps: Vec<Step> =
        transcripts.into_iter().flatten().flat_map(|transcript| transcript.steps.clone()).collect();
    // This fact keeps no steps, but why there is no volume.
    for volume in inventory.encrypted_volumes.value().into_iter().flat_map(|seen| &seen.volumes) {
        let id = assay_inventory::StepId::AwaitVolume;
        let trouble = volume.trouble.clone();
        steps.push(Step { id, resource: None, started_us: 0, duration_us: 0, trouble });
    }
    steps
}

/// The trouble of a run, step by step.
pub(crate) fn trouble_of_steps(inventory: &Inventory) -> Vec<(assay_inventory::StepId, Unavailable)> {
    steps(inventory).into_iter().filter_map(|step| Some((step.id, step.trouble?))).collect()
}

/// A cloud from before 2023.2.
pub(crate) fn old_neutron(call: &Call) -> Option<Outcome> {
    call.path.contains("default-security-group-rules").then(|| {
        let message = "The resource could not be found: default-security-group-rules";
        Outcome::Answer(Answer::json(
            404,
            &json!({"message": message, "code": "404 Not Found", "title": "Not Found"}),
        ))
    })
}

/// A place that nobody should come to.
pub(crate) struct Elsewhere {
    pub(crate) url: String,
    visitors: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Elsewhere {
    pub(crate) async fn open() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}/v1/secrets", listener.local_addr().unwrap());
        let visitors = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&visitors);
        let task = tokio::spawn(async move {
            while listener.accept().await.is_ok() {
                count.fetch_add(1, Ordering::SeqCst);
            }
        });
        Elsewhere { url, visitors, task }
    }

    pub(crate) fn visitors(&self) -> usize {
        self.visitors.load(Ordering::SeqCst)
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Random numbers that come back with their seed.
pub(crate) struct Random(u64);

impl Random {
    /// From `ASSAY_SEED`, or from the clock. The seed is printed, so that a failure can be had again.
    #[expect(clippy::print_stderr, reason = "shown with a test that failed")]
    pub(crate) fn seeded() -> Self {
        let given = env::var("ASSAY_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed =
            given.unwrap_or_else(|| u64::try_from(Timestamp::now().as_millisecond()).unwrap_or_default());
        eprintln!("ASSAY_SEED={seed}");
        Random(seed)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % limit as u64).unwrap_or_default()
    }

    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            items.swap(end, self.below(end + 1));
        }
    }
}

/// Whether everything is to be tried, however long it takes.
pub(crate) fn is_full() -> bool {
    env::var("ASSAY_FULL").is_ok_and(|full| full == "1")
}
