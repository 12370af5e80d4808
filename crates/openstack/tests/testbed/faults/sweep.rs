//! The sweep: each call of a probe goes wrong in each way, one at a time.

use std::collections::BTreeMap;
use std::env;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use assay_standards::Verdict;
use assay_testcases::{Registry, judge};
use futures::StreamExt as _;

use super::fault::Fault;
use super::ground::Ground;
use super::proxy::{Answer, Call, Key, Outcome, Script, Seen, Service};
use super::run::{Elsewhere, Random, Subject, budgets, is_full, old_neutron, run, troubles};

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

/// No sweep takes longer, however slow the bed is.
const LONGEST_SWEEP: Duration = Duration::from_mins(90);

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
    let failed: Vec<_> = outcomes.iter().filter(|(_, _, problems)| !problems.is_empty()).collect();
    assert!(failed.is_empty(), "{} of {} cases failed: {failed:#?}", failed.len(), outcomes.len());
    // The last of several looks is not made where the cloud is quick; of a few cases one may be of that kind.
    assert!((struck + 1) * 10 >= outcomes.len() * 9, "too many faults never struck");
}
