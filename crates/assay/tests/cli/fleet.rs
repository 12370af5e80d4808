//! `assay fleet` from outside: with a monitor that is real, and clouds that cannot be had.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::runner::{BASE_URL, CONFIG, Runner, TOKEN, reports};
use crate::uploaders::Served;

impl Runner {
    /// The monitor that was at an address is there again at another one: letters follow it, as after a move.
    fn monitor_of(&self, url: &str) -> Served {
        let monitor = self.monitor();
        for entry in fs::read_dir(self.path(".local/state/assay/fleet/outbox")).expect("a folder") {
            let path = entry.expect("a file").path();
            let text = fs::read_to_string(&path).expect("text");
            fs::write(&path, text.replacen(url, &monitor.url, 1)).expect("a file");
        }
        monitor
    }

    fn run(&self, arguments: &[&str]) -> (i32, String, String) {
        let Output { status, stdout, stderr } = self.command(arguments).output().expect("it runs");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        (status.code().expect("it ends by itself"), text(stdout), text(stderr))
    }

    fn runs_of(&self, subject: &str) -> usize {
        fs::read_to_string(self.path(&format!("{subject}.runs"))).map_or(0, |text| text.lines().count())
    }
}

fn verified(file: &Path, key: &Path) -> bool {
    let signers = file.with_extension("signers");
    let public = fs::read_to_string(key).expect("a key");
    fs::write(&signers, format!("runner {public}")).expect("a file");
    let content = fs::File::open(file).expect("a report");
    let verified = Command::new("ssh-keygen")
        .args(["-Y", "verify", "-I", "runner", "-n", "report", "-f"])
        .arg(&signers)
        .arg("-s")
        .arg(format!("{}.sig", file.display()))
        .stdin(content)
        .output();
    verified.expect("ssh-keygen is there").status.success()
}

#[test]
fn every_subject_ends_in_a_report_that_is_delivered_and_kept() {
    let runner = Runner::new();
    let monitor = runner.monitor();
    let (code, stdout, stderr) = runner.run(&["run", "--monitor-url", &monitor.url, "-o", "reports"]);
    assert_eq!(code, 3, "nothing was determined: {stderr}");
    for subject in ["unknown", "unreachable"] {
        let line = stdout.lines().find(|line| line.starts_with(subject)).expect("a line for each");
        assert!(line.ends_with("delivered"), "{line}");
        assert_eq!(reports(&monitor, subject).len(), 1);
        let file = runner.path(&format!("reports/{subject}/scs-compatible-iaas.yaml"));
        assert!(verified(&file, &runner.path("key.pub")));
        let report = fs::read_to_string(&file).expect("a report");
        assert!(
            report.contains("scs-0100-syntax-check: -1") || report.contains("scs-0100-syntax-check: 0"),
            "{report}"
        );
        assert!(!report.contains(": PASS"), "nothing is known of a cloud that cannot be had");
    }
    assert!(stderr.contains("nothing was determined: there is no cloud \"unknown\""), "{stderr}");
    let (code, stdout, _) = runner.run(&["status"]);
    assert_eq!(code, 0);
    assert!(stdout.contains("preset default, 2 subjects, ended"), "{stdout}");
    assert!(stdout.contains("nothing waits in the outbox"), "{stdout}");
}

#[test]
fn scripts_that_are_allowed_speak_and_silence_is_no_pass() {
    let runner = Runner::new();
    fs::write(runner.path("hurry"), "").expect("a file");
    let monitor = runner.monitor();
    let run = ["run", "--preset", "scripted", "--monitor-url", &monitor.url, "-o", "reports"];
    let (code, _, stderr) = runner.run(&[&run[..], &["--allow-scripts"]].concat());
    assert_eq!(code, 0, "what is judged is judged, whatever the verdicts: {stderr}");
    let report = fs::read_to_string(runner.path("reports/quick/own.yaml")).expect("a report");
    assert!(report.contains("own-passes: 1") && report.contains("own-silent: 0"), "{report}");
    let (code, _, stderr) = runner.run(&run);
    assert_eq!(code, 3, "without its scripts the scope is not judged: {stderr}");
    assert_eq!(runner.runs_of("quick"), 1);
}

