//! Programs in a process group of their own, so that all that they start can be ended with them.

use std::ffi::OsStr;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::{env, io};

use tokio::process::{Child, ChildStdin, Command};

/// Variables that a program needs for reaching the network or finding its files, whatever else is set.
const PASSED_ON: &[&str] = &[
    "PATH",
    "TMPDIR",
    "LD_LIBRARY_PATH",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

/// A program without the variables of the user, which would change what Tempest does.
pub(crate) fn clean(program: impl AsRef<OsStr>, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear();
    for name in PASSED_ON {
        if let Some(value) = env::var_os(name) {
            command.env(name, value);
        }
    }
    command
        .env("HOME", folder)
        .env("LANG", "C.UTF-8")
        .env("PYTHONUNBUFFERED", "1")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("PYTHONWARNINGS", "ignore")
        .current_dir(folder);
    command
}

/// Runs a program beside a guard in its group. The guard waits for the end of its input, which comes when this
/// process ends in whatever way, and kills the group then. What the shell runs in the background hears no Ctrl-C.
const GUARDED: &str =
    "exec 3<&0; { read -r _ <&3; kill -s KILL 0; } >/dev/null 2>&1 & exec \"$@\" 3<&- </dev/null";

/// As [`clean`], for [`Group::start`].
pub(crate) fn guarded(program: impl AsRef<OsStr>, folder: &Path) -> Command {
    let mut command = clean("/bin/sh", folder);
    command.args(["-c", GUARDED, "assay-guard"]).arg(program);
    command
}

/// A running program with all that it starts. Dropping it kills them all, and so does a death of this process.
#[derive(Debug)]
pub(crate) struct Group {
    child: Child,
    /// Id of the group; none once it has ended.
    id: Option<u32>,
    /// The guard of the group lets it live as long as this is open.
    lifeline: Option<ChildStdin>,
}

impl Group {
    /// Starts a program that is [`guarded`] in a group of its own, so that Ctrl-C in a terminal reaches us alone.
    pub(crate) fn start(command: &mut Command) -> io::Result<Self> {
        let mut child = command.stdin(Stdio::piped()).process_group(0).kill_on_drop(true).spawn()?;
        // Taken out, since whoever waits for the child closes its input.
        let lifeline = child.stdin.take();
        Ok(Group { id: child.id(), child, lifeline })
    }

    pub(crate) fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Waits for the program. What it started and left running is killed.
    pub(crate) async fn ended(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait().await;
        self.kill();
        self.id = None;
        self.lifeline = None;
        status
    }

    /// Asks all to end as Ctrl-C does, so that Tempest can take down what it created.
    pub(crate) fn interrupt(&self) {
        self.signal("INT");
    }

    /// Ends all at once.
    pub(crate) fn kill(&self) {
        self.signal("KILL");
    }

    /// The shell is asked, since sending signals takes code that this program does not have.
    fn signal(&self, name: &str) {
        let Some(id) = self.id else {
            return;
        };
        let outcome = std::process::Command::new("/bin/sh")
            .args(["-c", "kill -s \"$0\" -- \"-$1\" 2>/dev/null", name, &id.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if let Err(error) = outcome {
            tracing::warn!(%error, group = id, "a process group cannot be signalled");
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The last words of a program, for a message of one line.
pub(crate) fn last_words(output: &[u8]) -> String {
    let text = String::from_utf8_lossy(output);
    let line = text.lines().map(str::trim).rfind(|line| !line.is_empty());
    crate::reason::shortened(line.unwrap_or("it said nothing"), 400)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::{Duration, Instant};

    use super::*;

    fn alive(pid: &str) -> bool {
        let state = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // A process that has ended and that nobody waits for counts as ended.
        state.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
    }

    /// Starts a shell that starts another program, and says the id of that one.
    async fn family(folder: &Path, script: &str) -> (Group, String) {
        let mut command = guarded("/bin/sh", folder);
        let group = Group::start(command.args(["-c", script])).unwrap();
        let file = folder.join("pid");
        let until = Instant::now() + Duration::from_secs(10);
        loop {
            if let Ok(pid) = fs::read_to_string(&file)
                && pid.ends_with('\n')
            {
                return (group, pid.trim().to_owned());
            }
            assert!(Instant::now() < until, "the family does not start");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn ends(pid: &str) {
        let until = Instant::now() + Duration::from_secs(10);
        while alive(pid) {
            assert!(Instant::now() < until, "{pid} still runs");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    #[tokio::test]
    async fn what_a_program_started_ends_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let script = "sleep 600 & echo $! > pid; wait";
        let (group, pid) = family(folder.path(), script).await;
        assert!(alive(&pid));
        drop(group);
        ends(&pid).await;

        fs::remove_file(folder.path().join("pid")).unwrap();
        let (mut group, pid) = family(folder.path(), "sleep 600 & echo $! > pid").await;
        assert!(group.ended().await.unwrap().success());
        ends(&pid).await;
    }

    #[tokio::test]
    async fn what_a_program_started_does_not_outlive_us() {
        let folder = tempfile::tempdir().unwrap();
        let script = "trap '' INT TERM HUP; sleep 600 & echo $! > pid; wait";
        let (mut group, pid) = family(folder.path(), script).await;
        group.interrupt();
        assert!(alive(&pid));
        // What the system does when this process is killed.
        group.lifeline = None;
        ends(&pid).await;
        assert!(!group.child.wait().await.unwrap().success());
    }

    #[tokio::test]
    async fn whoever_ends_when_asked_is_not_killed() {
        let folder = tempfile::tempdir().unwrap();
        let script = "trap 'echo bye > bye; exit 0' INT; echo $$ > pid; while :; do sleep 0.05; done";
        let (mut group, pid) = family(folder.path(), script).await;
        group.interrupt();
        assert!(group.ended().await.unwrap().success());
        ends(&pid).await;
        assert!(folder.path().join("bye").exists());
    }

    #[tokio::test]
    async fn variables_of_the_user_do_not_get_through() {
        let folder = tempfile::tempdir().unwrap();
        let output = clean("/usr/bin/env", folder.path()).output().await.unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains(&format!("HOME={}\n", folder.path().display())), "{text}");
        assert!(!text.contains("CARGO"), "{text}");
    }

    #[test]
    fn last_words_are_the_last_line_that_says_something() {
        assert_eq!(last_words(b"one\n two \n\n"), "two");
        assert_eq!(last_words(b"\n"), "it said nothing");
    }
}
