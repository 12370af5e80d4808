//! What all probes work with: steps that are written down, things that are made through the journal, and a
//! floor that is swept in the end.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use assay_inventory::{FactId, Leftover, Reason, Record, Step, StepId, Transcript, Unavailable};
use assay_journal::{Entry, Journal, Kind, Open};
use http::Method;
use serde_json::{Map, Value, json};
use tokio_util::sync::CancellationToken;

use crate::client::Reply;
use crate::collect::Event;
use crate::endpoint::Endpoint;
use crate::janitor::{Doomed, Janitor, is_id};
use crate::listing::object;
use crate::session::Wanting;
use crate::waiting::wait_for;
use crate::{Budgets, Session};

/// What probes share: the session, the journal, the time they have.
#[derive(Clone, Copy)]
pub(crate) struct Bench<'a> {
    /// The session.
    pub(crate) session: &'a Session,
    /// Where everything is written down before it is made.
    pub(crate) journal: &'a Journal,
    /// How long to wait for what.
    pub(crate) budgets: &'a Budgets,
    /// Ends all waiting; taking down goes on.
    pub(crate) cancel: &'a CancellationToken,
    /// Told what happens.
    pub(crate) events: &'a (dyn Fn(Event) + Sync),
}

/// The work on one probe.
pub(crate) struct Workshop<'a> {
    bench: Bench<'a>,
    fact: FactId,
    steps: Mutex<Vec<Step>>,
    made: Mutex<Vec<Doomed>>,
}

/// A step failed; why stands in the transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stop;

/// Something to be made.
pub(crate) struct New<'a> {
    /// What it is.
    pub(crate) kind: Kind,
    /// What it is called, after the mark of the run.
    pub(crate) what: &'a str,
    /// Where it is made, below the endpoint of its service.
    pub(crate) path: &'a [&'a str],
    /// The key around its fields, in the request and in the answer; empty for none.
    pub(crate) wrapper: &'a str,
    /// The fields beside name and mark.
    pub(crate) fields: Value,
}

/// Something that was made.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    /// Its id.
    pub(crate) id: String,
    /// Its name.
    pub(crate) name: String,
    /// What the service answered.
    pub(crate) record: Record,
}

impl<'a> Workshop<'a> {
    pub(crate) fn new(bench: Bench<'a>, fact: FactId) -> Self {
        Workshop { bench, fact, steps: Mutex::default(), made: Mutex::default() }
    }

