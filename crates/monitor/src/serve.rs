use std::convert::Infallible;
use std::future::{Future, IntoFuture as _};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::net::TcpListener;

use crate::accounts::{Bootstrap, Passwords};
use crate::clock::Clock;
use crate::intake::Queue;
use crate::scopes::Scopes;
use crate::store::{ListedScore, Store, StoreError};
use crate::web;
use crate::workers::Workers;

/// How often it is looked whether something has changed by itself.
const TICK: Duration = Duration::from_secs(30);

/// How a monitor is run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What stands before every address in pages, with a slash at its end.
    pub base_url: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self { base_url: "/".into() }
    }
}

/// A monitor: what requests are answered from.
#[derive(Debug)]
pub struct Monitor {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) settings: Settings,
    pub(crate) passwords: Passwords,
    pub(crate) workers: Workers,
    pub(crate) queue: Queue,
    scopes: Arc<RwLock<Arc<Scopes>>>,
}

/// Why a monitor does not serve.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The network.
    #[error("the server stopped: {0}")]
    Network(#[from] std::io::Error),
}

impl Monitor {
    /// A monitor over a database.
    ///
    /// # Panics
    /// Outside of a Tokio runtime: it has work of its own to do, which ends with it.
    pub fn new(store: Store, scopes: Scopes, clock: Clock, settings: Settings) -> Self {
        let scopes = Arc::new(RwLock::new(Arc::new(scopes)));
        let around = {
            let (scopes, clock) = (Arc::clone(&scopes), clock.clone());
            move || (current(&scopes), clock.now())
        };
        let (queue, work) = Queue::new(store.clone(), around);
        tokio::spawn(work);
        Self { store, clock, settings, passwords: Passwords::new(), workers: Workers::new(), queue, scopes }
    }

    /// Makes the accounts those of a file; accounts that it does not name go.
    ///
    /// # Errors
    /// The database. All of the file counts then, or nothing.
    pub async fn take_accounts(&self, bootstrap: &Bootstrap) -> Result<(), ServeError> {
        Ok(self.store.apply(bootstrap).await?)
    }

    /// Puts other scopes in place. Requests that have begun go on with those they began with.
    ///
    /// # Errors
    /// The database. What subjects come to is then reckoned by the new scopes as reports come in.
    pub async fn take_scopes(&self, scopes: Scopes) -> Result<(), ServeError> {
        let scopes = Arc::new(scopes);
        *self.scopes.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&scopes);
        Ok(self.store.reckon_by(&scopes, self.clock.now()).await?)
    }

    pub(crate) fn scopes(&self) -> Arc<Scopes> {
        current(&self.scopes)
    }

    /// All scores, as they are now.
    pub(crate) async fn scores(&self) -> Result<Vec<ListedScore>, StoreError> {
        self.store.reckon_due(&self.scopes(), self.clock.now()).await?;
        self.store.scores().await
    }

    /// Reckons again what changes by itself, soon after it does, so that no request has to wait for it.
    async fn keep_time(&self) -> Infallible {
        loop {
            if let Err(error) = self.store.reckon_due(&self.scopes(), self.clock.now()).await {
                tracing::error!(%error, "what has expired could not be reckoned");
            }
            tokio::time::sleep(TICK).await;
        }
    }

    /// Answers requests until `stopped`; those that have begun are finished.
    ///
    /// # Errors
    /// The network, or the database at the beginning.
    pub async fn serve(
        self: Arc<Self>,
        listener: TcpListener,
        stopped: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ServeError> {
        // Another program, or other scopes, may have reckoned before.
        self.store.reckon_by(&self.scopes(), self.clock.now()).await?;
        let serving = axum::serve(listener, web::router(Arc::clone(&self))).with_graceful_shutdown(stopped);
        tokio::select! {
            outcome = serving.into_future() => Ok(outcome?),
            never = self.keep_time() => match never {},
        }
    }
}

fn current(scopes: &RwLock<Arc<Scopes>>) -> Arc<Scopes> {
    Arc::clone(&scopes.read().unwrap_or_else(PoisonError::into_inner))
}
