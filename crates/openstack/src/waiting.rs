//! Polling: short steps at first, longer ones later, until there is an answer or the time is up.
//!
//! A pause takes a tenth of the time that was waited already, so that little is lost when the wait is over, however
//! long it was.

use std::time::Duration;

use assay_inventory::{Reason, Unavailable};
use jiff::Timestamp;
use tokio::time::Instant;

const SHORTEST: Duration = Duration::from_millis(150);
const LONGEST: Duration = Duration::from_secs(2);

/// The pauses between looks.
#[derive(Debug)]
pub(crate) struct Pauses {
    since: Instant,
    until: Instant,
}

impl Pauses {
    pub(crate) fn until(until: Instant) -> Self {
        Pauses { since: Instant::now(), until }
    }

    /// Waits a little; false if the time is up.
    pub(crate) async fn pause(&self) -> bool {
        let now = Instant::now();
        if now >= self.until {
            return false;
        }
        let pause = (now.duration_since(self.since) / 10).clamp(SHORTEST, LONGEST);
        tokio::time::sleep_until(self.until.min(now + pause)).await;
        true
    }
}

/// What is left of a time that began at an instant.
pub(crate) fn rest_of(longest: Duration, begun: Timestamp) -> Duration {
    let age = Duration::try_from(Timestamp::now().duration_since(begun)).unwrap_or_default();
    longest.saturating_sub(age)
}

/// Whether trouble may be over at the next look.
pub(crate) fn passes(why: &Unavailable) -> bool {
    matches!(why.reason, Reason::ServerError | Reason::Unreachable | Reason::Timeout | Reason::Malformed)
        || why.status == Some(429)
}

/// Looks until there is something to see; trouble that may pass is looked over as long as there is time.
///
/// # Errors
/// Trouble that does not pass, or, when the time is up, the last trouble; without any, `what` within that time.
pub async fn wait_for<T>(
    budget: Duration,
    what: &str,
    mut look: impl AsyncFnMut() -> Result<Option<T>, Unavailable>,
) -> Result<T, Unavailable> {
    let pauses = Pauses::until(Instant::now() + budget);
    loop {
        let last = match look().await {
            Ok(Some(found)) => return Ok(found),
            Ok(None) => None,
            Err(why) if passes(&why) => Some(why),
            Err(why) => return Err(why),
        };
        if !pauses.pause().await {
            return Err(last.unwrap_or_else(|| {
                let seconds = budget.as_secs_f64();
                Unavailable::new(Reason::Budget, format!("{what} within {seconds} seconds"))
            }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn trouble_that_passes_is_looked_over_and_other_trouble_is_not() {
        let mut answers = vec![Ok(Some(7)), Err(Unavailable::new(Reason::ServerError, "busy")), Ok(None)];
        let wait = wait_for(Duration::from_secs(10), "not there", async || answers.pop().unwrap());
        assert_eq!(wait.await.unwrap(), 7);
        let refused = || Unavailable::new(Reason::Refused, "no");
        let wait = wait_for::<()>(Duration::from_secs(10), "not there", async || Err(refused()));
        assert_eq!(wait.await.unwrap_err(), refused());
    }

    #[tokio::test(start_paused = true)]
    async fn looks_are_as_far_apart_as_a_tenth_of_the_wait() {
        let (begun, mut times) = (Instant::now(), Vec::new());
        let wait = wait_for::<()>(Duration::from_mins(1), "not there", async || {
            times.push(begun.elapsed().as_secs_f64());
            Ok(None)
        });
        wait.await.unwrap_err();
        for pair in times.windows(2).filter(|pair| pair[1] < 60.0) {
            let expected = (pair[0] / 10.0).clamp(0.15, 2.0);
            assert!((pair[1] - pair[0] - expected).abs() < 0.01, "{pair:?}");
        }
        assert!((40..80).contains(&times.len()), "{}", times.len());
    }

    #[tokio::test(start_paused = true)]
    async fn the_budget_is_kept_and_named() {
        let begun = Instant::now();
        let why =
            wait_for::<()>(Duration::from_secs(3), "not available", async || Ok(None)).await.unwrap_err();
        assert_eq!((why.reason, why.message.as_str()), (Reason::Budget, "not available within 3 seconds"));
        assert_eq!(begun.elapsed(), Duration::from_secs(3));
    }
}
