use std::time::Duration;

use assay_inventory::{FactId, Leftover, Reason, Seen, Unavailable};
use assay_journal::{Journal, Kind, Open};
use futures::future::join_all;
use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};

use super::shelf::{Shelf, id_of, shelf};
use crate::client::Reply;
use crate::ec2::credential_id;
use crate::endpoint::Endpoint;
use crate::listing::{Wish, object};
use crate::session::Wanting;
use crate::waiting::{Pauses, passes, rest_of};
use crate::{Session, links};

/// Once something could not be taken down, what it may depend on is only tried for so long.
const HASTY: Duration = Duration::from_secs(10);
/// A call that is in flight when the time is up may still take so long.
const GRACE: Duration = Duration::from_secs(10);

/// Something that is to be taken down.
#[derive(Debug, Clone)]
pub(crate) struct Doomed {
    /// What it is.
    pub(crate) open: Open,
    /// Whether the server is known to have ended work on the call that creates it. If not, it may still
    /// appear.
    pub(crate) settled: bool,
}

/// Takes things down through a session.
#[derive(Clone, Copy)]
pub(crate) struct Janitor<'a> {
    /// The session.
    pub(crate) session: &'a Session,
    /// The fact that the calls serve.
    pub(crate) fact: Option<FactId>,
    /// How long all of it may take.
    pub(crate) budget: Duration,
}

