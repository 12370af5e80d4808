//! The sweep: each call of a probe goes wrong in each way, one at a time.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use assay_inventory::{FactId, Inventory, Leftover, Step, Unavailable};
use assay_journal::Journal;
use assay_openstack::{Budgets, Cleanup, Probes, Request, Session, Settings, cleanup, collect};
use assay_standards::Verdict;
use assay_testcases::{Registry, judge};
use futures::{FutureExt as _, StreamExt as _};
use jiff::Timestamp;
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::fault::Fault;
use super::ground::Ground;
use super::proxy::{Answer, Call, Key, Outcome, Proxy, Script, Seen, Service};

/// Cases that run at the same time; the bed has two cores.
const AT_ONCE: usize = 3;

/// A probe to be swept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject {
    /// The probe.
    pub(crate) fact: FactId,
    /// What it needs to be read before.
    pub(crate) reads: &'static [FactId],
    /// Whether it does what the text reading needs, too.
    pub(crate) thorough: bool,
    /// The testcase that judges it officially, and the verdicts that it may have after an inventory.
    pub(crate) prescribed: Option<(&'static str, Prescription)>,
    /// Whether getting the token is swept, too.
    pub(crate) token: bool,
    /// Whether the cloud is one from before 2023.2, which does not list its default security group rules.
    pub(crate) is_old: bool,
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
    let facts = subject.facts();
    let request = Request {
        facts: &facts,
        started_at: Timestamp::now(),
        preflight: &|_| Ok(()),
        probes: Some(Probes { journals: &journals(folder), budgets, thorough: subject.thorough }),
        cancel,
        events: &|_| (),
    };
    let mut problems = Vec::new();
    let settings = settings();
    let begun = Instant::now();
    let collecting = AssertUnwindSafe(Box::pin(collect(&config, &settings, &request))).catch_unwind();
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
    proxy.notes(|notes| {
        problems.extend(notes.foreign.iter().map(|what| format!("{what}, which was not made here")));
        Ran { inventory, marks: notes.marks.clone(), calls: notes.calls.clone(), took, problems }
    })
}

/// Where runs of these tests have their journals.
pub(crate) fn journals(folder: &Path) -> PathBuf {
    folder.join("journal")
}

