//! The monitor under load: how many signed reports it takes in per second, and how long its pages take then.
//!
//! It runs the program itself, on an empty database, and talks to it over HTTP as today's clients do.
//!
//! | variable | default | meaning |
//! |---|---|---|
//! | `ASSAY_BENCH_ROWS` | 20000 | results to hand in, 54 in each report of 20 KiB, about 500 subjects |
//! | `ASSAY_BENCH_DATABASE` | SQLite in a folder of its own | an empty database of PostgreSQL |
//! | `ASSAY_BENCH_SECONDS` | 5 | how long each page is asked for, 200 times a second |
#![expect(clippy::print_stdout, reason = "a table for whoever runs it")]

use std::collections::VecDeque;
use std::env;
use std::error::Error;
use std::fs;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use assay_standards::scope::Spec;
use aws_lc_rs::digest::{SHA512, digest};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use reqwest::Client;
use uuid::Uuid;

type Outcome<T> = Result<T, Box<dyn Error>>;

const SUBJECTS: usize = 500;
const RESULTS: usize = 54;
const CLIENTS: usize = 16;
/// A report with its logs, in bytes.
const SIZE: usize = 20 << 10;
const RATE: u32 = 200;
/// The bcrypt hash of `example`, which costs next to nothing.
const HASH: &str = "$2b$04$KuGFTKGzuWrwZnpEPyx4BOL1H04pogeLBC3uEl4umyOovLY7ulwn.";

