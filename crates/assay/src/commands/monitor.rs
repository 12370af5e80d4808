//! `assay monitor`: the compliance monitor.

mod demo;
pub(crate) mod export;
mod fetch;
pub(crate) mod import;
pub(crate) mod verify_certificate;
pub(crate) mod verify_log;

use std::fs::{self, File, OpenOptions};
use std::io::{BufReader, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use assay_monitor::{
    Audit, Backup, BackupError, Bootstrap, Clock, Explained, InviteError, Monitor, NoticeConfig, OidcConfig,
    Scopes, ServeError, Settings, Store, audit, invite, is_account_name,
};
use assay_standards::scope::Spec;
use assay_testcases::{Registry, Testcase};
use assay_transparency::Signer;
use clap::{Args, Subcommand};
use jiff::{Span, Unit, civil};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::explain::demand;
use crate::failure::Failure;
use crate::output::{note, print};
use crate::state;

#[derive(Debug, Subcommand)]
pub(crate) enum Monitoring {
    /// Take signed reports in, and show what they come to
    ///
    /// Without options it keeps all in a folder of its own and listens on loopback. SIGHUP reads the files of accounts,
    /// scopes, notices and identities again; what is wrong with them is told, and what was there stays.
    Serve(Serve),
    /// Let somebody set the password of an account, which is made if it is not there
    ///
    /// Prints an address that is good for a week, once. This is how the first account comes to be, which can do the same
    /// for others in a browser. The monitor may run meanwhile.
    Invite(Invite),
    /// Verify everything that is stored again
    ///
    /// Each signature over what was signed, each result against what it says, the log against both, and what stands
    /// against the results. The monitor may run meanwhile. Exit code 1 if anything is not as it was accepted, or cannot be
    /// read any more; each is named, and all else is verified.
    Verify(Place),
    /// Write all that is kept into one file
    ///
    /// The monitor may run meanwhile: the file has all of it as it was at one moment. It holds hashes of passwords and
    /// contacts of applicants; nobody else can read it. The key of the log is not in it: keep a copy of that, too.
    Backup(Copy),
    /// Make all that was kept from such a file, in an empty database
    ///
    /// Of SQLite or PostgreSQL, whichever it was before. Nothing is changed if something is wrong with the file. Sessions and
    /// invitations have ended, and tokens are revoked, since somebody may have done that after the backup was made.
    Restore(Restore),
    /// Take over what a reference monitor has kept
    ///
    /// Reports with their results and approvals, as they counted there; what is here already stays as it is, so that it
    /// can be run again. The reference monitor keeps no signatures: whatever shows such a report says that nobody's
    /// vouches for it. Both monitors may run meanwhile. Exit code 1 if something could not be taken over.
    Import(import::Import),
    /// Write all that was accepted into a folder, for whoever has nothing but OpenSSH
    ///
    /// Each submission as it was signed, with its signature and the keys, so that `ssh-keygen -Y verify` accepts it; what
    /// counts as CSV and JSON lines; certificates; the log. Its README.txt says what is what. It holds whole logs of
    /// reports, so that nobody else can read it. To go on elsewhere with this program, `assay monitor backup` is the way.
    /// Exit code 1 if something could not be read: `left_out.csv` names it.
    Export(export::Export),
    /// Check the log of a monitor, or a proof from it
    ///
    /// Of a log: that it is signed by its key, that its tree is made of its entries, and that it begins with what it was
    /// the last time. Of a proof (from /log/proof/UUID): that its entry is in the log; nothing is asked for over the
    /// network. Exit code 1 if not.
    VerifyLog(verify_log::VerifyLog),
    /// Check a certificate that a monitor granted
    ///
    /// That it is signed, that it is valid now, and that it was not revoked. Exit code 1 if not, 3 if that cannot be
    /// found out.
    VerifyCertificate(verify_certificate::VerifyCertificate),
}

/// Where a database is.
#[derive(Debug, Args)]
pub(crate) struct Place {
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
}

#[derive(Debug, Args)]
pub(crate) struct Copy {
    /// The file
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) place: Place,
}

