use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Mutex;

use tempfile::TempDir;

use super::*;
use crate::account::tests::account;
use crate::conf::tests::cloud;
use crate::subunit::tests::written;
use crate::subunit::{Packet, Status};

/// A program that answers as Tempest does, and what it was called with.
struct Fake {
    folder: TempDir,
}

impl Fake {
    /// `run` is the part of the script that stands for running tests.
    fn new(lists: &[&Test], run: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listing: String = lists.iter().map(|test| test.load_line() + "\n").collect();
        fs::write(folder.path().join("listing"), listing).unwrap();
        let script = format!(
            "#!/bin/sh\nhere={}\ncase \"$*\" in\n--version) echo tempest 47.0.0;;\n\
             *--list-tests) cat accounts.yaml > $here/accounts; pwd > $here/pwd; ls -l accounts.yaml > $here/mode; \
             echo 'some noise'; cat $here/listing;;\n*) echo \"$*\" > $here/arguments; cp tests.list tempest.conf $here\n{run}\n;;\nesac\n",
            folder.path().display()
        );
        let program = folder.path().join("tempest");
        fs::write(&program, script).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        Fake { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn stream(&self, name: &str, packets: &[Packet]) {
        fs::write(self.path(name), packets.iter().flat_map(written).collect::<Vec<u8>>()).unwrap();
    }
}

fn status(test: &Test, status: Status) -> Packet {
    Packet { test: Some(test.load_line()), status: Some(status), file: None }
}

fn attached(test: &Test, name: &str, content: &str) -> Packet {
    Packet { test: Some(test.load_line()), status: None, file: Some((name.into(), content.into())) }
}

fn chosen() -> Vec<&'static Test> {
    let list = TestList::scs_0128();
    [
        list.matching("FlavorsV2TestJSON"),
        list.matching("IdentityV3ProjectsTest"),
        list.matching("TestVersions"),
    ]
    .concat()
}

async fn run_with(
    fake: &Fake,
    tests: &[&Test],
    limit: Duration,
    stop: impl Future<Output = ()>,
) -> (Result<Outcome, TempestError>, Vec<Event>) {
    let events = Mutex::new(Vec::new());
    let request = Request {
        installation: &Installation::existing(&fake.path("tempest")),
        cloud: &cloud(),
        accounts: &Accounts { main: account("one"), other: None },
        has_application_credentials: false,
        list: TestList::scs_0128(),
        tests,
        mark: "assay-0123abcd",
        limit,
        keep: Some(&fake.path("kept")),
    };
    let outcome = run(&request, &mut |event| events.lock().unwrap().push(event), stop).await;
    (outcome, events.into_inner().unwrap())
}

const LONG: Duration = Duration::from_mins(1);

#[tokio::test]
async fn a_run_is_told_as_it_happens_and_counted_in_the_end() {
    let tests = chosen();
    let fake = Fake::new(
        &tests,
        "cat $here/begin; echo '{\"servers\": {\"s1\": null}}' > resource_list.json; cat $here/end; echo 'and ends'",
    );
    fake.stream("begin", &[status(tests[0], Status::Exists), status(tests[0], Status::InProgress)]);
    fake.stream(
        "end",
        &[
            status(tests[0], Status::Success),
            attached(tests[1], "traceback", "  File \"a\"\nx.Error: p: \"#'\\ä{} was refused"),
            status(tests[1], Status::Fail),
        ],
    );
    let (outcome, events) = run_with(&fake, &tests, LONG, std::future::pending()).await;
    let Outcome { run, created } = outcome.unwrap();

    assert_eq!(
        (run.version.as_deref(), run.list.name.as_str(), run.list.count),
        (Some("47.0.0"), "scs-0128-v1", 258)
    );
    assert_eq!(run.passed, [tests[0].name.clone()]);
    assert_eq!(run.failed[0].reason, "Error: [redacted] was refused");
    let skip = &run.skipped[0];
    assert_eq!((run.skipped.len(), &skip.name), (1, &tests[2].name));
    assert!(skip.reason.contains("second account"), "{skip:?}");
    assert_eq!(run.not_run.len(), 258 - 3, "what was not chosen or not reached");
    assert!(run.not_run.contains(&tests[3].name) && run.cut_short.is_none());
    assert_eq!(created.len(), 1);

    assert_eq!(events[0], Event::Started { tests: 3 });
    assert_eq!(events[1], Event::Began { name: tests[0].name.clone() });
    let ended: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::Ended { ending, counts, .. } => Some((*ending, counts.ended())),
            _ => None,
        })
        .collect();
    assert_eq!(ended, [(Ending::Passed, 1), (Ending::Failed, 2)]);
    assert!(events.contains(&Event::Created(created[0].clone())));

    let loaded: Vec<String> = [tests[0], tests[1], tests[3]].iter().map(|test| test.load_line()).collect();
    assert_eq!(fake.read("tests.list").lines().collect::<Vec<_>>(), loaded);
    assert!(fake.read("arguments").ends_with(" --concurrency 1 --subunit\n"));
    assert!(fake.read("mode").starts_with("-rw------- "), "{}", fake.read("mode"));
    assert!(fake.read("accounts").contains("project-of-one"));
    assert!(!Path::new(fake.read("pwd").trim()).exists(), "the folder is gone");
    assert_eq!(run.conf, fake.read("tempest.conf"));
    let password = "p: ";
    for kept in ["tempest.conf", "tests.list", "run.subunit"] {
        let text = fs::read(fake.path("kept").join(kept)).unwrap();
        assert_eq!(kept == "run.subunit", String::from_utf8_lossy(&text).contains(password), "{kept}");
    }
    assert!(!fake.path("kept").join("accounts.yaml").exists());
}

