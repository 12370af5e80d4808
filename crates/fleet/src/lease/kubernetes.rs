//! Leases of Kubernetes (`coordination.k8s.io/v1`): among all runners of one namespace. Whoever holds one writes again and
//! again that it is there; who says nothing for the whole term has lost it. Clocks of machines differ, so nobody believes a
//! time that another wrote: it counts for how long a lease was seen without a change. Every change names the version that it
//! changes, so that of two who do so at the same time one fails.

use std::collections::HashMap;
use std::env;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::api::{Api, Patch, PatchParams, PostParams};
use kube::{Client, Error};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use uuid::Uuid;

use super::LeaseError;
use super::files::FileLock;
use crate::manifests::of_lease;

/// Who says nothing for so long has lost a lease.
pub(super) const TERM: Duration = Duration::from_secs(30);
/// How long the API may take to answer.
const ANSWER: Duration = Duration::from_secs(5);

/// The leases of a namespace, for one runner.
#[derive(Clone, Debug)]
pub struct Kubernetes {
    api: Api<Lease>,
    /// What makes this runner another one than each other, also than itself before it was started again.
    holder: Arc<str>,
    term: Duration,
    /// Which versions of the leases of others were seen, and since when.
    seen: Arc<Mutex<HashMap<String, (String, Instant)>>>,
    keepers: TaskTracker,
}

/// A lease that is held, until this goes.
#[derive(Debug)]
pub(super) struct Grip {
    lost: CancellationToken,
    _given_back: DropGuard,
}

/// One version of a lease that is ours.
#[derive(Clone, Debug)]
struct Ours {
    name: String,
    uid: String,
    version: String,
}

/// Why a lease was not renewed.
enum Trouble {
    /// It is gone, or somebody else's.
    Lost,
    /// There was no answer that says so.
    Unknown,
}

impl Kubernetes {
    /// The leases of a namespace, or of the one that pods or `KUBECONFIG` are in. What keeps from using them is told
    /// before any subject's turn comes.
    pub(super) async fn connect(namespace: Option<&str>) -> Result<Self, LeaseError> {
        let client = Client::try_default().await.map_err(|error| {
            LeaseError::Configuration(format!("there is no Kubernetes to be had for leases: {error}"))
        })?;
        let kubernetes = Self::new(client, namespace, TERM);
        kubernetes.answered(kubernetes.api.get_opt("assay")).await.map_err(|error| kubernetes.told(error))?;
        Ok(kubernetes)
    }

    /// The leases of a namespace, each for a term.
    pub fn new(client: Client, namespace: Option<&str>, term: Duration) -> Self {
        let api = match namespace {
            Some(namespace) => Api::namespaced(client, namespace),
            None => Api::default_namespaced(client),
        };
        let place = env::var("HOSTNAME").unwrap_or_else(|_| "assay".into());
        Kubernetes {
            api,
            holder: format!("{place}_{}", Uuid::new_v4()).into(),
            term,
            seen: Arc::default(),
            keepers: TaskTracker::new(),
        }
    }

    /// The lease of a subject, if nobody has it.
    pub(super) async fn take(&self, subject: &str, file: FileLock) -> Result<Option<Grip>, LeaseError> {
        let name = of_lease(subject);
        let asked = Instant::now();
        let found = self.answered(self.api.get_opt(&name)).await.map_err(|error| self.told(error))?;
        let taken = match found {
            None => self.answered(self.api.create(&PostParams::default(), &self.first(&name, subject))).await,
            Some(found) if self.is_free(&name, &found) => self.take_over(&name, found).await,
            Some(_) => return Ok(None),
        };
        let ours = match taken {
            Ok(lease) => Ours::of(&lease),
            Err(Failed::Api(409, _)) => return Ok(None),
            Err(error) => return Err(self.told(error)),
        };
        self.seen().remove(&name);
        let (lost, given_back) = (CancellationToken::new(), CancellationToken::new());
        let keeping = self.clone().keep(ours, asked, lost.clone(), given_back.clone(), file);
        self.keepers.spawn(keeping);
        Ok(Some(Grip { lost, _given_back: given_back.drop_guard() }))
    }