/// Looks at what is left, and cleans up as the next run would.
pub(crate) async fn left_behind(ground: &Ground, ran: &Ran, folder: &Path) -> Vec<String> {
    let (inventory, marks, journals) = (&ran.inventory, &ran.marks, &journals(folder));
    let mut problems = Vec::new();
    let left = ground.look(marks).await;
    let files = || std::fs::read_dir(journals).map_or(0, Iterator::count);
    if inventory.leftovers.is_empty() {
        problems.extend(left.iter().map(|item| format!("left behind without a word: {item}")));
        if files() > 0 {
            problems.push("a journal is left, though nothing is said to be".to_owned());
        }
    } else if files() == 0 {
        problems.push("something is said to be left, but there is no journal".to_owned());
    }
    if files() > 0 {
        let session =
            Session::connect(&ground.config(folder, &ground.auth_url()), &Settings::default()).await.unwrap();
        let (found, errors) = Journal::abandoned(journals);
        problems.extend(errors.iter().map(ToString::to_string));
        let work = Cleanup { journals: found, found: Vec::new(), budget: Duration::from_mins(2) };
        let cleaned = cleanup(&session, &work).await;
        problems.extend(cleaned.leftovers.iter().map(|left| format!("cleaning up did not help: {left}")));
        if files() > 0 {
            problems.push("the journal stays after cleaning up".to_owned());
        }
        let left = ground.look(marks).await;
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
    facts.chain(steps).chain(leftovers).collect()
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

struct Unspoilt {
    is_old: bool,
}

impl Script for Unspoilt {
    fn before(&self, call: &Call) -> Option<Outcome> {
        old_neutron(call).filter(|_| self.is_old)
    }
}

/// At which of the looks at one resource the fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// The first.
    First,
    /// The one after so many.
    After(usize),
    /// The one that would have ended the wait.
    Last,
}

/// One case of the sweep.
#[derive(Debug, Clone)]
struct Case {
    key: Key,
    moment: Moment,
    fault: Fault,
}

struct OneFault {
    case: Case,
    is_old: bool,
    base: u16,
    elsewhere: String,
    looks: AtomicUsize,
    struck: AtomicBool,
    url: std::sync::Mutex<String>,
}

impl OneFault {
    /// Whether the fault strikes this call; if so, it never does again.
    fn strikes(&self, call: &Call, answer: Option<&Answer>) -> bool {
        if call.key != self.case.key || self.struck.load(Ordering::SeqCst) {
            return false;
        }
        let strikes = match (self.case.moment, answer) {
            (Moment::First, Some(_)) => self.case.fault.needs_answer(),
            (Moment::First, None) => !self.case.fault.needs_answer(),
            (Moment::After(count), Some(_)) => self.looks.fetch_add(1, Ordering::SeqCst) >= count,
            (Moment::Last, Some(answer)) => !answer.is_on_its_way(&call.key),
            (Moment::After(_) | Moment::Last, None) => false,
        };
        let strikes = strikes && !self.struck.swap(true, Ordering::SeqCst);
        if strikes {
            *self.url.lock().unwrap() = format!("{} http://{}", call.method, call.path);
        }
        strikes
    }

    fn spoil(&self, call: &Call, answer: Option<&Answer>) -> Outcome {
        self.case.fault.spoil(Service::of(&call.path, self.base), answer, &self.elsewhere)
    }
}

impl Script for OneFault {
    fn before(&self, call: &Call) -> Option<Outcome> {
        match self.strikes(call, None) {
            true => Some(self.spoil(call, None)),
            false => old_neutron(call).filter(|_| self.is_old),
        }
    }

    fn after(&self, call: &Call, answer: Answer) -> Outcome {
        match self.strikes(call, Some(&answer)) {
            true => self.spoil(call, Some(&answer)),
            false => Outcome::Answer(answer),
        }
    }
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

/// The cases of a subject, by a run without faults.
fn cases(subject: &Subject, calls: &[Seen]) -> Vec<Case> {
    let mut keys: BTreeMap<&Key, Vec<&Seen>> = BTreeMap::new();
    for call in calls {
        keys.entry(&call.key).or_default().push(call);
    }
    let mut cases = Vec::new();
    for (key, seen) in keys {
        if key.shape.contains("/auth/tokens") && !subject.token {
            continue;
        }
        let changes = key.method != "GET";
        let mut moments = vec![Moment::First];
        if changes {
            // Each of these is one call.
        } else if seen.iter().any(|call| call.is_on_its_way) {
            moments.push(Moment::Last);
        } else if seen.len() > 1 {
            moments.push(Moment::After(seen.len() - 1));
        }
        // Answers that the cloud does not give itself cannot be spoilt.
        let is_asked = seen.iter().any(|call| call.status.is_some());
        for moment in moments {
            let faults = Fault::ALL.into_iter().filter(|fault| changes || !fault.is_about_changes());
            let faults = faults.filter(|fault| is_asked || !fault.needs_answer());
            cases.extend(faults.map(|fault| Case { key: key.clone(), moment, fault }));
        }
    }
    cases
}

/// How often a case is tried in which the bed itself gave no answer in time.
const ATTEMPTS: usize = 3;

/// Whether the fault struck, and what is wrong; nothing if all is well.
async fn try_case(
    ground: &Ground,
    subject: &Subject,
    case: &Case,
    normal: Option<Verdict>,
) -> (bool, Vec<String>) {
    let mut attempt = 1;
    loop {
        let (struck, out_of_breath, problems) = try_once(ground, subject, case, normal).await;
        if problems.is_empty() || !out_of_breath || attempt == ATTEMPTS {
            return (struck, problems);
        }
        attempt += 1;
    }
}

/// As [`try_case`], and whether there was silence that the fault does not explain.
async fn try_once(
    ground: &Ground,
    subject: &Subject,
    case: &Case,
    normal: Option<Verdict>,
) -> (bool, bool, Vec<String>) {
    let elsewhere = Elsewhere::open().await;
    let script = Arc::new(OneFault {
        case: case.clone(),
        is_old: subject.is_old,
        base: ground.base,
        elsewhere: elsewhere.url.clone(),
        looks: AtomicUsize::new(0),
        struck: AtomicBool::new(false),
        url: std::sync::Mutex::default(),
    });
    let ran = run(ground, subject, Arc::clone(&script) as Arc<dyn Script>, &budgets()).await;
    let mut problems = ran.problems.clone();
    if elsewhere.visitors() > 0 {
        problems.push("the redirect was followed".to_owned());
    }
    let struck = script.struck.load(Ordering::SeqCst);
    if !struck && case.moment == Moment::First {
        problems.push("the call was not made".to_owned());
    }
    let troubles = troubles(&ran.inventory);
    let struck_at = script.url.lock().unwrap().clone();
    // The path alone; host and port are those of the proxy.
    let (method, path) = struck_at.split_once(" http://").unwrap_or_default();
    let path = path.split('?').next().unwrap_or_default();
    let named = troubles.iter().any(|why| why.contains(&format!("{method} http")) && why.contains(path));
    if struck && !troubles.is_empty() && !named {
        problems.push(format!("the call is not named: {struck_at} in {troubles:#?}"));
    }
    // Tokens and consoles are had by POST, too.
    let asks = ["/auth/tokens", "/servers/*/action"].iter().any(|end| case.key.shape.ends_with(end));
    let makes = case.key.method == "POST" && !asks;
    if struck && makes && troubles.is_empty() && case.fault.must_be_told(makes) {
        problems.push("not a word about it".to_owned());
    }
    if !struck && !troubles.is_empty() {
        problems.push(format!("trouble without a fault: {troubles:#?}"));
    }
    // Whatever was seen, no testcase may stumble over it.
    let all = Registry::get().testcases().map(|testcase| testcase.id.as_ref());
    let judged = judge(&ran.inventory, all, ran.inventory.recorded_at);
    if let (Some((testcase, prescription)), Some(normal)) = (subject.prescribed, normal) {
        let verdict =
            judged.iter().find(|(id, _)| id == testcase).and_then(|(_, judgement)| judgement.official);
        let expected = prescription(&ran.inventory, normal);
        if verdict != Some(expected) {
            problems.push(format!("{testcase} is {verdict:?}, but should be {expected:?}: {troubles:#?}"));
        }
    }
    let is_silent = matches!(case.fault, Fault::Silence | Fault::SilenceAfter);
    let out_of_breath = !is_silent && troubles.iter().any(|why| why.contains("no answer in time"));
    (struck, out_of_breath, problems)
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

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            items.swap(end, self.below(end + 1));
        }
    }
}

