use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};

use crate::scopes::Scopes;
use crate::store::{Handed, Outcome, Store, StoreError};

/// How many wait at most; whoever comes then waits to be let in.
const LONGEST: usize = 256;
/// How many are stored at once at most.
const TOGETHER: usize = 64;

/// Where what was handed in waits to be stored, together with what others handed in meanwhile: putting it on disk takes
/// as long for all of them as for one.
#[derive(Clone, Debug)]
pub(crate) struct Queue(mpsc::Sender<Job>);

#[derive(Debug)]
struct Job {
    handed: Handed,
    answer: oneshot::Sender<Result<Outcome, Arc<StoreError>>>,
}

/// Something was not stored.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum NotKept {
    /// The database said so.
    #[error(transparent)]
    Store(#[from] Arc<StoreError>),
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
                let (handed, answers): (Vec<_>, Vec<_>) =
                    jobs.drain(..).map(|job| (job.handed, job.answer)).unzip();
                let (scopes, now) = around();
                let outcomes: Vec<_> = match store.keep(&handed, &scopes, now).await {
                    Ok(outcomes) => outcomes.into_iter().map(|outcome| outcome.map_err(Arc::new)).collect(),
                    Err(error) => {
                        let error = Arc::new(error);
                        handed.iter().map(|_| Err(Arc::clone(&error))).collect()
                    }
                };
                for (answer, outcome) in answers.into_iter().zip(outcomes) {
                    // Whoever does not listen any more will ask again, and hear that it is there.
                    drop(answer.send(outcome));
                }
            }
        };
        (Self(sender), work)
    }

    /// Stores what was handed in; it is on disk when this answers.
    pub(crate) async fn keep(&self, handed: Handed) -> Result<Outcome, NotKept> {
        let (answer, outcome) = oneshot::channel();
        self.0.send(Job { handed, answer }).await.map_err(|_| NotKept::Ending)?;
        Ok(outcome.await.map_err(|_| NotKept::Ending)??)
    }
}