#[derive(Debug, Args)]
pub(crate) struct Restore {
    #[command(flatten)]
    pub(crate) copy: Copy,
    /// Let tokens of programs go on to count: for a move, if nobody revoked one after the backup was made
    #[arg(long)]
    pub(crate) keep_tokens: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Invite {
    /// The account: a subject, or somebody who looks after others
    #[arg(value_name = "NAME", value_parser = account)]
    pub(crate) name: String,
    /// What a new account may do beyond what concerns itself: `read_any`, `append_any`, `approve`, `admin`
    #[arg(long = "role", value_name = "ROLE")]
    pub(crate) roles: Vec<String>,
    /// The address of the monitor
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080/", value_parser = base_url)]
    pub(crate) base_url: String,
    #[command(flatten)]
    pub(crate) place: Place,
}

fn account(text: &str) -> Result<String, String> {
    is_account_name(text).map(|()| text.to_owned())
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Where to listen
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    #[command(flatten)]
    pub(crate) place: Place,
    /// The private key that the log is signed with, in PEM [default: log.pem in the folder of the database]
    ///
    /// It is made if it is not there. Several instances on one database need the same.
    #[arg(long, value_name = "FILE")]
    pub(crate) key: Option<PathBuf>,
    /// The accounts, in the form of the reference monitor's bootstrap.yaml; accounts it does not name go
    #[arg(long, value_name = "FILE")]
    pub(crate) bootstrap: Option<PathBuf>,
    /// Scope specs instead of the built-in ones
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub(crate) scopes: Vec<PathBuf>,
    /// The address of the monitor as others know it, with which all links begin; certificates need it with `https://`
    #[arg(long, value_name = "URL", default_value = "/", value_parser = base_url)]
    pub(crate) base_url: String,
    /// All requests come through a proxy that adds to `X-Forwarded-For` who asks
    ///
    /// Clients take turns when passwords are compared; without this, all that come through a proxy are one.
    #[arg(long)]
    pub(crate) behind_proxy: bool,
    /// How many uploads an account may begin within an hour, at each instance; 0 for any number
    #[arg(long, value_name = "NUMBER", default_value_t = Settings::default().uploads)]
    pub(crate) uploads: u32,
    /// Who is told of what: webhooks, mail, Matrix
    #[arg(long, value_name = "FILE")]
    pub(crate) notify: Option<PathBuf>,
    /// Who vouches for people who log in, beside passwords: a provider of OpenID Connect
    ///
    /// Takes a whole `--base-url`, which they come back to.
    #[arg(long, value_name = "FILE")]
    pub(crate) oidc: Option<PathBuf>,
    /// How long what was signed is kept, such as `2y` or `18mo`: a month at least [default: for ever]
    ///
    /// Then texts go whose results neither stand nor led to a certificate. Results, history, digests and signatures are
    /// always kept. What was let go does not come back.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(crate) keep_reports: Option<Span>,
    /// Who grants certificates, as they name it [default: the name of the log]
    #[arg(long, value_name = "NAME")]
    pub(crate) issuer: Option<String>,
    /// Fill a temporary folder with samples of eighteen months, to look at: nothing of it is true
    ///
    /// Each page says so. The password of its accounts is printed; all of it goes when the monitor ends.
    #[arg(
        long,
        conflicts_with_all = ["data", "database", "key", "bootstrap", "scopes", "notify", "oidc", "issuer"]
    )]
    pub(crate) demo: bool,
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

/// A time for which texts are kept: none that somebody would be sorry for who has mistyped it.
fn duration(text: &str) -> Result<Span, String> {
    const WHAT: &str = "expected a duration of a month at least, such as 18mo, 2y or 400d";
    let span: Span = text.parse().map_err(|_| WHAT)?;
    let days = span.total((Unit::Day, civil::date(2026, 2, 1))).map_err(|_| WHAT)?;
    if days < 28.0 { Err(WHAT.into()) } else { Ok(span) }
}

