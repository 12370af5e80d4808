use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use assay_monitor::{Bootstrap, Clock, Monitor, Scopes, Settings, Store};
use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Client, RequestBuilder};
use serde_json::Value;
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _, Row as _};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::documented::is_documented;

pub(crate) const IAAS: &str = "50393e6f-2ae1-4c5c-a62c-3b75f2abef3f";
pub(crate) const KAAS: &str = "1fffebe6-fd4b-44d3-a36c-fc58b4bb0180";
/// Costs next to nothing to check, unlike those of production.
pub(crate) const HASH: &str = "$2b$04$KuGFTKGzuWrwZnpEPyx4BOL1H04pogeLBC3uEl4umyOovLY7ulwn.";
/// What it is the hash of.
pub(crate) const PASSWORD: &str = "example";

/// A monitor that runs, with a clock that can be set.
pub(crate) struct Ground {
    pub(crate) monitor: Arc<Monitor>,
    pub(crate) store: Store,
    /// What its log is signed with.
    pub(crate) key: String,
    /// The address of its database.
    pub(crate) database: String,
    pub(crate) address: SocketAddr,
    pub(crate) folder: TempDir,
    pub(crate) ci: Key,
    pub(crate) own: Key,
    now: Arc<Mutex<Timestamp>>,
    client: Client,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl Ground {
    pub(crate) async fn on(store: Store, database: String, folder: TempDir) -> Self {
        let now = Arc::new(Mutex::new("2026-11-22T12:00:00Z".parse().unwrap()));
        let clock = Clock::of({
            let now = Arc::clone(&now);
            move || *now.lock().unwrap()
        });
        let key = assay_transparency::Signer::generate().unwrap();
        let monitor =
            Monitor::open(store.clone(), Scopes::embedded(), clock, Settings::default(), &key).await.unwrap();
        let monitor = Arc::new(monitor);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = serving(&monitor, listener, stopped);
        let (ci, own) = (Key::new(folder.path(), "ci"), Key::new(folder.path(), "own"));
        let client = Client::new();
        let ground =
            Self { monitor, store, key, database, address, folder, ci, own, now, client, stop, serving };
        ground.take_accounts(&ground.accounts()).await;
        ground
    }

    /// The accounts at the beginning: the delegate before those who trust it, and behind.
    pub(crate) fn accounts(&self) -> String {
        let key = |key: &Key| {
            let line = fs::read_to_string(key.path.with_extension("pub")).unwrap();
            let words: Vec<&str> = line.split_whitespace().collect();
            format!("[{{public_key: {}, public_key_type: {}, public_key_name: primary}}]", words[1], words[0])
        };
        format!(
            "accounts:
- {{subject: cloud-a, group: both, delegates: [ci]}}
- {{subject: ci, roles: [append_any], api_keys: ['{HASH}'], keys: {ci}}}
- {{subject: cloud-b, group: both, delegates: [ci], api_keys: ['{HASH}'], keys: {own}}}
- {{subject: cloud-c}}
- {{subject: reader, roles: [read_any], api_keys: ['{HASH}']}}
- {{subject: approver, roles: [approve], api_keys: ['{HASH}']}}
- {{subject: assessor, roles: [read_any, approve, admin], api_keys: ['{HASH}']}}
",
            ci = key(&self.ci),
            own = key(&self.own),
        )
    }

    /// Another instance on the same database, beside this one, with connections of its own.
    pub(crate) async fn beside(&self, settings: Settings) -> Beside {
        let now = Arc::clone(&self.now);
        self.beside_at(Clock::of(move || *now.lock().unwrap()), settings).await
    }

    /// The same, with a clock of its own.
    pub(crate) async fn beside_at(&self, clock: Clock, settings: Settings) -> Beside {
        let store = Store::open(&self.database).await.unwrap();
        let monitor = Monitor::open(store, Scopes::embedded(), clock, settings, &self.key).await.unwrap();
        let monitor = Arc::new(monitor);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = Arc::clone(&monitor).serve(listener, std::future::pending());
        let serving = tokio::spawn(async { serving.await.unwrap() });
        Beside { monitor, address, serving }
    }

    /// Another instance on the same database takes the place of the one before, at its address.
    pub(crate) async fn restart(&mut self, settings: Settings) {
        let address = self.address;
        drop(std::mem::replace(&mut self.stop, oneshot::channel().0));
        (&mut self.serving).await.unwrap();
        let now = Arc::clone(&self.now);
        let clock = Clock::of(move || *now.lock().unwrap());
        let monitor =
            Monitor::open(self.store.clone(), Scopes::embedded(), clock, settings, &self.key).await.unwrap();
        self.monitor = Arc::new(monitor);
        let listener = TcpListener::bind(address).await.unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        self.stop = stop;
        self.serving = serving(&self.monitor, listener, stopped);
    }

    pub(crate) async fn take_accounts(&self, text: &str) {
        self.monitor.take_accounts(&Bootstrap::read("accounts", text).unwrap()).await.unwrap();
    }

    pub(crate) fn set_clock(&self, now: &str) {
        *self.now.lock().unwrap() = now.parse().unwrap();
    }

    /// Does to the database what nobody should.
    pub(crate) async fn tamper(&self, statement: &'static str) {
        self.tamper_with(statement).await;
    }

    /// The same, with what a story found out.
    pub(crate) async fn tamper_with(&self, statement: &str) {
        let mut connection = AnyConnection::connect(&self.database).await.unwrap();
        connection.execute(AssertSqlSafe(statement.to_owned())).await.unwrap();
    }

    /// A number in the database.
    pub(crate) async fn number(&self, select: &'static str) -> i64 {
        let mut connection = AnyConnection::connect(&self.database).await.unwrap();
        sqlx::query(select).fetch_one(&mut connection).await.unwrap().get(0)
    }

    /// Somebody else writes, and does not come to an end before this is closed.
    pub(crate) async fn occupied(&self) -> AnyConnection {
        let mut connection = AnyConnection::connect(&self.database).await.unwrap();
        let statement = match self.is_postgres() {
            true => "SELECT pg_advisory_lock(7305813174)",
            false => "BEGIN IMMEDIATE",
        };
        connection.execute(statement).await.unwrap();
        connection
    }

    /// Whether a server keeps the database.
    pub(crate) fn is_postgres(&self) -> bool {
        self.database.starts_with("postgres")
    }

    /// The server of the database lets nobody in any more, or does again; who is in is thrown out.
    pub(crate) async fn let_in(&self, is_open: bool) {
        let (server, name) = self.database.rsplit_once('/').unwrap();
        let mut connection = AnyConnection::connect(&format!("{server}/postgres")).await.unwrap();
        let alter = format!("ALTER DATABASE {name} ALLOW_CONNECTIONS {is_open}");
        connection.execute(AssertSqlSafe(alter)).await.unwrap();
        let end = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
        connection.execute(AssertSqlSafe(end)).await.unwrap();
    }

    /// Takes everything away.
    pub(crate) async fn empty(&self) {
        for table in [
            "told",
            "outbox",
            "finding",
            "certificate",
            "integrator_reference",
            "application_move",
            "application",
        ] {
            self.tamper_with(&format!("DELETE FROM {table}")).await;
        }
        for table in
            ["let_go", "log_key", "log_tile", "log_entry", "score", "spell", "standing", "result", "report"]
        {
            self.tamper_with(&format!("DELETE FROM {table}")).await;
        }
        self.tamper("DELETE FROM submission").await;
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(self.url(path))
    }

    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(self.url(path))
    }

