//! Domain managers: what the manager of a domain may do in it, and that nothing beyond it is possible (scs-0302).
//!
//! Two managers work through a matrix of attempts. Every attempt is looked at afterwards by somebody who can see
//! its effect, whatever the server said to it. A row that needs something which could not be made is not tried,
//! and all others are. What is created stands in a journal per manager and is removed in the end.

mod escalation;
mod groups;
mod logins;
mod manager;
mod matrix;
mod projects;
mod rows;
mod sheet;
mod told;
mod users;

use std::path::Path;
use std::time::Instant;

use assay_inventory::{Call, DomainManagers, Fact, FactId, Leftover, Reason, Unavailable};
use assay_journal::Open;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::config::DomainManagerLogin;
use crate::{Budgets, Event, Settings};
use logins::Door;
use manager::Manager;
use matrix::Matrix;
use sheet::Sheet;
use told::{Missing, need};

/// Why rows were not filled in although both managers are there; no row comes to this.
const NOBODY_CAME: &str = "the run ended before";

/// Who tries what domain managers may do, and with which means.
#[derive(Clone, Copy)]
pub struct DomainManagerRequest<'a> {
    /// The managers; the first two try the matrix, the others log in only.
    pub logins: &'a [DomainManagerLogin],
    /// How patiently keystone is asked.
    pub settings: &'a Settings,
    /// How long removing may take.
    pub budgets: &'a Budgets,
    /// The folder of the journals.
    pub journals: &'a Path,
    /// When the run began.
    pub started_at: Timestamp,
    /// Ends the run; what was created is still removed.
    pub cancel: &'a CancellationToken,
    /// Told what happens.
    pub events: &'a (dyn Fn(Event) + Sync),
}

/// Tries what domain managers may and may not do. The calls are those that were made for it.
pub async fn domain_managers(request: &DomainManagerRequest<'_>) -> (Fact<DomainManagers>, Vec<Call>) {
    const FACT: FactId = FactId::DomainManagers;
    let [first, second, ..] = request.logins else {
        let why = Unavailable::new(Reason::Configuration, "two domains with a manager each are needed");
        (request.events)(Event::FactFailed { fact: FACT, why: why.clone() });
        return (Fact::Unavailable(why), Vec::new());
    };
    (request.events)(Event::FactStarted(FACT));
    let start = Instant::now();
    let sheet = Sheet::new(request.events);
    let door = Door::of(request, &sheet);
    // One call at a time: a keystone that is served by several threads can take the token of one request for that
    // of another, and would then refuse what it should allow, or the other way round.
    let (mut entered, mut calls) = (Vec::new(), Vec::new());
    for (index, login) in request.logins.iter().enumerate() {
        let (manager, made) = Box::pin(door.enter(index, login, request.cancel)).await;
        entered.push(manager);
        calls.extend(made);
    }
    let untold = match both(&entered) {
        Err(Missing(why)) => why,
        Ok((a, b)) => {
            Box::pin(try_all(a, b, &sheet)).await;
            NOBODY_CAME.to_owned()
        }
    };
    let mut leftovers = Vec::new();
    for manager in entered.into_iter().filter_map(Result::ok) {
        let budget = request.budgets.removal;
        leftovers.extend(Box::pin(manager.take_down(&manager.journal, budget)).await);
        for journal in manager.earlier(request.journals) {
            leftovers.extend(Box::pin(manager.take_down(&journal, budget)).await);
        }
        calls.extend(manager.session.calls());
    }
    for call in &mut calls {
        call.fact = FACT;
    }
    let names = (first.domain.as_str(), second.domain.as_str(), first.member_role.as_str());
    let (rows, more) = sheet.finish(names, &untold);
    leftovers.extend(more);
    let duration = start.elapsed();
    (request.events)(Event::FactDone { fact: FACT, items: rows.len(), duration });
    let domains = request.logins.iter().map(|login| login.domain.clone()).collect();
    (Fact::Known(DomainManagers { domains, rows, leftovers }), calls)
}

/// What earlier runs left in domains.
#[derive(Debug, Default)]
pub struct DomainsCleaned {
    /// What their journals say may exist.
    pub open: Vec<Open>,
    /// Number of things that are gone now, or turned out never to have been there.
    pub gone: usize,
    /// What is still there.
    pub leftovers: Vec<Leftover>,
    /// Why there was no look at the domain of a manager.
    pub missing: Vec<String>,
}

/// Takes down what attempts of domain managers before this run left in their domains; with `is_dry`, only looks.
pub async fn clean_up_domains(request: &DomainManagerRequest<'_>, is_dry: bool) -> DomainsCleaned {
    let sheet = Sheet::new(request.events);
    let door = Door::of(request, &sheet);
    let mut cleaned = DomainsCleaned::default();
    for (index, login) in request.logins.iter().enumerate() {
        let manager = match Box::pin(door.enter(index, login, request.cancel)).await.0 {
            Ok(manager) => manager,
            Err(Missing(why)) => {
                cleaned.missing.push(why);
                continue;
            }
        };
        for journal in manager.earlier(request.journals) {
            let open = journal.open();
            if !is_dry {
                let left = Box::pin(manager.take_down(&journal, request.budgets.removal)).await;
                cleaned.gone += open.len().saturating_sub(left.len());
                cleaned.leftovers.extend(left);
            }
            cleaned.open.extend(open);
        }
        // Nothing was made; this puts its own journal away.
        Box::pin(manager.take_down(&manager.journal, request.budgets.removal)).await;
    }
    cleaned
}

/// The two managers who try the matrix, if their domains are two.
fn both<'a, 'b>(
    entered: &'b [Result<Manager<'a>, Missing>],
) -> Result<(&'b Manager<'a>, &'b Manager<'a>), Missing> {
    let [a, b, ..] = entered else { return Err(Missing(NOBODY_CAME.to_owned())) };
    let (a, b) = (need(a)?, need(b)?);
    match a.domain == b.domain {
        true => Err(Missing(format!("{} and {} are the same domain", a.name, b.name))),
        false => Ok((a, b)),
    }
}

/// Works through the matrix, batch after batch.
async fn try_all(a: &Manager<'_>, b: &Manager<'_>, sheet: &Sheet<'_>) {
    let matrix = Matrix { a, b, sheet, roles: escalation::list(a, sheet).await };
    Box::pin(users::users(&matrix)).await;
    Box::pin(projects::projects(&matrix)).await;
    Box::pin(groups::groups(&matrix)).await;
    Box::pin(escalation::escalation(&matrix)).await;
}