pub(crate) async fn serve(arguments: &Serve, cancel: CancellationToken) -> Result<u8, Failure> {
    if arguments.demo {
        return demo::serve(arguments, cancel).await;
    }
    // Files are read before anything is opened: what is wrong with them is told first.
    let accounts = accounts(arguments)?;
    let scopes = scopes(&arguments.scopes)?;
    let (notices, oidc) = (notices(arguments)?, oidc(arguments)?);
    let (base_url, issuer) = (arguments.base_url.clone(), arguments.issuer.clone());
    let settings = Settings {
        base_url,
        issuer,
        explained: explained(),
        keep_reports: arguments.keep_reports,
        is_proxied: arguments.behind_proxy,
        uploads: arguments.uploads,
        ..Settings::default()
    };
    let store = open(&arguments.place).await?;
    let key = key(arguments, store.has_log().await.map_err(ServeError::from)?)?;
    let monitor = Arc::new(Monitor::open(store, scopes, Clock::system(), settings, &key).await?);
    if let Some(accounts) = &accounts {
        monitor.take_accounts(accounts).await?;
    }
    if let Some(notices) = notices {
        monitor.take_notices(notices);
    }
    if let Some(oidc) = oidc {
        monitor.take_oidc(oidc)?;
    }
    let (listener, address) = listen(arguments).await?;
    note(&format!("the monitor is at http://{address}/"));
    let reloading = reload(arguments, Arc::clone(&monitor));
    let serving = Arc::clone(&monitor).serve(listener, async move { cancel.cancelled().await });
    tokio::select! {
        outcome = serving => outcome?,
        never = reloading => match never {},
    }
    Ok(0)
}

async fn listen(arguments: &Serve) -> Result<(TcpListener, SocketAddr), Failure> {
    let listener = TcpListener::bind(arguments.listen).await.map_err(|error| {
        let message = format!("cannot listen on {}: {error}", arguments.listen);
        Failure::usage(message, "--listen takes another address")
    })?;
    let address = listener.local_addr().unwrap_or(arguments.listen);
    Ok((listener, address))
}

/// Reads the files again at each SIGHUP.
async fn reload(arguments: &Serve, monitor: Arc<Monitor>) -> std::convert::Infallible {
    let Ok(mut hangup) = signal(SignalKind::hangup()) else { std::future::pending().await };
    loop {
        hangup.recv().await;
        // All or none: accounts and scopes may depend on each other in the head of who wrote them.
        let read = accounts(arguments).and_then(|accounts| {
            Ok((accounts, scopes(&arguments.scopes)?, notices(arguments)?, oidc(arguments)?))
        });
        let taken = match read {
            Ok((accounts, scopes, notices, oidc)) => {
                // What can fail comes first: the database may be away.
                let taken = match &accounts {
                    Some(accounts) => monitor.take_accounts(accounts).await,
                    None => Ok(()),
                };
                let taken = taken.and_then(|()| oidc.map_or(Ok(()), |oidc| monitor.take_oidc(oidc)));
                if taken.is_ok() {
                    if let Some(notices) = notices {
                        monitor.take_notices(notices);
                    }
                    monitor.take_scopes(scopes).await;
                }
                taken.map_err(Failure::from)
            }
            Err(failure) => Err(failure),
        };
        match taken {
            Ok(()) => note("accounts, scopes, notices and identities were read again"),
            Err(failure) => note(&format!("what was there stays: {:?}", failure.report)),
        }
    }
}

/// Opens a database that must be there.
async fn open_there(place: &Place) -> Result<Store, Failure> {
    let folder = folder(place);
    if place.database.is_none() && !folder.join("monitor.sqlite").exists() {
        let message = format!("there is no database in {}", folder.display());
        return Err(Failure::usage(
            message,
            "--data names the folder of the database, --database its address",
        ));
    }
    open(place).await
}

