//! A fleet that hands reports in to a monitor as fast as it can, and knows what it was told.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use futures::future::join_all;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

/// The hash of `example`, which costs next to nothing to check.
const HASH: &str = "$2b$04$KuGFTKGzuWrwZnpEPyx4BOL1H04pogeLBC3uEl4umyOovLY7ulwn.";
const SCOPE: &str = "1fffebe6-fd4b-44d3-a36c-fc58b4bb0180";
const TESTCASES: [&str; 4] =
    ["cncf-k8s-conformance", "version-policy-check", "kaas-networking-check", "made-up"];

/// Chooses moments; the same seed chooses the same.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        // Knuth's MMIX generator: any spread of moments will do.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// A monitor that runs.
pub(crate) struct Served {
    pub(crate) child: Child,
    pub(crate) url: String,
}

impl Served {
    /// Whatever it is doing, it does no more.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A signed report as curl would send it.
struct Upload {
    uuid: Uuid,
    body: String,
}

/// Reports, by what became of them.
#[derive(Default)]
struct Uploads {
    /// They are still to be handed in.
    next: VecDeque<Upload>,
    /// They were said to be there.
    taken: Vec<Upload>,
    /// Nobody said anything.
    open: Vec<Upload>,
}

pub(crate) struct Fleet {
    folder: TempDir,
    /// What the program is told in any case: where the database is.
    place: Vec<String>,
    client: Client,
    uploads: Mutex<Uploads>,
}

impl Fleet {
    /// A fleet with so many reports to hand in.
    pub(crate) fn new(place: &[&str], reports: usize) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let key = folder.path().join("key");
        ssh_keygen(&["-t", "ed25519", "-N", "", "-f"], &[&key]);
        let public = fs::read_to_string(key.with_extension("pub")).expect("a key");
        let words: Vec<&str> = public.split_whitespace().collect();
        let accounts = format!(
            "accounts: [{{subject: fleet, api_keys: ['{HASH}'],
             keys: [{{public_key: {}, public_key_type: {}, public_key_name: a}}]}}]\n",
            words[1], words[0]
        );
        fs::write(folder.path().join("accounts.yaml"), accounts).expect("a file");
        let next = signed(folder.path(), &key, reports).into();
        let uploads = Mutex::new(Uploads { next, ..Uploads::default() });
        let place = place.iter().map(ToString::to_string).collect();
        Self { folder, place, client: Client::new(), uploads }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
        command.arg("monitor").args(arguments).env("ASSAY_STATE_DIR", self.folder.path());
        command.env_remove("ASSAY_DATABASE_URL");
        command
    }

    /// A monitor that is about to start.
    pub(crate) fn starting(&self) -> Command {
        let accounts = self.folder.path().join("accounts.yaml");
        let mut command = self.command(&["serve", "--listen", "127.0.0.1:0"]);
        let key = self.folder.path().join("log.pem");
        command.arg("--bootstrap").arg(accounts).arg("--key").arg(key).args(&self.place);
        command.stderr(Stdio::piped());
        command
    }

    pub(crate) fn serve(&self) -> Served {
        served(self.starting())
    }

    fn uploads(&self) -> MutexGuard<'_, Uploads> {
        self.uploads.lock().expect("nobody panicked")
    }

    /// Hands in what there is, by several at once, until nobody answers or nothing is left.
    pub(crate) async fn hand_in(&self, url: &str) {
        let one = async |_| {
            loop {
                let next = self.uploads().next.pop_front();
                let Some(upload) = next else { return };
                let answer = self.send(url, &upload).await;
                let mut uploads = self.uploads();
                match answer {
                    Some((StatusCode::OK, _)) => uploads.taken.push(upload),
                    None => return uploads.open.push(upload),
                    other => panic!("{}: {other:?}", upload.uuid),
                }
            }
        };
        join_all([0; 6].map(one)).await;
    }

    /// Hands in one more, and says what came of it.
    pub(crate) async fn hand_in_one(&self, url: &str) -> (StatusCode, Value) {
        let next = self.uploads().next.pop_front();
        let upload = next.expect("there is one more");
        let answer = self.send(url, &upload).await.expect("it answers");
        let mut uploads = self.uploads();
        match answer.0 {
            StatusCode::OK => uploads.taken.push(upload),
            _ => uploads.next.push_front(upload),
        }
        answer
    }

    /// How many are still to be handed in, were taken, and were not answered for.
    pub(crate) fn counts(&self) -> (usize, usize, usize) {
        let uploads = self.uploads();
        (uploads.next.len(), uploads.taken.len(), uploads.open.len())
    }

    async fn send(&self, url: &str, upload: &Upload) -> Option<(StatusCode, Value)> {
        let request = self.client.post(format!("{url}reports")).basic_auth("fleet", Some("example"));
        let request = request.header("content-type", "application/x-signed-yaml").body(upload.body.clone());
        let answer = request.send().await.ok()?;
        let status = answer.status();
        Some((status, serde_json::from_slice(&answer.bytes().await.ok()?).ok()?))
    }

    pub(crate) async fn get(&self, url: &str) -> (StatusCode, Value) {
        let request = self.client.get(url).basic_auth("fleet", Some("example"));
        let answer = request.send().await.expect("it answers");
        let (status, text) = (answer.status(), answer.text().await.expect("a text"));
        (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// All that was taken is there, whole, and what nobody answered for is there or not, but not in parts.
    pub(crate) async fn nothing_is_lost(&self, served: &Served) {
        let url = &served.url;
        let (taken, open) = {
            let mut uploads = self.uploads();
            (std::mem::take(&mut uploads.taken), std::mem::take(&mut uploads.open))
        };
        for Upload { uuid, .. } in &taken {
            self.is_whole(url, *uuid).await;
        }
        for upload in &open {
            let answer = self.send(url, upload).await.expect("it answers");
            assert!(matches!(answer.0, StatusCode::OK | StatusCode::CONFLICT), "{answer:?}");
            self.is_whole(url, upload.uuid).await;
        }
        let status = self.get(&format!("{url}status")).await.1;
        let results = status["fleet"][SCOPE]["results"].as_object().expect("results").len();
        assert_eq!(results, TESTCASES.len() - 1, "all that the scope knows stands");
        let count = taken.len() + open.len();
        let mut verify = self.command(&["verify"]);
        verify.args(&self.place);
        let all = format!("reports: {count}, entries of the log: {count}, all is as it was accepted\n");
        assert_eq!(said(verify), (Some(0), all));
        let (code, said) = said(self.command(&["verify-log", url]));
        assert_eq!(code, Some(0), "{said}");
    }

    /// A report is there, with all of its results, and in the log.
    async fn is_whole(&self, url: &str, uuid: Uuid) {
        let (status, report) = self.get(&format!("{url}reports/{uuid}")).await;
        assert_eq!(status, StatusCode::OK, "{uuid}");
        let results = &report["run"]["invocations"]["one"]["results"];
        let all: BTreeMap<&str, i8> = TESTCASES.iter().map(|&name| (name, 1)).collect();
        assert_eq!(*results, json!(all), "{uuid}");
        assert_eq!(self.get(&format!("{url}log/proof/{uuid}")).await.0, StatusCode::OK, "{uuid}");
    }
}

/// What a program says, and its exit code.
fn said(mut command: Command) -> (Option<i32>, String) {
    let output = command.output().expect("the program runs");
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).expect("UTF-8"))
}

