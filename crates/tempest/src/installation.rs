use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

use crate::TempestError;
use crate::process::{clean, last_words};

const REQUIREMENTS: &str = include_str!("../data/requirements.txt");
/// The line of the requirements that names Tempest itself.
const TEMPEST: &str = "tempest==";
/// The file that says with what an environment was filled completely.
const COMPLETE: &str = "assay-complete";
/// How long a step of the installation may take.
const PATIENCE: Duration = Duration::from_mins(15);

/// A Tempest that can be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    program: PathBuf,
}

impl Installation {
    /// A Tempest that is there already: the program itself, or the virtual environment that it is in.
    pub fn existing(path: &Path) -> Self {
        let inside = path.join("bin").join("tempest");
        Installation { program: if inside.is_file() { inside } else { path.to_owned() } }
    }

    /// The Tempest below `cache`, which is installed there from the Python package index if it is missing.
    ///
    /// `python` is the interpreter, 3.10 or newer, with the modules `venv` and `pip`. `tell` gets to know what
    /// takes its time.
    pub async fn managed(
        cache: &Path,
        python: &Path,
        tell: &(dyn Fn(&str) + Sync),
    ) -> Result<Self, TempestError> {
        let version = version();
        let folder = cache.join(format!("tempest-{version}"));
        let installation = Installation { program: folder.join("bin").join("tempest") };
        if is_complete(&folder) {
            return Ok(installation);
        }
        fs::create_dir_all(cache).map_err(|error| TempestError::file(cache, "made", error))?;
        let _one_at_a_time = lock(cache, tell).await?;
        if is_complete(&folder) {
            return Ok(installation);
        }

        tell(&format!("installs Tempest {version}"));
        let mut make = Command::new(python);
        make.args(["-m", "venv", "--clear"]).arg(&folder);
        let hint = "it takes Python 3.10 or newer with its module venv (on Debian and Ubuntu: apt install python3-venv), \
                    or a Tempest of your own";
        step(&mut make, python, "making a Python environment", hint).await?;

        let requirements = folder.join("requirements.txt");
        fs::write(&requirements, REQUIREMENTS)
            .map_err(|error| TempestError::file(&requirements, "written", error))?;
        let inner = folder.join("bin").join("python");
        let pip = || {
            let mut pip = Command::new(&inner);
            pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]);
            pip
        };
        let hint = "pip needs a package index (PIP_INDEX_URL, PIP_PROXY), or give a Tempest of your own";
        let pinned = step(pip().arg("-r").arg(&requirements), &inner, "installing Tempest", hint).await;
        if let Err(error) = pinned {
            // Not every Python can have the very versions that were tried out.
            tell(&format!("installs Tempest {version} with what else fits this Python"));
            step(pip().arg(format!("{TEMPEST}{version}")), &inner, "installing Tempest", hint)
                .await
                .map_err(|_| error)?;
        }
        let complete = folder.join(COMPLETE);
        fs::write(&complete, REQUIREMENTS)
            .map_err(|error| TempestError::file(&complete, "written", error))?;
        Ok(installation)
    }

    /// The program.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// The version that it says it is; none if it says nothing of the kind.
    pub async fn version(&self) -> Result<Option<String>, TempestError> {
        let folder = std::env::temp_dir();
        let output = clean(&self.program, &folder)
            .arg("--version")
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .map_err(|source| self.not_started(source))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let word =
            text.split_whitespace().find(|word| word.starts_with(|letter: char| letter.is_ascii_digit()));
        Ok(word.map(str::to_owned))
    }

    pub(crate) fn not_started(&self, source: std::io::Error) -> TempestError {
        TempestError::Start {
            program: self.program.clone(),
            source,
            hint: "give the program `tempest`, or the virtual environment that it is in",
        }
    }
}

/// The version of Tempest that is installed.
fn version() -> &'static str {
    REQUIREMENTS.lines().find_map(|line| line.strip_prefix(TEMPEST)).unwrap_or_default()
}

fn is_complete(folder: &Path) -> bool {
    fs::read_to_string(folder.join(COMPLETE)).is_ok_and(|text| text == REQUIREMENTS)
}