/// A number from the environment.
fn number(name: &str, default: usize) -> usize {
    env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// What is encoded as SSH does: its length, then itself.
fn string(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    [&length.to_be_bytes(), bytes].concat()
}

struct Key(Ed25519KeyPair);

impl Key {
    fn new() -> Outcome<Self> {
        Ok(Self(Ed25519KeyPair::generate()?))
    }

    fn public(&self) -> Vec<u8> {
        [string(b"ssh-ed25519"), string(self.0.public_key().as_ref())].concat()
    }

    /// As `ssh-keygen -Y sign -n report`.
    fn sign(&self, payload: &str) -> String {
        let hash = digest(&SHA512, payload.as_bytes());
        let to_sign =
            [b"SSHSIG".to_vec(), string(b"report"), string(b""), string(b"sha512"), string(hash.as_ref())]
                .concat();
        let signature = [string(b"ssh-ed25519"), string(self.0.sign(&to_sign).as_ref())].concat();
        let blob = [
            b"SSHSIG\x00\x00\x00\x01".to_vec(),
            string(&self.public()),
            string(b"report"),
            string(b""),
            string(b"sha512"),
            string(&signature),
        ]
        .concat();
        let encoded = STANDARD.encode(blob);
        let lines: Vec<&str> =
            encoded.as_bytes().chunks(70).filter_map(|line| str::from_utf8(line).ok()).collect();
        format!("-----BEGIN SSH SIGNATURE-----\n{}\n-----END SSH SIGNATURE-----\n", lines.join("\n"))
    }
}

/// The reports that are handed in, one after the other over the last year.
struct Reports {
    spec: &'static Spec,
    testcases: Vec<&'static str>,
    key: Key,
    begin: Timestamp,
    step: SignedDuration,
}

impl Reports {
    /// One of them as it is sent; of fifty results one is a FAIL, now and then of another testcase.
    fn body(&self, number: usize) -> String {
        let subject = number % SUBJECTS;
        let at = self.begin + self.step * i32::try_from(number).unwrap_or(i32::MAX);
        let failing = (subject + number / SUBJECTS / 10) % (RESULTS * 2);
        let results: String = (0..RESULTS)
            .map(|place| {
                format!("        {}: {}\n", self.testcases[place], if place == failing { -1 } else { 1 })
            })
            .collect();
        let mut payload = format!(
            "---
spec: {{uuid: {}, name: {}, url: https://example.com}}
checked_at: {}
reference_date: 2026-11-22
subject: subject-{subject:03}
run:
  uuid: {}
  argv: [-s, subject]
  assignment: {{os_cloud: subject}}
  sections: null
  forced_version: null
  forced_tests: null
  invocations:
    one:
      id: one
      cmd: ./iaas/openstack_test.py -c subject
      results:
{results}      rc: 0
      stdout: []
      stderr:
",
            self.spec.uuid,
            self.spec.name,
            at.strftime("%F %T.%6f"),
            Uuid::new_v4(),
        );
        let mut line = 0;
        while payload.len() < SIZE {
            let text =
                format!("'DEBUG: keystoneauth.session: RESP: [200] line {line} of a log that goes on'");
            payload.extend(["      - ", &text, "\n"]);
            line += 1;
        }
        format!("{}&{payload}", self.key.sign(&payload))
    }
}

/// The program at work.
struct Monitor {
    child: Child,
    url: String,
}

impl Monitor {
    async fn start(folder: &std::path::Path, accounts: &str, client: &Client) -> Outcome<Self> {
        let file = folder.join("accounts.yaml");
        fs::write(&file, accounts)?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
        command
            .args(["monitor", "serve", "--listen", &format!("127.0.0.1:{port}"), "--uploads", "0"])
            .arg("--bootstrap")
            .arg(&file);
        match env::var("ASSAY_BENCH_DATABASE") {
            Ok(url) => command.args(["--database", &url]),
            Err(_) => command.arg("--data").arg(folder),
        };
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let monitor = Self { child, url: format!("http://127.0.0.1:{port}") };
        let health = format!("{}/healthz", monitor.url);
        let begun = Instant::now();
        while client.get(&health).send().await.is_err() {
            assert!(begun.elapsed() < Duration::from_secs(30), "the monitor does not come up");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(monitor)
    }

    /// The most memory it ever had, in MiB.
    fn memory(&self) -> Outcome<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? / 1024)
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What so many per mille of the times are not longer than, in milliseconds.
fn percentile(times: &mut [Duration], mille: usize) -> f64 {
    times.sort_unstable();
    let place = times.len() * mille / 1000;
    times.get(place.min(times.len().saturating_sub(1))).map_or(0.0, |time| time.as_secs_f64() * 1e3)
}

/// Hands reports in; how many per second, and how long each took.
async fn hand_in(
    client: &Client,
    url: &str,
    reports: &Arc<Reports>,
    range: std::ops::Range<usize>,
) -> Outcome<(f64, Vec<Duration>)> {
    let queue: Arc<Mutex<VecDeque<usize>>> = Arc::new(Mutex::new(range.clone().collect()));
    let begun = Instant::now();
    let mut tasks = Vec::new();
    for _ in 0..CLIENTS {
        let (queue, reports, client) = (Arc::clone(&queue), Arc::clone(reports), client.clone());
        let url = format!("{url}/reports");
        tasks.push(tokio::spawn(async move {
            let mut times = Vec::new();
            loop {
                let Some(number) = queue.lock().ok().and_then(|mut queue| queue.pop_front()) else {
                    return Ok(times);
                };
                let body = reports.body(number);
                let begun = Instant::now();
                let request = client.post(&url).basic_auth("ci", Some("example"));
                let request = request.header("content-type", "application/x-signed-yaml").body(body);
                let response = request.send().await.map_err(|error| error.to_string())?;
                let status = response.status();
                let said = response.text().await.map_err(|error| error.to_string())?;
                if !status.is_success() {
                    return Err(format!("{status}: {said}"));
                }
                times.push(begun.elapsed());
            }
        }));
    }
    let mut times = Vec::new();
    for task in tasks {
        times.extend(task.await??);
    }
    Ok((f64::from(u32::try_from(range.len())?) / begun.elapsed().as_secs_f64(), times))
}

/// Asks for a page at a steady pace, whether it keeps up or not.
async fn ask(client: &Client, url: String, seconds: usize) -> Outcome<Vec<Duration>> {
    let begun = tokio::time::Instant::now();
    let count = u32::try_from(seconds)? * RATE;
    let mut tasks = Vec::new();
    for number in 0..count {
        let due = begun + Duration::from_secs(1) / RATE * number;
        tokio::time::sleep_until(due).await;
        let (client, url) = (client.clone(), url.clone());
        tasks.push(tokio::spawn(async move {
            let response = client.get(url).send().await.map_err(|error| error.to_string())?;
            let status = response.status();
            response.bytes().await.map_err(|error| error.to_string())?;
            if status.is_success() { Ok(due.elapsed()) } else { Err(status.to_string()) }
        }));
    }
    let mut times = Vec::new();
    for task in tasks {
        times.push(task.await??);
    }
    Ok(times)
}

async fn run() -> Outcome<()> {
    let count = number("ASSAY_BENCH_ROWS", 20_000).div_ceil(RESULTS);
    let seconds = number("ASSAY_BENCH_SECONDS", 5);
    let client = Client::builder().pool_max_idle_per_host(64).build()?;
    let folder = tempfile::tempdir()?;
    let key = Key::new()?;
    let spec = Spec::embedded_iaas();
    let subjects: String = (0..SUBJECTS)
        .map(|subject| format!("- {{subject: subject-{subject:03}, delegates: [ci]}}\n"))
        .collect();
    let accounts = format!(
        "accounts:
- subject: ci
  roles: [append_any]
  api_keys: ['{HASH}']
  keys: [{{public_key: {}, public_key_type: ssh-ed25519, public_key_name: primary}}]
{subjects}",
        STANDARD.encode(key.public())
    );
    let year = SignedDuration::from_hours(365 * 24);
    let reports = Arc::new(Reports {
        spec,
        testcases: spec.testcases().iter().map(|testcase| testcase.id.as_str()).collect(),
        key,
        begin: Timestamp::now() - year,
        step: year / i32::try_from(count)?,
    });
    let monitor = Monitor::start(folder.path(), &accounts, &client).await?;
    println!(
        "{} results in {count} reports of {SIZE} bytes, {SUBJECTS} subjects, {CLIENTS} clients",
        count * RESULTS
    );
    let split = count - count / 10;
    for (what, range) in [("the first nine tenths", 0..split), ("the last tenth", split..count)] {
        let (rate, mut times) = hand_in(&client, &monitor.url, &reports, range).await?;
        let [median, worst] = [500, 990].map(|mille| percentile(&mut times, mille));
        println!("handing in, {what}: {rate:.0}/s, median {median:.1} ms, p99 {worst:.1} ms");
    }
    // The newest of them: its testcases have the most results.
    let version = spec.versions.iter().filter(|version| version.stabilized_at.is_some());
    let version = version.max_by_key(|version| version.stabilized_at).ok_or("no version is stable")?;
    let testcase = format!("/page/testcase/{}", reports.testcases[0]);
    let matrix = format!("/page/matrix/scs-compatible-iaas/{}", version.name);
    for path in [
        "/page/table",
        "/page/table?q=subject-1&state=passing&sort=newest",
        "/page/table?q=99&state=failing",
        testcase.as_str(),
        matrix.as_str(),
        "/page/subject/subject-001",
        "/page/detail/subject-001/scs-compatible-iaas",
        "/api/v1/scores",
        "/page/subject/subject-001?days=550",
        "/healthz",
    ] {
        let mut times = ask(&client, format!("{}{path}", monitor.url), seconds).await?;
        let [median, worst] = [500, 990].map(|mille| percentile(&mut times, mille));
        println!("GET {path}: median {median:.1} ms, p99 {worst:.1} ms at {RATE}/s");
    }
    println!("memory: {} MiB at most", monitor.memory()?);
    Ok(())
}

fn main() -> Outcome<()> {
    // `cargo test --benches` only wants to know that it runs.
    if env::args().any(|argument| argument == "--test") {
        return Ok(());
    }
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?.block_on(run())
}
