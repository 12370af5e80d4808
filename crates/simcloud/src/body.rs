//! Bodies of answers, in pieces that are shared, and as slow or short as a fault wants them.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use http::Method;
use hyper::body::{Body as _, Frame, Incoming, SizeHint};
use tokio::time::{Sleep, sleep};

/// How long a byte takes that drips.
const DROP: Duration = Duration::from_secs(1);
/// How much more is announced of a body that is torn.
const TORN: u64 = 1000;

/// A body on its way out.
pub(crate) struct Body {
    pieces: VecDeque<Bytes>,
    left: u64,
    drip: Option<Pin<Box<Sleep>>>,
}

impl Body {
    pub(crate) fn new(pieces: Vec<Bytes>) -> Self {
        let left = pieces.iter().map(|piece| piece.len() as u64).sum();
        Body { pieces: pieces.into(), left, drip: None }
    }

    /// A body that says that there is more of it than there is.
    pub(crate) fn torn(pieces: Vec<Bytes>) -> Self {
        let whole = Body::new(pieces);
        Body { left: whole.left + TORN, ..whole }
    }

    /// A body that comes byte by byte.
    pub(crate) fn dripping(pieces: Vec<Bytes>) -> Self {
        Body { drip: Some(Box::pin(sleep(DROP))), ..Body::new(pieces) }
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        while self.pieces.front().is_some_and(Bytes::is_empty) {
            self.pieces.pop_front();
        }
        if self.pieces.is_empty() {
            return Poll::Ready(None);
        }
        let is_dripping = match &mut self.drip {
            Some(pause) => {
                ready!(pause.as_mut().poll(context));
                pause.set(sleep(DROP));
                true
            }
            None => false,
        };
        let next = match (self.pieces.front_mut(), is_dripping) {
            (Some(piece), true) => Some(piece.split_to(1)),
            _ => self.pieces.pop_front(),
        };
        self.left -= next.as_ref().map_or(0, |piece| piece.remaining() as u64);
        Poll::Ready(next.map(|piece| Ok(Frame::data(piece))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

/// What came in a request: its beginning, and how much it was altogether.
#[derive(Debug, Default)]
pub(crate) struct Received {
    pub(crate) bytes: Vec<u8>,
    pub(crate) size: u64,
}

/// Reads a body to its end, and keeps `most` bytes of it.
pub(crate) async fn receive(
    method: &Method,
    mut body: Incoming,
    most: usize,
) -> Result<Received, hyper::Error> {
    let mut received = Received::default();
    if *method == Method::GET {
        return Ok(received);
    }
    while let Some(frame) = std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let Ok(data) = frame?.into_data() else { continue };
        received.size += data.len() as u64;
        let room = most.saturating_sub(received.bytes.len()).min(data.len());
        received.bytes.extend_from_slice(&data[..room]);
    }
    Ok(received)
}
