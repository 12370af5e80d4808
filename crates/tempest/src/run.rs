//! A run of Tempest, from the files that it wants to what became of its tests.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::pin::pin;
use std::process::Stdio;
use std::time::Duration;

use assay_inventory::{TempestCloud, TempestList, TempestRun, TempestSkip};
use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use tokio::io::AsyncReadExt as _;
use tokio::time::{Instant, sleep_until, timeout};

use crate::created::Record;
use crate::list::{Need, Test};
use crate::process::{Group, guarded, last_words};
use crate::subunit::Decoder;
use crate::tally::{News, Tally, idempotent_id};
use crate::workspace::Workspace;
use crate::{Accounts, Counts, Created, Ending, Installation, TempestError, TestList, conf};

/// Seconds after which a single test is given up.
const TEST_TIMEOUT: &str = "1200";
/// How long Tempest may take to list its tests.
const LISTING: Duration = Duration::from_mins(3);
/// How long Tempest may take to end once it was asked to.
const GRACE: Duration = Duration::from_secs(30);
/// Stands in the place of a password.
const REDACTED: &str = "[redacted]";

/// What is to be run.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The Tempest.
    pub installation: &'a Installation,
    /// The cloud.
    pub cloud: &'a TempestCloud,
    /// With which accounts.
    pub accounts: &'a Accounts,
    /// Whether the main account has application credentials, which some tests count.
    pub has_application_credentials: bool,
    /// The list that the run is about.
    pub list: &'a TestList,
    /// The tests of it that are to run.
    pub tests: &'a [&'a Test],
    /// What the names of all that is created begin with.
    pub mark: &'a str,
    /// How long the tests may take.
    pub limit: Duration,
    /// Where to keep log, configuration and the stream of results; nowhere if not wanted.
    pub keep: Option<&'a Path>,
}

/// What happens during a run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// So many tests will run.
    Started {
        /// How many.
        tests: usize,
    },
    /// A test has begun.
    Began {
        /// Its dotted name.
        name: String,
    },
    /// A test came to an end, or the tests of a class did.
    Ended {
        /// The dotted name of the test, or what is said of its class.
        name: String,
        /// How it ended.
        ending: Ending,
        /// Why it failed or was skipped.
        reason: String,
        /// How many have ended in which way.
        counts: Counts,
    },
    /// Something was created in the cloud. It may be gone by now.
    Created(Created),
}

/// What came out.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// What became of the tests. That nothing is left in the cloud is not looked at here.
    pub run: TempestRun,
    /// All that was created, gone or not.
    pub created: Vec<Created>,
}

/// Runs Tempest. When `stop` comes to an end, so does the run, with what it has come to until then.
///
/// Whatever happens, the accounts file is gone afterwards and no process is left.
pub async fn run(
    request: &Request<'_>,
    events: &mut (dyn FnMut(Event) + Send),
    stop: impl Future<Output = ()>,
) -> Result<Outcome, TempestError> {
    let version = request.installation.version().await?;
    // Dropped after all processes that work in it.
    let workspace = Workspace::new()?;
    let accounts_file = workspace.accounts();
    let conf = conf::render(
        request.cloud,
        conf::Setting { folder: workspace.path(), accounts: &accounts_file, mark: request.mark },
    );
    let conf_file = workspace.write("tempest.conf", &conf)?;
    workspace.write_accounts(&request.accounts.render(request.cloud.fixed_network.as_deref()))?;

    let (fit, mut skipped) = sorted_out(request);
    if fit.is_empty() {
        let reason = skipped.first().map(|skip| skip.reason.clone()).unwrap_or_default();
        return Err(TempestError::NoTests(request.tests.len(), reason));
    }
    let mut stop = pin!(stop);
    let known = tokio::select! {
        known = known_tests(request.installation, &workspace, &conf_file) => known?,
        () = &mut stop => HashMap::new(),
    };
    let started_at = Timestamp::now();
    let lines: Vec<&str> = fit.iter().filter_map(|test| known.get(&test.id).map(String::as_str)).collect();
    let list = lines.iter().map(|line| format!("{line}\n")).collect::<String>();
    let list_file = workspace.write("tests.list", &list)?;

    let mut watch = Watch {
        tally: Tally::new(fit.iter().copied()),
        record: Record::default(),
        created: Vec::new(),
        decoder: Decoder::default(),
        secrets: secrets(request.accounts),
        events,
    };
    let cut_short = if known.is_empty() {
        Some("it was interrupted".to_owned())
    } else if lines.is_empty() {
        return Err(TempestError::UnknownTests(fit.len(), request.list.checked.clone()));
    } else {
        (watch.events)(Event::Started { tests: lines.len() });
        let mut command = guarded(request.installation.program(), workspace.path());
        command.env("OS_TEST_TIMEOUT", TEST_TIMEOUT).arg("run").arg("--config-file").arg(&conf_file);
        command.arg("--load-list").arg(&list_file).args(["--concurrency", "1", "--subunit"]);
        watch.follow(request, &workspace, command, stop).await?
    };
    if let Some(target) = request.keep {
        workspace.keep(target)?;
    }

    let Watch { tally, created, secrets, .. } = watch;
    let mut tallied = tally.finish();
    for failure in &mut tallied.failed {
        failure.reason = without(&secrets, &failure.reason);
        failure.details = without(&secrets, &failure.details);
    }
    skipped.append(&mut tallied.skipped);
    skipped.sort_by(|a, b| a.name.cmp(&b.name));
    let settled: HashSet<&str> = (tallied.passed.iter().map(String::as_str))
        .chain(tallied.failed.iter().map(|failure| failure.name.as_str()))
        .chain(skipped.iter().map(|skip| skip.name.as_str()))
        .collect();
    let all: BTreeSet<&str> = request.list.tests.iter().map(|test| test.name.as_str()).collect();
    let not_run = all.iter().filter(|name| !settled.contains(*name)).map(|name| (*name).to_owned()).collect();
    let run = TempestRun {
        version,
        started_at,
        finished_at: Timestamp::now(),
        list: TempestList { name: request.list.name.clone(), count: request.list.tests.len() },
        passed: tallied.passed,
        failed: tallied.failed,
        skipped,
        not_run,
        cut_short,
        leftovers: Vec::new(),
        conf,
    };
    Ok(Outcome { run, created })
}

