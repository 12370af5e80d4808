//! The folder in which Tempest runs.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tempfile::TempDir;

use crate::TempestError;

/// What the names of the folders begin with.
const PREFIX: &str = "assay-tempest-";
/// Where stestr, which Tempest runs its tests with, keeps results. It lists no tests without one.
const REPOSITORY: &str = ".stestr";
/// The file that a living run holds locked.
const OWNER: &str = "owner";
/// Younger folders may belong to a run that has not locked its own yet.
const SETTLED: Duration = Duration::from_mins(1);

/// A folder for its owner alone, which goes away with everything in it.
#[derive(Debug)]
pub(crate) struct Workspace {
    folder: TempDir,
    _owner: File,
}

impl Workspace {
    /// A new folder. Those that killed runs left behind are removed: there are passwords in them.
    pub(crate) fn new() -> Result<Self, TempestError> {
        let parent = std::env::temp_dir();
        sweep(&parent, SETTLED);
        Self::within(&parent)
    }

    fn within(parent: &Path) -> Result<Self, TempestError> {
        let folder = tempfile::Builder::new()
            .prefix(PREFIX)
            .permissions(fs::Permissions::from_mode(0o700))
            .tempdir_in(parent)
            .map_err(|error| TempestError::file(parent, "written to", error))?;
        let path = folder.path().join(OWNER);
        let owner = File::create(&path).map_err(|error| TempestError::file(&path, "made", error))?;
        owner.lock().map_err(|error| TempestError::file(&path, "locked", error))?;
        let workspace = Workspace { folder, _owner: owner };
        for name in ["lock", REPOSITORY] {
            let path = workspace.path().join(name);
            fs::create_dir(&path).map_err(|error| TempestError::file(&path, "made", error))?;
        }
        workspace.write(&format!("{REPOSITORY}/format"), "1\n")?;
        workspace.write(&format!("{REPOSITORY}/next-stream"), "0\n")?;
        Ok(workspace)
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Where the accounts are.
    pub(crate) fn accounts(&self) -> PathBuf {
        self.path().join("accounts.yaml")
    }

    /// Writes a file.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<PathBuf, TempestError> {
        let path = self.path().join(name);
        fs::write(&path, text).map_err(|error| TempestError::file(&path, "written", error))?;
        Ok(path)
    }

    /// Writes the accounts, readable for their owner alone from the first byte on.
    pub(crate) fn write_accounts(&self, accounts: &SecretString) -> Result<(), TempestError> {
        let path = self.accounts();
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .and_then(|mut file| file.write_all(accounts.expose_secret().as_bytes()))
            .map_err(|error| TempestError::file(&path, "written", error))
    }

    /// Copies what tells about the run, but no accounts, into a folder that stays.
    pub(crate) fn keep(&self, target: &Path) -> Result<(), TempestError> {
        fs::create_dir_all(target).map_err(|error| TempestError::file(target, "made", error))?;
        for name in ["tempest.conf", "tempest.log", "tests.list", "run.subunit"] {
            let from = self.path().join(name);
            let to = target.join(name);
            if from.exists() {
                fs::copy(&from, &to).map_err(|error| TempestError::file(&to, "written", error))?;
            }
        }
        Ok(())
    }
}

/// Removes folders of runs that no longer live.
fn sweep(parent: &Path, settled: Duration) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let is_ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        let age = entry.metadata().and_then(|metadata| metadata.modified()).map(|time| time.elapsed());
        if !is_ours || !matches!(age, Ok(Ok(age)) if age >= settled) {
            continue;
        }
        // Folders of other users cannot be opened.
        let Ok(owner) = File::open(entry.path().join(OWNER)) else {
            continue;
        };
        if owner.try_lock().is_ok()
            && let Err(error) = fs::remove_dir_all(entry.path())
        {
            tracing::warn!(%error, folder = %entry.path().display(), "an old folder cannot be removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn nobody_else_can_read_it_and_nothing_stays() {
        let workspace = Workspace::new().unwrap();
        workspace.write_accounts(&SecretString::from("secret")).unwrap();
        let (folder, accounts) = (workspace.path().to_owned(), workspace.accounts());
        assert_eq!((mode(&folder), mode(&accounts)), (0o700, 0o600));
        assert_eq!(fs::read_to_string(&accounts).unwrap(), "secret");
        drop(workspace);
        assert!(!folder.exists());
    }

    #[test]
    fn folders_of_killed_runs_are_removed_and_those_of_living_ones_stay() {
        let parent = tempfile::tempdir().unwrap();
        let living = Workspace::within(parent.path()).unwrap();
        let killed = Workspace::within(parent.path()).unwrap().folder.keep();
        let foreign = parent.path().join("foreign");
        fs::create_dir(&foreign).unwrap();
        fs::write(foreign.join(OWNER), "").unwrap();

        sweep(parent.path(), SETTLED);
        assert!(killed.exists(), "it is young");
        sweep(parent.path(), Duration::ZERO);
        assert!(living.path().exists() && foreign.exists() && !killed.exists());
    }

    #[test]
    fn what_is_kept_holds_no_accounts() {
        let workspace = Workspace::new().unwrap();
        workspace.write_accounts(&SecretString::from("secret")).unwrap();
        workspace.write("tempest.conf", "[DEFAULT]\n").unwrap();
        let target = tempfile::tempdir().unwrap();
        workspace.keep(&target.path().join("kept")).unwrap();
        let names: Vec<_> = fs::read_dir(target.path().join("kept"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(names, ["tempest.conf"]);
    }
}
