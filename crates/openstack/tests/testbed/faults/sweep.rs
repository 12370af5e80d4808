//! The sweep: each call of a probe goes wrong in each way, one at a time.

use std::collections::BTreeMap;
use std::env;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use assay_inventory::{DomainManagerOutcome, Inventory, S3FeatureState};
use assay_standards::Verdict;
use assay_testcases::{Registry, judge};
use futures::StreamExt as _;

use super::fault::Fault;
use super::ground::Ground;
use super::proxy::{Answer, Call, Key, Outcome, Script, Seen, Service};
use super::run::{Elsewhere, Place, Random, Subject, budgets, is_full, old_neutron, run, troubles};

/// Cases that run at the same time; the bed has two cores.
const AT_ONCE: usize = 4;

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

/// A fault that waits for its moment.
struct Strike {
    case: Case,
    looks: AtomicUsize,
    struck: AtomicBool,
    url: Mutex<String>,
    /// Whether the cloud itself refused what was asked for; where the fault came first, nobody knows.
    is_refusal: AtomicBool,
}

impl Strike {
    fn new(case: &Case) -> Self {
        Strike {
            case: case.clone(),
            looks: AtomicUsize::new(0),
            struck: AtomicBool::new(false),
            url: Mutex::default(),
            is_refusal: AtomicBool::new(false),
        }
    }

    /// Whether the fault strikes this call; if so, it never does again.
    fn strikes(&self, call: &Call, answer: Option<&Answer>) -> bool {
        if call.key != self.case.key || self.has_struck() {
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
            let is_refusal = answer.is_some_and(|answer| (400..500).contains(&answer.status));
            self.is_refusal.store(is_refusal, Ordering::SeqCst);
            *self.url.lock().unwrap() = format!("{} http://{}", call.method, call.path);
        }
        strikes
    }

    fn has_struck(&self) -> bool {
        self.struck.load(Ordering::SeqCst)
    }
}

/// The faults of one run.
struct Faults {
    strikes: Vec<Strike>,
    is_old: bool,
    base: u16,
    elsewhere: String,
}

impl Faults {
    fn spoil(&self, call: &Call, answer: Option<&Answer>) -> Option<Outcome> {
        let strike = self.strikes.iter().find(|strike| strike.strikes(call, answer))?;
        Some(strike.case.fault.spoil(Service::of(&call.path, self.base), answer, &self.elsewhere))
    }
}

impl Script for Faults {
    fn before(&self, call: &Call) -> Option<Outcome> {
        self.spoil(call, None).or_else(|| old_neutron(call).filter(|_| self.is_old))
    }

    fn after(&self, call: &Call, answer: Answer) -> Outcome {
        self.spoil(call, Some(&answer)).unwrap_or(Outcome::Answer(answer))
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
        let changes = !matches!(key.method.as_str(), "GET" | "HEAD");
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
            // Neither can what has no body.
            let is_bare = key.method == "HEAD";
            let faults = faults.filter(|fault| (is_asked && !is_bare) || !fault.needs_answer());
            cases.extend(faults.map(|fault| Case { key: key.clone(), moment, fault }));
        }
    }
    cases
}

/// How often a case is tried in which the bed itself gave no answer in time.
const ATTEMPTS: usize = 3;

/// So many calls at the beginning of a run decide about all that follow.
const DECISIVE: usize = 8;

/// Which cases strike which run.
fn runs(subject: &Subject, calls: &[Seen], cases: Vec<Case>, random: &mut Random) -> Vec<Vec<Case>> {
    let mut decisive: Vec<&Key> = Vec::new();
    for call in calls {
        if decisive.len() < DECISIVE && !decisive.contains(&&call.key) {
            decisive.push(&call.key);
        }
    }
    let together = if is_full() { subject.together } else { subject.together.min(6) };
    let (alone, mut others): (Vec<Case>, Vec<Case>) =
        cases.into_iter().partition(|case| together == 1 || decisive.contains(&&case.key));
    random.shuffle(&mut others);
    alone.into_iter().map(|case| vec![case]).chain(others.chunks(together).map(<[Case]>::to_vec)).collect()
}

/// Which of the faults struck, and what is wrong; nothing if all is well. `normal` is the verdict without faults.
async fn try_cases(
    ground: &Ground,
    subject: &Subject,
    cases: &[Case],
    normal: &[Verdict],
) -> (Vec<bool>, Vec<String>) {
    let mut attempt = 1;
    loop {
        let (struck, out_of_breath, problems) = try_once(ground, subject, cases, normal).await;
        if problems.is_empty() || !out_of_breath || attempt == ATTEMPTS {
            return (struck, problems);
        }
        attempt += 1;
    }
}

