//! `assay cleanup`: takes down what checks created and could not take down themselves.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use assay_inventory::{Leftover, Unavailable};
use assay_journal::{Journal, Kind, Open, Place, RunId};
use assay_openstack::{
    Cleanup as Work, CloudConfig, DomainManagerRequest, Found, Marks, Overrides, Session, Settings,
    clean_up_domains, cleanup,
};
use assay_report::ExitCode;
use assay_s3::{list_buckets, remove_bucket};
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use crate::args::{Cleanup, Global, budgets};
use crate::commands::check::read_domain_managers;
use crate::commands::s3::{Server, is_address, left, take_down};
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

pub(crate) async fn run(arguments: &Cleanup, global: &Global) -> Result<u8, Failure> {
    if let Some(address) = arguments.cloud.as_deref().filter(|cloud| is_address(cloud)) {
        return of_server(arguments, address).await;
    }
    let overrides =
        Overrides { region: arguments.asking.region.clone(), interface: arguments.asking.interface.clone() };
    let config = CloudConfig::find(arguments.cloud.as_deref(), &overrides)?;
    let logins = match &arguments.domain_managers {
        Some(path) => read_domain_managers(path, std::slice::from_ref(&config), global)?.concat(),
        None => Vec::new(),
    };
    let settings = Settings { timeout: arguments.asking.timeout, ..Settings::default() };
    let session = Session::connect(&config, &settings).await?;
    let budgets = budgets(&arguments.wait);
    let domains = async |is_dry| {
        let request = DomainManagerRequest {
            logins: &logins,
            settings: &settings,
            budgets: &budgets,
            journals: &state::journals(),
            started_at: Timestamp::now(),
            cancel: &CancellationToken::new(),
            events: &|_| (),
        };
        Box::pin(clean_up_domains(&request, is_dry)).await
    };

    let (journals, mut unseen) = journals(arguments, &session);
    let mut work = Work { journals, found: Vec::new(), budget: budgets.removal };
    unseen |= search(arguments, &session, &mut work).await;
    let in_domains = domains(true).await;
    for why in &in_domains.missing {
        note(&format!("what is left in a domain cannot be seen: {why}"));
    }
    unseen |= !in_domains.missing.is_empty();

    let open = [work.open(), in_domains.open].concat();
    if open.is_empty() && work.found.is_empty() {
        if !arguments.dry_run {
            // Journals without anything open are of no more use.
            let cleaned = cleanup(&session, &work).await;
            unseen |= !cleaned.errors.is_empty() || !cleaned.unseen.is_empty();
        }
        print(&format!("{}: nothing to take down\n", config.name()))?;
        return Ok(if unseen { ExitCode::Leftovers.code() } else { 0 });
    }
    print(&listing(config.name(), &open, &work.found))?;
    if arguments.dry_run {
        return Ok(0);
    }
    let ended: BTreeSet<RunId> = work.lent().map(|journal| journal.run().clone()).collect();
    let is_strange = |item: &Found| item.run().is_none_or(|run| !ended.contains(&run));
    if !arguments.yes && work.found.iter().any(is_strange) && !confirmed(QUESTION, UNASKED).await? {
        return Ok(0);
    }
    let mut cleaned = cleanup(&session, &work).await;
    for (kind, why) in &cleaned.unseen {
        note(&unseen_kind(*kind, why));
    }
    unseen |= !cleaned.unseen.is_empty();
    let in_domains = domains(false).await;
    cleaned.gone += in_domains.gone;
    cleaned.leftovers.extend(in_domains.leftovers);
    for error in &cleaned.errors {
        note(&error.to_string());
    }
    unseen |= !cleaned.errors.is_empty();
    told(cleaned.gone, &cleaned.leftovers, unseen)
}

/// Says what came of it, and how the program ends.
fn told(gone: usize, leftovers: &[Leftover], unseen: bool) -> Result<u8, Failure> {
    for leftover in leftovers {
        note(&format!("still there: {leftover}"));
    }
    print(&format!("{gone} taken down, {} left\n", leftovers.len()))?;
    let is_clean = leftovers.is_empty() && !unseen;
    Ok(if is_clean { 0 } else { ExitCode::Leftovers.code() })
}

/// Looks for what bears marks that journals lent or the user wants to be looked for; says whether some of it may
/// not have been seen.
async fn search(arguments: &Cleanup, session: &Session, work: &mut Work) -> bool {
    let mut unseen = false;
    let lent: Vec<RunId> = work.lent().map(|journal| journal.run().clone()).collect();
    let mut wanted: Vec<Marks> = Vec::new();
    if arguments.all || arguments.run.is_some() || !arguments.legacy_prefix.is_empty() {
        wanted.push(Marks {
            run: arguments.run.clone(),
            ours: arguments.all || arguments.run.is_some(),
            prefixes: arguments.legacy_prefix.clone(),
        });
    }
    if !arguments.all && arguments.run.is_none() {
        wanted.extend(lent.iter().map(|run| Marks {
            run: Some(run.clone()),
            ours: true,
            prefixes: Vec::new(),
        }));
    }
    for marks in &wanted {
        for (kind, why) in work.find(session, marks).await {
            note(&unseen_kind(kind, &why));
            unseen = true;
        }
    }
    let living = living_runs(session, work);
    work.found.retain(|item| item.run().is_none_or(|run| !living.contains(&run)));
    if arguments.run.is_none() {
        let mut fresh = fresh_runs(&work.found, Timestamp::now());
        // Of these it is known that they have ended.
        fresh.retain(|run| work.journals.iter().all(|journal| journal.run() != run));
        for run in &fresh {
            note(&format!(
                "run {run} may be at work on another machine: it created something within the last hour; \
                 --run {run} takes it down all the same"
            ));
        }
        work.found.retain(|item| item.run().is_none_or(|run| !fresh.contains(&run)));
    }
    unseen
}