    /// Hands reports in, signed with a key.
    pub(crate) async fn hand_in(&self, account: &str, key: &Key, payload: &str) -> Answer {
        let body = format!("{}&{payload}", key.sign("report", payload));
        self.hand_in_at(self.address, account, body).await
    }

    /// Hands in what was signed, at one instance or another.
    pub(crate) async fn hand_in_at(&self, address: SocketAddr, account: &str, body: String) -> Answer {
        let request = self.client.post(format!("http://{address}/reports"));
        let request = request.header("content-type", "application/x-signed-yaml");
        Answer::of(request.basic_auth(account, Some(PASSWORD)).body(body)).await
    }

    /// What comes of sending JSON.
    pub(crate) async fn send(&self, account: Option<&str>, path: &str, body: &Value) -> Answer {
        let request = self.post(path).header("content-type", "application/json").body(body.to_string());
        let request = match account {
            Some(account) => request.basic_auth(account, Some(PASSWORD)),
            None => request,
        };
        Answer::of(request).await
    }

    /// What everybody gets, at one instance or another.
    pub(crate) async fn read_at(&self, address: SocketAddr, path: &str) -> Answer {
        Answer::of(self.client.get(format!("http://{address}{path}"))).await
    }

    /// What somebody gets.
    pub(crate) async fn read(&self, account: Option<&str>, path: &str) -> Answer {
        let request = self.get(path);
        let request = match account {
            Some(account) => request.basic_auth(account, Some(PASSWORD)),
            None => request,
        };
        Answer::of(request).await
    }
}

/// Another instance.
pub(crate) struct Beside {
    pub(crate) monitor: Arc<Monitor>,
    pub(crate) address: SocketAddr,
    pub(crate) serving: JoinHandle<()>,
}

