//! `assay monitor export`: all that was accepted, for whoever has nothing but OpenSSH.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use assay_monitor::{ExportError, Exported, ServeError, export as write};
use clap::Args;
use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

use super::{Place, folder, open_there, text};
use crate::failure::Failure;
use crate::output::{note, print};

#[derive(Debug, Args)]
pub(crate) struct Export {
    /// The folder, which is made; one that is there has to be empty
    #[arg(long, value_name = "DIR")]
    pub(crate) to: PathBuf,
    /// Only what came in from this day on (UTC); certificates and the log are whole in any case
    #[arg(long, value_name = "DATE")]
    pub(crate) since: Option<Date>,
    #[command(flatten)]
    pub(crate) place: Place,
    /// The private key of the log, to sign its head with [default: log.pem in the folder of the database, if it is there]
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
}

fn failed(to: &Path, error: ExportError) -> Failure {
    let message = format!("{}: {error}", to.display());
    match error {
        ExportError::Store(error) => ServeError::from(error).into(),
        ExportError::Key(_) | ExportError::OtherKey => {
            Failure::usage(message, "--key names the file with the private key of the log")
        }
        _ => Failure::usage(message, "--to names a folder that is empty, or not there yet"),
    }
}

pub(crate) async fn export(arguments: &Export) -> Result<u8, Failure> {
    let Export { to, since, place, key } = arguments;
    let is_taken = to.exists() && !fs::read_dir(to).is_ok_and(|mut files| files.next().is_none());
    if is_taken {
        let message = format!("{} is there, and no empty folder", to.display());
        return Err(Failure::usage(message, "--to names a folder that is empty, or not there yet"));
    }
    let since = since.and_then(|day| TimeZone::UTC.to_timestamp(day.to_datetime(Time::midnight())).ok());
    let store = open_there(place).await?;
    let own = folder(place).join("log.pem");
    let key = match key {
        Some(file) => Some(text(file)?),
        None if place.database.is_none() && own.exists() => Some(text(&own)?),
        None => None,
    };
    // Beside it, so that there is all of it or nothing.
    let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = to.file_name().unwrap_or_default().to_string_lossy();
    let half = parent.join(format!(".{name}.{}", std::process::id()));
    // It holds whole logs, which are not for everybody.
    DirBuilder::new().mode(0o700).create(&half).map_err(|error| failed(to, error.into()))?;
    let since = since.unwrap_or(Timestamp::MIN);
    let written = write(&store, &half, since, key.as_deref()).await;
    let written = written.and_then(|exported| {
        fs::rename(&half, to)?;
        Ok(exported)
    });
    let Exported { submissions, results, certificates, entries, left_out } = written.map_err(|error| {
        // What is half written is of no use.
        let _ = fs::remove_dir_all(&half);
        failed(to, error)
    })?;
    if key.is_none() {
        note("the head of the log is not signed, since its private key is not at hand; --key names it");
    }
    print(&format!(
        "{}: submissions: {submissions}, results: {results}, certificates: {certificates}, entries of the log: \
         {entries}\n",
        to.display()
    ))?;
    if left_out > 0 {
        note(&format!("{left_out} that cannot be read are named in {}", to.join("left_out.csv").display()));
    }
    Ok(u8::from(left_out > 0))
}