/// Keeps two programs from filling the same environment.
async fn lock(cache: &Path, tell: &(dyn Fn(&str) + Sync)) -> Result<File, TempestError> {
    let path = cache.join("tempest.lock");
    let file = File::create(&path).map_err(|error| TempestError::file(&path, "made", error))?;
    let mut told = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(fs::TryLockError::WouldBlock) => {
                if !told {
                    tell("waits for another assay that installs Tempest");
                    told = true;
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            Err(fs::TryLockError::Error(error)) => return Err(TempestError::file(&path, "locked", error)),
        }
    }
}

async fn step(
    command: &mut Command,
    program: &Path,
    step: &'static str,
    hint: &'static str,
) -> Result<(), TempestError> {
    command
        .env_remove("PYTHONPATH")
        .env_remove("PYTHONHOME")
        .env_remove("VIRTUAL_ENV")
        .env_remove("PIP_TARGET")
        .env_remove("PIP_USER")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    let output: Output = match timeout(PATIENCE, command.output()).await {
        Ok(Ok(output)) => output,
        Ok(Err(source)) => return Err(TempestError::Start { program: program.to_owned(), source, hint }),
        Err(_) => {
            let message = format!("it has not ended within {} minutes", PATIENCE.as_secs() / 60);
            return Err(TempestError::Install { step, message, hint });
        }
    };
    if output.status.success() {
        return Ok(());
    }
    tracing::debug!(stderr = %String::from_utf8_lossy(&output.stderr), "{step} failed");
    let said = if output.stderr.trim_ascii().is_empty() { &output.stdout } else { &output.stderr };
    Err(TempestError::Install { step, message: last_words(said), hint })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::TestList;

    #[test]
    fn the_version_is_the_one_that_the_list_was_checked_with() {
        assert_eq!(version(), TestList::scs_0128().checked);
        let pins = REQUIREMENTS.lines().filter(|line| !line.starts_with('#'));
        assert!(pins.clone().all(|line| line.contains("==")), "all is pinned");
        assert!(pins.count() > 40);
    }

    fn script(path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    #[tokio::test]
    async fn a_tempest_of_ones_own_is_a_program_or_an_environment() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("bin").join("tempest");
        script(&program, "echo tempest 41.0.0");
        for path in [folder.path(), &program] {
            let installation = Installation::existing(path);
            assert_eq!(installation.program(), program);
            assert_eq!(installation.version().await.unwrap().as_deref(), Some("41.0.0"));
        }
        let missing = Installation::existing(Path::new("/no/such/tempest"));
        let error = missing.version().await.unwrap_err().to_string();
        assert!(error.starts_with("/no/such/tempest cannot be started: "), "{error}");
    }

    #[tokio::test]
    async fn an_installation_that_fails_says_why_and_is_not_taken_for_one() {
        let cache = tempfile::tempdir().unwrap();
        let python = cache.path().join("python");
        script(&python, "echo 'something else' >&2; echo 'Error: No module named venv' >&2; exit 1");
        let quiet = |_: &str| {};
        for _ in 0..2 {
            let error = Installation::managed(cache.path(), &python, &quiet).await.unwrap_err().to_string();
            assert!(
                error.starts_with("making a Python environment failed: Error: No module named venv; "),
                "{error}"
            );
        }
        let missing = Installation::managed(cache.path(), Path::new("/no/python3"), &quiet).await;
        assert!(matches!(missing, Err(TempestError::Start { .. })));
    }

    #[tokio::test]
    async fn what_was_installed_once_is_used_again_and_pins_that_do_not_fit_are_let_go() {
        let cache = tempfile::tempdir().unwrap();
        let log = cache.path().join("log");
        let python = cache.path().join("python");
        // Makes an environment whose own Python refuses the pins.
        script(
            &python,
            &format!(
                "mkdir -p \"$4/bin\"; echo venv >> {log}; \
                 printf '#!/bin/sh\\necho pip >> {log}; case \"$*\" in *requirements*) exit 1;; esac\\n' > \"$4/bin/python\"; \
                 chmod +x \"$4/bin/python\"",
                log = log.display()
            ),
        );
        let told = std::sync::Mutex::new(Vec::new());
        let tell = |what: &str| told.lock().unwrap().push(what.to_owned());
        for _ in 0..2 {
            let installation = Installation::managed(cache.path(), &python, &tell).await.unwrap();
            assert!(installation.program().ends_with(format!("tempest-{}/bin/tempest", version())));
        }
        assert_eq!(fs::read_to_string(&log).unwrap(), "venv\npip\npip\n");
        assert_eq!(told.lock().unwrap().len(), 2, "{told:?}");
    }
}
