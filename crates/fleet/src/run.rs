//! One run over many subjects: each on its own, so that what goes wrong with one touches no other.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use assay_report::Report;
use futures::StreamExt as _;
use jiff::Timestamp;
use tokio::runtime::Builder;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::sync::oneshot::{Receiver, channel};
use tokio_util::sync::CancellationToken;

use crate::lease::{Lease, LeaseError, Leases};
use crate::plan::Planned;
use crate::schedule::Windows;

/// The name of the threads that check. What panics there ends one check and nothing else.
pub const CHECKING: &str = "check";

/// Who checks subjects.
pub trait Checker: Send + Sync + 'static {
    /// What it tells of a check that goes on.
    type Step: Send + 'static;

    /// Checks one subject and gives a report for each of its scopes. `cancel` asks it to come to an end: what is
    /// created is still taken down, what is not known by then is not to be had.
    fn check(
        self: Arc<Self>,
        subject: Planned,
        cancel: CancellationToken,
        tell: Box<dyn Fn(Self::Step) + Send + Sync>,
    ) -> impl Future<Output = Vec<Judged>> + 'static;

    /// The reports on a subject that could not be checked at all: every testcase ABORT, for the reason given.
    fn undetermined(&self, subject: &Planned, why: &str) -> Vec<Judged>;
}

/// The report on a subject for a scope.
#[derive(Debug)]
pub struct Judged {
    /// The name of the scope in the configuration.
    pub scope: String,
    /// The report.
    pub report: Report,
}

/// How a run goes about.
#[derive(Debug, Clone)]
pub struct Pace {
    /// So many subjects at the same time.
    pub workers: usize,
    /// A check that takes longer is asked to end.
    pub deadline: Duration,
    /// What then has not ended after so long is cut off.
    pub grace: Duration,
    /// Who notes which subjects are being checked.
    pub leases: Leases,
    /// How long to wait for a subject that another runner has.
    pub patience: Duration,
    /// When nothing is begun with whom.
    pub windows: Windows,
}

/// What happens in a run.
#[derive(Debug)]
pub enum Event<S> {
    /// A subject's turn has come.
    Started {
        /// The subject.
        subject: String,
    },
    /// Something happens in its check.
    Step {
        /// The subject.
        subject: String,
        /// What.
        step: S,
    },
    /// The check is over.
    Judged {
        /// The subject.
        subject: Planned,
        /// The reports, one for each scope.
        reports: Vec<Judged>,
        /// How long it took.
        took: Duration,
    },
    /// Nothing was done about a subject.
    LeftOut {
        /// The subject.
        subject: Planned,
        /// Why.
        why: String,
        /// Whether the reason passes by itself, so that it may be checked later.
        postponed: bool,
    },
}

/// Checks the subjects, and hands every event to `on_event`, one after the other. It ends when all are over, or with what
/// has begun once `cancel` says so.
pub async fn run<C: Checker>(
    subjects: Vec<Planned>,
    checker: Arc<C>,
    pace: &Pace,
    cancel: &CancellationToken,
    mut on_event: impl AsyncFnMut(Event<C::Step>),
) {
    let (sender, mut events) = unbounded_channel();
    let over = CancellationToken::new();
    let work = async {
        let all = futures::stream::iter(subjects);
        all.for_each_concurrent(pace.workers, |subject| {
            let (checker, sender) = (Arc::clone(&checker), sender.clone());
            async move {
                if !cancel.is_cancelled() {
                    one(subject, checker, pace, cancel, &sender).await;
                }
            }
        })
        .await;
        pace.leases.settled().await;
        over.cancel();
    };
    let telling = async {
        loop {
            tokio::select! {
                event = events.recv() => match event {
                    Some(event) => on_event(event).await,
                    None => break,
                },
                // A check that was cut off and does not hear it may hold its end of the channel for ever.
                () = over.cancelled(), if !events.is_closed() => events.close(),
            }
        }
    };
    futures::join!(work, telling);
}

/// What is to be told of one subject, from its turn to its end. Nobody listens any more where a run was ended at once.
async fn one<C: Checker>(
    subject: Planned,
    checker: Arc<C>,
    pace: &Pace,
    cancel: &CancellationToken,
    events: &UnboundedSender<Event<C::Step>>,
) {
    let tell = |event| drop(events.send(event));
    let left_out = |subject, why, postponed| tell(Event::LeftOut { subject, why, postponed });
    // A run takes hours where there are many; a window may have begun meanwhile.
    if let Some(window) = pace.windows.holding(&subject.subject, Timestamp::now()) {
        let why = format!("the maintenance window {window} has begun");
        left_out(subject, why, true);
        return;
    }
    let waiting = pace.leases.await_within(&subject.subject, pace.patience);
    let lease = tokio::select! {
        biased;
        () = cancel.cancelled() => return,
        lease = waiting => lease,
    };
    let lease = match lease {
        Ok(Some(lease)) => lease,
        other => {
            let error = other.err();
            // Whoever is at it ends, and files can be locked again.
            let may_pass = !matches!(error, Some(LeaseError::Configuration(_)));
            left_out(subject, why_not(error), may_pass);
            return;
        }
    };
    tell(Event::Started { subject: subject.subject.clone() });
    let (begun, lost) = (Instant::now(), lease.lost());
    let reports = within_deadline(&subject, lease, checker, pace, cancel, events.clone()).await;
    if lost.is_cancelled() {
        // Somebody else may be at it meanwhile, and what two find at once is nobody's verdict.
        let leftovers = reports.iter().flat_map(|judged| &judged.report.leftovers);
        let left: String = leftovers.map(|leftover| format!("; left behind: {leftover}")).collect();
        left_out(subject, format!("the lease was lost during the check{left}"), true);
        return;
    }
    tell(Event::Judged { subject, reports, took: begun.elapsed() });
}