/// The tests that can run with these accounts, and those that cannot.
fn sorted_out<'a>(request: &Request<'a>) -> (Vec<&'a Test>, Vec<TempestSkip>) {
    let mut skipped = Vec::new();
    let unfit = |test: &Test| match test.needs? {
        Need::SecondAccount if request.accounts.other.is_none() => {
            Some("it needs a second account, in another project")
        }
        Need::NoApplicationCredentials if request.has_application_credentials => {
            Some("it counts the application credentials of the account, which has some already")
        }
        Need::SecondAccount | Need::NoApplicationCredentials => None,
    };
    let fit = request
        .tests
        .iter()
        .copied()
        .filter(|test| match unfit(test) {
            Some(reason) => {
                skipped.push(TempestSkip { name: test.name.clone(), reason: reason.into() });
                false
            }
            None => true,
        })
        .collect();
    (fit, skipped)
}

/// The lines by which this Tempest loads its tests, by their idempotent ids. Names and tags change between
/// versions, ids do not.
async fn known_tests(
    installation: &Installation,
    workspace: &Workspace,
    conf_file: &Path,
) -> Result<HashMap<String, String>, TempestError> {
    let mut command = guarded(installation.program(), workspace.path());
    command.arg("run").arg("--config-file").arg(conf_file).arg("--list-tests");
    let mut group = Group::start(command.stdout(Stdio::piped()).stderr(Stdio::piped()))
        .map_err(|source| installation.not_started(source))?;
    let child = group.child();
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let (mut out, mut err) = (child.stdout.take(), child.stderr.take());
    let both = async {
        tokio::join!(
            async {
                if let Some(out) = &mut out {
                    out.read_to_end(&mut stdout).await.ok();
                }
            },
            async {
                if let Some(err) = &mut err {
                    err.read_to_end(&mut stderr).await.ok();
                }
            },
        )
    };
    if timeout(LISTING, both).await.is_err() {
        return Err(TempestError::List(format!("it has not ended within {} s", LISTING.as_secs())));
    }
    // What it printed tells more than how it ended.
    group.ended().await.ok();
    let text = String::from_utf8_lossy(&stdout);
    let known: HashMap<String, String> = text
        .lines()
        .map(str::trim)
        .filter_map(|line| Some((idempotent_id(line)?.to_owned(), line.to_owned())))
        .collect();
    if known.is_empty() {
        let said = if stderr.trim_ascii().is_empty() { &stdout } else { &stderr };
        return Err(TempestError::List(last_words(said)));
    }
    Ok(known)
}

/// The passwords, for finding them where they do not belong.
fn secrets(accounts: &Accounts) -> Vec<SecretString> {
    std::iter::once(&accounts.main).chain(&accounts.other).map(|account| account.password.clone()).collect()
}

