//! `assay monitor`: the compliance monitor.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use assay_monitor::{Bootstrap, Clock, Monitor, Scopes, ServeError, Settings, Store};
use assay_standards::scope::Spec;
use clap::{Args, Subcommand};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;
use crate::output::note;
use crate::state;

#[derive(Debug, Subcommand)]
pub(crate) enum Monitoring {
    /// Take signed reports in, and show what they come to
    ///
    /// Without options it keeps all in a folder of its own and listens on loopback. SIGHUP reads the files of accounts
    /// and scopes again; what is wrong with them is told, and what was there stays.
    Serve(Serve),
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Where to listen
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// The folder with the database [default: monitor in the folder of this program's state]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// A database elsewhere, of PostgreSQL: `postgres://user:password@host/name`
    #[arg(
        long,
        value_name = "URL",
        env = "ASSAY_DATABASE_URL",
        hide_env_values = true,
        conflicts_with = "data"
    )]
    pub(crate) database: Option<String>,
    /// The accounts, in the form of the reference monitor's bootstrap.yaml; accounts it does not name go
    #[arg(long, value_name = "FILE")]
    pub(crate) bootstrap: Option<PathBuf>,
    /// Scope specs instead of the built-in ones
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) scopes: Vec<PathBuf>,
    /// What stands before all addresses in pages, if not all is served from the root
    #[arg(long, value_name = "URL", default_value = "/", value_parser = base_url)]
    pub(crate) base_url: String,
}

fn base_url(text: &str) -> Result<String, String> {
    let is_whole = text.starts_with('/') || text.starts_with("http://") || text.starts_with("https://");
    let is_plain = !text.contains(|c: char| c.is_whitespace() || c.is_control() || "<>\"'?#".contains(c));
    match is_whole && is_plain {
        true if text.ends_with('/') => Ok(text.to_owned()),
        true => Ok(format!("{text}/")),
        false => Err("expected an address such as https://compliance.example.com/".into()),
    }
}

pub(crate) async fn serve(arguments: &Serve, cancel: CancellationToken) -> Result<u8, Failure> {
    // Files are read before anything is opened: what is wrong with them is told first.
    let accounts = accounts(arguments)?;
    let scopes = scopes(arguments)?;
    let settings = Settings { base_url: arguments.base_url.clone() };
    let monitor = Arc::new(Monitor::new(open(arguments).await?, scopes, Clock::system(), settings));
    if let Some(accounts) = &accounts {
        monitor.take_accounts(accounts).await?;
    }
    let listener = TcpListener::bind(arguments.listen).await.map_err(|error| {
        let message = format!("cannot listen on {}: {error}", arguments.listen);
        Failure::usage(message, "--listen takes another address")
    })?;
    let address = listener.local_addr().unwrap_or(arguments.listen);
    note(&format!("the monitor is at http://{address}/"));
    let reloading = reload(arguments, Arc::clone(&monitor));
    let serving = Arc::clone(&monitor).serve(listener, async move { cancel.cancelled().await });
    tokio::select! {
        outcome = serving => outcome?,
        never = reloading => match never {},
    }
    Ok(0)
}

/// Reads the files again at each SIGHUP.
async fn reload(arguments: &Serve, monitor: Arc<Monitor>) -> std::convert::Infallible {
    let Ok(mut hangup) = signal(SignalKind::hangup()) else { std::future::pending().await };
    loop {
        hangup.recv().await;
        // Both or none: accounts and scopes may depend on each other in the head of who wrote them.
        let read = accounts(arguments).and_then(|accounts| Ok((accounts, scopes(arguments)?)));
        let taken = match read {
            Ok((accounts, scopes)) => {
                let taken = match &accounts {
                    Some(accounts) => monitor.take_accounts(accounts).await,
                    None => Ok(()),
                };
                match taken {
                    Ok(()) => monitor.take_scopes(scopes).await.map_err(Failure::from),
                    Err(error) => Err(error.into()),
                }
            }
            Err(failure) => Err(failure),
        };
        match taken {
            Ok(()) => note("accounts and scopes were read again"),
            Err(failure) => note(&format!("what was there stays: {:?}", failure.report)),
        }
    }
}

async fn open(arguments: &Serve) -> Result<Store, Failure> {
    if let Some(url) = &arguments.database {
        return Ok(Store::open(url).await.map_err(ServeError::from)?);
    }
    let folder = arguments.data.clone().unwrap_or_else(state::monitor);
    fs::create_dir_all(&folder).map_err(|error| {
        let message = format!("the folder {} cannot be made: {error}", folder.display());
        Failure::usage(message, "--data takes another folder")
    })?;
    Ok(Store::in_folder(&folder).await.map_err(ServeError::from)?)
}

fn accounts(arguments: &Serve) -> Result<Option<Bootstrap>, Failure> {
    let Some(file) = &arguments.bootstrap else { return Ok(None) };
    Ok(Some(Bootstrap::read(&file.display().to_string(), &text(file)?)?))
}

fn scopes(arguments: &Serve) -> Result<Scopes, Failure> {
    if arguments.scopes.is_empty() {
        return Ok(Scopes::embedded());
    }
    let read = |file: &PathBuf| Ok(Spec::parse(&file.display().to_string(), &text(file)?)?);
    Ok(Scopes::new(arguments.scopes.iter().map(read).collect::<Result<Vec<Spec>, Failure>>()?))
}

fn text(file: &Path) -> Result<String, Failure> {
    fs::read_to_string(file)
        .map_err(|error| Failure::usage(format!("{} cannot be read: {error}", file.display()), ""))
}
