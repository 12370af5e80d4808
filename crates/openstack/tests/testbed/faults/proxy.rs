//! A proxy between the collector and a real cloud. It notes every call, and a script decides which answers are
//! passed on as they are.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Ports of a testbed, counted from that of keystone.
const PORTS: u16 = 1000;
/// No client is kept waiting for longer, should it have no patience of its own.
const LONGEST_SILENCE: Duration = Duration::from_mins(2);

/// A request, as the cloud gets it.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// HTTP method.
    pub(crate) method: String,
    /// Path and query behind the proxy; the first segment is the port of the service.
    pub(crate) path: String,
    /// The token it bears.
    pub(crate) token: Option<String>,
    /// Which call of its run it is.
    pub(crate) key: Key,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Call {
    /// Whether it goes to the service at this offset from the port of keystone.
    pub(crate) fn is_for(&self, service: Service, base: u16) -> bool {
        self.path.starts_with(&format!("/{}/", base + service.offset()))
    }

    /// Whether it makes something new, as opposed to getting a token.
    pub(crate) fn creates(&self) -> bool {
        self.method == "POST" && !self.path.ends_with("/auth/tokens")
    }
}

/// The services of the testbed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Service {
    Identity,
    Image,
    KeyManager,
    Network,
    Compute,
    BlockStorage,
    ObjectStore,
}

impl Service {
    pub(crate) fn offset(self) -> u16 {
        match self {
            Service::Identity => 0,
            Service::Image => 292,
            Service::KeyManager => 311,
            Service::Network => 696,
            Service::Compute => 774,
            Service::BlockStorage => 776,
            Service::ObjectStore => 888,
        }
    }

    /// The service that a path behind the proxy leads to.
    pub(crate) fn of(path: &str, base: u16) -> Self {
        let port: u16 = path.split('/').nth(1).and_then(|port| port.parse().ok()).unwrap_or(base);
        let all = [
            Service::Image,
            Service::KeyManager,
            Service::Network,
            Service::Compute,
            Service::BlockStorage,
            Service::ObjectStore,
        ];
        all.into_iter().find(|service| base + service.offset() == port).unwrap_or(Service::Identity)
    }
}

/// Tells the calls of a run apart, in the same way in every run: ids are left out, and all looks at one
/// resource are one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Key {
    /// HTTP method.
    pub(crate) method: String,
    /// The path, with a star for each id.
    pub(crate) shape: String,
    /// Which of the resources of this shape, and for calls that change something which of these calls.
    pub(crate) nth: usize,
    /// Whether it looks at something that was deleted before.
    pub(crate) going: bool,
}

/// An answer, as the cloud gave it.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// HTTP status.
    pub(crate) status: u16,
    /// Headers, without those that say how the body is sent.
    pub(crate) headers: Vec<(String, String)>,
    /// The body.
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        Answer { status, headers, body: body.to_string().into_bytes() }
    }

    pub(crate) fn value(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// Whether a client that waits for something would look again.
    pub(crate) fn is_on_its_way(&self, key: &Key) -> bool {
        if key.going {
            return self.status != 404;
        }
        let value = self.value().unwrap_or_default();
        let inner =
            value.as_object().filter(|fields| fields.len() == 1).and_then(|fields| fields.values().next());
        let status = inner.unwrap_or(&value).get("status").and_then(Value::as_str).unwrap_or_default();
        let on_its_way = [
            "creating",
            "downloading",
            "queued",
            "saving",
            "uploading",
            "backing-up",
            "restoring-backup",
            "BUILD",
        ];
        on_its_way.contains(&status)
    }
}

/// What the client gets.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// An answer.
    Answer(Answer),
    /// An answer whose body ends before its announced end.
    Torn(Answer),
    /// Nothing, for as long as it waits.
    Silence,
    /// A reset of the connection.
    Reset,
}

/// Decides what becomes of calls.
pub(crate) trait Script: Send + Sync {
    /// What the client gets without the cloud being asked; none if the cloud is to be asked.
    fn before(&self, _call: &Call) -> Option<Outcome> {
        None
    }

    /// What the client gets after the cloud has answered.
    fn after(&self, _call: &Call, answer: Answer) -> Outcome {
        Outcome::Answer(answer)
    }
}

/// A call that was made.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// Which.
    pub(crate) key: Key,
    /// What the cloud said; none if it was not asked.
    pub(crate) status: Option<u16>,
    /// Whether a client that waits for something would look again.
    pub(crate) is_on_its_way: bool,
}

