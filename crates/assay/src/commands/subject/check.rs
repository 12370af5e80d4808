//! `assay subject check`: whether what subjects are checked and reports are handed in with is good, and for how long.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use assay_fleet::{Config, Courier, Welcome};
use assay_inventory::Reason;
use assay_openstack::{
    CloudConfig, ConnectError, KeptCredential, Overrides, Session, Settings, kept_credential,
};
use assay_report::visible;
use assay_signature::{KeyFile, KeyFileError, PublicKey};
use clap::Args;
use futures::{StreamExt as _, stream};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use url::Url;

use super::files::{Secrets, with_ending};
use super::token::Held;
use crate::args::{Asking, Listing};
use crate::commands::doctor::{Point, State, ending, for_people, kind, roles};
use crate::commands::fleet::{ANSWER, Configured, address, configuration, read};
use crate::failure::Failure;
use crate::output::print;
use crate::signing::{SigningKey, first_line};

/// The version of the JSON. A field may be added within one; nothing is taken away or changed.
const VERSION: u32 = 1;
/// What others must not do with a file of secrets.
const OTHERS: u32 = 0o077;
/// So many clouds are asked at the same time.
const AT_ONCE: usize = 16;
/// Subjects of this scope are clusters, which no clouds.yaml leads to.
const CLUSTERS: &str = "scs-compatible-kaas";
/// So many rules of access are shown.
const SHOWN: usize = 5;

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The subjects [default: all that the configuration names]
    #[arg(value_name = "SUBJECT")]
    subjects: Vec<String>,
    #[command(flatten)]
    configured: Configured,
    /// A monitor that is asked whether it knows the account and the key
    #[arg(long, value_name = "URL", value_parser = address)]
    monitor_url: Option<Url>,
    /// What ends within so many days ends soon
    #[arg(long, value_name = "DAYS", default_value_t = 30)]
    warn_days: u16,
    /// A file with the passphrase of the key; without it, a key that has one is not opened
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
    #[command(flatten)]
    asking: Asking,
    /// The format
    #[arg(long, value_enum, default_value_t = Listing::Human)]
    format: Listing,
}

#[derive(Serialize)]
struct View {
    version: u32,
    /// What all subjects have in common.
    secrets: Vec<Point>,
    subjects: Vec<SubjectView>,
}

#[derive(Serialize)]
struct SubjectView {
    subject: String,
    cloud: Option<String>,
    points: Vec<Point>,
}

fn point(about: &'static str, state: State, finding: impl Into<String>) -> Point {
    Point { about, state, finding: finding.into() }
}

pub(crate) async fn run(arguments: &Check) -> Result<u8, Failure> {
    let config = configuration(&arguments.configured)?;
    let all = config.subjects();
    if let Some(unknown) = arguments.subjects.iter().find(|subject| !all.contains(subject.as_str())) {
        let message = format!("{} names no subject {unknown:?}", arguments.configured.config.display());
        return Err(Failure::usage(message, "presets and [subjects] name them"));
    }
    let subjects: Vec<String> = match arguments.subjects.is_empty() {
        true => all.into_iter().map(str::to_owned).collect(),
        false => arguments.subjects.clone(),
    };
    let (secrets, account) = secrets(arguments, &config).await;
    let now = Timestamp::now();
    let looked_at = stream::iter(subjects)
        .map(|subject| subject_view(arguments, &config, account.as_deref(), subject, now))
        .buffered(AT_ONCE)
        .collect()
        .await;
    let view = View { version: VERSION, secrets, subjects: looked_at };
    print(&match arguments.format {
        Listing::Json => {
            let json = serde_json::to_string_pretty(&view)
                .map_err(|error| Failure::usage(error, "this is a defect of assay; please report it"))?;
            format!("{json}\n")
        }
        Listing::Human => shown(&arguments.configured.config, &view),
    })?;
    Ok(code(&view))
}

fn shown(config: &Path, view: &View) -> String {
    let mut text = for_people(&config.display().to_string(), &view.secrets);
    for subject in &view.subjects {
        text.push_str(&for_people(&visible(&subject.subject), &subject.points));
    }
    text
}

/// What is wrong counts more than what is not known.
fn code(view: &View) -> u8 {
    let points = || view.secrets.iter().chain(view.subjects.iter().flat_map(|subject| &subject.points));
    if points().any(|point| matches!(point.state, State::Bad | State::Warning)) {
        1
    } else if points().any(|point| point.state == State::Unknown) {
        3
    } else {
        0
    }
}