impl Janitor<'_> {
    /// Takes things down, what uses others first, and waits until they are gone. What is left is returned.
    pub(crate) async fn take_down(&self, journal: &Journal, mut doomed: Vec<Doomed>) -> Vec<Leftover> {
        doomed.sort_by(|a, b| a.open.kind.cmp(&b.open.kind).then(b.open.seq.cmp(&a.open.seq)));
        let end = Instant::now() + self.budget;
        let mut leftovers = Vec::new();
        for group in doomed.chunk_by(|a, b| a.open.kind == b.open.kind) {
            let until = match leftovers.is_empty() {
                true => end,
                false => end.min(Instant::now() + HASTY),
            };
            if group[0].open.kind == Kind::Bucket {
                leftovers.extend(self.take_buckets_down(journal, group, until).await);
                continue;
            }
            let removed = join_all(group.iter().map(|one| self.take_one_down(journal, one, until))).await;
            leftovers.extend(removed.into_iter().flatten());
        }
        leftovers
    }

    async fn take_one_down(&self, journal: &Journal, doomed: &Doomed, until: Instant) -> Option<Leftover> {
        let open = &doomed.open;
        let outcome = match open.id.clone() {
            id if open.kind.is_of_user() && journal.place().user != self.session.token().user_id => {
                let why =
                    "it belongs to another user, who alone can see and delete it: clean up as that user";
                Err((id, Unavailable::new(Reason::Refused, why)))
            }
            Some(id) => {
                let removed = self.remove(open.kind, &id, searched(open), until).await;
                removed.map_err(|why| (Some(id), why))
            }
            None => self.remove_by_name(doomed, until).await,
        };
        let left = |id, why: String| {
            Some(Leftover { kind: open.kind.label().into(), name: open.name.clone(), id, why })
        };
        match outcome {
            Err((id, why)) => left(id, why.to_string()),
            Ok(()) => match journal.entry(open).gone() {
                Ok(()) => None,
                // It is gone from the cloud; the journal will be read again, and find nothing.
                Err(error) => {
                    tracing::warn!(%error, "what is gone could not be ticked off");
                    None
                }
            },
        }
    }

    /// Finds out whether there is something of the name, and removes it.
    async fn remove_by_name(
        &self,
        doomed: &Doomed,
        until: Instant,
    ) -> Result<(), (Option<String>, Unavailable)> {
        let open = &doomed.open;
        let appears_until = match doomed.settled {
            true => Instant::now(),
            false => Instant::now() + self.still_on_its_way(open.at),
        };
        let pauses = Pauses::until(until.max(appears_until));
        loop {
            let end = until.max(appears_until).max(Instant::now());
            match timeout_at(end + GRACE, self.find(open)).await.unwrap_or_else(|_| Err(self.no_list(open))) {
                Ok(ids) if ids.is_empty() && Instant::now() >= appears_until => return Ok(()),
                Ok(ids) => {
                    for id in &ids {
                        let removed = self.remove(open.kind, id, searched(open), until).await;
                        removed.map_err(|why| (Some(id.clone()), why))?;
                    }
                    if !ids.is_empty() {
                        // One call made it, so no other can appear.
                        return Ok(());
                    }
                    pauses.pause().await;
                }
                Err(why) if passes(&why) => {
                    if !pauses.pause().await {
                        return Err((None, why));
                    }
                }
                // Without the service there is nothing of it.
                Err(why) if matches!(why.reason, Reason::NotInCatalog) => return Ok(()),
                Err(why) => return Err((None, why)),
            }
        }
    }

    /// How long a call that began at an instant may still take effect: as long as it may take.
    pub(super) fn still_on_its_way(&self, begun: Timestamp) -> Duration {
        rest_of(self.session.http().settings().timeout, begun)
    }

    /// The ids of all that bears the name.
    async fn find(&self, open: &Open) -> Result<Vec<String>, Unavailable> {
        let Some(place) = shelf(self.session, open.kind) else {
            return Ok(match open.kind {
                Kind::KeyPair => vec![open.name.clone()],
                _ => Vec::new(),
            });
        };
        let endpoint = self.session.endpoint(open.kind.service())?;
        let credential = credential_id(&open.name);
        let (name, domain) = match open.kind {
            Kind::RbacPolicy => (open.within.as_deref().unwrap_or_default(), None),
            Kind::Ec2Credential => (credential.as_str(), None),
            Kind::Group | Kind::User | Kind::Project => (open.name.as_str(), open.within.as_deref()),
            _ => (open.name.as_str(), None),
        };
        let items = place.list(self.session, self.fact, &endpoint, Some(name), domain).await?;
        let mut ids = Vec::new();
        for item in &items {
            match (item.text(place.marked), id_of(item)) {
                (Seen::Value(marked), Some(id)) if marked == name => ids.push(id.to_owned()),
                (Seen::Value(marked), Some(_) | None) if marked != name => {}
                (Seen::Absent, _) => {}
                // What is not known to be something else may be what is looked for.
                _ => return Err(place.unreadable(&endpoint)),
            }
        }
        Ok(ids)
    }

    /// That no list came to find something in.
    fn no_list(&self, open: &Open) -> Unavailable {
        match (self.session.endpoint(open.kind.service()), shelf(self.session, open.kind)) {
            (Ok(endpoint), Some(place)) => no_answer(&Method::GET, &endpoint, &place.list_path()),
            (Err(error), _) => error.into(),
            (Ok(_), None) => Unavailable::new(Reason::Timeout, NO_ANSWER),
        }
    }

    /// Removes one thing and waits until it is gone. By its name it is found faster where it must be looked
    /// for.
    pub(crate) async fn remove(
        &self,
        kind: Kind,
        id: &str,
        name: Option<&str>,
        until: Instant,
    ) -> Result<(), Unavailable> {
        let endpoint = self.session.endpoint(kind.service())?;
        let mut path: Vec<&str> = match (shelf(self.session, kind), kind) {
            (Some(Shelf { path, .. }), _) => path,
            (None, Kind::KeyPair) => vec![KEY_PAIRS],
            (None, _) => {
                let why =
                    format!("a {kind} is removed by the manager of a domain: give --domain-managers FILE");
                return Err(Unavailable::new(Reason::Configuration, why));
            }
        };
        path.push(id);
        let pauses = Pauses::until(until);
        let mut asked = false;
        loop {
            let step = timeout_at(
                until.max(Instant::now()) + GRACE,
                self.step(kind, &endpoint, &path, (id, name), &mut asked),
            );
            let outcome = step.await.unwrap_or_else(|_| {
                let method = if asked { Method::GET } else { Method::DELETE };
                Err(no_answer(&method, &endpoint, &path))
            });
            let mut why = match outcome {
                Ok(true) => return Ok(()),
                Ok(false) => None,
                Err(why) if passes(&why) || is_in_the_way(&why) => Some(why),
                Err(why) => return Err(why),
            };
            if !pauses.pause().await {
                return Err(why.take().unwrap_or_else(|| {
                    Unavailable::new(Reason::Budget, "it was deleted, but did not go in time")
                }));
            }
        }
    }

    /// One attempt to remove something; true once it is seen to be gone.
    async fn step(
        &self,
        kind: Kind,
        endpoint: &Endpoint,
        path: &[&str],
        (id, name): (&str, Option<&str>),
        asked: &mut bool,
    ) -> Result<bool, Unavailable> {
        if matches!(kind, Kind::User | Kind::Group | Kind::Project) {
            // Keystone forbids the manager of a domain what does not exist as if it were somebody else's; then the
            // list tells. One that is empty for a moment is no word for it: nothing else would find this again.
            let deleted = self.call(endpoint, Method::DELETE, path, None).await;
            return match deleted {
                Err(why) if !matches!(why.status, Some(403 | 404 | 410)) => Err(why),
                deleted => match (deleted, self.is_listed(kind, endpoint, id, name).await?) {
                    (_, false) => Ok(true),
                    (Ok(_), true) => Ok(false),
                    (Err(why), true) => Err(why),
                },
            };
        }
        if kind == Kind::Ec2Credential {
            // Keystone forbids a credential that does not exist as if it were somebody else's. So before and
            // after the call the list tells; between them an earlier call may have taken effect.
            if !self.is_listed(kind, endpoint, id, None).await? {
                return Ok(true);
            }
            let deleted = self.call(endpoint, Method::DELETE, path, None).await;
            return match (deleted, self.is_listed(kind, endpoint, id, None).await?) {
                (_, false) => Ok(true),
                (Ok(_), true) => Ok(false),
                (Err(why), true) => Err(why),
            };
        }
        if !*asked {
            match kind {
                Kind::Router => self.detach_all(endpoint, id).await?,
                Kind::Network => self.clear_ports(endpoint, id).await?,
                _ => {}
            }
            match self.call(endpoint, Method::DELETE, path, None).await {
                Ok(_) => *asked = true,
                // A 404 may speak of something else, such as a proxy that has lost the service: then there is
                // no list either.
                Err(why) if why.status == Some(404) => {
                    if !self.is_listed(kind, endpoint, id, name).await? {
                        return Ok(true);
                    }
                }
                Err(why) => return Err(why),
            }
        }
        match self.call(endpoint, Method::GET, path, None).await {
            // Nor may this 404: what is on its way out is still listed.
            Err(why) if matches!(why.status, Some(404 | 410)) => {
                Ok(!self.is_listed(kind, endpoint, id, name).await?)
            }
            Err(why) => Err(why),
            Ok(reply) => {
                if status_of(&reply).is_some_and(|status| status.to_ascii_lowercase().contains("error")) {
                    // What failed to go is worth asking again.
                    *asked = false;
                }
                Ok(false)
            }
        }
    }

    /// Whether the service lists something, at least under its name.
    async fn is_listed(
        &self,
        kind: Kind,
        endpoint: &Endpoint,
        id: &str,
        name: Option<&str>,
    ) -> Result<bool, Unavailable> {
        let Some(place) = shelf(self.session, kind) else {
            return Ok(false);
        };
        let listed = place.list(self.session, self.fact, endpoint, name, None).await?;
        match listed.iter().any(|item| id_of(item).is_none()) {
            true => Err(place.unreadable(endpoint)),
            false => Ok(listed.iter().any(|item| id_of(item) == Some(id))),
        }
    }

    /// Takes all interfaces off a router of ours.
    async fn detach_all(&self, endpoint: &Endpoint, router: &str) -> Result<(), Unavailable> {
        for port in self.ports(endpoint, &[("device_id", router)]).await? {
            let owner = port.text("device_owner").value().unwrap_or_default();
            if !owner.starts_with("network:router_interface")
                && owner != "network:ha_router_replicated_interface"
            {
                continue;
            }
            let body = json!({"port_id": port.id()});
            let path = ["routers", router, "remove_router_interface"];
            match self.call(endpoint, Method::PUT, &path, Some(&body)).await {
                Ok(_) => {}
                Err(why) if why.status == Some(404) => {}
                Err(why) => return Err(why),
            }
        }
        Ok(())
    }

    /// Removes the ports on a network of ours that nova left there.
    async fn clear_ports(&self, endpoint: &Endpoint, network: &str) -> Result<(), Unavailable> {
        for port in self.ports(endpoint, &[("network_id", network)]).await? {
            let owner = port.text("device_owner").value().unwrap_or_default();
            if owner.starts_with("network:") {
                continue;
            }
            match self.call(endpoint, Method::DELETE, &["ports", port.id()], None).await {
                Ok(_) => {}
                Err(why) if why.status == Some(404) => {}
                Err(why) => return Err(why),
            }
        }
        Ok(())
    }

    async fn ports(
        &self,
        endpoint: &Endpoint,
        query: &[(&str, &str)],
    ) -> Result<Vec<assay_inventory::Record>, Unavailable> {
        let wish = Wish {
            fact: self.fact,
            endpoint,
            path: &["ports"],
            query,
            headers: &[],
            key: "ports",
            links_key: "ports_links",
            progress: &|_| (),
        };
        Ok(self.session.list(&wish).await?.items)
    }

    async fn call(
        &self,
        endpoint: &Endpoint,
        method: Method,
        path: &[&str],
        body: Option<&Value>,
    ) -> Result<Reply, Unavailable> {
        let wanting = Wanting {
            method,
            body: body.map(|body| body.to_string().into()),
            ..Wanting::get(self.fact, endpoint, endpoint.at(path))
        };
        self.session.call(wanting).await
    }
}

/// What finds something in the list of its kind.
fn searched(open: &Open) -> Option<&str> {
    match open.kind {
        Kind::RbacPolicy => open.within.as_deref(),
        _ => Some(&open.name),
    }
}

/// Where key pairs are.
pub(super) const KEY_PAIRS: &str = "os-keypairs";

const NO_ANSWER: &str = "no answer in time";

/// That a call was given up.
fn no_answer(method: &Method, endpoint: &Endpoint, path: &[&str]) -> Unavailable {
    let request = Some(format!("{method} {}", links::public(&endpoint.at(path))));
    Unavailable { request, ..Unavailable::new(Reason::Timeout, NO_ANSWER) }
}

/// Whether something else must go or come to rest first: cinder says 400, others 409.
fn is_in_the_way(why: &Unavailable) -> bool {
    matches!(why.status, Some(400 | 409))
}

/// The state of a resource, in whatever wrapper it comes.
fn status_of(reply: &Reply) -> Option<String> {
    let body = object(reply).ok()?;
    let fields = match body.values().next() {
        Some(Value::Object(inner)) if body.len() == 1 => inner,
        _ => &body,
    };
    fields.get("status").and_then(Value::as_str).map(str::to_owned)
}
