//! A domain manager at work: calls to keystone with a token of the domain.

use std::path::Path;
use std::time::Duration;

use assay_inventory::{FactId, Leftover, Reason, Record, Unavailable};
use assay_journal::{Entry, Journal, JournalError, Kind, Open};
use http::Method;
use serde_json::{Map, Value, json};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::told::{Answer, Effect};
use crate::Session;
use crate::config::CloudConfig;
use crate::endpoint::Endpoint;
use crate::janitor::is_id;
use crate::listing::{Wish, object};
use crate::session::Wanting;
use crate::waiting::{Pauses, passes, rest_of};

/// A manager who is logged in.
pub(super) struct Manager<'a> {
    /// Name of the domain, as the configuration has it.
    pub(super) name: &'a str,
    /// Id of the domain.
    pub(super) domain: String,
    /// Id of the manager.
    pub(super) user: String,
    /// Name of the role that the manager may give.
    pub(super) role: &'a str,
    /// What is created in the domain, whoever does it.
    pub(super) journal: Journal,
    pub(super) session: Session,
    pub(super) endpoint: Endpoint,
    pub(super) cancel: &'a CancellationToken,
}

/// Something that was created.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) kind: Kind,
    pub(super) id: String,
    pub(super) name: String,
    /// Id of the domain that it is in; none for what is in no domain.
    within: Option<String>,
    entry: Entry,
}

/// A role assignment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grant<'a> {
    pub(super) on: On<'a>,
    pub(super) to: To<'a>,
    /// Id of the role.
    pub(super) role: &'a str,
}

