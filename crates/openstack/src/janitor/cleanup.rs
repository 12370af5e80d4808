use std::time::Duration;

use assay_inventory::{Leftover, Unavailable};
use assay_journal::{Journal, JournalError, Kind, Open, RunId};
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
    /// Services that could not be looked through for what bears the mark of a run.
    pub unseen: Vec<(Kind, Unavailable)>,
    /// Journals that could not be closed.
    pub errors: Vec<JournalError>,
}

impl Cleanup {
    /// What the journals say may exist.
    pub fn open(&self) -> Vec<Open> {
        self.journals.iter().flat_map(Journal::open).collect()
    }

    /// Looks for what bears a mark and stands in none of the journals, beside what was found before. Services
    /// that do not answer are named.
    pub async fn find(&mut self, session: &Session, marks: &Marks) -> Vec<(Kind, Unavailable)> {
        let (found, troubles) = find_marked(session, marks).await;
        for item in unnamed(found, &self.open()) {
            if !self.found.contains(&item) {
                self.found.push(item);
            }
        }
        troubles
    }

    /// The journals whose mark was lent: they do not name all that their runs created.
    pub fn lent(&self) -> impl Iterator<Item = &Journal> {
        self.journals.iter().filter(|journal| journal.is_mark_lent())
    }
}

/// What no journal names.
fn unnamed(found: Vec<Found>, open: &[Open]) -> impl Iterator<Item = Found> {
    found.into_iter().filter(|item| !open.iter().any(|open| open.kind == item.kind && open.name == item.name))
}

/// Takes down what journals and marks prove to be ours.
pub async fn cleanup(session: &Session, cleanup: &Cleanup) -> Cleaned {
    let janitor = Janitor { session, fact: None, budget: cleanup.budget };
    let mut cleaned = Cleaned::default();
    let lent: Vec<RunId> = cleanup.lent().map(|journal| journal.run().clone()).collect();
    for journal in &cleanup.journals {
        let doomed: Vec<Doomed> =
            journal.open().into_iter().map(|open| Doomed { open, settled: false }).collect();
        let count = doomed.len();
        let leftovers = janitor.take_down(journal, doomed).await;
        cleaned.gone += count.saturating_sub(leftovers.len());
        cleaned.leftovers.extend(leftovers);
        if journal.is_mark_lent() {
            take_down_marked(&janitor, journal, &mut cleaned).await;
        }
        if let Err(error) = journal.close() {
            cleaned.errors.push(error);
        }
    }
    let others = cleanup.found.iter().filter(|item| item.run().is_none_or(|run| !lent.contains(&run)));
    remove_found(&janitor, others.collect(), &mut cleaned).await;
    cleaned
}

/// Takes down all that bears the mark of a run, until nothing more of it appears.
async fn take_down_marked(janitor: &Janitor<'_>, journal: &Journal, cleaned: &mut Cleaned) {
    let marks = Marks { ours: true, run: Some(journal.run().clone()), prefixes: Vec::new() };
    let until = Instant::now() + janitor.budget;
    loop {
        let (found, troubles) = find_marked(janitor.session, &marks).await;
        let found: Vec<Found> = unnamed(found, &journal.open()).collect();
        let before = cleaned.leftovers.len();
        remove_found(janitor, found.iter().collect(), cleaned).await;
        if !troubles.is_empty() {
            cleaned.unseen.extend(troubles);
            return;
        }
        if cleaned.leftovers.len() > before || Instant::now() > until {
            return;
        }
        if found.is_empty() {
            if let Err(error) = journal.took_mark_back() {
                cleaned.errors.push(error);
            }
            return;
        }
    }
}

/// Removes what bears a mark, what uses others first.
async fn remove_found(janitor: &Janitor<'_>, mut found: Vec<&Found>, cleaned: &mut Cleaned) {
    let until = Instant::now() + janitor.budget;
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
}