/// Starts a monitor, and waits until it says where it is.
pub(crate) fn served(mut command: Command) -> Served {
    let mut child = command.spawn().expect("the program starts");
    let mut lines = BufReader::new(child.stderr.take().expect("it speaks")).lines();
    let is_it = |line: std::io::Result<String>| {
        line.expect("a line").strip_prefix("the monitor is at ").map(str::to_owned)
    };
    let url = lines.find_map(is_it).expect("it says where it is");
    // Whatever it says from here on, somebody reads it.
    std::thread::spawn(move || lines.for_each(drop));
    Served { child, url }
}

fn ssh_keygen(arguments: &[&str], files: &[&Path]) {
    let ran = Command::new("ssh-keygen").arg("-q").args(arguments).args(files).output();
    let ran = ran.expect("ssh-keygen is there");
    assert!(ran.status.success(), "{ran:?}");
}

fn signed(folder: &Path, key: &Path, reports: usize) -> Vec<Upload> {
    let results = TESTCASES.map(|name| format!("{name}: 1")).join(", ");
    let report = |uuid: Uuid| {
        format!(
            "---
spec: {{uuid: {SCOPE}, name: a scope, url: https://example.com}}
checked_at: {}
subject: fleet
run:
  uuid: {uuid}
  argv: []
  assignment: {{}}
  invocations: {{one: {{id: one, cmd: check, results: {{{results}}}, rc: 0, stdout: [], stderr: []}}}}
",
            jiff::Timestamp::now()
        )
    };
    let uuids: Vec<Uuid> = (0..reports).map(|_| Uuid::new_v4()).collect();
    let file = |uuid: &Uuid| folder.join(format!("{uuid}.yaml"));
    let files: Vec<_> = uuids.iter().map(file).collect();
    for (uuid, file) in uuids.iter().zip(&files) {
        fs::write(file, report(*uuid)).expect("a file");
    }
    let named: Vec<&Path> = files.iter().map(AsRef::as_ref).collect();
    ssh_keygen(&["-Y", "sign", "-n", "report", "-f", &key.display().to_string()], &named);
    let read = |file: &Path| fs::read_to_string(file).expect("a file");
    let upload = |(&uuid, file): (&Uuid, &std::path::PathBuf)| {
        let signature = read(&file.with_extension("yaml.sig"));
        Upload { uuid, body: format!("{signature}&{}", read(file)) }
    };
    uuids.iter().zip(&files).map(upload).collect()
}

/// Ends a monitor at one moment after the other while reports come in.
pub(crate) async fn outlives_kills(place: &[&str], seed: u64) {
    let mut dice = Dice(seed);
    let fleet = Fleet::new(place, 2000);
    for _ in 0..12 {
        let served = fleet.serve();
        let url = served.url.clone();
        let ended = async {
            // However busy the machine is, it is at work.
            let before = fleet.counts().1;
            while fleet.counts().1 == before && fleet.counts().0 > 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            tokio::time::sleep(Duration::from_millis(dice.roll(120))).await;
            served.kill();
        };
        tokio::join!(fleet.hand_in(&url), ended);
    }
    let (_, taken, open) = fleet.counts();
    assert!(taken >= 12 && open > 0, "it was killed at work");
    let served = fleet.serve();
    assert_eq!(fleet.hand_in_one(&served.url).await.0, StatusCode::OK, "it goes on");
    fleet.nothing_is_lost(&served).await;
}
