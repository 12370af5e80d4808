//! What all subjects come to now: read, or reckoned where it cannot be stored, once for all who ask at the same time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::scopes::Scopes;
use crate::score::Score;
use crate::serve::Monitor;
use crate::store::{Lapse, ListedScore, StoreError, StoredScore};

/// How long requests wait until what has changed by itself is stored; then it is reckoned for their answers.
const STORED_WITHIN: Duration = Duration::from_secs(2);
/// How long it is left alone that another instance stores what holds on a day which has not come yet. Two whose clocks
/// differ would undo each other's work for ever.
const MENDED_AGAIN: Duration = Duration::from_mins(10);

/// What all subjects come to, and by which scopes.
#[derive(Debug)]
pub(crate) struct Scores {
    pub(crate) scopes: Arc<Scopes>,
    /// By subject.
    pub(crate) all: Vec<ListedScore>,
    revision: i64,
    /// When it was begun to read them.
    begun: Instant,
    /// From when on and until when they hold if nothing comes in.
    times: (Timestamp, Timestamp),
    is_stored: bool,
}

impl Scores {
    fn holds(&self, scopes: &Arc<Scopes>, now: Timestamp) -> bool {
        Arc::ptr_eq(&self.scopes, scopes) && (self.times.0..self.times.1).contains(&now)
    }

    /// What one subject comes to in a scope, by its UUID.
    pub(crate) fn of(&self, subject: &str, scope: &str) -> Option<&Score> {
        let found = self.all.iter().find(|listed| listed.subject == subject && listed.scope == scope);
        found.map(|listed| &listed.score)
    }
}

/// The scores as they were last read or reckoned, and who is at the next.
#[derive(Debug, Default)]
pub(crate) struct Reckoning {
    last: Mutex<Option<Arc<Scores>>>,
    /// Held by whoever reads or reckons.
    turn: tokio::sync::Mutex<()>,
    /// Held by whoever stores what does not hold any more.
    storing: Arc<tokio::sync::Mutex<()>>,
    /// When something was stored anew that another instance had stored for a day which has not come yet.
    mended: Mutex<Option<Instant>>,
    /// How often something was reckoned for answers alone.
    unstored: AtomicU64,
}

impl Reckoning {
    fn last(&self, fits: impl Fn(&Scores) -> bool) -> Option<Arc<Scores>> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.as_ref().filter(|scores| fits(scores)).map(Arc::clone)
    }

    pub(crate) fn unstored(&self) -> u64 {
        self.unstored.load(Ordering::Relaxed)
    }

    /// Whether it is time to mend what another instance has stored.
    fn may_mend(&self) -> bool {
        let mut mended = self.mended.lock().unwrap_or_else(PoisonError::into_inner);
        let may = mended.is_none_or(|at| at.elapsed() >= MENDED_AGAIN);
        if may {
            *mended = Some(Instant::now());
        }
        may
    }
}

impl Monitor {
    /// What all subjects come to now.
    pub(crate) async fn scores(&self) -> Result<Arc<Scores>, StoreError> {
        let asked = Instant::now();
        let revision = self.store.revision().await?;
        let fits = |scores: &Scores| {
            (scores.revision == revision || scores.begun >= asked)
                && scores.holds(&self.scopes(), self.clock.now())
        };
        if let Some(scores) = self.reckoning.last(fits) {
            return Ok(scores);
        }
        let _turn = self.reckoning.turn.lock().await;
        // Somebody else may have done it meanwhile.
        if let Some(scores) = self.reckoning.last(fits) {
            return Ok(scores);
        }
        let scores = Arc::new(self.next_scores().await?);
        *self.reckoning.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&scores));
        Ok(scores)
    }

    /// Stores what does not hold any more, so that no request has to wait for it.
    pub(crate) async fn keep_up(&self) -> Result<(), StoreError> {
        let scores = self.scores().await?;
        if !scores.is_stored {
            self.store_anew(&scores.scopes, false).await;
        }
        Ok(())
    }

    async fn next_scores(&self) -> Result<Scores, StoreError> {
        let (scopes, mut begun) = (self.scopes(), Instant::now());
        // What changes from here on is seen by who asks next.
        let mut revision = self.store.revision().await?;
        let mut stored = self.store.stored_scores().await?;
        let lapses = |stored: &[StoredScore]| {
            let now = self.clock.now();
            let has = |lapse| stored.iter().any(|score| score.lapse(&scopes, now) == Some(lapse));
            (has(Lapse::Due), has(Lapse::Ahead), has(Lapse::OtherScope))
        };
        let (is_due, is_ahead, _) = lapses(&stored);
        let mends = is_ahead && self.reckoning.may_mend();
        if (is_due || mends) && self.store_anew(&scopes, mends).await {
            begun = Instant::now();
            revision = self.store.revision().await?;
            stored = self.store.stored_scores().await?;
        }
        let is_stored = lapses(&stored) == (false, false, false);
        let now = self.clock.now();
        let mut all = stored;
        if !is_stored {
            self.reckoning.unstored.fetch_add(1, Ordering::Relaxed);
            self.store.look_up_lapsed(&mut all, &scopes, now).await?;
            let by = Arc::clone(&scopes);
            let reckoned = self.workers.run(move || {
                for score in &mut all {
                    score.reckon(&by, now);
                }
                all
            });
            all = reckoned.await.map_err(|error| StoreError::Corrupt(error.to_string()))?;
        }
        let times = StoredScore::times(&all, &scopes, now);
        let all = all.into_iter().map(|score| score.listed).collect();
        Ok(Scores { scopes, all, revision, begun, times, is_stored })
    }

    /// Stores what does not hold any more, if nobody is at it. False if it is not stored soon.
    async fn store_anew(&self, scopes: &Arc<Scopes>, mends: bool) -> bool {
        let Ok(turn) = Arc::clone(&self.reckoning.storing).try_lock_owned() else { return false };
        let (store, scopes, now) = (self.store.clone(), Arc::clone(scopes), self.clock.now());
        // It goes on if nobody waits for it any more, so that no more than one tries at a time.
        let stored = tokio::spawn(async move {
            let _turn = turn;
            store.reckon_anew(&scopes, now, mends).await
        });
        match tokio::time::timeout(STORED_WITHIN, stored).await {
            Ok(Ok(Ok(()))) => true,
            Ok(Ok(Err(error))) => {
                tracing::warn!(%error, "what has expired could not be stored");
                false
            }
            Ok(Err(_)) | Err(_) => false,
        }
    }
}