/// What lies in files, what a monitor says of it, and whose account it is.
async fn secrets(arguments: &Check, config: &Config) -> (Vec<Point>, Option<String>) {
    let mut points = Vec::new();
    let key = config.keyfile.as_deref();
    points.push(key.map_or_else(
        || point("key", State::Bad, "the configuration names no keyfile under [secrets]"),
        |path| point_of_key(path, arguments.passphrase_file.as_deref()),
    ));
    let (token, account) = config.tokenfile.as_deref().map_or_else(
        || (point("token", State::Bad, "the configuration names no tokenfile under [secrets]"), None),
        point_of_token,
    );
    points.push(token);
    if let (Some(key), Some(token)) = (&config.keyfile, &config.tokenfile) {
        let next = Secrets { key: key.clone(), token: token.clone() }.next();
        if next.key.exists() || next.token.exists() {
            let finding = "new ones have been made; `assay subject rotate --finish` puts them in place";
            points.push(point("change", State::Good, finding));
        }
    }
    if let Some(monitor) = &arguments.monitor_url {
        points.extend(of_monitor(arguments, config, monitor).await);
    }
    (points, account)
}

/// The permissions of a file, if they let others at it.
fn open_to_others(path: &Path) -> Option<u32> {
    let mode = fs::metadata(path).ok()?.permissions().mode() & 0o777;
    Some(mode).filter(|mode| mode & OTHERS != 0)
}

fn too_open(path: &Path, mode: u32) -> String {
    let path = path.display();
    format!("{path} is open to others (mode {mode:04o}): `chmod 600 {path}`")
}

fn point_of_key(path: &Path, passphrase: Option<&Path>) -> Point {
    let bad = |why: String| point("key", State::Bad, why);
    let shown = path.display();
    let file = match KeyFile::open(path) {
        Ok(file) => file,
        Err(KeyFileError::Public) => {
            return point("key", State::Good, format!("{shown} is a public key, whose secret ssh-agent has"));
        }
        Err(error) => return bad(format!("{shown}: {error}")),
    };
    if let Some(mode) = file.open_to_others() {
        return bad(too_open(path, mode));
    }
    let (kind, fingerprint) = (file.public().key_type(), file.public().fingerprint());
    let passphrase = match passphrase.filter(|_| file.is_encrypted()).map(first_line).transpose() {
        Ok(passphrase) => passphrase,
        Err(failure) => return bad(failure.report.to_string()),
    };
    let opened = match file.unlock(passphrase.as_ref()) {
        Ok(_) => "",
        Err(KeyFileError::Encrypted) => ", with a passphrase: it was not opened",
        Err(error) => return bad(format!("{shown}: {error}")),
    };
    let beside = with_ending(path, ".pub");
    let line = fs::read_to_string(&beside).ok();
    if line.is_some_and(|line| !PublicKey::read_line(&line).is_ok_and(|public| public == *file.public())) {
        return bad(format!("{} is not the public half of {shown}", beside.display()));
    }
    point("key", State::Good, format!("{kind} {fingerprint}{opened}"))
}

/// What there is to say of the token, and whose it is.
fn point_of_token(path: &Path) -> (Point, Option<String>) {
    let held = match Held::open(path) {
        Ok(held) => held,
        Err(failure) => return (point("token", State::Bad, failure.report.to_string()), None),
    };
    let (finding, account) = match held {
        Held::Password(token) => {
            (format!("of the account {}", visible(token.account())), Some(token.account().to_owned()))
        }
        Held::OfMonitor => ("one that a monitor gave".to_owned(), None),
    };
    match open_to_others(path) {
        Some(mode) => (point("token", State::Bad, too_open(path, mode)), account),
        None => (point("token", State::Good, finding), account),
    }
}

/// Whether a monitor knows account and key. Nothing is handed in.
async fn of_monitor(arguments: &Check, config: &Config, monitor: &Url) -> Vec<Point> {
    let token = config.tokenfile.as_deref().map(|path| read(path, ""));
    let courier = match token {
        None => return Vec::new(),
        Some(token) => token.and_then(|token| Ok(Courier::new(Some(&token.into()), ANSWER)?)),
    };
    let courier = match courier {
        Ok(courier) => courier,
        Err(failure) => return vec![point("account", State::Bad, failure.report.to_string())],
    };
    let account = courier.knows_account(monitor).await;
    let is_known = account == Welcome::Known;
    let mut points = vec![welcomed("account", account, monitor)];
    // Without the account the monitor says the same about any key.
    if let Some(key) = config.keyfile.as_deref().filter(|_| is_known) {
        points.push(match signed_nothing(arguments, key).await {
            Ok(signature) => welcomed("signing", courier.knows_key(monitor, &signature).await, monitor),
            Err(why) => {
                point("signing", State::Unknown, format!("the monitor was not asked about the key: {why}"))
            }
        });
    }
    points
}

async fn signed_nothing(arguments: &Check, key: &Path) -> Result<String, String> {
    // Nobody is asked for a passphrase by a look.
    if KeyFile::open(key).is_ok_and(|file| file.is_encrypted()) && arguments.passphrase_file.is_none() {
        return Err("it has a passphrase, which --passphrase-file names".into());
    }
    let signing = SigningKey::new(key.display().to_string(), arguments.passphrase_file.clone());
    let signer = signing.signer().await.map_err(|failure| failure.report.to_string())?;
    signer.sign("report", b"").map_err(|error| error.to_string())
}