/// A text in which passwords that stand alone, and not amid a word, are made unreadable.
fn without(secrets: &[SecretString], text: &str) -> String {
    let mut text = text.to_owned();
    for secret in secrets.iter().map(ExposeSecret::expose_secret).filter(|secret| !secret.is_empty()) {
        let mut clean = String::with_capacity(text.len());
        let mut rest = text.as_str();
        let mut before = None;
        while let Some(at) = rest.find(secret) {
            let (head, tail) = (&rest[..at], &rest[at + secret.len()..]);
            let is_word = |letter: Option<char>| letter.is_some_and(char::is_alphanumeric);
            let amid = is_word(head.chars().next_back().or(before)) || is_word(tail.chars().next());
            clean.push_str(head);
            clean.push_str(if amid { secret } else { REDACTED });
            before = secret.chars().next_back();
            rest = tail;
        }
        clean.push_str(rest);
        text = clean;
    }
    text
}

/// Everything that follows a run.
struct Watch<'a, 'e> {
    tally: Tally<'a>,
    record: Record,
    created: Vec<Created>,
    decoder: Decoder,
    secrets: Vec<SecretString>,
    events: &'e mut (dyn FnMut(Event) + Send),
}

impl Watch<'_, '_> {
    /// Runs the program until it ends, its time is over or it is stopped; says why it was cut short.
    async fn follow(
        &mut self,
        request: &Request<'_>,
        workspace: &Workspace,
        mut command: tokio::process::Command,
        mut stop: std::pin::Pin<&mut impl Future<Output = ()>>,
    ) -> Result<Option<String>, TempestError> {
        let stderr_path = workspace.path().join("stderr");
        let stderr =
            File::create(&stderr_path).map_err(|error| TempestError::file(&stderr_path, "made", error))?;
        let stream_path = workspace.path().join("run.subunit");
        let mut stream =
            File::create(&stream_path).map_err(|error| TempestError::file(&stream_path, "made", error))?;
        let mut group = Group::start(command.stdout(Stdio::piped()).stderr(stderr))
            .map_err(|source| request.installation.not_started(source))?;
        let mut stdout = group.child().stdout.take();

        let mut ends_at = Instant::now() + request.limit;
        let mut cut_short = None;
        let mut buffer = vec![0; 64 << 10];
        let mut heard = false;
        loop {
            let read = async {
                match &mut stdout {
                    Some(stdout) => stdout.read(&mut buffer).await.unwrap_or(0),
                    None => 0,
                }
            };
            tokio::select! {
                () = &mut stop, if cut_short.is_none() => {
                    cut_short = Some("it was interrupted".to_owned());
                    group.interrupt();
                    ends_at = Instant::now() + GRACE;
                }
                () = sleep_until(ends_at) => {
                    if cut_short.is_some() {
                        group.kill();
                        break;
                    }
                    cut_short = Some(format!("its time was over after {} s", request.limit.as_secs()));
                    group.interrupt();
                    ends_at = Instant::now() + GRACE;
                }
                length = read => {
                    if length == 0 {
                        break;
                    }
                    heard = true;
                    // The copy is only for those who want to keep it.
                    stream.write_all(&buffer[..length]).ok();
                    self.hear(&buffer[..length], workspace.path());
                }
            }
        }
        let status = group.ended().await;
        self.decoder.end();
        self.tell();
        self.look_for_created(workspace.path());
        if self.tally.counts().ended() == 0 && cut_short.is_none() {
            let said = fs::read(&stderr_path).unwrap_or_default();
            let mut message = without(&self.secrets, &last_words(&said));
            if let (false, Ok(status)) = (heard, status) {
                message = format!("{message} ({status})");
            }
            return Err(TempestError::NothingRan(message));
        }
        Ok(cut_short)
    }

    fn hear(&mut self, bytes: &[u8], folder: &Path) {
        self.decoder.push(bytes);
        self.tell();
        self.look_for_created(folder);
    }

    fn tell(&mut self) {
        while let Some(packet) = self.decoder.next() {
            match self.tally.packet(packet) {
                None => {}
                Some(News::Began(name)) => (self.events)(Event::Began { name }),
                Some(News::Ended { name, ending, reason }) => {
                    let reason = without(&self.secrets, &reason);
                    (self.events)(Event::Ended { name, ending, reason, counts: self.tally.counts() });
                }
            }
        }
    }

    fn look_for_created(&mut self, folder: &Path) {
        for created in self.record.news(folder) {
            (self.events)(Event::Created(created.clone()));
            self.created.push(created);
        }
    }
}

#[cfg(test)]
mod tests;