fn unseen_kind(kind: Kind, why: &Unavailable) -> String {
    format!("{kind}s could not be looked through: {why}")
}

/// Takes down buckets on an S3 server that is given by its address.
async fn of_server(arguments: &Cleanup, address: &str) -> Result<u8, Failure> {
    let budgets = budgets(&arguments.wait);
    let server = Server::of(address, &arguments.server, &arguments.asking, &budgets)?;
    let is_wanted = |run: &RunId| arguments.run.as_ref().is_none_or(|only| only == run);
    let (mut journals, errors) = Journal::abandoned(&state::journals());
    for error in &errors {
        note(&error.to_string());
    }
    journals.retain(|journal| journal.place().is_same(&server.place) && is_wanted(journal.run()));
    let open: Vec<Open> = journals.iter().flat_map(Journal::open).collect();
    let mut found = Vec::new();
    if arguments.all || arguments.run.is_some() {
        let listed = list_buckets(&server.access, &server.settings).await;
        let listed = listed.map_err(|error| Failure::undetermined(format!("{address}: {error}"), ""))?;
        let living: Vec<RunId> =
            Journal::living(&state::journals()).into_iter().map(|(run, _)| run).collect();
        let is_ours = |name: &String| {
            RunId::of_name(name).is_some_and(|run| is_wanted(&run) && !living.contains(&run))
                && open.iter().all(|open| open.name != *name)
        };
        found = listed.into_iter().filter(is_ours).collect();
    }
    if open.is_empty() && found.is_empty() {
        for journal in journals.iter().filter(|_| !arguments.dry_run) {
            take_down(journal, &server).await;
        }
        print(&format!("{address}: nothing to take down\n"))?;
        return Ok(if errors.is_empty() { 0 } else { ExitCode::Leftovers.code() });
    }
    let items: Vec<Found> = found
        .iter()
        .map(|name| Found { kind: Kind::Bucket, id: String::new(), name: name.clone(), created_at: None })
        .collect();
    print(&listing(address, &open, &items))?;
    if arguments.dry_run {
        return Ok(0);
    }
    if !arguments.yes && !found.is_empty() && !confirmed(QUESTION, UNASKED).await? {
        return Ok(0);
    }
    let (mut gone, mut leftovers) = (0, Vec::new());
    for journal in &journals {
        let (more, left) = take_down(journal, &server).await;
        gone += more;
        leftovers.extend(left);
    }
    for name in found {
        match remove_bucket(&server.access, &server.settings, &name, Duration::ZERO).await {
            Ok(_) => gone += 1,
            Err(error) => leftovers.push(left(name, error.to_string())),
        }
    }
    told(gone, &leftovers, !errors.is_empty())
}

/// The journals of runs on this machine that ended before their work was done.
///
/// A journal that cannot be read may be about this project, so it is not passed over in silence; the second value
/// says that there was one.
fn journals(arguments: &Cleanup, session: &Session) -> (Vec<Journal>, bool) {
    let (mut journals, errors) = Journal::abandoned(&state::journals());
    for error in &errors {
        note(&error.to_string());
    }
    let place = session.place();
    journals.retain(|journal| arguments.run.as_ref().is_none_or(|run| journal.run() == run));
    let (here, elsewhere): (Vec<Journal>, Vec<Journal>) =
        journals.into_iter().partition(|journal| journal.place().is_same(&place));
    for journal in elsewhere {
        if let Some(where_to) = way_to(&journal, &place, arguments.domain_managers.is_some()) {
            note(&format!("run {} left something {where_to}", journal.run()));
        }
    }
    (here, !errors.is_empty())
}

/// Where something lies that a run left beside what can be seen in a place, and what takes it down; none if it is
/// of another cloud, or seen to anyway.
fn way_to(journal: &Journal, here: &Place, with_domains: bool) -> Option<String> {
    let place = journal.place();
    let open = journal.open();
    if open.is_empty() && !journal.is_mark_lent() {
        return None;
    }
    if place.shares_scope(here) {
        let region = place.region.as_deref();
        let region = region.map_or_else(|| "without --region".into(), |region| format!("in region {region}"));
        return Some(format!("{region}: clean up there, too"));
    }
    if place.auth_url == place.cloud {
        return Some(format!("on {0}: `assay cleanup {0}` takes it down", place.cloud));
    }
    let is_of_domain = |open: &Open| {
        matches!(
            open.kind,
            Kind::User | Kind::Group | Kind::Project | Kind::Role | Kind::Domain | Kind::Grant
        )
    };
    let is_near = place.auth_url.trim_end_matches('/') == here.auth_url.trim_end_matches('/');
    match (is_near, open.iter().any(is_of_domain)) {
        (false, _) => None,
        (true, true) if with_domains => None,
        (true, true) => Some(format!("in domain {}: --domain-managers FILE takes it down", place.scope)),
        (true, false) => Some(format!("in project {}, known as {}", place.scope, place.cloud)),
    }
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

fn listing(cloud: &str, open: &[Open], found: &[Found]) -> String {
    let mut text = format!("{}\n", bold(cloud));
    for open in open {
        let known = open.id.as_deref().unwrap_or("may exist");
        let _ = writeln!(text, "  {:<15} {:<44} {known}", open.kind.label(), open.name);
    }
    for Found { kind, id, name, created_at } in found {
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
