//! Lets texts of reports go that nothing hangs on any more, if whoever runs the monitor says so.

use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};

use crate::audit::is_sound;
use crate::log::{Entry, results_digest};
use crate::serve::Monitor;
use crate::store::{KeptReport, KeptSubmission, StoreError, Unreadable};

/// How often it is looked whether something may go.
const AGAIN: SignedDuration = SignedDuration::from_hours(1);
/// So many go at once, so that nobody waits long who hands something in,
const TOGETHER: usize = 16;
/// and a pause in which somebody can.
const PAUSE: Duration = Duration::from_millis(50);

/// What is known from one look to the next.
#[derive(Debug, Default)]
pub(crate) struct LastLook {
    at: Option<Timestamp>,
    /// The submissions of which it was said why their texts stay.
    told: HashSet<i64>,
}

impl Monitor {
    /// Lets go what was handed in so long ago, if it was not looked lately.
    pub(crate) async fn let_go(&self, keep: Span, last: &mut LastLook) -> Result<(), StoreError> {
        let now = self.clock.now();
        if last.at.is_some_and(|last| now.duration_since(last).abs() < AGAIN) {
            return Ok(());
        }
        // Age is counted from what came in last: a clock that is ahead makes nothing old.
        let Some(newest) = self.store.newest_receipt().await? else { return Ok(()) };
        // Longer than the calendar is for ever.
        let Ok(before) = newest.min(now).to_zoned(TimeZone::UTC).checked_sub(keep) else { return Ok(()) };
        let (mut after, mut gone, mut stay) = (0, 0, 0);
        loop {
            let mut some = Vec::with_capacity(TOGETHER);
            while some.len() < TOGETHER
                && let Some(found) = self.store.next_to_let_go(after, before.timestamp()).await?
            {
                after = found.as_ref().map_or_else(|unreadable| unreadable.id, |submission| submission.id);
                match self.going(found, now).await {
                    Ok(going) => some.push(going),
                    Err(why) => {
                        stay += 1;
                        // It stays for as long as nobody mends it.
                        if last.told.insert(after) {
                            tracing::error!(submission = after, why, "a text is not let go");
                        }
                    }
                }
            }
            gone += self.store.let_go(&some, now).await?;
            if some.len() < TOGETHER {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
        if gone > 0 {
            tracing::info!(gone, "texts of reports were let go");
        }
        self.kept_back.store(stay, Ordering::Relaxed);
        last.at = Some(now);
        Ok(())
    }

    /// What the log is to say when a text goes; why it stays if it is not as it was accepted, for that would hide it.
    async fn going(
        &self,
        found: Result<KeptSubmission, Unreadable>,
        at: Timestamp,
    ) -> Result<(i64, Vec<Entry>), String> {
        let submission =
            found.map_err(|unreadable| format!("{}: {}", unreadable.reports.join(", "), unreadable.why))?;
        let looked = self.workers.run(move || {
            is_sound(&submission)?;
            let entry = |report: &KeptReport| Entry::LetGo {
                report: report.uuid.clone(),
                results: results_digest(&report.results),
                at,
            };
            Ok((submission.id, submission.reports.iter().map(entry).collect()))
        });
        looked.await.map_err(|error| error.to_string())?
    }
}
