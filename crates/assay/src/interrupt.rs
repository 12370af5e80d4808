//! Ending on Ctrl-C and SIGTERM: at once where nothing is created, after taking down what was created elsewhere.

use std::io;

use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;
use crate::output::note;

/// As shells know an end by Ctrl-C.
const INTERRUPTED: u8 = 130;

/// What becomes of what a check, or anything like one, creates for a time.
pub(crate) const PROBED: &str = "`assay cleanup` takes down what is left";
/// What becomes of what is to stay.
pub(crate) const CURATED: &str = "the same command again goes on from here";

/// Runs what talks to clouds, until it is done or the user has had enough.
pub(crate) fn awaited(work: impl Future<Output = Result<u8, Failure>>) -> Result<u8, Failure> {
    run(async {
        let mut signals = Signals::new();
        tokio::select! {
            outcome = work => outcome,
            () = signals.next() => Ok(INTERRUPTED),
        }
    })
}

/// Runs what creates things in clouds. The first signal asks it to end, which takes as long as taking down
/// takes; the second ends it at once, with a word about what becomes of the rest.
pub(crate) fn awaited_to_the_end<W>(
    what_is_left: &str,
    work: impl FnOnce(CancellationToken) -> W,
) -> Result<u8, Failure>
where
    W: Future<Output = Result<u8, Failure>>,
{
    let cancel = CancellationToken::new();
    let work = work(cancel.clone());
    run(async move {
        let mut work = std::pin::pin!(work);
        let mut signals = Signals::new();
        tokio::select! {
            outcome = &mut work => return outcome,
            () = signals.next() => {}
        }
        cancel.cancel();
        tokio::select! {
            _ = &mut work => {}
            () = signals.next() => note(what_is_left),
        }
        Ok(INTERRUPTED)
    })
}

fn run(work: impl Future<Output = Result<u8, Failure>>) -> Result<u8, Failure> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::undetermined(format!("no threads can be started: {error}"), ""))?;
    let outcome = runtime.block_on(work);
    // A server that hangs must not keep the program from ending.
    runtime.shutdown_background();
    outcome
}

/// Ctrl-C and SIGTERM. One of these catches every signal from its making on, so that none is lost between two
/// waits.
struct Signals(Option<(Signal, Signal)>);

impl Signals {
    /// Where signals cannot be had, it waits for ever.
    fn new() -> Self {
        let both =
            || Ok::<_, io::Error>((signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?));
        Signals(both().ok())
    }

    /// Waits for the next.
    async fn next(&mut self) {
        match &mut self.0 {
            Some((interrupt, terminate)) => tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            },
            None => std::future::pending().await,
        }
    }
}