#[test]
fn what_no_monitor_took_waits_until_one_does() {
    let runner = Runner::new();
    let monitor = runner.monitor();
    let url = monitor.url.clone();
    monitor.kill();
    let (code, stdout, stderr) = runner.run(&["run", "--subject", "unknown", "--monitor-url", &url]);
    assert_eq!(code, 3);
    assert!(stdout.contains("waits") && stderr.contains("1 report waits in the outbox"), "{stdout}{stderr}");
    let (code, stdout, _) = runner.run(&["status"]);
    assert_eq!(code, 0);
    assert!(stdout.contains("1 report waits in the outbox\n"), "{stdout}");
    let (code, _, stderr) = runner.run(&["flush"]);
    assert_eq!(code, 3, "nobody is there yet");
    assert!(stderr.contains("not delivered"), "{stderr}");

    let monitor = runner.monitor_of(&url);
    let (code, stdout, stderr) = runner.run(&["flush"]);
    assert_eq!((code, stdout.as_str()), (0, "1 report was delivered\n"), "{stderr}");
    assert_eq!(reports(&monitor, "unknown").len(), 1);
    assert_eq!(runner.run(&["flush"]).1, "nothing waits\n");
}

#[test]
fn what_waits_goes_with_the_next_run() {
    let runner = Runner::new();
    fs::write(runner.path("hurry"), "").expect("a file");
    let monitor = runner.monitor();
    let url = monitor.url.clone();
    monitor.kill();
    let run = ["run", "--preset", "scripted", "--allow-scripts", "--monitor-url"];
    assert_eq!(runner.run(&[&run[..], &[&url]].concat()).0, 3);
    let (code, _, stderr) = runner.run(&[&run[..], &[&url]].concat());
    assert_eq!(code, 3);
    assert!(stderr.contains("2 reports of earlier runs still wait"), "{stderr}");
    let monitor = runner.monitor_of(&url);
    let (code, _, stderr) = runner.run(&[&run[..], &[&monitor.url]].concat());
    assert_eq!(code, 0, "{stderr}");
    assert_eq!((reports(&monitor, "quick").len(), reports(&monitor, "slow").len()), (3, 3));
    assert_eq!(runner.run(&["flush"]).1, "nothing waits\n");
}

#[test]
fn what_a_monitor_does_not_want_is_kept_with_its_reason() {
    let runner = Runner::new();
    let monitor = runner.monitor();
    // Nobody of this name lets the runner speak for them.
    let run =
        ["run", "--subject", "stranger", "--scope", "scs-compatible-iaas", "--monitor-url", &monitor.url];
    let (code, stdout, stderr) = runner.run(&run);
    assert_eq!(code, 3);
    assert!(stdout.contains("refused"), "{stdout}");
    assert!(stderr.contains("401"), "{stderr}");
    let (_, status, _) = runner.run(&["status", "--format", "json"]);
    let status: Value = serde_json::from_str(&status).expect("JSON");
    let waiting = &status["outbox"][0];
    assert_eq!(
        (waiting["subject"].as_str(), waiting["attempts"]["refused"].as_bool()),
        (Some("stranger"), Some(true))
    );
    let uuid = waiting["run"].as_str().expect("a UUID");
    assert_eq!(runner.run(&["flush", "--forget", uuid]).0, 0);
    assert_eq!(runner.run(&["flush", "--forget", uuid]).0, 2, "it is forgotten already");
    assert_eq!(runner.run(&["flush"]).1, "nothing waits\n");
}