fn welcomed(about: &'static str, welcome: Welcome, monitor: &Url) -> Point {
    match welcome {
        Welcome::Known => point(about, State::Good, format!("known to {monitor}")),
        Welcome::Unknown(why) => point(about, State::Bad, format!("not known to the monitor: {why}")),
        Welcome::Unclear(why) => point(about, State::Unknown, format!("the monitor does not say: {why}")),
    }
}

async fn subject_view(
    arguments: &Check,
    config: &Config,
    account: Option<&str>,
    subject: String,
    now: Timestamp,
) -> SubjectView {
    let mut points = Vec::new();
    if let Some(account) = account {
        points.push(point(
            "reports",
            State::Good,
            match account == subject {
                true => "handed in by the account of the subject".to_owned(),
                false => {
                    format!("handed in by {}, which the subject has to let (`delegates`)", visible(account))
                }
            },
        ));
    }
    let scopes = config.scopes_of_subject(&subject);
    if !scopes.is_empty() && scopes.iter().all(|scope| *scope == CLUSTERS) {
        points.push(point("cloud", State::Good, "a cluster, of which nothing is looked at here"));
        return SubjectView { subject, cloud: None, points };
    }
    let cloud = config.cloud(&subject).unwrap_or_else(|| subject.clone());
    points.extend(of_cloud(arguments, &cloud, now).await);
    SubjectView { subject, cloud: Some(cloud), points }
}

async fn of_cloud(arguments: &Check, cloud: &str, now: Timestamp) -> Vec<Point> {
    let asking = &arguments.asking;
    let overrides = Overrides { region: asking.region.clone(), interface: asking.interface.clone() };
    let config = match CloudConfig::find(Some(cloud), &overrides) {
        Ok(config) => config,
        Err(error) => return vec![point("cloud", State::Bad, error.to_string())],
    };
    let settings = Settings { timeout: asking.timeout, ..Settings::default() };
    // The future is large; on the heap it does not weigh down whoever awaits this one.
    let session = match Box::pin(Session::connect(&config, &settings)).await {
        Ok(session) => session,
        Err(error) => return vec![refused(cloud, &error)],
    };
    let token = session.token();
    let (state, words) = kind(token);
    let mut points =
        vec![point("cloud", State::Good, cloud), point("credentials", state, words), roles(token)];
    let soon = SignedDuration::from_hours(24 * i64::from(arguments.warn_days));
    match Box::pin(kept_credential(&session)).await {
        None => {}
        Some(Err(why)) => points.push(point("end", State::Unknown, format!("not known: {why}"))),
        Some(Ok(KeptCredential { end, access_rules })) => {
            let (state, words) = ending(end, now, soon);
            points.push(point("end", state, words));
            points.push(point("access", State::Good, access(&access_rules)));
        }
    }
    points
}

/// Why there is no token. What ended is refused like what never was.
fn refused(cloud: &str, error: &ConnectError) -> Point {
    match error {
        ConnectError::Token(why) if why.reason == Reason::Authentication => point(
            "credentials",
            State::Bad,
            format!("{cloud} does not accept them; they are wrong, revoked, or have ended: {why}"),
        ),
        ConnectError::Config(_) => point("cloud", State::Bad, format!("{cloud}: {error}")),
        _ => point("cloud", State::Unknown, format!("{cloud}: {error}")),
    }
}

fn access(rules: &[String]) -> String {
    if rules.is_empty() {
        return "no rules: to all that the roles allow".into();
    }
    let mut shown: Vec<String> = rules.iter().take(SHOWN).map(|rule| visible(rule).into_owned()).collect();
    if rules.len() > SHOWN {
        shown.push(format!("and {} more", rules.len() - SHOWN));
    }
    format!("only to {}", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(states: &[State]) -> View {
        let points = states.iter().map(|state| point("cloud", *state, "")).collect();
        let subject = SubjectView { subject: "a".into(), cloud: None, points };
        View { version: VERSION, secrets: vec![point("key", State::Good, "")], subjects: vec![subject] }
    }

    #[test]
    fn what_is_wrong_counts_more_than_what_is_not_known() {
        assert_eq!(code(&view(&[])), 0);
        assert_eq!(code(&view(&[State::Good, State::Unknown])), 3);
        assert_eq!(code(&view(&[State::Unknown, State::Warning])), 1);
        assert_eq!(code(&view(&[State::Bad])), 1);
    }

    #[test]
    fn rules_of_access_are_shown_as_far_as_there_is_room() {
        let rules: Vec<String> = (0..7).map(|n| format!("GET /v2/{n} (image)")).collect();
        let shown = access(&rules);
        assert!(
            shown.starts_with("only to GET /v2/0 (image), ") && shown.ends_with(", and 2 more"),
            "{shown}"
        );
        assert!(!access(&rules[..5]).contains("more"));
    }
}
