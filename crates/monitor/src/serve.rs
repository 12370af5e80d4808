use std::convert::Infallible;
use std::future::Future;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use assay_transparency::{Signer, SignerError};
use jiff::Span;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::accounts::{Bootstrap, Passwords};
use crate::clock::Clock;
use crate::explained::Explained;
use crate::intake::{Allowance, Queue};
use crate::listen;
use crate::notices::{NoticeConfig, Sender};
use crate::oidc::{Oidc, OidcConfig};
use crate::reckoning::Reckoning;
use crate::retention::LastLook;
use crate::scopes::Scopes;
use crate::store::{Store, StoreError};
use crate::watch::Last;
use crate::web::{self, Broad, Overviews, Uploads};
use crate::workers::Workers;

/// How many histories are at hand at a time.
const HISTORIES: usize = 4;
/// How many times what all subjects come to is written at a time.
const STATUSES: usize = 2;
/// How often it is looked whether something has changed by itself.
const TICK: Duration = Duration::from_secs(30);

/// How a monitor is run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What stands before every address in pages, with a slash at its end.
    pub base_url: String,
    /// Who grants certificates, by name.
    pub issuer: Option<String>,
    /// How often it is looked whether somebody has to be told of something.
    pub watch: Duration,
    /// How long what was signed is kept when nothing hangs on it any more; none for ever. Results are always kept.
    pub keep_reports: Option<Span>,
    /// How long somebody may take to send the head of a request.
    pub patience: Duration,
    /// How long a request may take, from its head to the end of its body.
    pub longest: Duration,
    /// What is told about testcases.
    pub explained: Vec<Explained>,
    /// Whether all of it is made up, which each page says then.
    pub demo: bool,
    /// Whether all requests come through a proxy, which adds to `X-Forwarded-For` who asks.
    pub is_proxied: bool,
    /// How many uploads an account may begin within an hour; 0 stands for any number.
    pub uploads: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            base_url: "/".into(),
            issuer: None,
            watch: Duration::from_secs(10),
            keep_reports: None,
            patience: Duration::from_secs(30),
            longest: Duration::from_mins(1),
            explained: Vec::new(),
            demo: false,
            is_proxied: false,
            uploads: 10_000,
        }
    }
}

impl Settings {
    /// The address as others know it; none if only a path was said.
    pub(crate) fn whole_base_url(&self) -> Option<&str> {
        self.base_url.contains("://").then_some(&self.base_url)
    }

    /// What a log is called that begins here: the address, without what leads there.
    fn log_name(&self) -> String {
        let address = self.base_url.split_once("://").map_or("", |(_, address)| address);
        match address.trim_end_matches('/') {
            "" => "assay-monitor/log".to_owned(),
            address => format!("{address}/log"),
        }
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
    pub(crate) signer: Signer,
    /// Long histories take memory: few are at hand at a time, and the others wait.
    pub(crate) histories: Semaphore,
    /// So is what all subjects come to, testcase by testcase.
    pub(crate) statuses: Semaphore,
    pub(crate) overviews: Overviews,
    pub(crate) broad: Broad,
    pub(crate) uploads: Uploads,
    pub(crate) allowance: Allowance,
    pub(crate) sender: Sender,
    /// How many texts may not go, since they are not as they were accepted.
    pub(crate) kept_back: AtomicU64,
    notices: RwLock<Option<Arc<NoticeConfig>>>,
    oidc: RwLock<Option<Arc<Oidc>>>,
    scopes: Arc<RwLock<Arc<Scopes>>>,
    pub(crate) reckoning: Reckoning,
}

/// Why a monitor does not serve.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is nothing to sign the log with.
    #[error(transparent)]
    Key(#[from] SignerError),
    /// A log is signed with one key from its first entry on.
    #[error("the log was begun with the key {begun}, and not with {found}")]
    OtherKey {
        /// The public key of the log.
        begun: String,
        /// That which was given.
        found: String,
    },
    /// Nobody can be sent back to here.
    #[error(
        "whoever logs in elsewhere comes back to the address of the monitor, which has to be a whole one: {0}"
    )]
    NoAddress(String),
    /// The network.
    #[error("the server stopped: {0}")]
    Network(#[from] std::io::Error),
}