/// As [`try_cases`], and whether there was silence that the faults do not explain.
async fn try_once(
    ground: &Ground,
    subject: &Subject,
    cases: &[Case],
    normal: &[Verdict],
) -> (Vec<bool>, bool, Vec<String>) {
    let elsewhere = Elsewhere::open().await;
    let script = Arc::new(Faults {
        strikes: cases.iter().map(Strike::new).collect(),
        is_old: subject.is_old,
        base: ground.base,
        elsewhere: elsewhere.url.clone(),
    });
    let ran = run(ground, subject, Arc::clone(&script) as Arc<dyn Script>, &budgets()).await;
    let mut problems = ran.problems.clone();
    if elsewhere.visitors() > 0 {
        problems.push("the redirect was followed".to_owned());
    }
    let troubles = troubles(&ran.inventory);
    let is_alone = cases.len() == 1;
    for strike in &script.strikes {
        let (case, has_struck) = (&strike.case, strike.has_struck());
        // Where several strike, one may keep the call of another from being made.
        if !has_struck && case.moment == Moment::First && is_alone {
            problems.push("the call was not made".to_owned());
        }
        let struck_at = strike.url.lock().unwrap().clone();
        // The path alone; host and port are those of the proxy.
        let (method, path) = struck_at.split_once(" http://").unwrap_or_default();
        let path = path.split('?').next().unwrap_or_default();
        let named = troubles.iter().any(|why| why.contains(&format!("{method} http")) && why.contains(path));
        // Features of S3 and rows of domain managers name what was tried instead.
        let is_named = subject.place == Place::Project;
        if has_struck && !troubles.is_empty() && !named && is_named {
            problems.push(format!("the call is not named: {struck_at} in {troubles:#?}"));
        }
        // Tokens and consoles are had by POST, too; and what S3 answers badly is asked again.
        let asks = ["/auth/tokens", "/servers/*/action"].iter().any(|end| case.key.shape.ends_with(end));
        let makes = case.key.method == "POST" && !asks && subject.place != Place::Store;
        // Being forbidden what is forbidden is what should be, whatever the body says; for a project without a
        // domain, not found is as good.
        let is_refusal = match case.fault {
            Fault::Refused(403) => true,
            Fault::Refused(404) => case.key.shape.ends_with("/projects"),
            Fault::Truncated | Fault::WrongTypes | Fault::WrongShape => {
                strike.is_refusal.load(Ordering::SeqCst)
            }
            _ => false,
        };
        let makes = makes && (subject.place != Place::Domains || !is_refusal);
        if has_struck && makes && troubles.is_empty() && case.fault.must_be_told(makes) {
            problems.push("not a word about it".to_owned());
        }
    }
    let struck: Vec<bool> = script.strikes.iter().map(Strike::has_struck).collect();
    if !struck.contains(&true) && !troubles.is_empty() {
        problems.push(format!("trouble without a fault: {troubles:#?}"));
    }
    // Of a role that is to imply another, a conflict says that it does already.
    let refuses = |case: &Case| match case.fault {
        Fault::Refused(401 | 403 | 404) => true,
        Fault::Refused(409) => case.key.shape.contains("/implies/"),
        _ => false,
    };
    if subject.place == Place::Domains && !cases.iter().any(refuses) {
        let rows = ran.inventory.domain_managers.value().into_iter().flat_map(|seen| &seen.rows);
        let deviating = rows.filter(|row| row.outcome == DomainManagerOutcome::Deviates);
        problems.extend(deviating.map(|row| format!("nobody was refused anything, but {row:?}")));
    }
    // Whatever was seen, no testcase may stumble over it.
    let all = Registry::get().testcases().map(|testcase| testcase.id.as_ref());
    let judged = judge(&ran.inventory, all, ran.inventory.recorded_at);
    for ((testcase, prescription), normal) in subject.prescribed.iter().zip(normal) {
        let judgement = judged.iter().find(|(id, _)| id == testcase).map(|(_, judgement)| judgement);
        let verdict = judgement.map(|judgement| judgement.official.unwrap_or(judgement.text));
        let expected = prescription(&ran.inventory, *normal);
        if verdict != Some(expected) {
            problems.push(format!("{testcase} is {verdict:?}, but should be {expected:?}: {troubles:#?}"));
        }
    }
    problems.extend(wordless(&ran.inventory));
    let is_silent = cases.iter().any(|case| matches!(case.fault, Fault::Silence | Fault::SilenceAfter));
    let out_of_breath = !is_silent && troubles.iter().any(|why| why.contains("no answer in time"));
    (struck, out_of_breath, problems)
}

/// Features of S3 and rows of domain managers that are not as they should be and do not say why.
fn wordless(inventory: &Inventory) -> Vec<String> {
    let features = inventory.s3_features.value().into_iter().flat_map(|seen| &seen.features);
    let features = features
        .filter(|one| one.state != S3FeatureState::Present && one.detail.trim().is_empty())
        .map(|one| format!("{} is {} without a word", one.feature, one.state));
    let rows = inventory.domain_managers.value().into_iter().flat_map(|seen| &seen.rows);
    let rows = rows
        .filter(|row| row.outcome != DomainManagerOutcome::Conforms && row.seen.trim().is_empty())
        .map(|row| format!("row {} is {:?} without a word", row.id, row.outcome));
    features.chain(rows).collect()
}

