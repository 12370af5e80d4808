//! What a daemon says of itself: `/metrics` for Prometheus, `/healthz` for whoever would start it again.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use assay_fleet::{Metrics, Moment, Outbox, Settled};
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::file;
use crate::commands::fleet::outbox;
use crate::failure::Failure;
use crate::output::{note, put_file};
use crate::state;

/// A daemon that has not looked at its schedules for so long is stuck; it does every 15 seconds.
const LONGEST: Duration = Duration::from_mins(2);

/// What is known of a daemon.
#[derive(Default)]
pub(super) struct Standing {
    pub(super) settled: Settled,
    pub(super) metrics: Metrics,
    pub(super) next: BTreeMap<String, Option<Timestamp>>,
    pub(super) credentials: BTreeMap<String, Timestamp>,
    going: BTreeSet<String>,
    /// What was last written.
    written: Option<Settled>,
    /// When the daemon last looked at its schedules, and what was wrong with its folder then.
    looked: Option<(Instant, Option<String>)>,
}

/// The same, for all who tell of it and are told.
#[derive(Clone)]
pub(super) struct States(Arc<Mutex<Standing>>);

impl States {
    pub(super) fn new(settled: Settled, metrics: Metrics) -> Self {
        States(Arc::new(Mutex::new(Standing { settled, metrics, ..Standing::default() })))
    }

    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Standing) -> T) -> T {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The daemon looks at its schedules, keeps up to when they are done, and sees that its folder can be written. A disk
    /// that hangs shows in the time of the last look.
    pub(super) async fn beat(&self, going: BTreeSet<String>) {
        let (settled, is_new) = self.change(|standing| {
            (standing.settled.clone(), standing.written.as_ref() != Some(&standing.settled))
        });
        let writing = tokio::task::spawn_blocking(move || {
            let (file, alive) = (file(), state::fleet().join("alive"));
            match is_new {
                true => settled.write(&file).map_err(|error| error.to_string())?,
                false => put_file(&alive, Timestamp::now().to_string().as_bytes())
                    .map_err(|error| format!("{} cannot be written: {error}", alive.display()))?,
            }
            Ok(settled)
        });
        let written = writing.await.unwrap_or_else(|error| Err(error.to_string()));
        let (written, trouble) = match written {
            Ok(settled) => (Some(settled), None),
            Err(why) => (None, Some(why)),
        };
        self.change(|standing| {
            let before = standing.looked.take().and_then(|(_, trouble)| trouble);
            if let Some(why) = &trouble
                && before.is_none()
            {
                note(why);
            }
            standing.going = going;
            standing.written = written;
            standing.looked = Some((Instant::now(), trouble));
        });
    }

    fn health(&self) -> Result<(), String> {
        self.change(|standing| match &standing.looked {
            None => Err("it has not looked at its schedules yet".into()),
            Some((at, _)) if at.elapsed() > LONGEST => {
                Err(format!("it last looked at its schedules {} s ago", at.elapsed().as_secs()))
            }
            Some((_, Some(trouble))) => Err(trouble.clone()),
            Some((_, None)) => Ok(()),
        })
    }

    fn exposition(&self) -> String {
        let letters = Outbox::open(&outbox()).and_then(|outbox| {
            let (addresses, _) = outbox.addresses()?;
            let refused = addresses.iter().filter(|address| outbox.attempts(address.run).refused).count();
            Ok((addresses.len() - refused, refused))
        });
        let (waiting, refused) = letters.ok().unzip();
        self.change(|standing| {
            let schedules = standing.next.iter();
            let schedules =
                schedules.map(|(name, next)| (name.clone(), (*next, standing.going.contains(name))));
            let moment = Moment {
                version: env!("CARGO_PKG_VERSION"),
                schedules: schedules.collect(),
                waiting,
                refused,
                credentials: standing.credentials.clone(),
            };
            standing.metrics.exposition(&moment)
        })
    }
}

/// Who answers.
pub(super) struct Server(TcpListener);

/// Listens on an address, if there is one.
pub(super) async fn listen(address: Option<SocketAddr>) -> Result<Option<Server>, Failure> {
    let Some(address) = address else { return Ok(None) };
    let listener = TcpListener::bind(address).await.map_err(|error| {
        Failure::usage(format!("cannot listen on {address}: {error}"), "--listen takes another address")
    })?;
    note(&format!("metrics are at http://{}/metrics", listener.local_addr().unwrap_or(address)));
    Ok(Some(Server(listener)))
}

impl Server {
    /// Answers until it is cancelled.
    pub(super) async fn serve(self, states: States, cancel: CancellationToken) {
        let router =
            Router::new().route("/metrics", get(metrics)).route("/healthz", get(health)).with_state(states);
        let stopped = async move { cancel.cancelled().await };
        if let Err(error) = axum::serve(self.0, router).with_graceful_shutdown(stopped).await {
            note(&format!("nobody answers for metrics any more: {error}"));
        }
    }
}

async fn metrics(State(states): State<States>) -> Response {
    // The outbox may be long, and the disk slow.
    match tokio::task::spawn_blocking(move || states.exposition()).await {
        Ok(text) => {
            ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text).into_response()
        }
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn health(State(states): State<States>) -> Response {
    match states.health() {
        Ok(()) => "ok\n".into_response(),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_daemon_that_looks_at_nothing_is_unwell() {
        let states = States::new(Settled::default(), Metrics::default());
        let health = |looked| {
            states.change(|standing| standing.looked = looked);
            states.health().err()
        };
        assert_eq!(health(None).as_deref(), Some("it has not looked at its schedules yet"));
        assert_eq!(health(Some((Instant::now(), None))), None);
        let long_ago = Instant::now().checked_sub(LONGEST + Duration::from_secs(9)).unwrap();
        assert_eq!(
            health(Some((long_ago, None))).as_deref(),
            Some("it last looked at its schedules 129 s ago")
        );
        assert_eq!(health(Some((Instant::now(), Some("full".into())))).as_deref(), Some("full"));
    }
}