impl Monitor {
    /// A monitor over a database. `key` is the private key that its log is signed with, in PEM.
    ///
    /// # Errors
    /// The database, or a key that is none, or not the one that the log was begun with.
    pub async fn open(
        store: Store,
        scopes: Scopes,
        clock: Clock,
        settings: Settings,
        key: &str,
    ) -> Result<Self, ServeError> {
        let known = store.log_key().await?;
        let name = known.map_or_else(|| settings.log_name(), |key| key.name().to_owned());
        let signer = Signer::read(&name, key)?;
        let begun = store.begin_log(&signer).await?;
        if begun != *signer.key() {
            return Err(ServeError::OtherKey { begun: begun.to_string(), found: signer.key().to_string() });
        }
        let scopes = Arc::new(RwLock::new(Arc::new(scopes)));
        let around = {
            let (scopes, clock) = (Arc::clone(&scopes), clock.clone());
            move || (current(&scopes), clock.now())
        };
        let (queue, work) = Queue::new(store.clone(), around);
        // It ends with the monitor.
        tokio::spawn(work);
        let allowance = Allowance::new(settings.uploads);
        let (passwords, workers) = (Passwords::new(), Workers::new());
        let (histories, statuses) = (Semaphore::new(HISTORIES), Semaphore::new(STATUSES));
        let (overviews, uploads) = (Overviews::default(), Uploads::default());
        Ok(Self {
            store,
            clock,
            settings,
            passwords,
            workers,
            queue,
            signer,
            histories,
            statuses,
            overviews,
            broad: Broad::default(),
            uploads,
            allowance,
            sender: Sender::new().map_err(|error| ServeError::Network(std::io::Error::other(error)))?,
            kept_back: AtomicU64::default(),
            notices: RwLock::default(),
            oidc: RwLock::default(),
            scopes,
            reckoning: Reckoning::default(),
        })
    }

    /// Makes the accounts those of a file; accounts that it does not name go.
    ///
    /// # Errors
    /// The database. All of the file counts then, or nothing.
    pub async fn take_accounts(&self, bootstrap: &Bootstrap) -> Result<(), ServeError> {
        Ok(self.store.apply(bootstrap, self.clock.now()).await?)
    }

    /// Puts other scopes in place. Requests that have begun go on with those they began with.
    pub async fn take_scopes(&self, scopes: Scopes) {
        let scopes = Arc::new(scopes);
        *self.scopes.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&scopes);
        if let Err(error) = self.store.reckon_by(&scopes, self.clock.now()).await {
            // Until then, it is reckoned for each answer.
            tracing::warn!(%error, "what subjects come to by other scopes is stored later");
        }
    }

    /// Puts in place who is told of what; what waits in the outbox is sent by it, too.
    pub fn take_notices(&self, config: NoticeConfig) {
        *self.notices.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(config));
    }

    /// Puts in place who vouches for people who log in.
    ///
    /// # Errors
    /// The settings have no whole address that they could be sent back to.
    pub fn take_oidc(&self, config: OidcConfig) -> Result<(), ServeError> {
        let oidc = Oidc::new(config, &self.settings.base_url);
        let oidc = oidc.map_err(|error| ServeError::NoAddress(error.to_string()))?;
        *self.oidc.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(oidc));
        Ok(())
    }

    pub(crate) fn oidc(&self) -> Option<Arc<Oidc>> {
        self.oidc.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn notices(&self) -> Option<Arc<NoticeConfig>> {
        self.notices.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Who grants certificates.
    pub(crate) fn issuer(&self) -> &str {
        self.settings.issuer.as_deref().unwrap_or(self.signer.key().name())
    }

    pub(crate) fn scopes(&self) -> Arc<Scopes> {
        current(&self.scopes)
    }

    /// Reckons again what changes by itself, soon after it does, so that no request has to wait for it.
    async fn keep_time(&self) -> Infallible {
        loop {
            tokio::time::sleep(TICK).await;
            let scopes = self.scopes();
            // Another instance may have been late to hear of other scopes.
            let by_scopes = self.store.reckon_by(&scopes, self.clock.now()).await;
            if let Err(error) = by_scopes.and(self.keep_up().await) {
                tracing::error!(%error, "what has expired could not be reckoned");
            }
        }
    }

    /// Looks what is to be told, again and again.
    async fn keep_looking(&self) -> Infallible {
        let mut last = Last::default();
        loop {
            if let Err(error) = self.look(&mut last).await {
                tracing::error!(%error, "it could not be looked whether somebody has to be told of something");
            }
            tokio::time::sleep(self.settings.watch).await;
        }
    }

    /// Lets go what need not be kept, again and again.
    async fn keep_letting_go(&self) -> Infallible {
        let Some(keep) = self.settings.keep_reports else { return std::future::pending().await };
        let mut last = LastLook::default();
        loop {
            if let Err(error) = self.let_go(keep, &mut last).await {
                tracing::error!(%error, "no text of a report could be let go");
            }
            tokio::time::sleep(self.settings.watch).await;
        }
    }

    /// Sends what waits, again and again, however long somebody takes to be told.
    async fn keep_sending(&self) -> Infallible {
        loop {
            if let Err(error) = self.send_waiting().await {
                tracing::error!(%error, "nobody could be told of anything");
            }
            tokio::time::sleep(self.settings.watch).await;
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
        let times = (self.settings.patience, self.settings.longest);
        let router = (web::router(Arc::clone(&self)), self.settings.is_proxied);
        let serving = listen::serve(listener, router, times, stopped);
        tokio::select! {
            () = serving => Ok(()),
            never = self.keep_time() => match never {},
            never = self.keep_looking() => match never {},
            never = self.keep_sending() => match never {},
            never = self.keep_letting_go() => match never {},
        }
    }
}

fn current(scopes: &RwLock<Arc<Scopes>>) -> Arc<Scopes> {
    Arc::clone(&scopes.read().unwrap_or_else(PoisonError::into_inner))
}
