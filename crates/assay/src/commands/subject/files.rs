//! Files with secrets: made at once or not at all, and never over others.

use std::ffi::OsString;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use assay_fleet::{Config, file_name};
use assay_signature::{KeyFile, PublicKey};

use super::token::Held;
use super::{FOLDER, PRIMARY, Placed};
use crate::failure::Failure;

/// For the eyes of one user.
const SECRET: u32 = 0o600;
const PUBLIC: u32 = 0o644;
const FOLDER_MODE: u32 = 0o700;

/// A file with a private key, and one with a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Secrets {
    pub(super) key: PathBuf,
    pub(super) token: PathBuf,
}

impl Secrets {
    /// Those of a subject that are made anew: named after it.
    pub(super) fn new(placed: &Placed) -> Self {
        let folder = placed.root().join(placed.dir.as_deref().unwrap_or(Path::new(FOLDER)));
        let name = file_name(&placed.subject);
        Self { key: folder.join(format!("{name}.key")), token: folder.join(format!("{name}.token")) }
    }

    /// Those of a subject that are there: what the configuration names, if the token is of this subject.
    pub(super) fn there(placed: &Placed, config: Option<&Config>) -> Self {
        let named = config.filter(|_| placed.dir.is_none());
        if let Some((key, token)) =
            named.and_then(|config| config.keyfile.as_ref().zip(config.tokenfile.as_ref()))
            && let Ok(Held::Password(held)) = Held::open(token)
            && held.account() == placed.subject
        {
            return Self { key: key.clone(), token: token.clone() };
        }
        Self::new(placed)
    }

    /// Where the new ones lie until a change has ended.
    pub(super) fn next(&self) -> Self {
        Self { key: with_ending(&self.key, ".next"), token: with_ending(&self.token, ".next") }
    }

    /// The public half of the key, for people and `ssh-keygen`.
    pub(super) fn public(&self) -> PathBuf {
        with_ending(&self.key, ".pub")
    }

    /// The key with the name that it has at the monitor.
    pub(super) fn named_key(&self) -> Result<(String, KeyFile), Failure> {
        let file = KeyFile::open(&self.key)
            .map_err(|error| Failure::usage(format!("{}: {error}", self.key.display()), ""))?;
        let name = self.name_of(file.public()).unwrap_or_else(|| PRIMARY.to_owned());
        Ok((name, file))
    }

    /// The name that stands beside the public half, if we wrote it.
    fn name_of(&self, key: &PublicKey) -> Option<String> {
        let line = std::fs::read_to_string(self.public()).ok()?;
        let name = line.split_ascii_whitespace().nth(2)?;
        let is_ours = name == PRIMARY || name.strip_prefix(PRIMARY).is_some_and(|rest| rest.starts_with('-'));
        (is_ours && PublicKey::read_line(&line).is_ok_and(|public| public == *key)).then(|| name.to_owned())
    }
}

/// A path whose name ends otherwise.
pub(super) fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    PathBuf::from(name)
}

/// What was made so far. It is removed again unless all of it succeeds.
#[derive(Default)]
pub(super) struct Made {
    files: Vec<PathBuf>,
    folder: Option<PathBuf>,
}

impl Made {
    /// Makes the folder of a file if it is not there.
    pub(super) fn folder_of(&mut self, path: &Path) -> Result<(), Failure> {
        let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else {
            return Ok(());
        };
        if folder.exists() {
            return Ok(());
        }
        DirBuilder::new().mode(FOLDER_MODE).create(folder).map_err(|error| {
            Failure::usage(
                format!("{} cannot be made: {error}", folder.display()),
                "--dir names another folder",
            )
        })?;
        self.folder = Some(folder.to_owned());
        Ok(())
    }

    /// Writes a secret into a file that is not there yet.
    pub(super) fn secret(&mut self, path: &Path, text: &str) -> Result<(), Failure> {
        self.file(path, text, SECRET)
    }

    /// The same, for what everybody may know.
    pub(super) fn public(&mut self, path: &Path, text: &str) -> Result<(), Failure> {
        self.file(path, text, PUBLIC)
    }

    fn file(&mut self, path: &Path, text: &str, mode: u32) -> Result<(), Failure> {
        let failed = |error: std::io::Error| {
            Failure::usage(format!("{} cannot be written: {error}", path.display()), "")
        };
        // Neither over a file that somebody else made meanwhile, nor through a link.
        let mut file: File =
            OpenOptions::new().write(true).create_new(true).mode(mode).open(path).map_err(failed)?;
        self.files.push(path.to_owned());
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)
    }

    /// All of it succeeded, and stays.
    pub(super) fn keep(mut self) {
        self.files.clear();
        self.folder = None;
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        for file in &self.files {
            // The first error is the one that is told.
            let _ = std::fs::remove_file(file);
        }
        if let Some(folder) = &self.folder {
            let _ = std::fs::remove_dir(folder);
        }
    }
}

/// Refuses if one of these files is there, whatever it is.
pub(super) fn none_is_there(files: &[&Path], hint: &str) -> Result<(), Failure> {
    match files.iter().find(|file| file.symlink_metadata().is_ok()) {
        Some(there) => Err(Failure::usage(format!("{} is there already", there.display()), hint)),
        None => Ok(()),
    }
}