/// What was noted of the calls so far.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// The calls, in the order of their answers.
    pub(crate) calls: Vec<Seen>,
    /// The marks in what was to be created: `assay-` and a run id.
    pub(crate) marks: BTreeSet<String>,
    /// Ids that the cloud gave to what was created.
    given: HashSet<String>,
    /// Deletions of what the cloud had not said was created here.
    pub(crate) foreign: Vec<String>,
    deleted: HashSet<String>,
    resources: HashMap<(String, String), Vec<String>>,
    changes: HashMap<(String, String), usize>,
}

struct Inner {
    port: u16,
    /// Where the object store is, through the proxy: requests of S3 are signed with their host and path, so these
    /// must lead to it as they are.
    store_port: u16,
    base: u16,
    is_plain: AtomicBool,
    client: reqwest::Client,
    script: Arc<dyn Script>,
    notes: Mutex<Notes>,
}

/// A proxy that listens until it is dropped.
pub(crate) struct Proxy {
    inner: Arc<Inner>,
    tasks: [JoinHandle<()>; 2],
}

impl Drop for Proxy {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Proxy {
    /// Listens in front of the testbed whose keystone has the port `base`.
    pub(crate) async fn start(base: u16, script: Arc<dyn Script>) -> Self {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(LONGEST_SILENCE)
            .no_gzip()
            .build()
            .unwrap();
        let services = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let store = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let inner = Arc::new(Inner {
            port: services.local_addr().unwrap().port(),
            store_port: store.local_addr().unwrap().port(),
            base,
            is_plain: AtomicBool::new(false),
            client,
            script,
            notes: Mutex::default(),
        });
        let prefix = format!("/{}", base + Service::ObjectStore.offset());
        let tasks = [
            tokio::spawn(Arc::clone(&inner).listen(services, String::new())),
            tokio::spawn(Arc::clone(&inner).listen(store, prefix)),
        ];
        Proxy { inner, tasks }
    }

    /// Passes everything on as it is from now on.
    pub(crate) fn be_plain(&self) {
        self.inner.is_plain.store(true, Ordering::SeqCst);
    }

    /// Where keystone is, through the proxy.
    pub(crate) fn auth_url(&self) -> String {
        format!("http://127.0.0.1:{}/{}/v3", self.inner.port, self.inner.base)
    }

    /// Looks at the notes.
    pub(crate) fn notes<T>(&self, look: impl FnOnce(&Notes) -> T) -> T {
        look(&self.inner.notes())
    }
}

impl Inner {
    fn notes(&self) -> std::sync::MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Serves all who come. What they ask for lies below the prefix.
    async fn listen(self: Arc<Self>, listener: TcpListener, prefix: String) {
        while let Ok((stream, _)) = listener.accept().await {
            let (inner, prefix) = (Arc::clone(&self), prefix.clone());
            // A client that goes away in the middle is no concern of ours.
            tokio::spawn(async move { inner.serve(stream, &prefix).await.ok() });
        }
    }

    async fn serve(&self, mut stream: TcpStream, prefix: &str) -> io::Result<()> {
        let mut buffer = Vec::new();
        while let Some(call) = self.read(&mut stream, &mut buffer, prefix).await? {
            match self.outcome(&call).await {
                Outcome::Answer(answer) => {
                    let length = answer.body.len();
                    write(&mut stream, &call, &answer, length).await?;
                }
                Outcome::Torn(answer) => {
                    let length = answer.body.len() + 1000;
                    write(&mut stream, &call, &answer, length).await?;
                    return Ok(());
                }
                Outcome::Silence => {
                    let gone =
                        async { while stream.read(&mut [0; 1024]).await.is_ok_and(|read| read > 0) {} };
                    let _ = tokio::time::timeout(LONGEST_SILENCE, gone).await;
                    return Ok(());
                }
                Outcome::Reset => return stream.set_zero_linger(),
            }
        }
        Ok(())
    }

