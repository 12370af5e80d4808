//! One runner at a time for each subject, so that two never test one project side by side: by locks on files among the
//! runners of one machine, and by what they share among those of several.

mod files;
mod kubernetes;
mod postgres;

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use url::Url;

pub use self::files::file_name;
use self::files::{FileLock, Files};
use self::kubernetes::Kubernetes;
use self::postgres::Postgres;

/// Where it is noted who is at which subject, as the configuration has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LeaseKeeper {
    /// Files of this machine.
    #[default]
    Files,
    /// A PostgreSQL that runners share.
    Postgres {
        /// The database, without a password.
        url: Url,
        /// The file with the password, if it is not in the environment.
        password_file: Option<PathBuf>,
    },
    /// A Kubernetes that runners share: the one that they run in, or that `KUBECONFIG` names.
    Kubernetes {
        /// The namespace, if not the one that they are in.
        namespace: Option<String>,
    },
}

/// Where it is noted who is at which subject. Files are always locked, too: what is shared may not tell two checks of
/// one program apart, and a runner of the same machine may not share it.
#[derive(Clone, Debug)]
pub enum Leases {
    /// Among the runners of one machine.
    Files(Files),
    /// Among all that use one PostgreSQL, by advisory locks of a session: when the runner or its connection dies, so do
    /// they, a minute later at most.
    Postgres(Files, Postgres),
    /// Among all that use one namespace of a Kubernetes, by its leases: who says nothing for half a minute has lost it.
    Kubernetes(Files, Box<Kubernetes>),
}

/// A subject that is ours until this goes. The system takes it back from a program that dies.
#[derive(Debug)]
pub struct Lease {
    lost: CancellationToken,
    /// Held for as long as the lease is.
    _held: Held,
}

/// What is given back when a lease goes.
#[derive(Debug)]
#[expect(dead_code, reason = "dropping it is what it is for")]
enum Held {
    File(FileLock),
    Postgres(postgres::Grip),
    Kubernetes(kubernetes::Grip),
}

/// It cannot be said whether somebody is at a subject.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LeaseError {
    /// The folder of leases cannot be used.
    #[error("{} cannot be locked: {cause}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        cause: std::io::Error,
    },
    /// What the configuration says cannot be used.
    #[error("{0}")]
    Configuration(String),
    /// What runners share does not answer, which may pass.
    #[error("{0}")]
    Shared(String),
}

impl Leases {
    /// Files in a folder, and what runners share if the configuration names it.
    ///
    /// # Errors
    /// What is shared cannot be reached or used.
    pub async fn open(keeper: &LeaseKeeper, folder: PathBuf) -> Result<Self, LeaseError> {
        let files = Files(folder);
        Ok(match keeper {
            LeaseKeeper::Files => Leases::Files(files),
            LeaseKeeper::Postgres { url, password_file } => {
                Leases::Postgres(files, Postgres::connect(url, password_file.as_deref()).await?)
            }
            LeaseKeeper::Kubernetes { namespace } => {
                Leases::Kubernetes(files, Box::new(Kubernetes::connect(namespace.as_deref()).await?))
            }
        })
    }

    /// Files in a folder alone.
    pub fn in_folder(folder: PathBuf) -> Self {
        Leases::Files(Files(folder))
    }

    /// Files in a folder, and the leases of a namespace, each for a term.
    pub fn on_kubernetes(client: kube::Client, namespace: &str, term: Duration, folder: PathBuf) -> Self {
        Leases::Kubernetes(Files(folder), Box::new(Kubernetes::new(client, Some(namespace), term)))
    }

    /// A subject, if nobody has it.
    ///
    /// # Errors
    /// It cannot be found out.
    pub async fn take(&self, subject: &str) -> Result<Option<Lease>, LeaseError> {
        let (Leases::Files(files) | Leases::Postgres(files, _) | Leases::Kubernetes(files, _)) = self;
        let Some(file) = files.take(subject)? else { return Ok(None) };
        match self {
            // Nobody takes a lock on a file away.
            Leases::Files(_) => Ok(Some(Lease { lost: CancellationToken::new(), _held: Held::File(file) })),
            Leases::Postgres(_, postgres) => {
                let grip = postgres.take(subject, file).await?;
                Ok(grip.map(|grip| Lease { lost: grip.lost(), _held: Held::Postgres(grip) }))
            }
            Leases::Kubernetes(_, kubernetes) => {
                let grip = kubernetes.take(subject, file).await?;
                Ok(grip.map(|grip| Lease { lost: grip.lost(), _held: Held::Kubernetes(grip) }))
            }
        }
    }

    /// A subject, as soon as nobody has it; none if that does not happen in time. What does not answer is asked again
    /// until then.
    ///
    /// # Errors
    /// It cannot be found out.
    pub async fn await_within(&self, subject: &str, longest: Duration) -> Result<Option<Lease>, LeaseError> {
        let end = Instant::now() + longest;
        loop {
            let taken = self.take(subject).await;
            let may_pass = matches!(taken, Ok(None) | Err(LeaseError::Shared(_)));
            let left = end.saturating_duration_since(Instant::now());
            if !may_pass || left.is_zero() {
                return taken;
            }
            tokio::time::sleep(left.min(self.look())).await;
        }
    }

    /// Ends when all that was given back is free for others, who would wait for the end of its term if the program ended
    /// before.
    pub async fn settled(&self) {
        if let Leases::Kubernetes(_, kubernetes) = self {
            kubernetes.settled().await;
        }
    }

    /// How often it is looked whether a subject is free again. No lock tells those who wait that it ended, and a database
    /// has more to do than a file.
    fn look(&self) -> Duration {
        Duration::from_millis(match self {
            Leases::Files(_) => 200,
            Leases::Postgres(..) | Leases::Kubernetes(..) => 2000,
        })
    }
}

impl Lease {
    /// Ends when the lease is ours no longer, though nobody gave it back.
    pub fn lost(&self) -> CancellationToken {
        self.lost.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_subject_is_taken_once_and_free_again() {
        let folder = tempfile::tempdir().unwrap();
        let leases = Leases::in_folder(folder.path().to_owned());
        let first = leases.take("green").await.unwrap().unwrap();
        assert!(leases.take("green").await.unwrap().is_none());
        assert!(leases.take("red").await.unwrap().is_some());
        let waited = leases.await_within("green", Duration::from_millis(10)).await;
        assert!(waited.unwrap().is_none());
        let waiting = leases.await_within("green", Duration::from_mins(1));
        let (waited, ()) = tokio::join!(waiting, async { drop(first) });
        assert!(waited.unwrap().is_some());
    }
}
