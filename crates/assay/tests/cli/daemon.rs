//! `assay fleet daemon` from outside: with simulated clouds and a monitor that is real.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::sleep;
use std::time::{Duration, Instant};

use assay_inventory::{Inventory, read_snapshot};
use assay_simcloud::{Population, Running, Settings, SimCloud, clouds_yaml};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::runner::{CONFIG, Runner, reports};
use crate::support::recording;
use crate::uploaders::Served;

/// A time of the past that is made up for, and is not due again before the year is over.
const YEARLY: &str = "at = \"0 0 1 1 *\"\ncatch_up = \"8784h\"\n";
/// Longer than anything takes here.
const LONGEST: Duration = Duration::from_mins(2);

/// A daemon that runs.
struct Daemon {
    child: Child,
    said: Arc<Mutex<Vec<String>>>,
}

fn awaited<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < LONGEST, "{what}");
        sleep(Duration::from_millis(50));
    }
}

impl Daemon {
    fn start(runner: &Runner) -> Self {
        let arguments = ["daemon", "--allow-scripts", "--listen", "127.0.0.1:0", "-o", "reports"];
        let mut child =
            runner.command(&arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it runs");
        let said = Arc::new(Mutex::new(Vec::new()));
        let (lines, heard) = (BufReader::new(child.stderr.take().expect("it speaks")).lines(), said.clone());
        std::thread::spawn(move || {
            lines.map_while(Result::ok).for_each(|line| heard.lock().expect("nobody panicked").push(line));
        });
        let mut daemon = Daemon { child, said };
        awaited("it is alive", || {
            assert!(daemon.child.try_wait().expect("it is there").is_none(), "{}", daemon.words());
            (daemon.get("healthz").as_deref() == Some("ok\n")).then_some(())
        });
        daemon
    }

    fn words(&self) -> String {
        self.said.lock().expect("nobody panicked").join("\n")
    }

    fn get(&self, path: &str) -> Option<String> {
        let said = self.words();
        let (_, rest) = said.split_once("metrics are at ")?;
        let url = rest.lines().next()?.replace("metrics", path);
        let got = Command::new("curl").args(["-s", "--fail", &url]).output().expect("curl");
        got.status.success().then(|| String::from_utf8(got.stdout).expect("UTF-8"))
    }

    /// Waits until a line of the metrics begins so, and gives what follows.
    fn metric(&self, begin: &str) -> String {
        awaited(&format!("{begin}: {}", self.words()), || {
            let text = self.get("metrics")?;
            text.lines().find_map(|line| line.strip_prefix(begin)).map(str::to_owned)
        })
    }

    fn says(&self, words: &str) {
        awaited(words, || self.words().contains(words).then_some(()));
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(sent.expect("kill is there").success());
    }

    /// Ends it, and gives the exit code.
    fn end(&mut self, signal: &str) -> Option<i32> {
        self.signal(signal);
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Runner {
    /// The configuration of a daemon that hands in to a monitor.
    fn schedule(&self, monitor: &Served, tables: &str) {
        let text = format!("{CONFIG}\n[monitor]\nurl = \"{}\"\n{tables}", monitor.url);
        fs::write(self.path("config.toml"), text).expect("a file");
    }

    /// As if the daemon had been away since long ago.
    fn set_back(&self) {
        let path = self.path(".local/state/assay/fleet/daemon.json");
        let text = fs::read_to_string(&path).expect("text");
        let mut state: Value = serde_json::from_str(&text).expect("JSON");
        for (_, schedule) in state["schedules"].as_object_mut().expect("schedules") {
            for (_, until) in schedule["subjects"].as_object_mut().expect("subjects") {
                *until = "1970-01-01T00:00:00Z".into();
            }
        }
        fs::write(&path, state.to_string()).expect("a file");
    }

    fn status(&self, more: &[&str]) -> String {
        let output = self.command(&[&["status"], more].concat()).output().expect("it runs");
        assert!(output.status.success());
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    fn checks_of(&self, subject: &str) -> usize {
        fs::read_to_string(self.path(&format!("{subject}.runs"))).map_or(0, |text| text.lines().count())
    }
}

fn clouds(runtime: &Runtime, names: &[&str]) -> Vec<Running> {
    let inventory: Inventory =
        read_snapshot(&fs::read(recording()).expect("the recording")).expect("a snapshot");
    let population = Arc::new(Population::of(&inventory));
    let settings = |name: &str| Settings { name: name.to_owned(), ..Settings::of(population.clone()) };
    names.iter().map(|name| runtime.block_on(SimCloud::start(settings(name))).expect("a port")).collect()
}

#[test]
fn what_was_missed_is_made_up_for_once_and_told_to_prometheus() {
    let (runner, runtime) = (Runner::new(), Runtime::new().expect("a runtime"));
    let monitor = runner.monitor();
    let clouds = clouds(&runtime, &["one", "two"]);
    fs::write(runner.path("clouds.yaml"), clouds_yaml(&clouds)).expect("a file");
    let preset = "[presets.clouds]\nscopes = [\"scs-compatible-iaas\"]\nsubjects = [\"one\", \"two\"]\n";
    let schedule =
        format!("{preset}[schedules.yearly]\npreset = \"clouds\"\nsections = [\"light\"]\n{YEARLY}");
    runner.schedule(&monitor, &schedule);

    let mut daemon = Daemon::start(&runner);
    let next = daemon.metric("assay_fleet_next_run_timestamp_seconds{schedule=\"yearly\"} ");
    assert_eq!(daemon.end("-TERM"), Some(0), "{}", daemon.words());
    assert!(runner.status(&[]).starts_with("no run yet"), "who is new has missed nothing");
    let status = runner.status(&["-c", "config.toml"]);
    assert!(status.contains("next\n  yearly  preset clouds  "), "{status}");

    runner.set_back();
    let status = runner.status(&["-c", "config.toml"]);
    assert!(status.contains("2 subjects are due now"), "{status}");
    let mut daemon = Daemon::start(&runner);
    for subject in ["one", "two"] {
        let labels = format!("schedule=\"yearly\",subject=\"{subject}\",scope=\"scs-compatible-iaas\"");
        daemon.metric(&format!("assay_fleet_last_check_determined{{{labels}}} 1"));
        let passed =
            daemon.metric(&format!("assay_fleet_last_check_testcases{{{labels},verdict=\"PASS\"}} "));
        assert_ne!(passed, "0");
    }
    daemon.says("yearly: over, exit code 0");
    daemon.metric("assay_fleet_run_in_progress{schedule=\"yearly\"} 0");
    daemon.metric("assay_fleet_outbox_reports{state=\"waiting\"} 0");
    assert_eq!(daemon.metric("assay_fleet_next_run_timestamp_seconds{schedule=\"yearly\"} "), next);
    assert_eq!(daemon.end("-INT"), Some(0));
    assert!(runner.path("reports/one/scs-compatible-iaas.yaml.sig").exists());

    let mut daemon = Daemon::start(&runner);
    daemon.metric("assay_fleet_last_check_timestamp_seconds{schedule=\"yearly\",subject=\"one\"");
    assert_eq!(daemon.end("-TERM"), Some(0));
    assert_eq!((reports(&monitor, "one").len(), reports(&monitor, "two").len()), (1, 1), "once");
    let status = runner.status(&[]);
    assert_eq!(status.matches("schedule yearly, preset clouds, 2 subjects, ended").count(), 1, "{status}");
}

/// Ends a daemon while it is at one of two subjects, and lets the next one go on.
fn the_rest_is_done_later(signal: &str, code: Option<i32>) {
    let runner = Runner::new();
    let monitor = runner.monitor();
    runner.schedule(&monitor, &format!("[schedules.yearly]\npreset = \"scripted\"\n{YEARLY}"));
    assert_eq!(Daemon::start(&runner).end("-TERM"), Some(0));
    runner.set_back();
    let mut daemon = Daemon::start(&runner);
    daemon.metric("assay_fleet_last_check_timestamp_seconds{schedule=\"yearly\",subject=\"quick\"");
    awaited("it is delivered", || (reports(&monitor, "quick").len() == 1).then_some(()));
    awaited("the other one has begun", || (runner.checks_of("slow") == 1).then_some(()));
    assert_eq!(daemon.end(signal), code, "{}", daemon.words());
    assert_eq!(reports(&monitor, "slow").len(), 0, "what was cut short is nobody's verdict");

    fs::write(runner.path("hurry"), "").expect("a file");
    let mut daemon = Daemon::start(&runner);
    daemon.says("yearly: 1 subject of preset scripted");
    daemon.says("yearly: over, exit code 0");
    assert_eq!(daemon.end("-TERM"), Some(0));
    assert_eq!((reports(&monitor, "quick").len(), reports(&monitor, "slow").len()), (1, 1));
    assert_eq!((runner.checks_of("quick"), runner.checks_of("slow")), (1, 2));
}

#[test]
fn a_daemon_that_was_killed_is_gone_on_with() {
    the_rest_is_done_later("-KILL", None);
}

#[test]
fn a_daemon_that_is_ended_hands_in_nothing_that_was_cut_short() {
    the_rest_is_done_later("-TERM", Some(0));
}

#[test]
fn a_subject_that_two_schedules_want_is_checked_by_one_at_a_time() {
    let runner = Runner::new();
    let monitor = runner.monitor();
    let schedule = |name: &str| format!("[schedules.{name}]\npreset = \"scripted\"\n{YEARLY}");
    runner.schedule(&monitor, &format!("{}{}", schedule("a"), schedule("b")));
    assert_eq!(Daemon::start(&runner).end("-TERM"), Some(0));
    runner.set_back();
    let mut daemon = Daemon::start(&runner);
    awaited("one has begun", || (runner.checks_of("slow") == 1).then_some(()));
    daemon.metric("assay_fleet_last_check_timestamp_seconds{schedule=\"a\",subject=\"quick\"");
    daemon.metric("assay_fleet_last_check_timestamp_seconds{schedule=\"b\",subject=\"quick\"");
    assert_eq!(runner.checks_of("slow"), 1, "the other waits");
    fs::write(runner.path("hurry"), "").expect("a file");
    daemon.says("a: over, exit code 0");
    daemon.says("b: over, exit code 0");
    assert_eq!(daemon.end("-TERM"), Some(0));
    assert_eq!(runner.checks_of("slow"), 2);
}

#[test]
fn a_bad_configuration_is_refused_and_a_good_one_taken() {
    let runner = Runner::new();
    let monitor = runner.monitor();
    let yearly = format!("[schedules.yearly]\npreset = \"scripted\"\n{YEARLY}");
    let refused = |expected: &str| {
        let output = runner.command(&["daemon"]).output().expect("it runs");
        let stderr = String::from_utf8(output.stderr).expect("UTF-8");
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains(expected), "{stderr}");
    };
    refused("config.toml has no schedules");
    runner.schedule(&monitor, &yearly.replace("scripted", "scriptet"));
    refused("no preset `scriptet`");
    runner.schedule(&monitor, &yearly);
    let mut daemon = Daemon::start(&runner);
    refused("another daemon is running");
    runner.schedule(&monitor, &yearly.replace("0 0 1 1 *", "0 25 1 1 *"));
    daemon.signal("-HUP");
    daemon.says("what was there stays");
    daemon.metric("assay_fleet_next_run_timestamp_seconds{schedule=\"yearly\"} ");
    runner.schedule(&monitor, &yearly.replace("yearly", "other"));
    daemon.signal("-HUP");
    daemon.says("the configuration was read again");
    daemon.metric("assay_fleet_next_run_timestamp_seconds{schedule=\"other\"} ");
    let metrics = daemon.get("metrics").expect("it answers");
    assert!(!metrics.contains("yearly"), "{metrics}");
    // Where nothing can be kept, somebody is to look.
    let folder = runner.path(".local/state/assay/fleet");
    fs::rename(&folder, runner.path("away")).expect("it is there");
    fs::write(&folder, "").expect("a file");
    daemon.signal("-HUP");
    awaited("it is unwell", || daemon.get("healthz").is_none().then_some(()));
    daemon.says("cannot be written");
    fs::remove_file(&folder).expect("it is there");
    fs::rename(runner.path("away"), &folder).expect("it is there");
    daemon.signal("-HUP");
    awaited("it is well again", || daemon.get("healthz"));
    assert_eq!(daemon.end("-TERM"), Some(0));
}