#[test]
fn a_report_may_be_for_one_monitor_alone() {
    let runner = Runner::new();
    let monitor = runner.monitor();
    let run = |audience: &str| {
        let config = format!("{CONFIG}[monitor]\nurl = \"{}\"\naudience = \"{audience}\"\n", monitor.url);
        fs::write(runner.path("config.toml"), config).expect("a file");
        runner.run(&["run", "--fresh", "--subject", "unknown", "-o", "reports"])
    };
    let (code, stdout, stderr) = run("https://other.example.com");
    assert_eq!(code, 3);
    assert!(stdout.contains("refused"), "{stdout}");
    assert!(stderr.contains("the report is meant for https://other.example.com/"), "{stderr}");
    assert_eq!(reports(&monitor, "unknown").len(), 0);
    let (_, stdout, stderr) = run(BASE_URL);
    assert!(stdout.lines().any(|line| line.ends_with("delivered")), "{stdout}{stderr}");
    assert_eq!(reports(&monitor, "unknown").len(), 1);
    let kept = fs::read_to_string(runner.path("reports/unknown/scs-compatible-iaas.yaml")).expect("a report");
    assert!(kept.contains(&format!("audience: {BASE_URL}")), "{kept}");
}

#[test]
fn a_run_that_was_killed_is_gone_on_with() {
    let runner = Runner::new();
    let monitor = runner.monitor();
    let run = [
        "run",
        "--preset",
        "scripted",
        "--allow-scripts",
        "--monitor-url",
        &monitor.url,
        "--events",
        "jsonl",
    ];
    let mut child =
        runner.command(&run).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it runs");
    let lines = BufReader::new(child.stdout.take().expect("it speaks")).lines();
    let mut events = lines.map(|line| serde_json::from_str::<Value>(&line.expect("a line")).expect("JSON"));
    let delivered = events.any(|event| event["event"] == "delivered");
    assert!(delivered, "the quick one is judged and delivered while the other goes on");
    child.kill().expect("it runs");
    child.wait().expect("it ends");

    let (_, status, _) = runner.run(&["status"]);
    assert!(status.contains("preset scripted, 2 subjects, killed"), "{status}");
    fs::write(runner.path("hurry"), "").expect("a file");
    let (code, stdout, stderr) = runner.run(&run);
    assert_eq!(code, 0, "{stderr}");
    let begun: Value = serde_json::from_str(stdout.lines().next().expect("a line")).expect("JSON");
    assert_eq!((begun["subjects"].as_u64(), begun["resumed"].as_u64()), (Some(1), Some(1)));
    assert_eq!((reports(&monitor, "quick").len(), reports(&monitor, "slow").len()), (1, 1));
    assert_eq!((runner.runs_of("quick"), runner.runs_of("slow")), (1, 2));
    // It has ended, so the next one begins anew.
    let (code, _, _) = runner.run(&run);
    assert_eq!((code, runner.runs_of("quick")), (0, 2));
}

#[test]
fn what_was_cut_short_by_ctrl_c_is_nobodys_verdict() {
    let runner = Runner::new();
    let monitor = runner.monitor();
    let run = ["run", "--preset", "scripted", "--allow-scripts", "--monitor-url", &monitor.url];
    let run = [&run[..], &["--events", "jsonl"]].concat();
    let mut child =
        runner.command(&run).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it runs");
    let lines = BufReader::new(child.stdout.take().expect("it speaks")).lines();
    let mut events = lines.map(|line| serde_json::from_str::<Value>(&line.expect("a line")).expect("JSON"));
    assert!(events.any(|event| event["event"] == "delivered"), "the quick one is done");
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(sent.expect("kill is there").success());
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    assert_eq!((reports(&monitor, "quick").len(), reports(&monitor, "slow").len()), (1, 0));
    fs::write(runner.path("hurry"), "").expect("a file");
    let (code, _, stderr) = runner.run(&run);
    assert_eq!(code, 0, "{stderr}");
    assert_eq!((runner.runs_of("quick"), runner.runs_of("slow")), (1, 2));
}