    /// The session.
    pub(crate) fn session(&self) -> &'a Session {
        self.bench.session
    }

    /// How long to wait for what.
    pub(crate) fn budgets(&self) -> &'a Budgets {
        self.bench.budgets
    }

    /// The fact that is being found out.
    pub(crate) fn fact(&self) -> FactId {
        self.fact
    }

    /// The name of something of this run.
    pub(crate) fn name(&self, what: &str) -> String {
        self.bench.journal.run().name(what)
    }

    /// Takes a step and writes down how it went. The work is cut off when the run is interrupted.
    pub(crate) async fn step<T>(
        &self,
        id: StepId,
        resource: Option<&str>,
        work: impl Future<Output = Result<T, Unavailable>>,
    ) -> Result<T, Stop> {
        let work = async {
            tokio::select! {
                biased;
                () = self.bench.cancel.cancelled() => Err(interrupted()),
                outcome = work => outcome,
            }
        };
        self.uncut_step(id, resource, work).await
    }

    /// Takes a step that makes something. It is not begun after an interruption, but seen to its end if one
    /// comes meanwhile: then it is known what was made.
    pub(crate) async fn making_step<T>(
        &self,
        id: StepId,
        resource: Option<&str>,
        work: impl Future<Output = Result<T, Unavailable>>,
    ) -> Result<T, Stop> {
        let work = async {
            match self.bench.cancel.is_cancelled() {
                true => Err(interrupted()),
                false => work.await,
            }
        };
        self.uncut_step(id, resource, work).await
    }

    async fn uncut_step<T>(
        &self,
        id: StepId,
        resource: Option<&str>,
        work: impl Future<Output = Result<T, Unavailable>>,
    ) -> Result<T, Stop> {
        (self.bench.events)(Event::Step { fact: self.fact, step: id });
        let begun = Instant::now();
        let outcome = work.await;
        let step = Step {
            id,
            resource: resource.map(str::to_owned),
            started_us: micros(begun.saturating_duration_since(self.session().started())),
            duration_us: micros(begun.elapsed()),
            trouble: outcome.as_ref().err().cloned(),
        };
        self.steps.lock().unwrap_or_else(PoisonError::into_inner).push(step);
        outcome.map_err(|_| Stop)
    }

    /// Makes something, after it was written down. It is taken down with all else at the end.
    pub(crate) async fn make(&self, id: StepId, new: New<'_>) -> Result<Made, Stop> {
        let name = self.name(new.what);
        let work = async {
            let endpoint = self.session().endpoint(new.kind.service())?;
            let fields = self.marked(new.kind, &name, new.fields);
            let body = match new.wrapper.is_empty() {
                true => Value::Object(fields),
                false => json!({new.wrapper: fields}),
            };
            let within = match new.kind {
                Kind::RbacPolicy => body[new.wrapper]["object_id"].as_str().map(str::to_owned),
                _ => None,
            };
            let (seq, entry) = self.intend(new.kind, &name, within.as_deref())?;
            let wanting = Wanting {
                method: Method::POST,
                body: Some(body.to_string().into()),
                ..Wanting::get(Some(self.fact), &endpoint, endpoint.at(new.path))
            };
            let reply = match self.session().call(wanting).await {
                Ok(reply) => reply,
                Err(why) => {
                    self.not_made(seq, &entry, &why);
                    return Err(why);
                }
            };
            let record = unwrapped(&reply, new.wrapper)?;
            let id = match new.kind {
                Kind::Secret => secret_id(&reply, &record)?,
                _ => record.id().to_owned(),
            };
            if !is_id(&id) {
                return Err(reply.malformed("the answer does not say which id was given"));
            }
            self.was_made(seq, &entry, &id);
            Ok((id, record))
        };
        let (id, record) = self.making_step(id, Some(&name), work).await?;
        Ok(Made { id, name, record })
    }

    /// Writes down that something is about to be made by other means than [`Workshop::make`].
    pub(crate) fn intend(
        &self,
        kind: Kind,
        name: &str,
        within: Option<&str>,
    ) -> Result<(usize, Entry), Unavailable> {
        let entry = self
            .bench
            .journal
            .intend_within(kind, name, within)
            .map_err(|error| Unavailable::new(Reason::Journal, error.to_string()))?;
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let open = Open {
            seq: entry.seq(),
            kind,
            name: name.to_owned(),
            id: None,
            within: within.map(str::to_owned),
            at: jiff::Timestamp::now(),
        };
        made.push(Doomed { open, settled: false });
        Ok((made.len() - 1, entry))
    }

    /// Notes the id of what was made.
    pub(crate) fn was_made(&self, seq: usize, entry: &Entry, id: &str) {
        if let Err(error) = entry.made(id) {
            // It is in memory, so this run takes it down; another would find it by its name.
            tracing::warn!(%error, "the id of what was made could not be written down");
        }
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made[seq].open.id = Some(id.to_owned());
        made[seq].settled = true;
    }

    /// Notes that a call to make something failed: a refusal means that there is nothing, anything else
    /// that there may be.
    pub(crate) fn not_made(&self, seq: usize, entry: &Entry, why: &Unavailable) {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        // A gateway that gives up does not stop the service behind it.
        made[seq].settled = why.status.is_some_and(|status| !matches!(status, 408 | 502..=504));
        let is_refused = why.status.is_some_and(|status| (400..500).contains(&status) && status != 408);
        if is_refused && entry.refused().is_ok() {
            // An id that is empty is never asked for; the entry is closed.
            made[seq].open.id = Some(String::new());
        }
    }

    /// Gets one resource of a service.
    pub(crate) async fn read(
        &self,
        service: &'static str,
        path: &[&str],
        wrapper: &str,
    ) -> Result<Record, Unavailable> {
        let endpoint = self.session().endpoint(service)?;
        let reply = self.get(&endpoint, path).await?;
        unwrapped(&reply, wrapper)
    }

    /// A GET below an endpoint.
    pub(crate) async fn get(&self, endpoint: &Endpoint, path: &[&str]) -> Result<Reply, Unavailable> {
        self.session().call(Wanting::get(Some(self.fact), endpoint, endpoint.at(path))).await
    }

    /// A call that makes nothing, with a JSON body.
    pub(crate) async fn send(
        &self,
        method: Method,
        service: &'static str,
        path: &[&str],
        body: Option<&Value>,
    ) -> Result<Reply, Unavailable> {
        let endpoint = self.session().endpoint(service)?;
        let wanting = Wanting {
            method,
            body: body.map(|body| body.to_string().into()),
            ..Wanting::get(Some(self.fact), &endpoint, endpoint.at(path))
        };
        self.session().call(wanting).await
    }

    /// Waits until something has a state.
    pub(crate) async fn await_status(
        &self,
        id: StepId,
        (service, path, wrapper): (&'static str, &[&str], &str),
        wanted: &str,
        budget: Duration,
    ) -> Result<Record, Stop> {
        let work = async {
            let mut last = String::new();
            let outcome = wait_for(budget, "it did not get there", async || {
                let record = self.read(service, path, wrapper).await?;
                let status = record.text("status").value().unwrap_or_default().to_owned();
                if status.eq_ignore_ascii_case(wanted) {
                    return Ok(Some(record));
                }
                let state = status.to_ascii_lowercase();
                last = status;
                match state.contains("error") || state == "killed" || state == "deleted" {
                    true => Err(Unavailable::new(Reason::Failed, fault(&record, &last))),
                    false => Ok(None),
                }
            });
            outcome.await.map_err(|why| match why.reason {
                Reason::Budget => Unavailable::new(
                    Reason::Budget,
                    format!(
                        "it should be {wanted}, but after {} seconds it is {last:?}",
                        budget.as_secs_f64()
                    ),
                ),
                _ => why,
            })
        };
        self.step(id, path.last().copied(), work).await
    }

    /// Takes down what was made, as a step of its own. The work is never cut off.
    pub(crate) async fn take_down(&self) -> Vec<Leftover> {
        let made = std::mem::take(&mut *self.made.lock().unwrap_or_else(PoisonError::into_inner));
        let doomed: Vec<Doomed> = made.into_iter().filter(|one| one.open.id.as_deref() != Some("")).collect();
        if doomed.is_empty() {
            return Vec::new();
        }
        let janitor =
            Janitor { session: self.session(), fact: Some(self.fact), budget: self.budgets().removal };
        let mut leftovers = Vec::new();
        let work = async {
            leftovers = janitor.take_down(self.bench.journal, doomed).await;
            match leftovers.as_slice() {
                [] => Ok(()),
                [first, ..] => Err(Unavailable::new(Reason::Failed, first.to_string())),
            }
        };
        // How it went stands in the transcript.
        let _ = self.uncut_step(StepId::TakeDown, None, work).await;
        leftovers
    }

    /// Takes down what is left and gives the transcript.
    pub(crate) async fn finish(self) -> Transcript {
        let leftovers = self.take_down().await;
        Transcript { steps: self.steps.into_inner().unwrap_or_else(PoisonError::into_inner), leftovers }
    }

    /// The fields of something new, with its name and, where the API has a place for it, our mark.
    fn marked(&self, kind: Kind, name: &str, fields: Value) -> Map<String, Value> {
        let mut fields = match fields {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        let mark = self.bench.journal.run().mark();
        let description = format!("made by a check of assay (run {mark}), which removes it");
        match kind {
            Kind::FloatingIp => {
                fields.insert("description".into(), name.into());
                return fields;
            }
            Kind::RbacPolicy | Kind::Ec2Credential | Kind::Grant => return fields,
            Kind::Server => {
                fields.insert("metadata".into(), json!({"assay_run": mark}));
            }
            Kind::Volume => {
                fields.insert("metadata".into(), json!({"assay_run": mark}));
                fields.insert("description".into(), description.into());
            }
            Kind::Image => {
                fields.insert("tags".into(), json!([mark]));
                // Cinder makes no image of a volume whose own image has no property at all.
                fields.insert("assay_run".into(), mark.into());
            }
            Kind::Network
            | Kind::Subnet
            | Kind::SubnetPool
            | Kind::Router
            | Kind::Port
            | Kind::SecurityGroup
            | Kind::Backup
            | Kind::VolumeSnapshot
            | Kind::User
            | Kind::Group
            | Kind::Project
            | Kind::ApplicationCredential
            | Kind::Role
            | Kind::Domain => {
                fields.insert("description".into(), description.into());
            }
            Kind::KeyPair | Kind::Secret | Kind::Bucket => {}
        }
        fields.insert("name".into(), name.into());
        fields
    }
}

fn interrupted() -> Unavailable {
    Unavailable::new(Reason::Interrupted, "the run was interrupted")
}

/// What a resource says about its failure: nova's fault, cinder's and glance's reason.
fn fault(record: &Record, status: &str) -> String {
    let fault = record.map("fault").value().and_then(|fault| fault.get("message")).and_then(Value::as_str);
    let said = fault.or_else(|| record.text("fail_reason").value()).filter(|said| !said.is_empty());
    match said {
        Some(said) => format!("it went to {status}: {said}"),
        None => format!("it went to {status}, and the service does not say why"),
    }
}

/// The fields of a resource, out of their wrapper.
pub(crate) fn unwrapped(reply: &Reply, wrapper: &str) -> Result<Record, Unavailable> {
    let mut body = object(reply)?;
    let fields = match wrapper.is_empty() {
        true => body,
        false => match body.remove(wrapper) {
            Some(Value::Object(fields)) => fields,
            _ => return Err(reply.malformed(format!("the answer holds no {wrapper:?}"))),
        },
    };
    Ok(fields.into_iter().collect())
}

/// The id of a new secret. Barbican gives a link; only its last part is used, whichever host it names.
fn secret_id(reply: &Reply, record: &Record) -> Result<String, Unavailable> {
    let link = record.text("secret_ref").value().unwrap_or_default();
    match link.trim_end_matches('/').rsplit('/').next() {
        Some(id) if !id.is_empty() => Ok(id.to_owned()),
        _ => Err(reply.malformed("the answer holds no \"secret_ref\"")),
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
