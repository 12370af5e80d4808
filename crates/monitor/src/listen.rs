//! Connections: each is served until it ends, and those that only keep others waiting are cut off.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_io_timeout::TimeoutWriter;

use crate::client::Client;

/// So many connections are open at a time: fewer than the files that a process may usually have open, so that the database finds some
/// left. Others wait to be taken.
const MOST: usize = 800;
/// How long to wait when no connection can be taken, as when there are too many.
const PAUSE: Duration = Duration::from_millis(200);

/// Serves until `stopped`; then requests that have begun are finished, for `longest` at most. Whoever does not send the
/// head of a request within `patience`, or takes nothing of an answer for so long, is cut off. A proxy says who asks if
/// `is_proxied`.
pub(crate) async fn serve(
    listener: TcpListener,
    (router, is_proxied): (Router, bool),
    (patience, longest): (Duration, Duration),
    stopped: impl Future<Output = ()>,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(patience);
    let graceful = GracefulShutdown::new();
    let turns = Arc::new(Semaphore::new(MOST));
    let mut stopped = pin!(stopped);
    let next = async || {
        // Nobody closes it.
        let turn = Arc::clone(&turns).acquire_owned().await.ok();
        (listener.accept().await, turn)
    };
    loop {
        let (accepted, turn) = tokio::select! {
            next = next() => next,
            () = &mut stopped => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) if is_about_one(&error) => continue,
            Err(error) => {
                tracing::warn!(%error, "no connection can be taken");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let service = TowerToHyperService::new(router.clone());
        let service = service_fn(move |request: Request<Incoming>| {
            let client = Client::of(peer.ip(), request.headers(), is_proxied);
            client.asking(service.call(request))
        });
        let mut stream = TimeoutWriter::new(stream);
        stream.set_timeout(Some(patience));
        let served = graceful.watch(http.serve_connection(TokioIo::new(Box::pin(stream)), service));
        tokio::spawn(async move {
            let _turn = turn;
            if let Err(error) = served.await {
                tracing::debug!(%error, "a connection broke off");
            }
        });
    }
    drop(listener);
    // Who is slower than any request may be has no claim to more.
    drop(tokio::time::timeout(longest, graceful.shutdown()).await);
}

/// Whether an error is about a connection that is gone, and not about taking any.
fn is_about_one(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