#[tokio::test]
async fn tests_are_loaded_by_the_name_that_this_tempest_has_for_them() {
    let tests = chosen();
    let renamed = Test { name: "tempest.elsewhere.Class.test_it".into(), tags: vec![], ..tests[0].clone() };
    let fake = Fake::new(&[&renamed], "cat $here/stream");
    fake.stream("stream", &[status(&renamed, Status::Success)]);
    let (outcome, events) = run_with(&fake, &tests[..2], LONG, std::future::pending()).await;
    let run = outcome.unwrap().run;
    assert_eq!(events[0], Event::Started { tests: 1 });
    assert_eq!(fake.read("tests.list"), renamed.load_line() + "\n");
    assert_eq!(run.passed, [tests[0].name.clone()], "reported as the standard calls it");
    assert!(run.not_run.contains(&tests[1].name), "this Tempest does not have it");
}

/// A script that says it has passed one test, and then takes for ever; it says when it was interrupted.
const ENDLESS: &str =
    "trap 'echo asked > $here/asked; exit 0' INT; cat $here/stream; while :; do sleep 0.05; done";

#[tokio::test]
async fn whoever_stops_a_run_gets_what_it_came_to() {
    let tests = chosen();
    let fake = Fake::new(&tests, ENDLESS);
    fake.stream("stream", &[status(tests[0], Status::Success)]);
    let running = fake.path("arguments");
    let stop = async {
        while !running.exists() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
    };
    let (outcome, _) = run_with(&fake, &tests, LONG, stop).await;
    let run = outcome.unwrap().run;
    assert_eq!((run.passed.len(), run.cut_short.as_deref()), (1, Some("it was interrupted")));
    assert!(fake.path("asked").exists(), "it could take down what it had created");
    assert!(!Path::new(fake.read("pwd").trim()).exists());
}

#[tokio::test]
async fn a_run_ends_when_its_time_is_over() {
    let tests = chosen();
    let fake = Fake::new(&tests, ENDLESS);
    fake.stream("stream", &[status(tests[0], Status::Success)]);
    let (outcome, _) = run_with(&fake, &tests, Duration::from_secs(1), std::future::pending()).await;
    let run = outcome.unwrap().run;
    assert_eq!(run.cut_short.as_deref(), Some("its time was over after 1 s"));
    assert_eq!(run.passed.len(), 1);
}

#[tokio::test]
async fn a_run_that_is_dropped_leaves_no_accounts() {
    let tests = chosen();
    let fake = Fake::new(&tests, ENDLESS);
    fake.stream("stream", &[]);
    let dropped =
        timeout(Duration::from_secs(2), run_with(&fake, &tests, LONG, std::future::pending())).await;
    assert!(dropped.is_err());
    assert!(!Path::new(fake.read("pwd").trim()).exists());
}

#[tokio::test]
async fn a_tempest_that_cannot_run_says_why() {
    let tests = chosen();
    let never = std::future::pending::<()>;

    let silent = Fake::new(&tests, "echo 'cannot import p: \"#'\\''\\ä{}' >&2; exit 3");
    let error = run_with(&silent, &tests, LONG, never()).await.0.unwrap_err().to_string();
    assert_eq!(error, "Tempest ended without having run a test: cannot import [redacted] (exit status: 3)");

    let empty = Fake::new(&[], "");
    let error = run_with(&empty, &tests, LONG, never()).await.0.unwrap_err().to_string();
    assert_eq!(error, "Tempest cannot list its tests: some noise");

    let others = Fake::new(&TestList::scs_0128().matching("test_ports")[..1], "");
    let error = run_with(&others, &tests[..2], LONG, never()).await.0.unwrap_err();
    assert!(matches!(error, TempestError::UnknownTests(2, _)), "{error}");

    let error = run_with(&others, &tests[2..3], LONG, never()).await.0.unwrap_err().to_string();
    assert!(error.contains("second account"), "{error}");
}

#[test]
fn passwords_are_taken_out_where_they_stand_alone() {
    let secrets = [SecretString::from("test"), SecretString::from("")];
    assert_eq!(
        without(&secrets, "'test' testtools test_x atest,test"),
        "'[redacted]' testtools [redacted]_x atest,[redacted]"
    );
}
