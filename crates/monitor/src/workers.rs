use std::sync::Arc;
use std::thread::available_parallelism;

use tokio::sync::Semaphore;

/// Work that keeps a core busy for a while, on threads of its own, so that no request waits behind it that has none.
#[derive(Clone, Debug)]
pub(crate) struct Workers(Arc<Semaphore>);

/// The work broke off.
#[derive(Debug, thiserror::Error)]
#[error("the work broke off")]
pub(crate) struct BrokeOff;

impl Workers {
    /// As many at once as there are cores.
    pub(crate) fn new() -> Self {
        let cores = available_parallelism().map_or(1, usize::from);
        Self(Arc::new(Semaphore::new(cores)))
    }

    /// Does it when its turn has come.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, BrokeOff> {
        let turn = Arc::clone(&self.0).acquire_owned().await.map_err(|_| BrokeOff)?;
        let work = tokio::task::spawn_blocking(move || {
            // Whoever asked may be gone by now; the turn lasts as long as the work.
            let _turn = turn;
            work()
        });
        work.await.map_err(|_| BrokeOff)
    }
}
