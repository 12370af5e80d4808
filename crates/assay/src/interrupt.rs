//! Ending on Ctrl-C and SIGTERM: at once where nothing is created, after taking down what was created elsewhere.

use std::io;

use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;
use crate::output::note;

/// As shells know an end by Ctrl-C.
const INTERRUPTED: u8 = 130;

/// What is said to somebody who interrupts.
pub(crate) struct Words {
    /// What is still done after the first signal.
    first: &'static str,
    /// What becomes of the rest after the second.
    second: &'static str,
}

/// For what creates things for a time.
pub(crate) const PROBED: Words = Words {
    first: "interrupted: taking down what was created; Ctrl-C again ends at once",
    second: "`assay cleanup` takes down what is left",
};
/// For what creates things that are to stay.
pub(crate) const CURATED: Words = Words {
    first: "interrupted: finishing what was begun; Ctrl-C again ends at once",
    second: "the same command again goes on from here",
};

/// For what answers requests.
pub(crate) const SERVED: Words = Words {
    first: "interrupted: finishing the requests that have begun; Ctrl-C again ends at once",
    second: "what was acknowledged is stored",
};

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
/// takes; the second ends it at once.
pub(crate) fn awaited_to_the_end<W>(
    words: Words,
    work: impl FnOnce(CancellationToken) -> W,
) -> Result<u8, Failure>
where
    W: Future<Output = Result<u8, Failure>>,
{
    let (code, is_told) = until_told(words, work)?;
    Ok(if is_told { INTERRUPTED } else { code })
}

/// Runs what goes on until somebody ends it. The first signal asks it to, and that it ended is no failure then.
pub(crate) fn served<W>(words: Words, work: impl FnOnce(CancellationToken) -> W) -> Result<u8, Failure>
where
    W: Future<Output = Result<u8, Failure>>,
{
    Ok(until_told(words, work)?.0)
}

/// The exit code, 0 for what ended because it was asked to, and whether it was asked to.
fn until_told<W>(words: Words, work: impl FnOnce(CancellationToken) -> W) -> Result<(u8, bool), Failure>
where
    W: Future<Output = Result<u8, Failure>>,
{
    let cancel = CancellationToken::new();
    let work = work(cancel.clone());
    let mut is_told = false;
    let outcome = run(async {
        let mut work = std::pin::pin!(work);
        let mut signals = Signals::new();
        tokio::select! {
            outcome = &mut work => return outcome,
            () = signals.next() => is_told = true,
        }
        note(words.first);
        cancel.cancel();
        tokio::select! {
            _ = &mut work => Ok(0),
            () = signals.next() => {
                note(words.second);
                Ok(INTERRUPTED)
            }
        }
    });
    Ok((outcome?, is_told))
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