    /// The next request on a connection; none at its end.
    async fn read(
        &self,
        stream: &mut TcpStream,
        buffer: &mut Vec<u8>,
        prefix: &str,
    ) -> io::Result<Option<Call>> {
        let end = loop {
            if let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            if stream.read_buf(buffer).await? == 0 {
                return Ok(None);
            }
        };
        let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
        let mut lines = head.lines();
        let mut request = lines.next().unwrap_or_default().split(' ');
        let (method, path) = (request.next().unwrap_or_default(), request.next().unwrap_or_default());
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let header = |name: &str| headers.iter().find(|(is, _)| is == name).map(|(_, value)| value.clone());
        let length: usize = header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        while buffer.len() < end + length {
            if stream.read_buf(buffer).await? == 0 {
                return Ok(None);
            }
        }
        let rest = buffer.split_off(end + length);
        let body = std::mem::replace(buffer, rest).split_off(end);
        let token = header("x-auth-token");
        let path = format!("{prefix}{path}");
        let key = self.note_request(method, &path, &body);
        Ok(Some(Call { method: method.to_owned(), path, token, key, headers, body }))
    }

    fn note_request(&self, method: &str, path: &str, body: &[u8]) -> Key {
        let is_stored = Service::of(path, self.base) == Service::ObjectStore;
        let shape = if is_stored { shape_of_stored(path) } else { shape(path) };
        let mut notes = self.notes();
        if !path.contains("/auth/tokens") {
            notes.marks.extend(marks(&String::from_utf8_lossy(body)));
        }
        if is_stored && method == "PUT" {
            notes.marks.extend(marks(path));
        }
        let place = (method.to_owned(), shape.clone());
        let changes = !matches!(method, "GET" | "HEAD");
        let nth = if changes {
            let count = notes.changes.entry(place).or_default();
            *count += 1;
            *count - 1
        } else {
            let resources = notes.resources.entry(place).or_default();
            resources.iter().position(|known| known == path).unwrap_or_else(|| {
                resources.push(path.to_owned());
                resources.len() - 1
            })
        };
        if method == "DELETE" {
            let id = path.rsplit('/').next().unwrap_or_default();
            let is_ours = match is_stored {
                true => marks(path).is_subset(&notes.marks) && path.contains("assay-"),
                // Ports on a network of the run are removed with it, whoever made them; and a role is taken away
                // from a user, it is not deleted.
                false => {
                    notes.given.contains(id) || ["/ports/", "/roles/"].iter().any(|part| path.contains(part))
                }
            };
            if !is_ours {
                notes.foreign.push(format!("{method} {path}"));
            }
            notes.deleted.insert(path.to_owned());
        }
        let going = !changes && notes.deleted.contains(path);
        Key { method: method.to_owned(), shape, nth, going }
    }

    async fn outcome(&self, call: &Call) -> Outcome {
        let is_plain = self.is_plain.load(Ordering::SeqCst);
        if let Some(outcome) = self.script.before(call).filter(|_| !is_plain) {
            self.notes().calls.push(Seen { key: call.key.clone(), status: None, is_on_its_way: false });
            return outcome;
        }
        let Ok(answer) = self.forward(call).await else {
            return Outcome::Reset;
        };
        let mut notes = self.notes();
        if call.creates() && answer.status < 300 {
            notes.given.extend(ids(&String::from_utf8_lossy(&answer.body)).map(str::to_owned));
        }
        let is_on_its_way = answer.is_on_its_way(&call.key);
        notes.calls.push(Seen { key: call.key.clone(), status: Some(answer.status), is_on_its_way });
        drop(notes);
        match is_plain {
            true => Outcome::Answer(answer),
            false => self.script.after(call, answer),
        }
    }

    async fn forward(&self, call: &Call) -> Result<Answer, reqwest::Error> {
        let (port, rest) = call.path[1..].split_once('/').unwrap_or_default();
        let method = reqwest::Method::from_bytes(call.method.as_bytes()).unwrap();
        let mut request = self.client.request(method, format!("http://127.0.0.1:{port}/{rest}"));
        let is_stored = Service::of(&call.path, self.base) == Service::ObjectStore;
        for (name, value) in &call.headers {
            let is_passed_on = match name.as_str() {
                // These are signed.
                "host" | "content-length" => is_stored,
                "connection" | "accept-encoding" => false,
                _ => true,
            };
            if is_passed_on {
                request = request.header(name, value);
            }
        }
        let response = request.body(call.body.clone()).send().await?;
        let status = response.status().as_u16();
        let headers = response
            .headers()
            .iter()
            .filter(|(name, _)| match name.as_str() {
                "connection" | "transfer-encoding" => false,
                // How long the body would be.
                "content-length" => call.method == "HEAD",
                _ => true,
            })
            .map(|(name, value)| {
                (name.to_string(), self.led_here(&String::from_utf8_lossy(value.as_bytes())))
            })
            .collect();
        let body = response.bytes().await?;
        let body = match std::str::from_utf8(&body) {
            Ok(text) => self.led_here(text).into_bytes(),
            Err(_) => body.to_vec(),
        };
        Ok(Answer { status, headers, body })
    }

