//! One handshake over TCP, up to where the server has said what it offers.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};

use crate::answer::{Answer, Progress, Reading, Unreadable};

/// What became of a handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    /// A `ServerHello`, or an alert.
    Answer(Answer),
    /// The connection was closed without a word.
    Closed,
    /// Nothing came in time.
    Silent,
    /// No connection.
    Unconnected(String),
    Unreadable(Unreadable),
}

/// Connects to the first address that answers.
pub(crate) async fn connect(addresses: &[SocketAddr], limit: Duration) -> Result<TcpStream, String> {
    let mut problem = "the host has no address".to_owned();
    for address in addresses {
        match timeout(limit, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => problem = format!("{address}: {error}"),
            Err(_) => problem = format!("{address}: no connection within {}", seconds(limit)),
        }
    }
    Err(problem)
}

/// Sends a hello and reads the answer.
pub(crate) async fn exchange(address: SocketAddr, hello: &[u8], limit: Duration) -> Reply {
    let begin = Instant::now();
    let mut stream = match connect(&[address], limit).await {
        Ok(stream) => stream,
        Err(problem) => return Reply::Unconnected(problem),
    };
    let mut reading = Reading::default();
    let end = timeout_at(begin + limit, talk(&mut stream, hello, &mut reading)).await;
    let answer = reading.into_answer();
    let has_answered = answer.hello.is_some() || answer.alert.is_some();
    match end {
        // A server that answered and then broke off has still chosen.
        _ if has_answered => Reply::Answer(answer),
        Ok(Ok(Err(unreadable))) => Reply::Unreadable(unreadable),
        Ok(Ok(Ok(())) | Err(_)) => Reply::Closed,
        Err(_) => Reply::Silent,
    }
}

async fn talk(
    stream: &mut TcpStream,
    hello: &[u8],
    reading: &mut Reading,
) -> io::Result<Result<(), Unreadable>> {
    stream.write_all(hello).await?;
    let mut buffer = vec![0; 4096];
    loop {
        let count = stream.read(&mut buffer).await?;
        if count == 0 {
            return Ok(Ok(()));
        }
        match reading.feed(&buffer[..count]) {
            Ok(Progress::More) => {}
            Ok(Progress::Done) => return Ok(Ok(())),
            Err(unreadable) => return Ok(Err(unreadable)),
        }
    }
}

pub(crate) fn seconds(time: Duration) -> String {
    if time.subsec_millis() == 0 {
        format!("{} s", time.as_secs())
    } else {
        format!("{} ms", time.as_millis())
    }
}