fn why_not(error: Option<LeaseError>) -> String {
    error.map_or_else(|| "another runner is at it".into(), |error| error.to_string())
}

async fn within_deadline<C: Checker>(
    subject: &Planned,
    lease: Lease,
    checker: Arc<C>,
    pace: &Pace,
    cancel: &CancellationToken,
    events: UnboundedSender<Event<C::Step>>,
) -> Vec<Judged> {
    let (ending, cut) = (cancel.child_token(), CancellationToken::new());
    let name = subject.subject.clone();
    let tell = Box::new(move |step| drop(events.send(Event::Step { subject: name.clone(), step })));
    let check = (Arc::clone(&checker), subject.clone(), ending.clone(), cut.clone());
    let lost = lease.lost();
    let mut check = on_a_thread(check, lease, tell);
    let in_time = async {
        tokio::select! {
            ended = &mut check => Some(ended),
            () = tokio::time::sleep(pace.deadline) => None,
            () = lost.cancelled() => None,
            () = cancel.cancelled() => None,
        }
    };
    let mut ended = in_time.await;
    if ended.is_none() {
        ending.cancel();
        ended = tokio::time::timeout(pace.grace, &mut check).await.ok();
    }
    let why = match ended {
        Some(Ok(Ok(reports))) => return reports,
        Some(Ok(Err(why))) => why,
        Some(Err(_)) => "the check ended without a word".into(),
        None => {
            cut.cancel();
            "the check did not end and was cut off; the next one takes down what it created".into()
        }
    };
    checker.undetermined(subject, &why)
}

/// Checks on a thread of its own: whatever panics, hangs or computes for ever there keeps nobody else waiting.
fn on_a_thread<C: Checker>(
    (checker, subject, ending, cut): (Arc<C>, Planned, CancellationToken, CancellationToken),
    lease: Lease,
    tell: Box<dyn Fn(C::Step) + Send + Sync>,
) -> Receiver<Result<Vec<Judged>, String>> {
    let (sender, receiver) = channel();
    let work = move || {
        let checking = AssertUnwindSafe(|| {
            let runtime = Builder::new_current_thread().enable_all().build();
            let runtime = runtime.map_err(|error| format!("no check can be started: {error}"))?;
            Ok(runtime.block_on(async {
                tokio::select! {
                    reports = checker.check(subject, ending, tell) => reports,
                    () = cut.cancelled() => Vec::new(),
                }
            }))
        });
        let outcome = catch_unwind(checking).unwrap_or_else(|panic| {
            Err(format!(
                "this is a defect of assay, please report it: the check panicked: {}",
                words(&*panic)
            ))
        });
        // Whoever does not hear that it was cut off keeps the subject for as long as it is at it.
        drop(lease);
        // Nobody waits any more for what was cut off.
        let _ = sender.send(outcome);
    };
    // If there is no thread to be had, the work goes with its sender, and that is told.
    let _ = std::thread::Builder::new().name(CHECKING.into()).spawn(work);
    receiver
}

fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no words")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use jiff::SignedDuration;
    use jiff::tz::TimeZone;

    use super::*;
    use crate::config::Beside;
    use crate::schedule::{Times, Window};

    /// A checker that does what the names of the subjects say.
    #[derive(Default)]
    struct Script {
        at_once: AtomicUsize,
        most_at_once: AtomicUsize,
        told: Mutex<Vec<(String, String)>>,
    }

    impl Checker for Script {
        type Step = &'static str;

        async fn check(
            self: Arc<Self>,
            subject: Planned,
            cancel: CancellationToken,
            tell: Box<dyn Fn(&'static str) + Send + Sync>,
        ) -> Vec<Judged> {
            let at_once = self.at_once.fetch_add(1, Ordering::SeqCst) + 1;
            self.most_at_once.fetch_max(at_once, Ordering::SeqCst);
            tell("hello");
            match subject.subject.as_str() {
                "panics" => panic!("{} of all things", "this"),
                "hangs" => std::future::pending().await,
                // Deaf to everything, for as long as the test lives.
                "computes" => loop {
                    std::thread::park();
                },
                "slow" => cancel.cancelled().await,
                _ => tokio::task::yield_now().await,
            }
            self.at_once.fetch_sub(1, Ordering::SeqCst);
            Vec::new()
        }

        fn undetermined(&self, subject: &Planned, why: &str) -> Vec<Judged> {
            self.told.lock().unwrap().push((subject.subject.clone(), why.to_owned()));
            Vec::new()
        }
    }

    fn planned(name: &str) -> Planned {
        Planned {
            subject: name.into(),
            scopes: Vec::new(),
            variables: BTreeMap::new(),
            beside: Beside::default(),
        }
    }

    struct Ran {
        checker: Arc<Script>,
        judged: Vec<String>,
        left_out: Vec<(String, String)>,
    }

    async fn ran(names: &[&str], pace: Pace, cancel: &CancellationToken) -> Ran {
        let checker = Arc::new(Script::default());
        let (mut judged, mut left_out) = (Vec::new(), Vec::new());
        let subjects = names.iter().map(|name| planned(name)).collect();
        run(subjects, Arc::clone(&checker), &pace, cancel, async |event| match event {
            Event::Judged { subject, .. } => judged.push(subject.subject),
            Event::LeftOut { subject, why, .. } => left_out.push((subject.subject, why)),
            Event::Step { .. } if matches!(names, ["slow" | "hangs", "a"]) => cancel.cancel(),
            Event::Started { .. } | Event::Step { .. } => {}
        })
        .await;
        judged.sort();
        Ran { checker, judged, left_out }
    }

    fn pace(folder: &tempfile::TempDir) -> Pace {
        Pace {
            workers: 10,
            deadline: Duration::from_secs(3),
            grace: Duration::from_secs(1),
            leases: Leases::in_folder(folder.path().to_owned()),
            patience: Duration::ZERO,
            windows: Windows::default(),
        }
    }

    #[tokio::test]
    async fn what_goes_wrong_with_one_touches_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let names = ["a", "panics", "hangs", "computes", "slow", "b"];
        let ran = ran(&names, pace(&folder), &CancellationToken::new()).await;
        assert_eq!(ran.judged, ["a", "b", "computes", "hangs", "panics", "slow"]);
        let mut told = ran.checker.told.lock().unwrap().clone();
        told.sort();
        let [(computing, deaf), (hanging, cut_off), (panicking, why)] = &told[..] else { panic!("{told:?}") };
        assert_eq!((&**computing, &**hanging, &**panicking), ("computes", "hangs", "panics"));
        assert_eq!(deaf, cut_off);
        assert_eq!(cut_off, "the check did not end and was cut off; the next one takes down what it created");
        assert!(why.ends_with("the check panicked: this of all things"), "{why}");
    }

    #[tokio::test]
    async fn no_more_at_once_than_said() {
        let folder = tempfile::tempdir().unwrap();
        let names = ["a", "b", "c", "d", "e"];
        let pace = Pace { workers: 2, ..pace(&folder) };
        let ran = ran(&names, pace, &CancellationToken::new()).await;
        assert_eq!(ran.judged, names);
        assert!(ran.checker.most_at_once.load(Ordering::SeqCst) <= 2);
    }

    #[tokio::test]
    async fn whom_another_runner_has_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let _other = pace(&folder).leases.take("b").await.unwrap().unwrap();
        let ran = ran(&["a", "b"], pace(&folder), &CancellationToken::new()).await;
        assert_eq!(ran.judged, ["a"]);
        assert_eq!(ran.left_out, [("b".to_owned(), "another runner is at it".to_owned())]);
    }

    #[tokio::test]
    async fn whom_a_window_holds_when_their_turn_comes_is_left_for_later() {
        let folder = tempfile::tempdir().unwrap();
        let begins = Times::read("* * * * *", TimeZone::UTC).unwrap();
        let (lasts, subjects) = (SignedDuration::from_hours(1), ["b".to_owned()].into());
        let windows = Windows(vec![Window { name: "move".into(), begins, lasts, subjects }]);
        let pace = Pace { windows, ..pace(&folder) };
        let ran = ran(&["a", "b"], pace, &CancellationToken::new()).await;
        assert_eq!(ran.judged, ["a"]);
        assert_eq!(ran.left_out, [("b".to_owned(), "the maintenance window move has begun".to_owned())]);
    }

    #[tokio::test]
    async fn an_end_is_an_end_for_all() {
        let folder = tempfile::tempdir().unwrap();
        let cancel = CancellationToken::new();
        let pace = Pace { workers: 1, ..pace(&folder) };
        // The slow one waits to be told that it ends, and is told when it says hello.
        let ran = ran(&["slow", "a"], pace, &cancel).await;
        assert_eq!(ran.judged, ["slow"], "what has begun comes to its end, the rest does not begin");
    }

    #[tokio::test]
    async fn who_does_not_hear_the_end_is_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let pace = Pace { workers: 1, deadline: Duration::from_hours(1), ..pace(&folder) };
        let ran = ran(&["hangs", "a"], pace, &CancellationToken::new()).await;
        assert_eq!(ran.judged, ["hangs"]);
        let told = ran.checker.told.lock().unwrap().clone();
        assert!(told[0].1.contains("cut off"), "{told:?}");
    }
}
