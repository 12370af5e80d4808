//! Lets texts of reports go that nothing hangs on any more, if whoever runs the monitor says so.

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};

use crate::audit::is_sound;
use crate::log::{Entry, results_digest};
use crate::serve::Monitor;
use crate::store::{KeptReport, KeptSubmission, StoreError};

/// How often it is looked whether something may go.
const AGAIN: SignedDuration = SignedDuration::from_hours(1);
/// So many go at once, so that nobody waits long who hands something in,
const TOGETHER: usize = 16;
/// and a pause in which somebody can.
const PAUSE: Duration = Duration::from_millis(50);

impl Monitor {
    /// Lets go what was handed in so long ago, if it was not looked lately.
    pub(crate) async fn let_go(&self, keep: Span, last: &mut Option<Timestamp>) -> Result<(), StoreError> {
        let now = self.clock.now();
        if last.is_some_and(|last| now.duration_since(last).abs() < AGAIN) {
            return Ok(());
        }
        // Age is counted from what came in last: a clock that is ahead makes nothing old.
        let Some(newest) = self.store.newest_receipt().await? else { return Ok(()) };
        // Longer than the calendar is for ever.
        let Ok(before) = newest.min(now).to_zoned(TimeZone::UTC).checked_sub(keep) else { return Ok(()) };
        let (mut after, mut gone) = (0, 0);
        loop {
            let mut some = Vec::with_capacity(TOGETHER);
            while some.len() < TOGETHER
                && let Some(submission) = self.store.next_to_let_go(after, before.timestamp()).await?
            {
                after = submission.id;
                some.extend(self.going(submission, now).await);
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
        *last = Some(now);
        Ok(())
    }

    /// What the log is to say when a text goes; none of one that is not as it was accepted, for that would hide it.
    async fn going(&self, submission: KeptSubmission, at: Timestamp) -> Option<(i64, Vec<Entry>)> {
        let looked = self.workers.run(move || {
            let id = submission.id;
            is_sound(&submission).map_err(|finding| (id, finding))?;
            let entry = |report: &KeptReport| Entry::LetGo {
                report: report.uuid.clone(),
                results: results_digest(&report.results),
                at,
            };
            Ok((id, submission.reports.iter().map(entry).collect()))
        });
        match looked.await {
            Ok(Ok(going)) => Some(going),
            Ok(Err((id, finding))) => {
                tracing::error!(id, finding, "a text is kept since it is not as it was accepted");
                None
            }
            Err(error) => {
                tracing::error!(%error, "it was not found out whether a text may go");
                None
            }
        }
    }
}
