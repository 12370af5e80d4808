//! What the batches of the matrix share.

use std::time::Duration;

use assay_inventory::{Record, Unavailable};
use assay_journal::{Entry, Kind};
use http::Method;
use serde_json::json;

use super::manager::{Grant, Made, Manager, To, is_certain_refusal, written_down};
use super::sheet::Sheet;
use super::told::{
    Answer, Effect, Missing, Told, deletes, has_no_effect, is_forbidden, is_not_found, need, works,
    works_with,
};

/// The role that is no domain manager's, and that none may give.
pub(super) const ADMIN: &str = "admin";

/// Something that rows need, or why it is not there.
pub(super) type Thing = Result<Made, Missing>;

/// How long it may take to undo what should not have been possible.
pub(super) const UNDO: Duration = Duration::from_secs(30);

/// Two managers, and the sheet to fill in.
pub(super) struct Matrix<'a> {
    pub(super) a: &'a Manager<'a>,
    pub(super) b: &'a Manager<'a>,
    pub(super) sheet: &'a Sheet<'a>,
    /// All roles, as the manager of A sees them.
    pub(super) roles: Result<Vec<Record>, Missing>,
}

impl Matrix<'_> {
    /// The id of a role.
    pub(super) fn role(&self, name: &str) -> Result<&str, Missing> {
        let roles = need(&self.roles)?;
        let found = roles.iter().find(|role| role.text("name").value() == Some(name));
        found
            .map(Record::id)
            .filter(|id| !id.is_empty())
            .ok_or_else(|| Missing(format!("the manager of {} sees no role {name}", self.a.name)))
    }

    /// The role that the manager of A may give.
    pub(super) fn role_of_a(&self) -> Result<&str, Missing> {
        self.role(self.a.role)
    }

    /// The role that the manager of B may give.
    pub(super) fn role_of_b(&self) -> Result<&str, Missing> {
        self.role(self.b.role)
    }

    /// The role that nobody may give.
    pub(super) fn admin(&self) -> Result<&str, Missing> {
        self.role(ADMIN)
    }

    /// Removes at once what must not be there.
    pub(super) async fn undo(&self, keeper: &Manager<'_>, made: &Made) {
        keeper.undo(made, UNDO).await;
    }

    /// A row in which a manager creates something in the own domain.
    pub(super) async fn creation(
        &self,
        row: &'static str,
        manager: &Manager<'_>,
        kind: Kind,
        what: &str,
    ) -> Thing {
        match manager.create(kind, what).await {
            Ok((made, answer)) => {
                self.sheet.tell(row, works(&answer));
                Ok(made)
            }
            Err(why) => {
                let missing = Missing(not_there(kind, manager, &why));
                self.sheet.tell(row, works(&Err(why)));
                Err(missing)
            }
        }
    }

    /// Something that rows need and that is no row of its own.
    pub(super) async fn prop(&self, manager: &Manager<'_>, kind: Kind, what: &str) -> Thing {
        let made = manager.create(kind, what).await;
        made.map(|(made, _)| made).map_err(|why| Missing(not_there(kind, manager, &why)))
    }

    /// A row in which the manager of A creates something where that is forbidden. The keeper could remove it.
    pub(super) async fn forbidden_creation(
        &self,
        row: &'static str,
        keeper: &Manager<'_>,
        kind: Kind,
        what: &str,
        domain: Option<&str>,
    ) {
        let fields = domain.map_or(json!({}), |domain| json!({"domain_id": domain}));
        let (answer, made) = self.a.create_in(keeper, kind, what, fields).await;
        let effect = keeper.has(kind, &keeper.name_of(what)).await;
        self.sheet.tell(row, is_forbidden(&answer, &effect));
        match made {
            Some(made) => self.undo(keeper, &made).await,
            None if matches!(effect, Ok(true)) => {
                let name = keeper.name_of(what);
                let left = keeper.undo_named(kind, (&name, Some(&keeper.domain)), UNDO).await;
                self.sheet.left(left);
            }
            None => {}
        }
    }

    /// A row in which a manager changes something where that is forbidden; the owner sees whether it changed.
    pub(super) async fn forbidden_change(
        &self,
        row: &'static str,
        (manager, owner): (&Manager<'_>, &Manager<'_>),
        thing: &Thing,
        field: &str,
    ) {
        const FOREIGN: &str = "foreign@assay.invalid";
        let work = async {
            let made = need(thing)?;
            let answer = manager.change(made, field, FOREIGN).await;
            let effect = owner.field(made, field).await.map(|value| value.as_deref() == Some(FOREIGN));
            Ok(is_forbidden(&answer, &effect))
        };
        self.sheet.row(row, work).await;
    }

    /// A row in which a manager deletes something where that is forbidden; the owner sees whether it is gone. If
    /// it is, it is missing for all further rows.
    pub(super) async fn forbidden_deletion(
        &self,
        row: &'static str,
        (manager, owner): (&Manager<'_>, &Manager<'_>),
        thing: &mut Thing,
    ) {
        let mut is_gone = None;
        let work = async {
            let made = need(thing)?;
            let answer = manager.delete_made(made).await;
            let effect = owner.has(made.kind, &made.name).await.map(|is_there| !is_there);
            if let Ok(true) = effect {
                owner.is_gone(made);
                is_gone = Some(Missing(format!(
                    "the {} of {} was deleted by the manager of {}",
                    made.kind, owner.name, manager.name
                )));
            }
            Ok(is_forbidden(&answer, &effect))
        };
        self.sheet.row(row, work).await;
        if let Some(missing) = is_gone {
            *thing = Err(missing);
        }
    }

    /// A row in which a manager deletes something of the own domain.
    pub(super) async fn deletion(&self, row: &'static str, manager: &Manager<'_>, thing: &Thing) {
        let work = async {
            let made = need(thing)?;
            let answer = manager.delete_made(made).await;
            let look = async {
                let is_gone = !manager.has(made.kind, &made.name).await?;
                if is_gone {
                    manager.is_gone(made);
                }
                Ok(is_gone)
            };
            Ok(deletes(answer, look, "it is still there").await)
        };
        self.sheet.row(row, work).await;
    }

    /// A row in which a manager looks for something foreign by its name.
    pub(super) async fn search_by_name(&self, row: &'static str, manager: &Manager<'_>, thing: &Thing) {
        let work = async {
            let made = need(thing)?;
            let found = manager.named(made.kind, &made.name).await;
            Ok(is_not_found(found.map(|found| found.first().map(|item| format!("found as {}", item.id())))))
        };
        self.sheet.row(row, work).await;
    }

    /// A row in which a manager looks for something foreign by its id.
    pub(super) async fn search_by_id(&self, row: &'static str, manager: &Manager<'_>, thing: &Thing) {
        let work = async {
            let made = need(thing)?;
            let name = manager.field(made, "name").await;
            Ok(is_not_found(name.map(|name| Some(format!("found as {}", name.unwrap_or_default())))))
        };
        self.sheet.row(row, work).await;
    }

    /// A row in which a manager finds something of the own domain by its name.
    pub(super) async fn finds_by_name(&self, row: &'static str, manager: &Manager<'_>, thing: &Thing) {
        let work = async {
            let made = need(thing)?;
            let found = manager.named(made.kind, &made.name).await;
            Ok(is_found(found.map(|found| found.iter().any(|item| item.id() == made.id))))
        };
        self.sheet.row(row, work).await;
    }

    /// A row in which a manager finds something of the own domain by its id.
    pub(super) async fn finds_by_id(&self, row: &'static str, manager: &Manager<'_>, thing: &Thing) {
        let work = async {
            let made = need(thing)?;
            let name = manager.field(made, "name").await;
            Ok(is_found(name.map(|name| name.as_deref() == Some(&made.name))))
        };
        self.sheet.row(row, work).await;
    }

    /// A row in which a manager changes something of the own domain, and sees it.
    pub(super) async fn changes(&self, row: &'static str, manager: &Manager<'_>, thing: &Thing, field: &str) {
        const AFTER: &str = "after@assay.invalid";
        let work = async {
            let made = need(thing)?;
            let answer = manager.change(made, field, AFTER).await;
            let look = async { Ok(manager.field(made, field).await?.as_deref() == Some(AFTER)) };
            Ok(works_with(answer, look, "the change is not to be seen").await)
        };
        self.sheet.row(row, work).await;
    }

    /// A manager gives a role of the own domain: it works, and is seen to be assigned.
    pub(super) async fn gives(&self, manager: &Manager<'_>, grant: Grant<'_>) -> Told {
        let answer = manager.put(&grant.path()).await;
        works_with(answer, manager.holds(&grant.path()), "the role is not assigned").await
    }

    /// A role or a membership that a row needs is there; if an earlier row could not make it, what this one would show
    /// tells nothing.
    pub(super) async fn needs(&self, owner: &Manager<'_>, path: &[&str]) -> Result<(), Missing> {
        match owner.holds(path).await {
            Ok(true) => Ok(()),
            // Who may not look may find out what else is allowed.
            Err(why) if why.status == Some(403) => Ok(()),
            Ok(false) => Err(Missing("what was to be given before is not there".to_owned())),
            Err(why) => {
                Err(Missing(format!("whether what was given before is there is not to be seen: {why}")))
            }
        }
    }

    /// A manager takes a role of the own domain back: it works, and is seen not to be assigned.
    pub(super) async fn takes(&self, manager: &Manager<'_>, grant: Grant<'_>) -> Told {
        if let Err(missing) = self.needs(manager, &grant.path()).await {
            return missing.into();
        }
        let answer = manager.delete(&grant.path()).await;
        let look = async { Ok(!manager.holds(&grant.path()).await?) };
        deletes(answer, look, "the role is still assigned").await
    }

    /// A manager gives a role where that must have no effect; the owner of the project or domain sees what came
    /// of it, and it is taken back at once.
    pub(super) async fn gives_in_vain(
        &self,
        manager: &Manager<'_>,
        owner: &Manager<'_>,
        grant: Grant<'_>,
    ) -> Told {
        // Roles of users and groups that were made for this go with them.
        let stays = matches!(grant.to, To::User(id) if id == manager.user);
        let look = async || owner.assigned(grant).await;
        self.puts_in_vain((manager, owner), &grant.path(), look, stays).await
    }

    /// A manager puts a role in place where that must have no effect, and it is taken back at once. Those that
    /// stay when users and groups that were made go stand in the journal of the owner.
    pub(super) async fn puts_in_vain(
        &self,
        (manager, owner): (&Manager<'_>, &Manager<'_>),
        path: &[&str],
        look: impl AsyncFn() -> Effect,
        stays: bool,
    ) -> Told {
        let entry = match stays.then(|| intend_grant(owner, path)).transpose() {
            Ok(entry) => entry,
            Err(missing) => return missing.into(),
        };
        let answer = manager.put(path).await;
        let effect = look().await;
        let told = has_no_effect(&answer, &effect, &[]);
        let is_given = answer.is_ok() || matches!(effect, Ok(true));
        self.take_grant_back([manager, owner], path, (entry, &answer, is_given), look).await;
        told
    }

    /// Takes back what was given, or may have been. What cannot be taken back now is tried again in the end, when
    /// the journal is gone through.
    pub(super) async fn take_grant_back(
        &self,
        managers: [&Manager<'_>; 2],
        path: &[&str],
        (entry, answer, is_given): (Option<Entry>, &Answer, bool),
        look: impl AsyncFn() -> Effect,
    ) {
        if is_given {
            if let Some(entry) = &entry {
                written_down(entry.made(&path.join("/")));
            }
            let is_back = self.take_back(managers, path, look).await;
            if let (true, Some(entry)) = (is_back, entry) {
                written_down(entry.gone());
            }
        } else if let (Err(why), Some(entry)) = (answer, entry)
            && is_certain_refusal(why)
        {
            written_down(entry.refused());
        }
    }

    /// A manager takes a role back where that must have no effect; the owner sees what came of it, and gives it
    /// again for the rows to come.
    pub(super) async fn takes_in_vain(
        &self,
        manager: &Manager<'_>,
        owner: &Manager<'_>,
        grant: Grant<'_>,
    ) -> Told {
        if let Err(missing) = self.needs(owner, &grant.path()).await {
            return missing.into();
        }
        let answer = manager.delete(&grant.path()).await;
        let effect = owner.holds(&grant.path()).await.map(|holds| !holds);
        if let Ok(true) = effect {
            restore(owner, &grant.path()).await;
        }
        has_no_effect(&answer, &effect, &[])
    }

    /// Deletes what should not have come to be, as anybody who can; says whether it is gone, as far as anybody
    /// can see.
    pub(super) async fn take_back(
        &self,
        managers: [&Manager<'_>; 2],
        path: &[&str],
        look: impl AsyncFn() -> Effect,
    ) -> bool {
        for manager in managers {
            let is_deleted = match manager.call_anyway(Method::DELETE, path, None).await {
                Ok(_) => true,
                Err(refusal) => refusal.status == Some(404),
            };
            match look().await {
                Ok(false) => return true,
                Err(_) if is_deleted => return true,
                Ok(true) | Err(_) => {}
            }
        }
        false
    }
}

/// Writes down that a role is about to be given that nobody should be able to give.
pub(super) fn intend_grant(owner: &Manager<'_>, path: &[&str]) -> Result<Entry, Missing> {
    let entry = owner.intend(Kind::Grant, &path.join("/"), Some(&owner.domain));
    entry.map_err(|why| Missing(why.to_string()))
}

/// Puts in place again what somebody took away who must not be able to.
pub(super) async fn restore(owner: &Manager<'_>, path: &[&str]) {
    if let Err(why) = owner.put(path).await {
        tracing::debug!(%why, "what was taken away could not be put in place again");
    }
}

/// What must be found is found.
pub(super) fn is_found(found: Result<bool, Unavailable>) -> Told {
    match found {
        Ok(is_found) => {
            let seen = if is_found { "it was found" } else { "it was not found" };
            Told::seen(is_found, seen)
        }
        Err(why) => works(&Err(why)),
    }
}

fn not_there(kind: Kind, manager: &Manager<'_>, why: &Unavailable) -> String {
    format!("there is no {kind} in {} to try it with: {why}", manager.name)
}
