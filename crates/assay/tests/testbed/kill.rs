//! Runs that are ended from outside: whatever the moment, a cleanup leaves nothing.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::look::Member;
use crate::{assay, command, folder, stdout};

/// Testcases whose probes create things of every kind.
const PROBES: &str = "scs-0101-entropy|scs-0104-image-upload|scs-0114-encrypted|scs-0116-perm|scs-0117|scs-0123-s3-works|scs-0126";
/// No run takes as long.
const LONGEST: Duration = Duration::from_secs(200);

/// Chooses the moments of the kills; the same seed chooses the same.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        // Knuth's MMIX generator: any spread of moments will do.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

fn checking(state: &Path, cloud: &str, testcases: &str) -> Command {
    let arguments = ["check", cloud, "--testcases", testcases, "--quiet", "--timeout", "10"];
    let mut command = command(state, &arguments);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn check(state: &Path, cloud: &str, testcases: &str) -> Child {
    checking(state, cloud, testcases).spawn().expect("the program starts")
}

/// The lines of all journals.
fn written(state: &Path) -> usize {
    let Ok(files) = fs::read_dir(state.join("journal")) else {
        return 0;
    };
    files
        .flatten()
        .filter_map(|file| fs::read_to_string(file.path()).ok())
        .map(|text| text.lines().count())
        .sum()
}

/// Waits until the journal has so many lines; false if the run ended before.
fn wait_for_lines(run: &mut Child, state: &Path, lines: usize) -> bool {
    wait_for(run, || written(state) >= lines)
}

/// Waits until something is so; false if the run ended before.
fn wait_for(run: &mut Child, is_so: impl Fn() -> bool) -> bool {
    let begun = Instant::now();
    while !is_so() {
        if run.try_wait().expect("the run can be looked at").is_some() {
            return false;
        }
        assert!(begun.elapsed() < LONGEST, "the run neither ends nor goes on");
        thread::sleep(Duration::from_millis(5));
    }
    true
}

/// The runs whose journals are there.
fn runs(state: &Path) -> Vec<String> {
    let files = fs::read_dir(state.join("journal")).into_iter().flatten().flatten();
    files.filter_map(|file| file.file_name().to_str()?.strip_suffix(".jsonl").map(str::to_owned)).collect()
}

/// Cleans up, and looks with the eyes of another machine that has no journal.
fn nothing_is_left(state: &Path, cloud: &str, runs: &[String]) {
    let cleaned = command(state, &["cleanup", cloud, "--timeout", "10"]).output().expect("the program runs");
    let said = (stdout(&cleaned), String::from_utf8_lossy(&cleaned.stderr).into_owned());
    assert_eq!(cleaned.status.code(), Some(0), "{said:?}");
    assert_eq!(self::runs(state), Vec::<String>::new(), "no journal is left: {said:?}");
    for run in runs {
        let found = assay(&["cleanup", cloud, "--run", run, "--dry-run"]);
        assert_eq!(stdout(&found), format!("{cloud}: nothing to take down\n"), "{said:?}");
    }
    let marks: Vec<String> = runs.iter().map(|run| format!("assay-{run}")).collect();
    assert_eq!(Member::of(cloud).find(&marks), Vec::<String>::new(), "{said:?}");
}

/// Kills runs at moments that a seed chooses, some of them twice in a row.
#[expect(clippy::print_stdout, reason = "a test that fails shows the seed")]
fn kill_loop(cloud: &str, kills: u64, seed: u64) {
    println!("seed {seed}; set ASSAY_SEED to repeat");
    let mut dice = Dice(seed);
    let state = folder();
    let mut killed = 0;
    let mut marks = Vec::new();
    while killed < kills {
        let lines = usize::try_from(1 + dice.roll(45)).expect("a small number");
        let mut run = check(state.path(), cloud, PROBES);
        let is_there = wait_for_lines(&mut run, state.path(), lines + written(state.path()));
        marks.extend(runs(state.path()));
        run.kill().expect("the run can be killed");
        run.wait().expect("the run has ended");
        killed += u64::from(is_there);
        // Sometimes the next run has to see to what this one left, before it is killed itself.
        if dice.roll(3) != 0 {
            nothing_is_left(state.path(), cloud, &marks);
            marks.clear();
        }
    }
    nothing_is_left(state.path(), cloud, &marks);
}

fn kills() -> u64 {
    if std::env::var_os("ASSAY_FULL").is_some() { 25 } else { 5 }
}

fn seed(of: u64) -> u64 {
    let given = std::env::var("ASSAY_SEED").ok().and_then(|seed| seed.parse().ok());
    given.unwrap_or_else(|| u64::from(std::process::id()) * 2 + of)
}

#[test]
fn runs_that_are_killed_leave_nothing_that_a_cleanup_does_not_find() {
    kill_loop("testbed", kills(), seed(0));
}

#[test]
fn that_holds_in_another_project_at_the_same_time() {
    kill_loop("testbed-two", kills(), seed(1));
}

fn signal(run: &Child, name: &str) {
    let sent = Command::new("kill").args([name, &run.id().to_string()]).status().expect("kill runs");
    assert!(sent.success());
}

#[test]
fn ctrl_c_takes_everything_down_before_the_end() {
    for name in ["-INT", "-TERM"] {
        let state = folder();
        let mut run = check(state.path(), "testbed-two", PROBES);
        assert!(wait_for_lines(&mut run, state.path(), 6));
        let marks = runs(state.path());
        signal(&run, name);
        assert_eq!(run.wait().expect("the run has ended").code(), Some(130));
        assert_eq!(runs(state.path()), Vec::<String>::new(), "the journal is closed");
        nothing_is_left(state.path(), "testbed-two", &marks);
    }
}

#[test]
fn a_second_ctrl_c_ends_at_once_and_a_cleanup_finishes() {
    let state = folder();
    let mut run =
        checking(state.path(), "testbed-two", "scs-0117").stderr(Stdio::piped()).spawn().expect("it runs");
    assert!(wait_for_lines(&mut run, state.path(), 4));
    let marks = runs(state.path());
    signal(&run, "-INT");
    // Two signals at once would be one. Taking down a volume takes longer than saying so.
    let mut said = BufReader::new(run.stderr.take().expect("it is piped")).lines();
    assert!(said.any(|line| line.is_ok_and(|line| line.contains("Ctrl-C again ends at once"))));
    signal(&run, "-INT");
    assert_eq!(run.wait().expect("the run has ended").code(), Some(130));
    // Had it been in another region, nothing of it could be seen from here, and nothing is gone.
    let journal = state.path().join(format!("journal/{}.jsonl", marks[0]));
    let written = fs::read_to_string(&journal).expect("a journal");
    assert!(written.contains("RegionOne"), "{written}");
    fs::write(&journal, written.replace("RegionOne", "RegionTwo")).expect("a file");
    let cleaned = command(state.path(), &["cleanup", "testbed-two"]).output().expect("the program runs");
    let said = String::from_utf8_lossy(&cleaned.stderr);
    assert!(said.contains("left something in region RegionTwo: clean up there, too"), "{said}");
    assert_eq!(runs(state.path()), marks, "it is still there");
    fs::write(&journal, written).expect("a file");
    nothing_is_left(state.path(), "testbed-two", &marks);
}

#[test]
fn two_runs_in_one_project_leave_each_other_alone() {
    let state = folder();
    let mut first = check(state.path(), "testbed-two", "scs-0116-perm|scs-0126|scs-0104-image-upload");
    assert!(wait_for_lines(&mut first, state.path(), 3));
    let marks = runs(state.path());
    // Another check and a cleanup of everything find the first one at work.
    let elsewhere = folder();
    for machine in [state.path(), elsewhere.path()] {
        let cleaned = command(machine, &["cleanup", "testbed-two", "--all", "--yes"]).output();
        let cleaned = cleaned.expect("the program runs");
        assert_eq!(stdout(&cleaned), "testbed-two: nothing to take down\n");
    }
    let second = command(
        state.path(),
        &[
            "check",
            "testbed-two",
            "--testcases",
            "scs-0116-perm|scs-0126-rbac",
            "--format",
            "lines",
            "--reading",
            "text",
        ],
    );
    let lines = stdout(&{ second }.output().expect("the program runs"));
    assert!(lines.contains("scs-0116-permissions: PASS"), "{lines}");
    let ended = first.wait().expect("the run has ended").code();
    assert!(matches!(ended, Some(0 | 1)), "verdicts, and nothing left: {ended:?}");
    nothing_is_left(state.path(), "testbed-two", &marks);
}

/// Two domains of the testbed with their managers.
const MANAGERS: &str = "domains:
- {name: domain-a, manager: {username: manager-a, password: testbed}}
- {name: domain-b, manager: {username: manager-b, password: testbed}}
";

#[test]
fn attempts_of_domain_managers_that_are_killed_are_named_and_taken_down() {
    let state = folder();
    let file = state.path().join("managers.yaml");
    fs::write(&file, MANAGERS).expect("a file");
    let managers = ["--domain-managers", file.to_str().expect("UTF-8")];
    let check = || {
        let mut command = checking(state.path(), "testbed-two", "domain-manager-check");
        command.args(managers);
        command
    };
    let mut dice = Dice(seed(2));
    let mut killed = 0;
    while killed < kills() {
        let lines = usize::try_from(3 + dice.roll(60)).expect("a small number");
        let mut run = check().spawn().expect("the program starts");
        let is_there = wait_for_lines(&mut run, state.path(), lines);
        let marks: Vec<String> = runs(state.path()).iter().map(|run| format!("assay-{run}")).collect();
        run.kill().expect("the run can be killed");
        run.wait().expect("the run has ended");
        killed += u64::from(is_there);
        let cleanup = |more: &[&str]| {
            let arguments = [&["cleanup", "testbed-two", "--timeout", "5"], more].concat();
            let cleaned = command(state.path(), &arguments).output().expect("the program runs");
            let said = String::from_utf8_lossy(&cleaned.stderr).into_owned();
            assert_eq!(cleaned.status.code(), Some(0), "{said}");
            (stdout(&cleaned), said)
        };
        // A journal in which nothing is open has nothing to tell.
        let listed = cleanup(&[&managers[..], &["--dry-run"]].concat()).0;
        let (_, said) = cleanup(&[]);
        let is_named = said.contains("--domain-managers FILE takes it down");
        assert_eq!(is_named, !listed.contains("nothing to take down"), "{said}{listed}");
        cleanup(&managers);
        assert_eq!(runs(state.path()), Vec::<String>::new());
        let admin = Member::of("testbed-admin");
        for list in ["users", "groups", "projects", "roles", "domains"] {
            let (status, all) = admin.call("GET", "identity", list, None);
            assert_eq!(status, 200, "{all}");
            assert!(!marks.iter().any(|mark| all.to_string().contains(mark)), "{list}: {marks:?}");
        }
    }
}

/// Whether a process is at work that names a folder.
fn is_at_work_in(folder: &Path) -> bool {
    let name = folder.to_str().expect("UTF-8");
    fs::read_dir("/proc").expect("processes").flatten().any(|process| {
        let line = fs::read(process.path().join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(name)
    })
}

#[test]
fn tempest_ends_with_the_run_and_a_cleanup_finds_what_only_bears_the_mark() {
    let (state, workspaces) = (folder(), folder());
    let tests =
        ["--only", "BasicOperationsImagesTest", "--only", "ImagesTagsTest", "--only", "ListUserImagesTest"];
    let mut command = command(state.path(), &[&["tempest", "testbed-two"], &tests[..]].concat());
    command.env("TMPDIR", workspaces.path()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut run = command.spawn().expect("the program starts");
    assert!(wait_for(&mut run, || !runs(state.path()).is_empty()));
    let marks = runs(state.path());
    let member = Member::of("testbed-two");
    let mark = [format!("assay-{}", marks[0])];
    // Of images Tempest does not tell, so no journal names this one.
    assert!(wait_for(&mut run, || member.find(&mark).iter().any(|item| item.contains("v2/images"))));
    assert!(is_at_work_in(workspaces.path()));
    run.kill().expect("the run can be killed");
    run.wait().expect("the run has ended");
    let begun = Instant::now();
    while is_at_work_in(workspaces.path()) {
        assert!(begun.elapsed() < LONGEST, "Tempest goes on");
        thread::sleep(Duration::from_millis(20));
    }
    nothing_is_left(state.path(), "testbed-two", &marks);
}

#[test]
fn buckets_of_a_run_that_was_killed_are_taken_down_by_the_address_of_their_server() {
    let bed = std::env::var("ASSAY_TESTBED_S3").expect("./test sets it");
    let bed: Value = serde_json::from_str(&fs::read_to_string(bed).expect("a file")).expect("JSON");
    let text = |name: &str| bed[name].as_str().expect("text").to_owned();
    let endpoint = text("endpoint");
    let state = folder();
    let of_server = |arguments: &[&str]| {
        let region = text("region");
        let more = ["--region", &region, "--timeout", "5"];
        let mut command = command(state.path(), &[arguments, &more].concat());
        command.env("AWS_ACCESS_KEY_ID", text("access_key"));
        command.env("AWS_SECRET_ACCESS_KEY", text("secret_key"));
        command
    };
    let mut command = of_server(&["s3", &endpoint]);
    let mut run = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
    assert!(wait_for_lines(&mut run, state.path(), 4));
    let marks = runs(state.path());
    run.kill().expect("the run can be killed");
    run.wait().expect("the run has ended");

    let cloud = self::command(state.path(), &["cleanup", "testbed-two"]).output().expect("the program runs");
    let said = String::from_utf8_lossy(&cloud.stderr);
    assert!(said.contains(&format!("`assay cleanup {endpoint}` takes it down")), "{said}");
    let output = |arguments: &[&str]| of_server(arguments).output().expect("the program runs");
    let cleaned = output(&["cleanup", &endpoint]);
    assert_eq!(cleaned.status.code(), Some(0), "{}", String::from_utf8_lossy(&cleaned.stderr));
    assert!(stdout(&cleaned).contains("bucket") && stdout(&cleaned).ends_with(" 0 left\n"), "{cleaned:?}");
    assert_eq!(runs(state.path()), Vec::<String>::new());
    let nothing = output(&["cleanup", &endpoint, "--run", &marks[0], "--dry-run"]);
    assert_eq!(stdout(&nothing), format!("{endpoint}: nothing to take down\n"));
}
