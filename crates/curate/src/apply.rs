use std::collections::BTreeMap;

use assay_inventory::Unavailable;
use assay_openstack::Session;
use futures::stream::{FuturesUnordered, StreamExt as _};

use crate::plan::{Plan, Step};

/// What became of an action.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It was carried out.
    Done,
    /// It failed.
    Failed(Unavailable),
    /// It was not tried, since another one failed before it; its place in the plan.
    NotTried(usize),
}

/// What happens while a plan is carried out; each with the place of an action.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// It is begun.
    Begun(usize),
    /// It has ended.
    Ended(usize, &'a Outcome),
}

/// Carries a plan out, as many actions at a time as the settings of the session allow, and says what became of each.
///
/// An action that fails stops those that need it, and no others.
pub async fn apply(
    session: &Session,
    plan: &Plan,
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
                matches!(outcomes.get(needed), Some(Outcome::Failed(_) | Outcome::NotTried(_)))
            });
            if let Some(&failed) = failed {
                waiting.remove(&index);
                let outcome = Outcome::NotTried(failed);
                events(Event::Ended(index, &outcome));
                outcomes.insert(index, outcome);
                continue;
            }
            let is_ready = needed.iter().all(|needed| matches!(outcomes.get(needed), Some(Outcome::Done)));
            if is_ready
                && running.len() < session.concurrency()
                && let Some(step) = waiting.remove(&index)
            {
                events(Event::Begun(index));
                running.push(async move { (index, perform(session, step).await) });
            }
        }
        let Some((index, result)) = running.next().await else {
            return outcomes;
        };
        let outcome = match result {
            Ok(()) => Outcome::Done,
            Err(why) => Outcome::Failed(why),
        };
        events(Event::Ended(index, &outcome));
        outcomes.insert(index, outcome);
    }
}

async fn perform(session: &Session, step: &Step) -> Result<(), Unavailable> {
    match step {
        Step::Flavor(step) => step.perform(session).await,
    }
}
