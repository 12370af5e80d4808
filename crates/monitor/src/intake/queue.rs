use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::scopes::Scopes;
use crate::store::{Handed, Outcome, Store, StoreError};

/// How many wait at most; whoever comes then waits to be let in.
const LONGEST: usize = 256;
/// How many are stored at once at most, and how many reports and bytes of theirs, unless one brings more.
const TOGETHER: usize = 64;
const REPORTS: usize = 256;
const BYTES: usize = 16 << 20;

/// How long storing may take, so that others can be told to try again while they listen.
const LONGEST_WAIT: Duration = Duration::from_secs(50);

/// Where what was handed in waits to be stored, together with what others handed in meanwhile: putting it on disk takes
/// as long for all of them as for one.
#[derive(Clone, Debug)]
pub(crate) struct Queue(mpsc::Sender<Job>);

#[derive(Debug)]
struct Job {
    handed: Handed,
    answer: oneshot::Sender<Result<Outcome, NotKept>>,
}

/// Something was not stored.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum NotKept {
    /// The database said so.
    #[error(transparent)]
    Store(#[from] Arc<StoreError>),
    /// It broke off.
    #[error("storing broke off")]
    BrokeOff,
    /// The database did not come to an end.
    #[error("the database took longer than {} seconds", LONGEST_WAIT.as_secs())]
    TooLong,
    /// The program is about to end.
    #[error("the monitor is about to end")]
    Ending,
}

impl Queue {
    /// A queue, and the work of storing what comes into it, which ends with the queue. `around` says by which scopes,
    /// and when.
    pub(crate) fn new(
        store: Store,
        around: impl Fn() -> (Arc<Scopes>, Timestamp) + Send + 'static,
    ) -> (Self, impl Future<Output = ()> + Send) {
        let (sender, mut receiver) = mpsc::channel(LONGEST);
        let work = async move {
            let mut jobs: Vec<Job> = Vec::with_capacity(TOGETHER);
            while receiver.recv_many(&mut jobs, TOGETHER).await > 0 {
                while !jobs.is_empty() {
                    let some = jobs.drain(..first_few(&jobs)).collect();
                    store_some(&store, some, around()).await;
                }
            }
        };
        (Self(sender), work)
    }

    /// Stores what was handed in; it is on disk when this answers.
    pub(crate) async fn keep(&self, handed: Handed) -> Result<Outcome, NotKept> {
        let (answer, outcome) = oneshot::channel();
        self.0.send(Job { handed, answer }).await.map_err(|_| NotKept::Ending)?;
        outcome.await.map_err(|_| NotKept::Ending)?
    }
}

/// How many of the first are stored together: one at least, with as much as is allowed.
fn first_few(jobs: &[Job]) -> usize {
    let (mut reports, mut bytes) = (0, 0);
    let is_too_much = |job: &Job| {
        reports += job.handed.reports.len();
        bytes += job.handed.payload.len();
        reports > REPORTS || bytes > BYTES
    };
    jobs.iter().position(is_too_much).unwrap_or(jobs.len()).max(1)
}

/// Stores what was handed in, and tells whoever did. Where something of it cannot be stored, all else is, one by one.
async fn store_some(store: &Store, jobs: Vec<Job>, around: (Arc<Scopes>, Timestamp)) {
    let (handed, answers): (Vec<_>, Vec<_>) = jobs.into_iter().map(|job| (job.handed, job.answer)).unzip();
    let deadline = Instant::now() + LONGEST_WAIT;
    let outcomes = match keep(store, &handed, &around, deadline).await {
        Err(NotKept::Store(error)) if error.is_about_contents() && handed.len() > 1 => {
            let mut trouble: Option<NotKept> = None;
            for (handed, answer) in handed.iter().zip(answers) {
                let outcome = match trouble.clone() {
                    Some(trouble) => Err(trouble),
                    None => keep(store, std::slice::from_ref(handed), &around, deadline).await,
                };
                if let Err(error) = &outcome
                    && !matches!(error, NotKept::Store(error) if error.is_about_contents())
                {
                    // The others would only wait for the same.
                    trouble = Some(error.clone());
                }
                tell(answer, outcome.and_then(|mut outcomes| outcomes.pop().ok_or(NotKept::BrokeOff)));
            }
            return;
        }
        outcomes => outcomes,
    };
    match outcomes {
        Ok(outcomes) => {
            answers.into_iter().zip(outcomes).for_each(|(answer, outcome)| tell(answer, Ok(outcome)));
        }
        Err(error) => answers.into_iter().for_each(|answer| tell(answer, Err(error.clone()))),
    }
}

async fn keep(
    store: &Store,
    handed: &[Handed],
    (scopes, now): &(Arc<Scopes>, Timestamp),
    deadline: Instant,
) -> Result<Vec<Outcome>, NotKept> {
    let keep = AssertUnwindSafe(store.keep(handed, scopes, *now)).catch_unwind();
    match tokio::time::timeout_at(deadline, keep).await {
        Ok(Ok(outcomes)) => outcomes.map_err(|error| Arc::new(error).into()),
        Ok(Err(_)) => Err(NotKept::BrokeOff),
        Err(_) => Err(NotKept::TooLong),
    }
}

fn tell(answer: oneshot::Sender<Result<Outcome, NotKept>>, outcome: Result<Outcome, NotKept>) {
    // Whoever does not listen any more will ask again, and hear that it is there.
    drop(answer.send(outcome));
}
