use std::future::Future;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::net::TcpListener;

use crate::accounts::{Bootstrap, Passwords};
use crate::clock::Clock;
use crate::scopes::Scopes;
use crate::store::{Store, StoreError};
use crate::web;

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
    scopes: RwLock<Arc<Scopes>>,
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
    pub fn new(store: Store, scopes: Scopes, clock: Clock, settings: Settings) -> Self {
        Self { store, clock, settings, passwords: Passwords::new(), scopes: RwLock::new(Arc::new(scopes)) }
    }

    /// Makes the accounts those of a file; accounts that it does not name go.
    ///
    /// # Errors
    /// The database. All of the file counts then, or nothing.
    pub async fn take_accounts(&self, bootstrap: &Bootstrap) -> Result<(), ServeError> {
        Ok(self.store.apply(bootstrap).await?)
    }

    /// Puts other scopes in place. Requests that have begun go on with those they began with.
    pub fn take_scopes(&self, scopes: Scopes) {
        *self.scopes.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(scopes);
    }

    pub(crate) fn scopes(&self) -> Arc<Scopes> {
        Arc::clone(&self.scopes.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Answers requests until `stopped`; those that have begun are finished.
    ///
    /// # Errors
    /// The network.
    pub async fn serve(
        self: Arc<Self>,
        listener: TcpListener,
        stopped: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), ServeError> {
        axum::serve(listener, web::router(self)).with_graceful_shutdown(stopped).await?;
        Ok(())
    }
}