    /// Links to services, replaced by links through the proxy.
    fn led_here(&self, text: &str) -> String {
        const HOST: &str = "127.0.0.1:";
        let mut parts = text.split(HOST);
        let mut led = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let digits = part.bytes().take_while(u8::is_ascii_digit).count();
            let port: u16 = part[..digits].parse().unwrap_or(0);
            led.push_str(HOST);
            if port == self.base + Service::ObjectStore.offset() {
                led += &self.store_port.to_string();
                led.push_str(&part[digits..]);
                continue;
            }
            if (self.base..self.base.saturating_add(PORTS)).contains(&port) {
                led = led + &self.port.to_string() + "/";
            }
            led.push_str(part);
        }
        led
    }
}

async fn write(stream: &mut TcpStream, call: &Call, answer: &Answer, length: usize) -> io::Result<()> {
    let mut lines = vec![format!("HTTP/1.1 {} Said", answer.status)];
    lines.extend(answer.headers.iter().map(|(name, value)| format!("{name}: {value}")));
    // An answer without a body says so by its status, and that to HEAD has none.
    let is_head = call.method == "HEAD";
    if !matches!(answer.status, 204 | 304) && !is_head {
        lines.push(format!("content-length: {length}"));
    }
    let text = lines.join("\r\n") + "\r\n\r\n";
    let mut bytes = text.into_bytes();
    if !is_head {
        bytes.extend_from_slice(&answer.body);
    }
    stream.write_all(&bytes).await?;
    stream.flush().await
}

/// A path with a star for each id.
fn shape(path: &str) -> String {
    let mut shape = path.to_owned();
    let found: Vec<String> = ids(path).map(str::to_owned).collect();
    for id in found {
        shape = shape.replace(&id, "*");
    }
    for mark in marks(path) {
        shape = shape.replace(&mark, "assay-*");
    }
    shape
}

/// The path of an object without the mark of its run, and its query without values that differ from run to run.
fn shape_of_stored(path: &str) -> String {
    const TELLING: [&str; 4] = ["x-id", "list-type", "partNumber", "max-keys"];
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut fields: Vec<&str> = query
        .split('&')
        .filter(|field| !field.is_empty())
        .map(|field| match field.split_once('=') {
            Some((name, value)) if !value.is_empty() && !TELLING.contains(&name) => name,
            _ => field,
        })
        .collect();
    fields.sort_unstable();
    format!("{}?{}", shape(path), fields.join("&"))
}

/// The ids in a text: UUIDs with and without dashes, and hashes.
fn ids(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_ascii_hexdigit() || c == '-')).filter(|word| {
        let digits = word.bytes().filter(u8::is_ascii_hexdigit).count();
        matches!((word.len(), digits), (32 | 36, 32) | (64, 64))
    })
}

/// The marks of runs in a text.
fn marks(text: &str) -> BTreeSet<String> {
    const PREFIX: &str = "assay-";
    text.match_indices(PREFIX)
        .filter_map(|(at, _)| {
            let digits = text.get(at + PREFIX.len()..at + PREFIX.len() + 8)?;
            digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| format!("{PREFIX}{digits}"))
        })
        .collect()
}

#[test]
fn calls_are_told_apart_without_ids() {
    let id = "9778175f-0dcb-4a4a-a666-eef3394b551f";
    let project = "317b2d99735843379abb3710f7e308ca";
    assert_eq!(shape(&format!("/15776/v3/{project}/volumes/{id}/action")), "/15776/v3/*/volumes/*/action");
    assert_eq!(shape("/15292/v2/images?name=assay-0123abcd-image"), "/15292/v2/images?name=assay-*-image");
    assert_eq!(marks("assay-0123abcd-volume, assay-notes"), BTreeSet::from(["assay-0123abcd".to_owned()]));
    let path = "/15888/assay-0123abcd-s3-main/part?uploadId=NjM2&partNumber=2&x-id=UploadPart&acl=";
    let shape = "/15888/assay-*-s3-main/part?acl=&partNumber=2&uploadId&x-id=UploadPart";
    assert_eq!(shape_of_stored(path), shape);
}
