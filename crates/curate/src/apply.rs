use std::collections::BTreeMap;

use assay_inventory::Unavailable;
use assay_openstack::Session;
use futures::stream::{FuturesUnordered, StreamExt as _};
use tokio_util::sync::CancellationToken;

use crate::images::{self, ImportError, Importer, News};
use crate::plan::{Plan, Step};

/// Why an action failed.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum StepError {
    /// The cloud refused something, or failed.
    #[error(transparent)]
    Cloud(#[from] Unavailable),
    /// An image did not come to be.
    #[error(transparent)]
    Import(#[from] ImportError),
}

/// What became of an action.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It was carried out.
    Done,
    /// It failed.
    Failed(StepError),
    /// It was not tried, since another one failed before it; its place in the plan.
    NotTried(usize),
    /// It was not tried or not ended, since the user had enough.
    Interrupted,
}

/// What happens while a plan is carried out; each with the place of an action.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// It is begun.
    Begun(usize),
    /// It is at work.
    News(usize, &'a News),
    /// It has ended.
    Ended(usize, &'a Outcome),
}

/// Carries a plan out, as many actions at a time as the settings of the session allow, and says what became of each.
///
/// An action that fails stops those that need it, and no others. Once it is cancelled, nothing more is begun, and
/// images on their way are taken back.
pub async fn apply(
    session: &Session,
    importer: &Importer,
    plan: &Plan,
    cancel: &CancellationToken,
    events: &(dyn Fn(Event<'_>) + Sync),
) -> BTreeMap<usize, Outcome> {
    let mut waiting: BTreeMap<usize, &Step> = plan.steps().map(|(index, _, step)| (index, step)).collect();
    let mut outcomes: BTreeMap<usize, Outcome> = BTreeMap::new();
    let mut running = FuturesUnordered::new();
    loop {
        let settled: Vec<usize> = waiting.keys().copied().collect();
        for index in settled {
            let needed = &plan.actions[index].after;
            let failed = needed.iter().find(|needed| {
                matches!(
                    outcomes.get(needed),
                    Some(Outcome::Failed(_) | Outcome::NotTried(_) | Outcome::Interrupted)
                )
            });
            if let Some(&failed) = failed {
                waiting.remove(&index);
                let outcome = Outcome::NotTried(failed);
                events(Event::Ended(index, &outcome));
                outcomes.insert(index, outcome);
                continue;
            }
            if cancel.is_cancelled() {
                waiting.remove(&index);
                outcomes.insert(index, Outcome::Interrupted);
                continue;
            }
            let is_ready = needed.iter().all(|needed| matches!(outcomes.get(needed), Some(Outcome::Done)));
            if is_ready
                && running.len() < session.concurrency()
                && let Some(step) = waiting.remove(&index)
            {
                events(Event::Begun(index));
                running.push(async move {
                    let tell = |news: News| events(Event::News(index, &news));
                    (index, perform(session, importer, step, cancel, &tell).await)
                });
            }
        }
        let Some((index, result)) = running.next().await else {
            return outcomes;
        };
        let outcome = match result {
            Ok(()) => Outcome::Done,
            Err(_) if cancel.is_cancelled() => Outcome::Interrupted,
            Err(why) => Outcome::Failed(why),
        };
        events(Event::Ended(index, &outcome));
        outcomes.insert(index, outcome);
    }
}

async fn perform(
    session: &Session,
    importer: &Importer,
    step: &Step,
    cancel: &CancellationToken,
    tell: &(dyn Fn(News) + Sync),
) -> Result<(), StepError> {
    match step {
        Step::Flavor(step) => step.perform(session).await?,
        Step::Image(step) => images::perform(session, importer, step, cancel, tell).await?,
        Step::Repair(step) => step.perform(session).await?,
    }
    Ok(())
}
