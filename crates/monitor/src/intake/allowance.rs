use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How often each account may hand something in. What was not used within the last hour is there at once; then it comes
/// back evenly.
#[derive(Debug)]
pub(crate) struct Allowance {
    per_hour: u32,
    left: Mutex<HashMap<String, (f64, Instant)>>,
}

const HOUR: Duration = Duration::from_hours(1);

impl Allowance {
    /// So often in an hour; any number of times if it is 0.
    pub(crate) fn new(per_hour: u32) -> Self {
        Self { per_hour, left: Mutex::default() }
    }

    /// Takes one for an account.
    ///
    /// # Errors
    /// None is left; the time until there is one.
    pub(crate) fn take(&self, account: &str, now: Instant) -> Result<(), Duration> {
        if self.per_hour == 0 {
            return Ok(());
        }
        let most = f64::from(self.per_hour);
        let mut all = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let (left, since) = all.entry(account.to_owned()).or_insert((most, now));
        let back = now.duration_since(*since).as_secs_f64() / HOUR.as_secs_f64() * most;
        (*left, *since) = ((*left + back).min(most), now);
        if *left < 1.0 {
            return Err(HOUR.mul_f64((1.0 - *left) / most));
        }
        *left -= 1.0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_used_comes_back() {
        let (allowance, begin) = (Allowance::new(60), Instant::now());
        let taken =
            |account: &str, at: Instant| (0..100).filter(|_| allowance.take(account, at).is_ok()).count();
        assert_eq!(taken("a", begin), 60);
        assert_eq!(taken("b", begin), 60);
        let wait = allowance.take("a", begin + Duration::from_secs(20)).unwrap_err();
        assert_eq!(wait.as_millis().div_ceil(1000), 40);
        assert_eq!(taken("a", begin + Duration::from_secs(59)), 0);
        assert_eq!(taken("a", begin + Duration::from_mins(10)), 10);
        assert_eq!(taken("a", begin + 3 * HOUR), 60);
        assert!((0..100).all(|_| Allowance::new(0).take("a", begin).is_ok()));
    }
}
