use std::time::Duration;

use assay_inventory::{Leftover, Unavailable};
use assay_journal::{Journal, JournalError, Open};
use tokio::time::Instant;

use super::found::{Found, Marks, find_marked};
use super::remove::{Doomed, Janitor};
use crate::Session;

/// What a cleanup takes down.
#[derive(Debug)]
pub struct Cleanup {
    /// Journals of runs that ended before they could take down what they had created.
    pub journals: Vec<Journal>,
    /// What bears a mark.
    pub found: Vec<Found>,
    /// How long all of it may take.
    pub budget: Duration,
}

/// What a cleanup came to.
#[derive(Debug, Default)]
pub struct Cleaned {
    /// Number of things that are gone now, or turned out never to have been there.
    pub gone: usize,
    /// What is still there.
    pub leftovers: Vec<Leftover>,
    /// Journals that could not be closed.
    pub errors: Vec<JournalError>,
}

impl Cleanup {
    /// What the journals say may exist.
    pub fn open(&self) -> Vec<Open> {
        self.journals.iter().flat_map(Journal::open).collect()
    }

    /// Looks for what bears a mark and stands in none of the journals.
    pub async fn find(
        &mut self,
        session: &Session,
        marks: &Marks,
    ) -> Vec<(assay_journal::Kind, Unavailable)> {
        let (found, troubles) = find_marked(session, marks).await;
        let known: Vec<Open> = self.open();
        self.found = found
            .into_iter()
            .filter(|item| !known.iter().any(|open| open.kind == item.kind && open.name == item.name))
            .collect();
        troubles
    }
}

/// Takes down what journals and marks prove to be ours.
pub async fn cleanup(session: &Session, cleanup: &Cleanup) -> Cleaned {
    let janitor = Janitor { session, fact: None, budget: cleanup.budget };
    let mut cleaned = Cleaned::default();
    for journal in &cleanup.journals {
        let doomed: Vec<Doomed> =
            journal.open().into_iter().map(|open| Doomed { open, settled: false }).collect();
        let count = doomed.len();
        let leftovers = janitor.take_down(journal, doomed).await;
        cleaned.gone += count.saturating_sub(leftovers.len());
        cleaned.leftovers.extend(leftovers);
        if let Err(error) = journal.close() {
            cleaned.errors.push(error);
        }
    }
    let until = Instant::now() + cleanup.budget;
    let mut found: Vec<&Found> = cleanup.found.iter().collect();
    found.sort_by_key(|item| item.kind);
    for group in found.chunk_by(|a, b| a.kind == b.kind) {
        let removed = group.iter().map(|item| async move {
            janitor.remove(item.kind, &item.id, Some(&item.name), until).await.map_err(|why| Leftover {
                kind: item.kind.label().into(),
                name: item.name.clone(),
                id: Some(item.id.clone()),
                why: why.to_string(),
            })
        });
        for outcome in futures::future::join_all(removed).await {
            match outcome {
                Ok(()) => cleaned.gone += 1,
                Err(leftover) => cleaned.leftovers.push(leftover),
            }
        }
    }
    cleaned
}