pub(crate) async fn invite_somebody(arguments: &Invite) -> Result<u8, Failure> {
    let store = open_there(&arguments.place).await?;
    let Invite { name, roles, base_url, .. } = arguments;
    let invited = invite(&store, name, roles, jiff::Timestamp::now()).await;
    let secret = invited.map_err(|error| match error {
        InviteError::Store(error) => ServeError::from(error).into(),
        error => {
            Failure::usage(error.to_string(), "`assay monitor invite --help` says what can be asked for")
        }
    })?;
    print(&format!("{base_url}invitation/{secret}\n"))?;
    note("whoever opens it within a week sets the password of the account, once");
    Ok(0)
}

fn not_copied(file: &Path, error: &BackupError) -> Failure {
    let message = format!("{}: {error}", file.display());
    match error {
        BackupError::Store(_) => Failure::undetermined(message, "the database has to answer"),
        BackupError::NotEmpty => Failure::usage(message, "--data or --database names another one"),
        _ => Failure::usage(message, "a backup is what `assay monitor backup` writes"),
    }
}

pub(crate) async fn backup(copy: &Copy) -> Result<u8, Failure> {
    let store = open_there(&copy.place).await?;
    let file = &copy.file;
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let half = folder.join(format!(".{name}.{}", std::process::id()));
    let written = async {
        // It holds what nobody else may read, so that no file may do that is there already.
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&half)?;
        let mut compressed = zstd::Encoder::new(made, 0)?;
        let backup = store.back_up(&mut compressed, jiff::Timestamp::now()).await?;
        compressed.finish()?.sync_all()?;
        fs::rename(&half, file)?;
        Ok(backup)
    };
    let backup: Backup = written.await.map_err(|error| {
        // What is half written is of no use; it may not be there at all.
        let _ = fs::remove_file(&half);
        not_copied(file, &error)
    })?;
    print(&format!("{}: {} rows\n", file.display(), backup.rows))?;
    Ok(0)
}

pub(crate) async fn restore(Restore { copy, keep_tokens }: &Restore) -> Result<u8, Failure> {
    let file = &copy.file;
    // What is wrong with the file is told before a database is made.
    let read = File::open(file).and_then(zstd::Decoder::new);
    let read = read.map_err(|error| not_copied(file, &error.into()))?;
    let store = open(&copy.place).await?;
    let read = BufReader::new(read);
    let restored = match keep_tokens {
        true => store.restore_with_tokens(read).await,
        false => store.restore(read).await,
    };
    let restored = restored.map_err(|error| not_copied(file, &error))?;
    print(&format!("{}: {} rows\n", file.display(), restored.rows))?;
    if restored.left_out > 0 {
        let what = if *keep_tokens { "sessions and invitations" } else { "sessions, invitations and tokens" };
        note(&format!(
            "{} {what} count no more; passwords, keys and accounts are those of then",
            restored.left_out
        ));
    }
    note("`assay monitor verify` makes sure of it; the monitor needs the same log.pem as before");
    Ok(0)
}

pub(crate) async fn verify(place: &Place) -> Result<u8, Failure> {
    let store = open_there(place).await?;
    let audit = audit(&store).await.map_err(ServeError::from)?;
    for finding in &audit.findings {
        print(&format!("{finding}\n"))?;
    }
    let Audit { reports, imported, let_go, entries, findings } = &audit;
    let unsigned = match imported {
        0 => String::new(),
        imported => format!(" ({imported} imported, which nobody's signature vouches for)"),
    };
    let told = match findings.len() {
        0 => "all is as it was accepted".to_owned(),
        findings => format!("findings: {findings}"),
    };
    let without = match let_go {
        0 => String::new(),
        let_go => format!(", of {let_go} the text was let go"),
    };
    print(&format!("reports: {reports}{unsigned}{without}, entries of the log: {entries}, {told}\n"))?;
    Ok(u8::from(!findings.is_empty()))
}