/// Where a role counts, by id.
#[derive(Debug, Clone, Copy)]
pub(super) enum On<'a> {
    Domain(&'a str),
    Project(&'a str),
}

/// Who has a role, by id.
#[derive(Debug, Clone, Copy)]
pub(super) enum To<'a> {
    User(&'a str),
    Group(&'a str),
}

impl<'a> Grant<'a> {
    pub(super) fn path(&self) -> [&'a str; 6] {
        let (scopes, scope) = match self.on {
            On::Domain(id) => ("domains", id),
            On::Project(id) => ("projects", id),
        };
        let (actors, actor) = match self.to {
            To::User(id) => ("users", id),
            To::Group(id) => ("groups", id),
        };
        [scopes, scope, actors, actor, "roles", self.role]
    }
}

/// Where a kind stands below the endpoint, and the key around one.
fn collection(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Group => ("groups", "group"),
        Kind::Project => ("projects", "project"),
        Kind::Role => ("roles", "role"),
        Kind::Domain => ("domains", "domain"),
        _ => ("users", "user"),
    }
}

impl Manager<'_> {
    /// The name that something of this run has.
    pub(super) fn name_of(&self, what: &str) -> String {
        self.journal.run().name(what)
    }

    /// Calls keystone, unless the run was interrupted.
    pub(super) async fn call(&self, method: Method, path: &[&str], body: Option<Value>) -> Answer {
        if self.cancel.is_cancelled() {
            return Err(Unavailable::new(Reason::Interrupted, "the run was interrupted"));
        }
        self.call_anyway(method, path, body).await
    }

    /// Calls keystone even if the run was interrupted, to put things in order.
    pub(super) async fn call_anyway(&self, method: Method, path: &[&str], body: Option<Value>) -> Answer {
        let wanting = Wanting {
            method,
            body: body.map(|body| body.to_string().into()),
            ..Wanting::get(Some(FactId::DomainManagers), &self.endpoint, self.endpoint.at(path))
        };
        // On the heap, since this is within everything that follows.
        Box::pin(self.session.call(wanting)).await
    }

    pub(super) async fn get(&self, path: &[&str]) -> Answer {
        self.call(Method::GET, path, None).await
    }

    pub(super) async fn put(&self, path: &[&str]) -> Answer {
        self.call(Method::PUT, path, None).await
    }

    pub(super) async fn delete(&self, path: &[&str]) -> Answer {
        self.call(Method::DELETE, path, None).await
    }

    /// Whether something is there: 404 means that it is not.
    pub(super) async fn holds(&self, path: &[&str]) -> Effect {
        match self.call_anyway(Method::HEAD, path, None).await {
            Ok(_) => Ok(true),
            Err(why) if why.status == Some(404) => Ok(false),
            Err(why) => Err(why),
        }
    }

    /// A whole list.
    pub(super) async fn list(
        &self,
        path: &[&str],
        key: &str,
        query: &[(&str, &str)],
    ) -> Result<Vec<Record>, Unavailable> {
        let wish = Wish {
            fact: Some(FactId::DomainManagers),
            endpoint: &self.endpoint,
            path,
            query,
            headers: &[],
            key,
            links_key: "links",
            progress: &|_| (),
        };
        Ok(Box::pin(self.session.list(&wish)).await?.items)
    }

    /// All of a kind that the manager sees, by name.
    pub(super) async fn named(&self, kind: Kind, name: &str) -> Result<Vec<Record>, Unavailable> {
        let (path, _) = collection(kind);
        let found = self.list(&[path], path, &[("name", name)]).await?;
        Ok(found.into_iter().filter(|item| item.text("name").value() == Some(name)).collect())
    }

    /// Whether the own domain holds something of that name.
    pub(super) async fn has(&self, kind: Kind, name: &str) -> Effect {
        self.has_within(kind, name, Some(&self.domain)).await
    }

    /// Whether there is something of that name, in a domain or in none.
    pub(super) async fn has_within(&self, kind: Kind, name: &str, within: Option<&str>) -> Effect {
        Ok(!self.ids(kind, name, within).await?.is_empty())
    }

    async fn ids(&self, kind: Kind, name: &str, within: Option<&str>) -> Result<Vec<String>, Unavailable> {
        let (path, _) = collection(kind);
        let query = [Some(("name", name)), within.map(|domain| ("domain_id", domain))];
        let query: Vec<_> = query.into_iter().flatten().collect();
        let found = self.list(&[path], path, &query).await?;
        let of_us = found.iter().filter(|item| {
            item.text("name").value() == Some(name)
                && (kind == Kind::Role
                    || within.is_none_or(|domain| item.text("domain_id").value() == Some(domain)))
        });
        Ok(of_us.map(|item| item.id().to_owned()).collect())
    }

    /// A field of something; none if it is empty.
    pub(super) async fn field(&self, made: &Made, field: &str) -> Result<Option<String>, Unavailable> {
        let (path, wrapper) = collection(made.kind);
        let reply = self.call_anyway(Method::GET, &[path, &made.id], None).await?;
        let body = object(&reply)?;
        let item = body.get(wrapper).and_then(Value::as_object);
        match item.map(|item| item.get(field)) {
            None => Err(reply.malformed(format!("the answer is about no {wrapper}"))),
            Some(None | Some(Value::Null)) => Ok(None),
            Some(Some(Value::String(value))) => Ok(Some(value.clone())),
            Some(Some(_)) => Err(reply.malformed(format!("{field:?} in the answer is no text"))),
        }
    }

    /// Changes a field.
    pub(super) async fn change(&self, made: &Made, field: &str, value: &str) -> Answer {
        let (path, wrapper) = collection(made.kind);
        self.call(Method::PATCH, &[path, &made.id], Some(json!({wrapper: {field: value}}))).await
    }

    /// Whether a role is assigned, as the list of assignments has it.
    pub(super) async fn assigned(&self, grant: Grant<'_>) -> Effect {
        let on = match grant.on {
            On::Domain(id) => ("scope.domain.id", id),
            On::Project(id) => ("scope.project.id", id),
        };
        let to = match grant.to {
            To::User(id) => ("user.id", id),
            To::Group(id) => ("group.id", id),
        };
        let query = [on, to, ("role.id", grant.role)];
        let found = self.list(&["role_assignments"], "role_assignments", &query).await?;
        Ok(found.iter().any(|item| {
            let role = item.map("role").value().and_then(|role| role.get("id")).and_then(Value::as_str);
            role == Some(grant.role)
        }))
    }

    /// Creates something in the own domain.
    pub(super) async fn create(&self, kind: Kind, what: &str) -> Result<(Made, Answer), Unavailable> {
        let (answer, made) = self.create_in(self, kind, what, json!({"domain_id": self.domain})).await;
        match (made, answer) {
            (Some(made), answer) => Ok((made, answer)),
            (None, Err(why)) => Err(why),
            (None, Ok(reply)) => Err(reply.malformed("the answer does not say which id was given")),
        }
    }

    /// Tries to create something in a domain. What may come of it stands in the journal of the keeper, who can
    /// remove it.
    pub(super) async fn create_in(
        &self,
        keeper: &Manager<'_>,
        kind: Kind,
        what: &str,
        fields: Value,
    ) -> (Answer, Option<Made>) {
        self.create_at(collection(kind), (keeper, kind, what), Some(&keeper.domain), fields).await
    }

    /// As [`Manager::create_in`], through any collection, within any domain or none.
    pub(super) async fn create_at(
        &self,
        (path, wrapper): (&str, &str),
        (keeper, kind, what): (&Manager<'_>, Kind, &str),
        within: Option<&str>,
        fields: Value,
    ) -> (Answer, Option<Made>) {
        let name = keeper.name_of(what);
        let mut body = Map::from_iter([
            ("name".to_owned(), json!(name)),
            ("description".to_owned(), json!("made by a check of assay, which removes it")),
        ]);
        if kind == Kind::User {
            body.insert("password".into(), self.new_password().into());
            body.insert("email".into(), "before@assay.invalid".into());
        }
        if let Value::Object(fields) = fields {
            body.extend(fields);
        }
        let entry = match keeper.intend(kind, &name, within) {
            Ok(entry) => entry,
            Err(why) => return (Err(why), None),
        };
        let answer = self.call_anyway(Method::POST, &[path], Some(json!({wrapper: body}))).await;
        let reply = match &answer {
            Ok(reply) => reply,
            Err(why) => {
                if is_certain_refusal(why) {
                    written_down(entry.refused());
                }
                return (answer, None);
            }
        };
        let answered = object(reply).ok();
        let id = answered.as_ref().and_then(|body| body.get(wrapper)?.get("id")?.as_str());
        let made = id.filter(|id| !id.is_empty()).map(|id| {
            written_down(entry.made(id));
            Made { kind, id: id.to_owned(), name, within: within.map(str::to_owned), entry }
        });
        (answer, made)
    }

    /// Deletes something of the own domain.
    pub(super) async fn delete_made(&self, made: &Made) -> Answer {
        let (path, _) = collection(made.kind);
        self.delete(&[path, &made.id]).await
    }

    /// Makes sure that something is gone that must not be there; else the take-down at the end tries again.
    pub(super) async fn undo(&self, made: &Made, budget: Duration) {
        let name = (made.name.as_str(), made.within.as_deref());
        let outcome = self.remove(made.kind, name, Some(&made.id), Instant::now() + budget).await;
        match outcome {
            Ok(()) => self.is_gone(made),
            Err(why) => tracing::warn!(%why, name = made.name, "what must not exist could not be removed"),
        }
    }

    /// As [`Manager::undo`], for what is there although its creation was refused.
    pub(super) async fn undo_named(
        &self,
        kind: Kind,
        (name, within): (&str, Option<&str>),
        budget: Duration,
    ) -> Option<Leftover> {
        let until = Instant::now() + budget;
        let why = self.remove(kind, (name, within), None, until).await.err()?;
        Some(Leftover { kind: kind.label().into(), name: name.to_owned(), id: None, why: why.to_string() })
    }

    /// Ticks off what was seen to be gone.
    #[expect(clippy::unused_self, reason = "only the manager of the domain can have seen it")]
    pub(super) fn is_gone(&self, made: &Made) {
        written_down(made.entry.gone());
    }

    /// Removes all that a journal says may be left in the domain, what uses others first.
    pub(super) async fn take_down(&self, journal: &Journal, budget: Duration) -> Vec<Leftover> {
        let until = Instant::now() + budget;
        let mut leftovers = Vec::new();
        for open in journal.open() {
            match self.remove_open(&open, until).await {
                Ok(()) => written_down(journal.entry(&open).gone()),
                Err(why) => leftovers.push(Leftover {
                    kind: open.kind.label().into(),
                    name: open.name.clone(),
                    id: open.id.clone(),
                    why: why.to_string(),
                }),
            }
        }
        if let Err(error) = journal.close() {
            tracing::warn!(%error, "the journal could not be closed");
        }
        leftovers
    }

    /// The journals of what runs before this one left in the domain.
    pub(super) fn earlier(&self, journals: &Path) -> Vec<Journal> {
        let (mut abandoned, errors) = Journal::abandoned(journals);
        for error in errors {
            tracing::warn!(%error, "a journal could not be read");
        }
        abandoned.retain(|journal| journal.place().shares_scope(self.journal.place()));
        abandoned
    }

    /// Writes down that something is about to be created that only this manager can remove for sure.
    pub(super) fn intend(&self, kind: Kind, name: &str, within: Option<&str>) -> Result<Entry, Unavailable> {
        if self.cancel.is_cancelled() {
            return Err(Unavailable::new(Reason::Interrupted, "the run was interrupted"));
        }
        let entry = self.journal.intend_within(kind, name, within);
        entry.map_err(|error| Unavailable::new(Reason::Journal, error.to_string()))
    }

    /// Takes a role back, as far as anybody can tell.
    async fn revoke(&self, open: &Open, until: Instant) -> Result<(), Unavailable> {
        let path: Vec<&str> = open.name.split('/').collect();
        if !path.iter().all(|part| is_id(part)) {
            return Err(Unavailable::new(Reason::Malformed, "the journal names no grant of keystone"));
        }
        let pauses = Pauses::until(until);
        loop {
            let why = match self.call_anyway(Method::DELETE, &path, None).await {
                // Nobody knows whether it was given. Whoever may not take it back could not give it.
                Err(why) if why.status == Some(403) && open.id.is_none() => return Ok(()),
                Err(why) if why.status != Some(404) => why,
                _ => match self.holds(&path).await {
                    Ok(true) => Unavailable::new(Reason::Budget, "it was taken back, but is still there"),
                    // Who may not look has only the answer.
                    _ => return Ok(()),
                },
            };
            if !(passes(&why) || why.reason == Reason::Budget) || !pauses.pause().await {
                return Err(why);
            }
        }
    }

    async fn remove_open(&self, open: &Open, until: Instant) -> Result<(), Unavailable> {
        let within = open.within.as_deref();
        if open.kind == Kind::Grant {
            return self.revoke(open, until).await;
        }
        if open.id.is_none() {
            // Nobody knows what became of the call, so what it makes may still appear.
            let appears_within = rest_of(self.session.http().settings().timeout, open.at);
            let pauses = Pauses::until(until.min(Instant::now() + appears_within));
            loop {
                match self.ids(open.kind, &open.name, within).await {
                    Ok(ids) if !ids.is_empty() => break,
                    Ok(_) => {}
                    // Managers have no business with these. Whoever may not even look for them could not make them.
                    Err(why) if why.status == Some(403) && matches!(open.kind, Kind::Role | Kind::Domain) => {
                        return Ok(());
                    }
                    Err(why) => return Err(why),
                }
                if !pauses.pause().await {
                    return Ok(());
                }
            }
        }
        self.remove(open.kind, (&open.name, within), open.id.as_deref(), until).await
    }

    /// Removes something and waits until it is in no list any more. A manager who asks for the id of what is
    /// gone gets 403, since keystone cannot tell any more which domain it was in.
    async fn remove(
        &self,
        kind: Kind,
        (name, within): (&str, Option<&str>),
        id: Option<&str>,
        until: Instant,
    ) -> Result<(), Unavailable> {
        let (path, _) = collection(kind);
        let pauses = Pauses::until(until);
        let mut ids: Vec<String> = match id {
            Some(id) => vec![id.to_owned()],
            None => self.ids(kind, name, within).await?,
        };
        loop {
            let mut trouble = None;
            for id in &ids {
                if kind == Kind::Domain {
                    // Those in use cannot be deleted. If this fails, so does what follows, and tells why.
                    let body = json!({"domain": {"enabled": false}});
                    drop(self.call_anyway(Method::PATCH, &[path, id], Some(body)).await);
                }
                if let Err(why) = self.call_anyway(Method::DELETE, &[path, id], None).await {
                    trouble = Some(why);
                }
            }
            match self.ids(kind, name, within).await {
                Ok(left) if left.is_empty() => return Ok(()),
                Ok(left) => ids = left,
                Err(why) => trouble = Some(why),
            }
            if let Some(why) = trouble.take_if(|why| !passes(why) && why.status != Some(409)) {
                return Err(why);
            }
            if !pauses.pause().await {
                let why = || Unavailable::new(Reason::Budget, "it was deleted, but did not go in time");
                return Err(trouble.unwrap_or_else(why));
            }
        }
    }

    /// A password that nobody knows, that rules about characters accept, and that no answer shows.
    pub(super) fn new_password(&self) -> String {
        let password = format!("Aa1!{}", Uuid::new_v4().simple());
        self.session.http().conceal(password.clone().into());
        password
    }

    /// Whether a user gets a token of the system.
    pub(super) async fn reaches_system(&self, user: &str, password: &str) -> Effect {
        let config: CloudConfig = self.session.config().for_system(user, password);
        match Box::pin(Session::open(&config, self.session.http().settings())).await {
            Ok(_) => Ok(true),
            Err((error, _)) => match Unavailable::from(error) {
                why if why.reason == Reason::Authentication => Ok(false),
                why => Err(why),
            },
        }
    }
}

/// Whether the server has certainly not done what it was asked for.
pub(super) fn is_certain_refusal(why: &Unavailable) -> bool {
    why.status.is_some_and(|status| (400..500).contains(&status) && status != 408)
}

/// What the journal could not take is found by its name later.
pub(super) fn written_down(outcome: Result<(), JournalError>) {
    if let Err(error) = outcome {
        tracing::warn!(%error, "the journal could not be written");
    }
}
