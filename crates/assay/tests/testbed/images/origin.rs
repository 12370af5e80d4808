//! A server of images that misbehaves as the first part of a path says.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// Bytes of an image, by its name.
fn size(name: &str) -> usize {
    match name {
        "huge.img" => 5_000_000,
        "large.img" => 2_200_000,
        _ => 300_000,
    }
}

/// It serves until the test ends.
pub(crate) struct Origin {
    address: String,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    visits: AtomicUsize,
    /// Paths whose first answer broke off.
    broken_off: Mutex<BTreeSet<String>>,
}

impl Origin {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let state = Arc::new(State::default());
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                // A client that goes away is what some tests are about.
                thread::spawn(move || drop(state.answer(stream)));
            }
        });
        Origin { address, state }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.address)
    }

    /// How many requests there were.
    pub(crate) fn visits(&self) -> usize {
        self.state.visits.load(Ordering::SeqCst)
    }

    /// What is behind a name.
    pub(crate) fn data(name: &str) -> Vec<u8> {
        name.bytes().cycle().take(size(name)).collect()
    }
}

/// A disk of one GiB with nothing on it, in the format of that name: glance looks at its header.
fn qcow2() -> Vec<u8> {
    const CLUSTER_BITS: u32 = 16;
    let cluster = 1_u64 << CLUSTER_BITS;
    let mut header = b"QFI\xfb".to_vec();
    header.extend(2_u32.to_be_bytes());
    header.extend([0; 12]);
    header.extend(CLUSTER_BITS.to_be_bytes());
    header.extend((1_u64 << 30).to_be_bytes());
    header.extend(0_u32.to_be_bytes());
    header.extend(2_u32.to_be_bytes());
    // One table of clusters, and one that counts their uses, each in a cluster of its own.
    header.extend(cluster.to_be_bytes());
    header.extend((2 * cluster).to_be_bytes());
    header.extend(1_u32.to_be_bytes());
    header.extend([0; 12]);
    header.resize(3 << CLUSTER_BITS, 0);
    header
}

pub(crate) fn sha256(data: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, data);
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

impl State {
    fn answer(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut lines = BufReader::new(stream.try_clone()?).lines();
        let request = lines.next().transpose()?.unwrap_or_default();
        let path = request.split(' ').nth(1).unwrap_or_default().trim_start_matches('/').to_owned();
        let mut from = 0;
        for line in lines.by_ref() {
            let line = line?.to_ascii_lowercase();
            if let Some(range) = line.strip_prefix("range: bytes=") {
                from = range.trim_end_matches('-').parse().unwrap_or(0);
            }
            if line.is_empty() {
                break;
            }
        }
        self.visits.fetch_add(1, Ordering::SeqCst);
        let (manner, name) = path.rsplit_once('/').unwrap_or(("", &path));
        let body = match name {
            "SHA256SUMS" => {
                let names = ["one.img", "two.img"];
                let lines = names.map(|name| format!("{} *{name}\n", sha256(&Origin::data(name))));
                lines.concat().into_bytes()
            }
            "SHA512SUMS" => b"of something else\n".to_vec(),
            name => Origin::data(name),
        };
        let length = body.len();
        match manner {
            "missing" => write!(stream, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
            "failing" => write!(stream, "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
            "qcow2" if name.contains("SUMS") || name.ends_with("CHECKSUM") => {
                write!(stream, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            }
            "qcow2" => {
                let body = qcow2();
                write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len())?;
                stream.write_all(&body)
            }
            // Without a validator nobody can know whether the rest is of the same file.
            "broken" => {
                write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n")?;
                stream.write_all(&body[..length / 2])
            }
            "flaky" if from == 0 && self.is_first(&path) => {
                write!(stream, "HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: {length}\r\n\r\n")?;
                stream.write_all(&body[..length / 2])
            }
            "flaky" if from > 0 => {
                let (last, rest) = (length - 1, length - from);
                write!(
                    stream,
                    "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {from}-{last}/{length}\r\nContent-Length: {rest}\r\n\r\n"
                )?;
                stream.write_all(&body[from..])
            }
            "moved" => {
                write!(stream, "HTTP/1.1 302 Found\r\nLocation: /{name}\r\nContent-Length: 0\r\n\r\n")
            }
            "stalled" => {
                write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n")?;
                stream.write_all(&body[..length / 2])?;
                // Until the other side has had enough.
                std::io::copy(&mut stream, &mut std::io::sink()).map(|_| ())
            }
            "slow" => {
                write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n")?;
                for part in body.chunks(1000) {
                    stream.write_all(part)?;
                    // The pace is the point: a test ends the run long before the end.
                    thread::sleep(Duration::from_millis(200));
                }
                Ok(())
            }
            _ => {
                write!(
                    stream,
                    "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nETag: \"1\"\r\nConnection: close\r\n\r\n"
                )?;
                stream.write_all(&body)
            }
        }
    }

    fn is_first(&self, path: &str) -> bool {
        self.broken_off.lock().expect("no test panics with it").insert(path.to_owned())
    }
}