#[test]
fn a_folder_that_cannot_be_written_keeps_no_report_from_its_monitor() {
    let runner = Runner::new();
    let monitor = runner.monitor();
    fs::write(runner.path("taken"), "").expect("a file");
    fs::write(runner.path("hurry"), "").expect("a file");
    let run =
        ["run", "--preset", "scripted", "--allow-scripts", "--monitor-url", &monitor.url, "-o", "taken"];
    let (code, stdout, stderr) = runner.run(&run);
    assert_eq!(code, 3, "{stderr}");
    assert!(stderr.contains("taken/quick cannot be made"), "{stderr}");
    assert_eq!(stdout.matches("delivered").count(), 2, "{stdout}");
    assert_eq!((reports(&monitor, "quick").len(), reports(&monitor, "slow").len()), (1, 1));
}

#[test]
fn nobody_elses_token_is_sent_with_a_report() {
    let runner = Runner::new();
    let monitor = runner.monitor();
    let url = monitor.url.clone();
    monitor.kill();
    assert_eq!(runner.run(&["run", "--subject", "unknown", "--monitor-url", &url]).0, 3);
    let monitor = runner.monitor_of(&url);
    fs::write(runner.path("others"), TOKEN).expect("a file");
    fs::write(runner.path("other.toml"), CONFIG.replace("\"token\"", "\"others\"")).expect("a file");
    let (code, _, stderr) = runner.run(&["flush", "-c", "other.toml"]);
    assert_eq!(code, 3);
    assert!(stderr.contains("left to whoever is runner, "), "{stderr}");
    let other = ["run", "-c", "other.toml", "--subject", "unreachable", "--monitor-url", &monitor.url];
    assert_eq!(runner.run(&other).0, 3);
    assert_eq!((reports(&monitor, "unknown").len(), reports(&monitor, "unreachable").len()), (0, 1));
    assert_eq!(runner.run(&["flush"]).1, "1 report was delivered\n");
}

#[test]
fn a_configuration_behind_links_that_lead_elsewhere_every_time_is_the_same() {
    let runner = Runner::new();
    // As Kubernetes mounts files: by a link to a folder that has another name in every pod.
    let mount = runner.path("mount");
    for folder in ["..one", "..two"] {
        fs::create_dir_all(mount.join(folder)).expect("a folder");
        for file in ["config.toml", "key", "token"] {
            fs::copy(runner.path(file), mount.join(folder).join(file)).expect("a file");
        }
    }
    let lead = |folder: &str| {
        let _ = fs::remove_file(mount.join("..data"));
        symlink(folder, mount.join("..data")).expect("a link");
    };
    for file in ["config.toml", "key", "token"] {
        symlink(format!("..data/{file}"), mount.join(file)).expect("a link");
    }
    lead("..one");
    let monitor = runner.monitor();
    let url = monitor.url.clone();
    monitor.kill();
    let run = ["run", "-c", "mount/config.toml", "--subject", "unknown", "--monitor-url", &url];
    assert_eq!(runner.run(&run).0, 3);
    let monitor = runner.monitor_of(&url);
    lead("..two");
    let (_, stdout, stderr) = runner.run(&["flush", "-c", "mount/config.toml"]);
    assert_eq!(stdout, "1 report was delivered\n", "{stderr}");
    assert_eq!(reports(&monitor, "unknown").len(), 1);
}