    /// Ends when all that was given back is free for others, or that takes too long: a check that hears nothing gives
    /// nothing back.
    pub(super) async fn settled(&self) {
        self.keepers.close();
        let _ = timeout(2 * ANSWER, self.keepers.wait()).await;
        self.keepers.reopen();
    }

    /// Whether nobody has a lease, or whoever had it said nothing for its term while we looked.
    fn is_free(&self, name: &str, found: &Lease) -> bool {
        let spec = found.spec.as_ref();
        let holder = spec.and_then(|spec| spec.holder_identity.as_deref()).unwrap_or_default();
        // Ours without our knowledge: an answer did not arrive.
        if holder.is_empty() || holder == &*self.holder {
            return true;
        }
        let seconds = spec.and_then(|spec| spec.lease_duration_seconds);
        let term = seconds.and_then(|seconds| u64::try_from(seconds).ok()).map_or(TERM, Duration::from_secs);
        let version = found.metadata.resource_version.clone().unwrap_or_default();
        let mut seen = self.seen();
        match seen.get(name) {
            Some((before, since)) if *before == version => since.elapsed() >= term,
            _ => {
                seen.insert(name.to_owned(), (version, Instant::now()));
                false
            }
        }
    }

    fn first(&self, name: &str, subject: &str) -> Lease {
        let now = MicroTime(Timestamp::now());
        Lease {
            metadata: ObjectMeta {
                name: Some(name.to_owned()),
                annotations: Some([("assay/subject".to_owned(), subject.to_owned())].into()),
                ..ObjectMeta::default()
            },
            spec: Some(LeaseSpec {
                holder_identity: Some(self.holder.to_string()),
                lease_duration_seconds: Some(self.seconds()),
                acquire_time: Some(now.clone()),
                renew_time: Some(now),
                ..LeaseSpec::default()
            }),
        }
    }

    async fn take_over(&self, name: &str, found: Lease) -> Result<Lease, Failed> {
        let now = MicroTime(Timestamp::now());
        let transitions = found.spec.as_ref().and_then(|spec| spec.lease_transitions).unwrap_or_default();
        let changed = json!({
            "holderIdentity": &*self.holder,
            "leaseDurationSeconds": self.seconds(),
            "acquireTime": now,
            "renewTime": now,
            "leaseTransitions": transitions.saturating_add(1),
        });
        self.change(&Ours { name: name.to_owned(), ..Ours::of(&found) }, changed).await
    }

    /// Changes exactly this version, and makes nothing that is not there: a PUT would.
    async fn change(&self, of: &Ours, spec: Value) -> Result<Lease, Failed> {
        let patch = json!({"metadata": {"uid": of.uid, "resourceVersion": of.version}, "spec": spec});
        let (parameters, patch) = (PatchParams::default(), Patch::Merge(patch));
        self.answered(self.api.patch(&of.name, &parameters, &patch)).await
    }

    /// Renews a lease until it is given back or lost, and gives it back. The file stays locked for as long as the check goes
    /// on, whoever has the lease.
    async fn keep(
        self,
        mut ours: Ours,
        mut renewed: Instant,
        lost: CancellationToken,
        given_back: CancellationToken,
        file: FileLock,
    ) {
        let mut next = renewed + self.term / 3;
        loop {
            tokio::select! {
                () = given_back.cancelled() => break,
                () = sleep_until(next) => {}
            }
            let asked = Instant::now();
            // Others count from when they saw the last word of ours, which was after we sent it.
            let end = renewed + self.term * 2 / 3;
            match tokio::time::timeout_at(end, self.renew(&ours)).await.unwrap_or(Err(Trouble::Unknown)) {
                Ok(newer) => {
                    (ours, renewed) = (newer, asked);
                    next = renewed + self.term / 3;
                }
                Err(Trouble::Unknown) if Instant::now() < end => next = Instant::now() + self.term / 15,
                Err(_) => {
                    lost.cancel();
                    given_back.cancelled().await;
                    break;
                }
            }
        }
        if !lost.is_cancelled() {
            self.give_back(&ours).await;
        }
        drop(file);
    }