/// Tries cases in one run, and those whose call was not made then again with fewer beside them.
async fn try_apart(ground: &Ground, subject: &Subject, cases: Vec<Case>, normal: &[Verdict]) -> Vec<Tried> {
    let mut tried = Vec::new();
    let mut together = cases.len();
    let mut open = cases;
    while !open.is_empty() {
        let mut missed = Vec::new();
        for some in open.chunks(together) {
            let begun = Instant::now();
            let (mut struck, mut problems) = try_cases(ground, subject, some, normal).await;
            if together == 1 && !struck[0] {
                // The cloud had a trouble of its own before the fault's turn came.
                (struck, problems) = try_cases(ground, subject, some, normal).await;
            }
            show(begun.elapsed(), some, &struck, &problems);
            let is_well = problems.is_empty();
            for (case, struck) in some.iter().zip(struck) {
                match struck || together == 1 || !is_well {
                    true => tried.push((case.clone(), struck, std::mem::take(&mut problems))),
                    false => missed.push(case.clone()),
                }
            }
        }
        (open, together) = (missed, (together / 4).max(1));
    }
    tried
}

/// A case, whether its fault struck, and what is wrong in its run.
type Tried = (Case, bool, Vec<String>);

#[expect(clippy::print_stderr, reason = "for whoever wants to watch")]
fn show(took: Duration, cases: &[Case], struck: &[bool], problems: &[String]) {
    if env::var_os("ASSAY_SHOW_CASES").is_some() {
        eprintln!("{:>6.1} s {struck:?} {cases:?} {problems:?}", took.as_secs_f64());
    }
}

/// No sweep takes longer, however slow the bed is.
const LONGEST_SWEEP: Duration = Duration::from_mins(90);

/// Sweeps a probe: as many cases in random order as fit into a time; in a full run, into much more of it.
#[expect(clippy::print_stderr, reason = "shown with a test that failed")]
pub(crate) async fn sweep(subject: &Subject, time: Duration) {
    let ground = Ground::prepare("assay-faults").await;
    let begun = Instant::now();
    let unspoilt =
        async || run(&ground, subject, Arc::new(Unspoilt { is_old: subject.is_old }), &budgets()).await;
    let mut normal = unspoilt().await;
    if troubles(&normal.inventory).iter().any(|why| why.contains("no answer in time")) {
        // The bed itself was out of breath.
        normal = unspoilt().await;
    }
    assert_eq!(normal.problems, Vec::<String>::new());
    assert_eq!(troubles(&normal.inventory), Vec::<String>::new());
    let of_testcase = |(testcase, _): &(&str, _)| {
        let (official, text) = normal.verdicts(testcase);
        official.unwrap_or(text)
    };
    let verdicts: Vec<Verdict> = subject.prescribed.iter().map(of_testcase).collect();
    let mut random = Random::seeded();
    let mut cases = cases(subject, &normal.calls);
    if let Ok(words) = env::var("ASSAY_CASES") {
        cases.retain(|case| words.split('|').any(|word| format!("{case:?}").contains(word)));
    }
    let all = cases.len();
    let mut runs = runs(subject, &normal.calls, cases, &mut random);
    random.shuffle(&mut runs);
    eprintln!("{}: {all} cases; one run takes {:?}", subject.fact, begun.elapsed());
    let begun = Instant::now();
    let time = if is_full() { LONGEST_SWEEP } else { time };
    // However slow the bed is, some are tried.
    let runs = runs.into_iter().enumerate();
    let runs = runs.take_while(|(number, _)| *number < AT_ONCE || begun.elapsed() < time);
    let (ground, verdicts) = (&ground, &verdicts);
    let tried: Vec<Tried> = futures::stream::iter(runs)
        .map(async |(_, cases)| try_apart(ground, subject, cases, verdicts).await)
        .buffer_unordered(AT_ONCE)
        .collect::<Vec<_>>()
        .await
        .concat();
    if is_full() {
        assert_eq!(tried.len(), all, "there was no time for all cases");
    }
    let struck = tried.iter().filter(|(_, struck, _)| *struck).count();
    eprintln!("{}: {struck} of {} faults struck, in {:?}", subject.fact, tried.len(), begun.elapsed());
    let failed: Vec<_> = tried.iter().filter(|(_, _, problems)| !problems.is_empty()).collect();
    assert!(failed.is_empty(), "{} runs failed: {failed:#?}", failed.len());
    // The last of several looks is not made where the cloud is quick; of a few cases one may be of that kind.
    assert!((struck + 1) * 10 >= tried.len() * 9, "too many faults never struck");
}