#[test]
fn what_is_waived_stays_a_failure_and_does_not_count() {
    let runner = Runner::new();
    let run = |more: &[&str]| {
        let run =
            ["run", "--scope", "own", "--subject", "bad,quick", "--allow-scripts", "--strict", "-o", "out"];
        runner.run(&[&run, more].concat())
    };
    assert_eq!(run(&[]).0, 1);
    let with = format!("{CONFIG}[subjects._]\nwaivers = 'waivers.yaml'\n").replace(
        "[subjects._.mapping]\nos_cloud = \"{subject}\"\n[subjects._]\n",
        "[subjects._]\nmapping = {os_cloud = \"{subject}\"}\n",
    );
    fs::write(runner.path("config.toml"), with).expect("a file");
    let waivers = |expires: &str| {
        let waiver =
            |id: &str| format!("- {{testcase: {id}, reason: known, owner: Jane Doe, expires: {expires}}}\n");
        let text = [waiver("own-passes"), waiver("own-silent")].concat();
        fs::write(runner.path("waivers.yaml"), text).expect("a file");
    };
    waivers("2099-01-01");
    let (code, stdout, stderr) = run(&[]);
    assert_eq!(code, 0, "{stdout}{stderr}");
    let bad = stdout.lines().find(|line| line.starts_with("bad")).expect("a line");
    assert!(bad.contains(" 1 (1 waived) "), "{bad}");
    let report = fs::read_to_string(runner.path("out/bad/own.yaml")).expect("a report");
    assert!(report.contains("own-passes: -1"), "what is sent says what was found: {report}");
    let idle = |stderr: &str| stderr.matches("covers nothing").count();
    assert_eq!(
        idle(&stderr),
        0,
        "nobody can tell of what gave no verdict; the other covers one of two: {stderr}"
    );
    let (_, events, _) = run(&["--events", "jsonl"]);
    let judged: Vec<Value> = events.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let of =
        |subject: &str| judged.iter().find(|event| event["event"] == "judged" && event["subject"] == subject);
    let counts = |subject: &str| of(subject).map(|event| (event["fail"].clone(), event["waived"].clone()));
    assert_eq!(counts("bad"), Some((1.into(), 1.into())));
    assert_eq!(counts("quick"), Some((0.into(), 0.into())));

    waivers("2026-01-01");
    let (code, _, stderr) = run(&[]);
    assert_eq!(code, 1);
    assert!(stderr.contains("bad: the waiver of own-passes by Jane Doe expired on 2026-01-01"), "{stderr}");
    fs::write(runner.path("waivers.yaml"), "- {testcase: own-passes}\n").expect("a file");
    let (code, _, stderr) = run(&[]);
    assert_eq!(code, 2);
    assert!(stderr.contains("missing key"), "{stderr}");
}

#[test]
fn what_people_declared_is_in_the_report() {
    let runner = Runner::new();
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let answers = include_str!("../data/declarations/answers.yaml").replace("subject: testbed\n", "");
    let answers = answers.replace("2026-09-14", &today.to_string());
    fs::write(runner.path("answers.yaml"), answers).expect("a file");
    let declare_in = |subject: &str, file: &str| {
        let declared = Command::new(env!("CARGO_BIN_EXE_assay"))
            .args(["declare", subject, "answers.yaml", "-o", file])
            .current_dir(runner.path(""))
            .output();
        assert!(declared.expect("it runs").status.success());
    };
    let declare = |subject: &str| declare_in(subject, "declaration.yaml");
    let with = format!("{CONFIG}[subjects.unknown]\ndeclarations = ['declaration.yaml']\n");
    fs::write(runner.path("config.toml"), with).expect("a file");
    declare("unknown");
    let (_, _, stderr) = runner.run(&["run", "-o", "out", "--fresh"]);
    let declared = |subject: &str| {
        let file = runner.path(&format!("out/{subject}/scs-compatible-iaas.yaml"));
        fs::read_to_string(file).expect("a report").contains("key-manager-docs-check: 1")
    };
    assert!(declared("unknown"), "{stderr}");
    assert!(!declared("unreachable"), "nobody declared anything about it");
    declare("somebody");
    let (code, _, stderr) = runner.run(&["run", "-o", "out", "--fresh"]);
    assert_eq!(code, 2);
    assert!(stderr.contains("there is a declaration about somebody"), "{stderr}");
    // What is there for all may speak of each, but of nobody else.
    let with = format!("{CONFIG}[subjects._]\ndeclarations = ['declaration.yaml', 'other.yaml']\n");
    fs::write(runner.path("config.toml"), with).expect("a file");
    declare_in("unreachable", "other.yaml");
    let (code, _, stderr) = runner.run(&["run", "-o", "out", "--fresh"]);
    assert_eq!(code, 2);
    assert!(stderr.contains("there is a declaration about somebody"), "{stderr}");
    declare("unknown");
    let (_, _, stderr) = runner.run(&["run", "-o", "out", "--fresh"]);
    assert!(declared("unknown") && declared("unreachable"), "{stderr}");
    // A monitor that lacks it is told, and once.
    let monitor = runner.monitor();
    let lacking =
        ["run", "-o", "out", "--fresh", "--monitor-url", &monitor.url, "--missing-from", &monitor.url];
    for is_told in [true, false] {
        let (_, _, stderr) = runner.run(&lacking);
        assert_eq!(declared("unknown"), is_told, "{stderr}");
    }
}