    async fn renew(&self, ours: &Ours) -> Result<Ours, Trouble> {
        let spec = || json!({"renewTime": MicroTime(Timestamp::now())});
        match self.change(ours, spec()).await {
            Ok(lease) => Ok(Ours::of(&lease)),
            Err(Failed::Api(409, _)) => {
                // An answer did not arrive, or somebody else changed something about it.
                let ours = self.still_ours(ours).await?;
                let again = self.change(&ours, spec()).await;
                again.map(|lease| Ours::of(&lease)).map_err(|_| Trouble::Unknown)
            }
            Err(Failed::Api(404, _)) => Err(Trouble::Lost),
            Err(_) => Err(Trouble::Unknown),
        }
    }

    async fn still_ours(&self, ours: &Ours) -> Result<Ours, Trouble> {
        let found = self.answered(self.api.get_opt(&ours.name)).await.map_err(|_| Trouble::Unknown)?;
        let lease = found.ok_or(Trouble::Lost)?;
        let holder = lease.spec.as_ref().and_then(|spec| spec.holder_identity.as_deref());
        let found = Ours::of(&lease);
        match holder == Some(&*self.holder) && found.uid == ours.uid {
            true => Ok(found),
            false => Err(Trouble::Lost),
        }
    }

    /// If it fails, the lease ends by itself.
    async fn give_back(&self, ours: &Ours) {
        let nobody = || json!({"holderIdentity": null, "renewTime": MicroTime(Timestamp::now())});
        if let Err(Failed::Api(409, _)) = self.change(ours, nobody()).await
            && let Ok(ours) = self.still_ours(ours).await
        {
            let _ = self.change(&ours, nobody()).await;
        }
    }

    async fn answered<T>(&self, request: impl Future<Output = Result<T, Error>>) -> Result<T, Failed> {
        match timeout(ANSWER, request).await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(Error::Api(status))) => Err(Failed::Api(status.code, status.message)),
            Ok(Err(error)) => Err(Failed::Other(error.to_string())),
            Err(_) => Err(Failed::Other(format!("no answer within {} s", ANSWER.as_secs()))),
        }
    }

    fn told(&self, failed: Failed) -> LeaseError {
        let place = self.api.resource_url();
        match failed {
            // What nobody may do, or what is not there, does not pass by itself.
            Failed::Api(401 | 403 | 404 | 422, why) => {
                LeaseError::Configuration(format!("Kubernetes gives no leases at {place}: {why}"))
            }
            Failed::Api(_, why) | Failed::Other(why) => {
                LeaseError::Shared(format!("Kubernetes and its leases at {place}: {why}"))
            }
        }
    }

    fn seconds(&self) -> i32 {
        i32::try_from(self.term.as_secs()).unwrap_or(i32::MAX)
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, HashMap<String, (String, Instant)>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that came to nothing.
enum Failed {
    /// What the API said, with its code.
    Api(u16, String),
    /// Nothing was said.
    Other(String),
}

impl Ours {
    fn of(lease: &Lease) -> Self {
        let of = |text: &Option<String>| text.clone().unwrap_or_default();
        let ObjectMeta { name, uid, resource_version, .. } = &lease.metadata;
        Ours { name: of(name), uid: of(uid), version: of(resource_version) }
    }
}

impl Grip {
    pub(super) fn lost(&self) -> CancellationToken {
        self.lost.clone()
    }
}