impl Drop for Ground {
    /// A server keeps nothing of a story that is over.
    fn drop(&mut self) {
        if !self.is_postgres() {
            return;
        }
        let database = self.database.clone();
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let (server, name) = database.rsplit_once('/').unwrap();
                let mut connection = AnyConnection::connect(&format!("{server}/postgres")).await.unwrap();
                let drop = AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"));
                connection.execute(drop).await.unwrap();
            });
        });
        // A story that failed says why by itself.
        let _ = dropped.join();
    }
}

/// Serves until it is told to end, or whoever would tell it is gone.
fn serving(monitor: &Arc<Monitor>, listener: TcpListener, stopped: oneshot::Receiver<()>) -> JoinHandle<()> {
    let serving = Arc::clone(monitor).serve(listener, async {
        let _ = stopped.await;
    });
    tokio::spawn(async { serving.await.unwrap() })
}

/// What the monitor said.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) async fn of(request: RequestBuilder) -> Self {
        let (client, request) = request.build_split();
        let request = request.unwrap();
        let (method, url) = (request.method().clone(), request.url().clone());
        let response = client.execute(request).await.unwrap();
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let kind = headers.get(CONTENT_TYPE).map(|kind| kind.to_str().unwrap().to_owned());
        let is_direct = *response.url() == url;
        let text = response.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        if is_direct {
            is_documented(method.as_str(), url.path(), (status, kind.as_deref()), &body);
        }
        Self { status, headers, body }
    }

    /// Status and reason.
    pub(crate) fn refusal(&self) -> (u16, &str) {
        (self.status, self.body["detail"].as_str().unwrap_or("no detail"))
    }
}

/// A key to sign with, made and used by `ssh-keygen`.
pub(crate) struct Key {
    pub(crate) path: std::path::PathBuf,
}

impl Key {
    pub(crate) fn new(folder: &Path, name: &str) -> Self {
        let path = folder.join(name);
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-f"])
            .arg(&path)
            .status()
            .unwrap();
        assert!(made.success());
        Self { path }
    }

    pub(crate) fn sign(&self, namespace: &str, payload: &str) -> String {
        let file = self.path.with_extension(format!("{}.yaml", Uuid::new_v4()));
        fs::write(&file, payload).unwrap();
        let signed = Command::new("ssh-keygen")
            .args(["-q", "-Y", "sign", "-n", namespace, "-f"])
            .args([&self.path, &file])
            .output()
            .unwrap();
        assert!(signed.status.success(), "{}", String::from_utf8_lossy(&signed.stderr));
        fs::read_to_string(format!("{}.sig", file.display())).unwrap()
    }
}

/// A report as the reference checker writes it.
#[derive(Clone, Debug)]
pub(crate) struct Report<'r> {
    pub(crate) uuid: Uuid,
    pub(crate) scope: &'r str,
    pub(crate) subject: &'r str,
    pub(crate) checked_at: &'r str,
    pub(crate) results: Vec<(&'r str, i8)>,
}

impl<'r> Report<'r> {
    /// Of a Kubernetes cluster.
    pub(crate) fn new(subject: &'r str, checked_at: &'r str, results: &[(&'r str, i8)]) -> Self {
        Self { uuid: Uuid::new_v4(), scope: KAAS, subject, checked_at, results: results.to_vec() }
    }

    pub(crate) fn yaml(&self) -> String {
        let Self { uuid, scope, subject, checked_at, results } = self;
        let results: String = results.iter().map(|(id, code)| format!("        {id}: {code}\n")).collect();
        format!(
            "---
spec: {{uuid: {scope}, name: a scope, url: https://example.com}}
checked_at: {checked_at}
reference_date: 2026-11-22
subject: {subject}
run:
  uuid: {uuid}
  argv: [-s, {subject}]
  assignment: {{}}
  sections: null
  forced_version: null
  forced_tests: null
  invocations:
    one:
      id: one
      cmd: check
      results:
{results}      rc: 0
      stdout: []
      stderr: ['WARNING: look <b>here</b>']
"
        )
    }
}

/// The addresses of the desk, as its source has them, with whether they show and whether they take something.
pub(crate) fn routes() -> BTreeSet<(&'static str, bool, bool)> {
    const SOURCE: &str = include_str!("../../src/web/desk.rs");
    let routes = SOURCE.split(".route(").skip(1).map(|route| {
        let handlers = route.split('\n').next().unwrap();
        (route.split('"').nth(1).unwrap(), handlers.contains("get("), handlers.contains("post("))
    });
    routes.collect()
}