#[test]
fn what_is_wrong_is_told_before_anything_is_done() {
    let runner = Runner::new();
    let told = |arguments: &[&str], expected: &str| {
        let (code, stdout, stderr) = runner.run(arguments);
        assert_eq!((code, stdout.as_str()), (2, ""), "{stderr}");
        assert!(stderr.contains(expected), "{stderr}");
    };
    let monitor = ["--monitor-url", "http://127.0.0.1:1/"];
    let run = |more: &[&'static str]| [&["run"][..], more, &monitor].concat();
    told(&["run", "-c", "none.toml"], "none.toml cannot be read");
    told(&run(&["--preset", "scriptet"]), "\"scripted\"?");
    told(&run(&["--subject", "new"]), "say both --scope and --subject");
    told(&run(&["--scope", "elsewhere", "--subject", "a"]), "[scopes.elsewhere]");
    told(&["run", "--monitor-url", "monitor.example.com"], "is no address such as");
    told(&["run", "--monitor-url", "https://a:b@monitor.example.com"], "neither a name and password");
    fs::write(runner.path("config.toml"), CONFIG.replace("keyfile = \"key\"", "")).expect("a file");
    told(&run(&[]), "names no `keyfile`");
    fs::write(runner.path("config.toml"), CONFIG.replace("\"token\"", "\"nothing\"")).expect("a file");
    told(&run(&[]), "nothing cannot be read");
    fs::write(runner.path("config.toml"), CONFIG.replace("\"key\"", "\"key.txt\"")).expect("a file");
    told(&run(&[]), "key.txt");
    fs::write(runner.path("config.toml"), CONFIG.replace("subjects = [\"quick", "subject = [\"quick"))
        .expect("a file");
    told(&run(&[]), "unknown key `subject` in a preset");
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "sealed words", "-f"])
        .arg(runner.path("sealed"))
        .status();
    assert!(made.expect("ssh-keygen is there").success());
    fs::write(runner.path("config.toml"), CONFIG.replace("\"key\"", "\"sealed\"")).expect("a file");
    told(&run(&[]), "passphrase");
    fs::write(runner.path("words"), "other words\n").expect("a file");
    told(&run(&["--passphrase-file", "words"]), "passphrase");
    assert!(runner.run(&["status"]).1.starts_with("no run yet"), "nothing was begun");
}

const MONITOR: &str = "--monitor-url=https://monitor.example.com";

#[test]
fn manifests_hold_the_configuration_and_no_secret() {
    let runner = Runner::new();
    let (code, stdout, stderr) = runner.run(&["manifests", "--preset=scripted", MONITOR, "--batch=2"]);
    assert_eq!((code, stderr.as_str()), (0, "replace REGISTRY/assay:TAG, or say --image\n"));
    for expected in [
        "#     --from-file=clouds.yaml --from-file=keyfile=key --from-file=tokenfile=token\n",
        "  own.yaml: |\n    name: Own scope\n",
        "    subjects = [\"quick\", \"slow\"]\n",
        "name: assay-fleet-batch-1\n",
        "- --leases=kubernetes\n",
        "- --monitor-url=https://monitor.example.com/\n",
        "- --scope=own\n            - --subject=quick\n            - --subject=slow\n",
        "schedule: 0 2 * * *\n",
    ] {
        assert!(stdout.contains(expected), "{expected}: {stdout}");
    }
    let waived = format!("{CONFIG}[subjects.quick]\nwaivers = \"waivers.yaml\"\n");
    fs::write(runner.path("config.toml"), waived).expect("a file");
    fs::write(runner.path("waivers.yaml"), "- {testcase: own-passes}\n").expect("a file");
    let (code, with, stderr) = runner.run(&["manifests", "--preset=scripted", MONITOR]);
    assert_eq!(code, 0, "{stderr}");
    assert!(with.contains("  waivers.yaml: |\n    - {testcase: own-passes}\n"), "{with}");
    assert!(with.contains("path: waivers.yaml\n"), "{with}");
    let key = fs::read_to_string(runner.path("key")).expect("a key");
    let line = key.lines().nth(1).expect("a key has lines");
    for secret in [line, TOKEN, "example\n", "auth_url", "PRIVATE KEY"] {
        assert!(!stdout.contains(secret), "{secret:?} is in {stdout}");
    }
}

