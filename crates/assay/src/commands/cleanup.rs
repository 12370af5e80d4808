//! `assay cleanup`: takes down what checks created and could not take down themselves.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use assay_journal::{Journal, Open, RunId};
use assay_openstack::{Cleanup as Work, CloudConfig, Found, Marks, Overrides, Session, Settings, cleanup};
use assay_report::ExitCode;
use jiff::{SignedDuration, Timestamp};

use crate::args::{Cleanup, budgets};
use crate::failure::Failure;
use crate::human::bold;
use crate::output::{confirmed, note, print};
use crate::state;

/// A run that created nothing for so long is over.
const LONGEST_RUN: SignedDuration = SignedDuration::from_hours(1);

const QUESTION: &str = "Delete all of these?";
/// What nobody can be asked about.
const UNASKED: (&str, &str) = (
    "what no journal of this machine names is not deleted without a word",
    "look at the list with --dry-run, then say --yes",
);

pub(crate) async fn run(arguments: &Cleanup) -> Result<u8, Failure> {
    let overrides =
        Overrides { region: arguments.asking.region.clone(), interface: arguments.asking.interface.clone() };
    let config = CloudConfig::find(arguments.cloud.as_deref(), &overrides)?;
    let settings = Settings { timeout: arguments.asking.timeout, ..Settings::default() };
    let session = Session::connect(&config, &settings).await?;

    let (journals, mut unseen) = journals(arguments, &session);
    let mut work = Work { journals, found: Vec::new(), budget: budgets(&arguments.wait).removal };
    let searches = arguments.all || arguments.run.is_some() || !arguments.legacy_prefix.is_empty();
    if searches {
        let marks = Marks {
            run: arguments.run.clone(),
            ours: arguments.all || arguments.run.is_some(),
            prefixes: arguments.legacy_prefix.clone(),
        };
        for (kind, why) in work.find(&session, &marks).await {
            note(&format!("{kind}s could not be looked through: {why}"));
            unseen = true;
        }
        let living = living_runs(&session, &work);
        work.found.retain(|item| item.run().is_none_or(|run| !living.contains(&run)));
        if arguments.run.is_none() {
            let fresh = fresh_runs(&work.found, Timestamp::now());
            for run in &fresh {
                note(&format!(
                    "run {run} may be at work on another machine: it created something within the last hour; \
                     --run {run} takes it down all the same"
                ));
            }
            work.found.retain(|item| item.run().is_none_or(|run| !fresh.contains(&run)));
        }
    }

    let open = work.open();
    if open.is_empty() && work.found.is_empty() {
        if !arguments.dry_run {
            // Journals without anything open are of no more use.
            let cleaned = cleanup(&session, &work).await;
            unseen |= !cleaned.errors.is_empty();
        }
        print(&format!("{}: nothing to take down\n", config.name()))?;
        return Ok(if unseen { ExitCode::Leftovers.code() } else { 0 });
    }
    print(&listing(config.name(), &work, &open))?;
    if arguments.dry_run {
        return Ok(0);
    }
    if !arguments.yes && !work.found.is_empty() && !confirmed(QUESTION, UNASKED).await? {
        return Ok(0);
    }
    let cleaned = cleanup(&session, &work).await;
    for leftover in &cleaned.leftovers {
        note(&format!("still there: {leftover}"));
    }
    for error in &cleaned.errors {
        note(&error.to_string());
    }
    print(&format!("{} taken down, {} left\n", cleaned.gone, cleaned.leftovers.len()))?;
    let clean = cleaned.leftovers.is_empty() && cleaned.errors.is_empty() && !unseen;
    Ok(if clean { 0 } else { ExitCode::Leftovers.code() })
}

/// The journals of runs on this machine that ended before their work was done.
///
/// A journal that cannot be read may be about this project, so it is not passed over in silence; the second value
/// says that there was one.
fn journals(arguments: &Cleanup, session: &Session) -> (Vec<Journal>, bool) {
    let (journals, errors) = Journal::abandoned(&state::journals());
    for error in &errors {
        note(&error.to_string());
    }
    let place = session.place();
    let (here, elsewhere): (Vec<Journal>, Vec<Journal>) = journals
        .into_iter()
        .filter(|journal| journal.place().shares_scope(&place))
        .filter(|journal| arguments.run.as_ref().is_none_or(|run| journal.run() == run))
        .partition(|journal| journal.place().is_same(&place));
    for journal in elsewhere {
        let region = journal.place().region.as_deref();
        let region = region.map_or_else(|| "without --region".into(), |region| format!("in region {region}"));
        note(&format!("run {} left something {region}: clean up there, too", journal.run()));
    }
    (here, !errors.is_empty())
}

/// Runs on this machine that are at work now: what they created is theirs.
fn living_runs(session: &Session, work: &Work) -> Vec<assay_journal::RunId> {
    let place = session.place();
    let ended: Vec<_> = work.journals.iter().map(|journal| journal.run().clone()).collect();
    Journal::living(&state::journals())
        .into_iter()
        .filter(|(_, at)| at.shares_scope(&place))
        .map(|(run, _)| run)
        .filter(|run| !ended.contains(run))
        .collect()
}

/// Runs that created something so lately that they may still be at work. The journals of other machines are not
/// to be seen from here, and no run takes as long.
fn fresh_runs(found: &[Found], now: Timestamp) -> BTreeSet<RunId> {
    let is_fresh = |item: &&Found| created(item).is_some_and(|at| now.duration_since(at) < LONGEST_RUN);
    found.iter().filter(is_fresh).filter_map(Found::run).collect()
}

/// When something was created; services write UTC with and without saying so.
fn created(item: &Found) -> Option<Timestamp> {
    let text = item.created_at.as_deref()?;
    text.parse().or_else(|_| format!("{text}Z").parse()).ok()
}

fn listing(cloud: &str, work: &Work, open: &[Open]) -> String {
    let mut text = format!("{}\n", bold(cloud));
    for open in open {
        let known = open.id.as_deref().unwrap_or("may exist");
        let _ = writeln!(text, "  {:<15} {:<44} {known}", open.kind.label(), open.name);
    }
    for Found { kind, id, name, created_at } in &work.found {
        let created = created_at.as_deref().map(|at| format!(", created {at}")).unwrap_or_default();
        let _ = writeln!(text, "  {:<15} {name:<44} {id}{created}", kind.label());
    }
    text
}

#[cfg(test)]
mod tests {
    use assay_journal::Kind;

    use super::*;

    #[test]
    fn what_may_still_be_at_work_is_told_by_its_newest_thing() {
        let now = "2026-11-22T12:00:00Z".parse().unwrap();
        let item = |run: &RunId, created_at: Option<&str>| Found {
            kind: Kind::Volume,
            id: "1".into(),
            name: run.name("volume"),
            created_at: created_at.map(str::to_owned),
        };
        let (old, fresh, silent) = (RunId::new(), RunId::new(), RunId::new());
        let found = [
            item(&old, Some("2026-11-22T10:59:00.000000")),
            item(&fresh, Some("2026-11-22T09:00:00Z")),
            item(&fresh, Some("2026-11-22T11:30:00.000000")),
            item(&silent, None),
        ];
        assert_eq!(fresh_runs(&found, now), BTreeSet::from([fresh]));
    }
}