/// The private key of the log, which is made for a new one if it is not there.
fn key(arguments: &Serve, is_begun: bool) -> Result<String, Failure> {
    let file = arguments.key.clone().unwrap_or_else(|| folder(&arguments.place).join("log.pem"));
    if file.exists() {
        return text(&file);
    }
    if is_begun {
        let message = format!("the log was begun with a key that is not at {}", file.display());
        return Err(Failure::usage(message, "--key names the file with it; several instances need the same"));
    }
    let failed = |error: &dyn std::fmt::Display| {
        let message = format!("the key {} of the log cannot be made: {error}", file.display());
        Failure::usage(message, "--key takes another file")
    };
    let key = Signer::generate().map_err(|error| failed(&error))?;
    write_key(&file, &key).map_err(|error| failed(&error))?;
    note(&format!("the log is signed with a new key, {}; keep it safe", file.display()));
    text(&file)
}

/// Writes a key that nobody else may read. It is on disk, whole, before anything is signed with it; one that somebody
/// else has made meanwhile stays.
fn write_key(file: &Path, key: &str) -> std::io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let half = folder.join(format!(".log.pem.{}", std::process::id()));
    let mut made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&half)?;
    let written = made.write_all(key.as_bytes()).and_then(|()| made.sync_all());
    let linked = written.and_then(|()| match fs::hard_link(&half, file) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    });
    fs::remove_file(&half)?;
    linked?;
    File::open(folder)?.sync_all()
}

fn folder(place: &Place) -> PathBuf {
    place.data.clone().unwrap_or_else(state::monitor)
}

async fn open(place: &Place) -> Result<Store, Failure> {
    if let Some(url) = &place.database {
        return Ok(Store::open(url).await.map_err(ServeError::from)?);
    }
    let folder = folder(place);
    fs::create_dir_all(&folder).map_err(|error| {
        let message = format!("the folder {} cannot be made: {error}", folder.display());
        Failure::usage(message, "--data takes another folder")
    })?;
    Ok(Store::in_folder(&folder).await.map_err(ServeError::from)?)
}

/// What this program can tell about testcases.
fn explained() -> Vec<Explained> {
    let told = |testcase: &Testcase| Explained {
        testcase: testcase.id.to_string(),
        standard: testcase.standard.to_owned(),
        clause: testcase.clause.to_owned(),
        demand: demand(testcase.demand).to_owned(),
        title: testcase.title.to_string(),
        explanation: testcase.explanation.to_owned(),
        remedy: testcase.remedy.to_string(),
    };
    Registry::get().testcases().map(told).collect()
}

fn accounts(arguments: &Serve) -> Result<Option<Bootstrap>, Failure> {
    let Some(file) = &arguments.bootstrap else { return Ok(None) };
    Ok(Some(Bootstrap::read(&file.display().to_string(), &text(file)?)?))
}

/// Who is told of what.
fn notices(arguments: &Serve) -> Result<Option<NoticeConfig>, Failure> {
    let Some(file) = &arguments.notify else { return Ok(None) };
    Ok(Some(NoticeConfig::read(&file.display().to_string(), &text(file)?, &beside(file))?))
}

/// Who vouches for people who log in.
fn oidc(arguments: &Serve) -> Result<Option<OidcConfig>, Failure> {
    let Some(file) = &arguments.oidc else { return Ok(None) };
    Ok(Some(OidcConfig::read(&file.display().to_string(), &text(file)?, &beside(file))?))
}

/// Reads files with secrets, which are found beside the file that names them.
fn beside(file: &Path) -> impl Fn(&str) -> Result<String, String> {
    let folder = file.parent().unwrap_or(Path::new("."));
    |name| fs::read_to_string(folder.join(name)).map_err(|error| error.to_string())
}

fn scopes(files: &[PathBuf]) -> Result<Scopes, Failure> {
    if files.is_empty() {
        return Ok(Scopes::embedded());
    }
    let read = |file: &PathBuf| Ok(Spec::parse(&file.display().to_string(), &text(file)?)?);
    Ok(Scopes::new(files.iter().map(read).collect::<Result<Vec<Spec>, Failure>>()?))
}

fn text(file: &Path) -> Result<String, Failure> {
    fs::read_to_string(file)
        .map_err(|error| Failure::usage(format!("{} cannot be read: {error}", file.display()), ""))
}