#[test]
fn manifests_are_a_file_for_each_job_and_what_is_left_of_others_is_told() {
    let runner = Runner::new();
    let write = ["manifests", MONITOR, "--image=assay:1", "--once", "--without-volumes", "-o", "out"];
    let (code, stdout, stderr) = runner.run(&write);
    assert_eq!((code, &*stdout, &*stderr), (0, "", ""));
    let files = || {
        let entries = fs::read_dir(runner.path("out")).expect("a folder");
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("a file").file_name().into_string().expect("UTF-8")).collect();
        names.sort();
        names
    };
    assert_eq!(files(), ["assay-fleet-unknown.yaml", "assay-fleet-unreachable.yaml", "assay-fleet.yaml"]);
    let job = fs::read_to_string(runner.path("out/assay-fleet-unknown.yaml")).expect("a file");
    assert!(job.starts_with("apiVersion: batch/v1\nkind: Job\n"), "{job}");
    let fewer = [&write[..], &["--subject=unknown", "--scope=scs-compatible-iaas"]].concat();
    let (code, _, stderr) = runner.run(&fewer);
    assert_eq!(code, 0, "{stderr}");
    assert!(stderr.starts_with("out/assay-fleet-unreachable.yaml is none of these"), "{stderr}");
    assert_eq!(files().len(), 3, "what may be somebody else's stays");
}

#[test]
fn what_could_not_run_on_kubernetes_is_told_before() {
    let runner = Runner::new();
    let refused = |arguments: &[&str]| {
        let (code, stdout, stderr) = runner.run(&[&["manifests"], arguments].concat());
        assert_eq!((code, &*stdout), (2, ""), "{stderr}");
        // Lines are broken to the width of a terminal.
        stderr.split_whitespace().filter(|word| *word != "│").collect::<Vec<_>>().join(" ")
    };
    assert!(refused(&[]).contains("names a monitor"));
    assert!(refused(&[MONITOR, "--name=Fleet"]).contains("is not a name of at most 30"));
    assert!(refused(&[MONITOR, "--schedule=nightly"]).contains("is no schedule such as"));
    fs::write(runner.path("own.yaml"), "name: broken\n").expect("a file");
    assert!(refused(&[MONITOR, "--preset=scripted"]).contains("own.yaml"));
    let with =
        |tables: &str| fs::write(runner.path("config.toml"), format!("{CONFIG}{tables}")).expect("a file");
    with("[leases]\nkubernetes = {namespace = \"others\"}\n");
    assert!(refused(&[MONITOR]).contains("these runners may use assay-fleet alone"));
    with("[subjects.unknown]\ndomain_managers = \"managers.yaml\"\n");
    assert!(refused(&[MONITOR]).contains("passwords have no place in a ConfigMap"));
    let outside = CONFIG.replace("\"key\"", "\"/home/me/.ssh/id\"");
    fs::write(runner.path("config.toml"), outside).expect("a file");
    assert!(refused(&[MONITOR]).contains("does not lie in the folder of the configuration"));
}

#[test]
fn without_the_kubernetes_that_was_named_nobody_is_checked() {
    let runner = Runner::new();
    let (code, stdout, stderr) = runner.run(&["run", "--leases=kubernetes", "--no-upload", "-o", "reports"]);
    assert_eq!((code, &*stdout), (2, ""), "{stderr}");
    assert!(stderr.contains("there is no Kubernetes"), "{stderr}");
    assert!(!runner.path("reports/unknown").exists());
}
