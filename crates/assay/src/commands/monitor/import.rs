//! `assay monitor import`: what a reference monitor has kept, taken over.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use assay_monitor::{
    Bootstrap, ImportError, Imported, ImportedAccounts, Left, ReferenceMonitor, ServeError, Store,
};
use assay_report::visible;
use clap::Args;
use indicatif::ProgressBar;
use jiff::Timestamp;

use super::{Place, folder, open, scopes};
use crate::failure::Failure;
use crate::output::{lines, note, print};

#[derive(Debug, Args)]
pub(crate) struct Import {
    /// The database of the reference monitor: `postgres://user:password@host/name`; nothing is written to it
    #[arg(long, value_name = "URL", env = "ASSAY_REFERENCE_DATABASE_URL", hide_env_values = true)]
    pub(crate) from: String,
    #[command(flatten)]
    pub(crate) place: Place,
    /// Write its accounts into this new file, for `assay monitor serve --bootstrap`
    #[arg(long, value_name = "FILE")]
    pub(crate) accounts: Option<PathBuf>,
    /// Scope specs instead of the built-in ones
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) scopes: Vec<PathBuf>,
    /// Only say what would be taken over; nothing is written anywhere, nor are tables brought up to date
    #[arg(long)]
    pub(crate) dry_run: bool,
}

impl From<ImportError> for Failure {
    fn from(error: ImportError) -> Self {
        let hint = "--from names the database of the reference monitor";
        match error {
            ImportError::Store(error) => ServeError::from(error).into(),
            ImportError::Source(_) => Failure::undetermined(error, hint),
            ImportError::OtherForm(_) => Failure::usage(
                error,
                "a reference monitor of today brings its tables to that form when it starts",
            ),
            error => Failure::usage(error, hint),
        }
    }
}

pub(crate) async fn import(arguments: &Import) -> Result<u8, Failure> {
    let Import { from, place, dry_run, .. } = arguments;
    let scopes = scopes(&arguments.scopes)?;
    let mut source = ReferenceMonitor::open(from).await?;
    let ImportedAccounts { accounts, left: mut others } = source.accounts().await?;
    let store = if *dry_run { open_to_read(place).await? } else { Some(open(place).await?) };
    if let Some(file) = arguments.accounts.as_deref().filter(|_| !dry_run) {
        write_accounts(file, &accounts)?;
    }
    let bar = lines().add(ProgressBar::new(0));
    let mut told = |done, all| {
        bar.set_length(all);
        bar.set_position(done);
    };
    let now = (&scopes, Timestamp::now());
    let taken = source.import((store.as_ref(), *dry_run), now, &mut told).await;
    bar.finish_and_clear();
    let Imported { reports, results, known, uncounted, left } = taken?;
    for Left { what, why } in &uncounted {
        print(&format!("does not count yet: {}: {}\n", visible(what), visible(why)))?;
    }
    others.extend(left);
    for Left { what, why } in &others {
        print(&format!("not imported: {}: {}\n", visible(what), visible(why)))?;
    }
    let (would, count) = (if *dry_run { "would be " } else { "" }, accounts.count());
    print(&format!(
        "{would}imported: {reports} reports with {results} results; here already: {known}; not imported: {}\n",
        others.len()
    ))?;
    match &arguments.accounts {
        Some(file) if !dry_run => note(&format!("{}: {count} accounts, for --bootstrap", file.display())),
        _ => note(&format!(
            "accounts: {count}, not imported; --accounts FILE writes them down for --bootstrap"
        )),
    }
    Ok(u8::from(!others.is_empty() || !uncounted.is_empty()))
}

/// The database as it is, which is neither made nor brought up to date to say what would be in it.
async fn open_to_read(place: &Place) -> Result<Option<Store>, Failure> {
    let opened = match &place.database {
        Some(url) => Store::open_to_read(url).await,
        None if folder(place).join("monitor.sqlite").exists() => {
            Store::in_folder_to_read(&folder(place)).await
        }
        None => Ok(None),
    };
    Ok(opened.map_err(ServeError::from)?)
}

/// Writes a new file that nobody else may read: it has hashes of passwords.
fn write_accounts(file: &Path, accounts: &Bootstrap) -> Result<(), Failure> {
    let written = || {
        let mut made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file)?;
        made.write_all(accounts.to_yaml().as_bytes()).and_then(|()| made.sync_all()).inspect_err(|_| {
            // What is half written is of no use.
            let _ = fs::remove_file(file);
        })
    };
    written().map_err(|error: std::io::Error| {
        let message = format!("the accounts cannot be written to {}: {error}", file.display());
        Failure::usage(message, "--accounts names a file that is not there yet")
    })
}