/// Whether everything is to be tried, however long it takes.
pub(crate) fn is_full() -> bool {
    env::var("ASSAY_FULL").is_ok_and(|full| full == "1")
}

/// No sweep takes longer, so that all together take less than three hours.
const LONGEST_SWEEP: Duration = Duration::from_mins(50);

/// Sweeps a probe: as many cases in random order as fit into a time; in a full run, into much more of it.
#[expect(clippy::print_stderr, reason = "shown with a test that failed")]
pub(crate) async fn sweep(subject: &Subject, time: Duration) {
    let ground = Ground::prepare("assay-faults").await;
    let begun = Instant::now();
    let normal = run(&ground, subject, Arc::new(Unspoilt { is_old: subject.is_old }), &budgets()).await;
    assert_eq!(normal.problems, Vec::<String>::new());
    assert_eq!(troubles(&normal.inventory), Vec::<String>::new());
    let verdict = subject.prescribed.and_then(|(testcase, _)| normal.verdicts(testcase).0);
    let mut random = Random::seeded();
    let mut cases = cases(subject, &normal.calls);
    let all = cases.len();
    random.shuffle(&mut cases);
    eprintln!("{}: {all} cases; one run takes {:?}", subject.fact, begun.elapsed());
    let begun = Instant::now();
    let time = if is_full() { LONGEST_SWEEP } else { time };
    // However slow the bed is, some are tried.
    let cases = cases.into_iter().enumerate();
    let cases = cases.take_while(|(number, _)| *number < AT_ONCE || begun.elapsed() < time);
    let (ground, cases) = (&ground, futures::stream::iter(cases));
    let outcomes: Vec<(Case, bool, Vec<String>)> = cases
        .map(async |(_, case)| {
            let begun = Instant::now();
            let (mut struck, mut problems) = try_case(ground, subject, &case, verdict).await;
            if !struck {
                // The cloud had a trouble of its own before the fault's turn came.
                (struck, problems) = try_case(ground, subject, &case, verdict).await;
            }
            if env::var_os("ASSAY_SHOW_CASES").is_some() {
                eprintln!("{:>6.1} s {struck} {case:?} {problems:?}", begun.elapsed().as_secs_f64());
            }
            (case, struck, problems)
        })
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let struck = outcomes.iter().filter(|(_, struck, _)| *struck).count();
    eprintln!("{}: {struck} of {} faults struck, in {:?}", subject.fact, outcomes.len(), begun.elapsed());
    let failed: Vec<_> =
        outcomes.iter().filter(|(_, struck, problems)| *struck && !problems.is_empty()).collect();
    assert!(failed.is_empty(), "{} of {} cases failed: {failed:#?}", failed.len(), outcomes.len());
    // Of a few, one may meet a cloud that is too busy.
    assert!((struck + 1) * 10 >= outcomes.len() * 9, "too many faults never struck");
}
