//! `assay s3`: which features an S3 server has.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use assay_inventory::{Fact, FactId, Leftover, Reason, S3FeatureState, S3Features, Unavailable};
use assay_journal::{Journal, Kind, Open, Place, RunId};
use assay_openstack::{Budgets, Probes};
use assay_report::ExitCode;
use assay_s3::{Access, Settings, probe, remove_bucket};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::args::{Asking, Global, Listing, S3, S3Server};
use crate::commands::check::{Gathering, clouds, gather};
use crate::failure::Failure;
use crate::human::{bad, bold, columns, dim, good, warn, wrapped};
use crate::output::{note, print};
use crate::progress::CloudProgress;
use crate::state;

pub(crate) async fn run(arguments: &S3, global: &Global, cancel: CancellationToken) -> Result<u8, Failure> {
    let (name, features) = match arguments.server.as_deref().filter(|server| is_address(server)) {
        Some(endpoint) => (endpoint.to_owned(), of_endpoint(arguments, endpoint, &cancel).await?),
        None => of_cloud(arguments, global, &cancel).await?,
    };
    for leftover in &features.leftovers {
        note(&format!("left behind: {leftover}"));
    }
    if cancel.is_cancelled() {
        return Ok(ExitCode::Interrupted.code());
    }
    match arguments.format {
        Listing::Human => print(&table(&name, &features))?,
        Listing::Json => {
            let json = serde_json::to_string_pretty(&features)
                .map_err(|error| Failure::usage(error, "this is a defect of assay; please report it"))?;
            print(&format!("{json}\n"))?;
        }
    }
    let any = |state| features.features.iter().any(|feature| feature.state == state);
    Ok(match () {
        () if !features.leftovers.is_empty() => ExitCode::Leftovers.code(),
        () if any(S3FeatureState::Broken) => ExitCode::Failed.code(),
        () if any(S3FeatureState::NotTried) => ExitCode::Undetermined.code(),
        () => ExitCode::Conforms.code(),
    })
}

/// The S3 of a cloud, with a key that is made and removed through keystone.
async fn of_cloud(
    arguments: &S3,
    global: &Global,
    cancel: &CancellationToken,
) -> Result<(String, S3Features), Failure> {
    let names: Vec<String> = arguments.server.iter().cloned().collect();
    let clouds = clouds(&names, &arguments.asking)?;
    let journals = state::journals();
    let budgets = arguments.budgets();
    let gathering = Gathering {
        asking: &arguments.asking,
        global,
        facts: &BTreeSet::from([FactId::Token, FactId::S3Features]),
        started_at: Timestamp::now(),
        preflight: &|_| Ok(()),
        probes: Some(Probes { journals: &journals, budgets: &budgets, thorough: true }),
        managers: &[],
        tempest_alt: None,
        cancel,
    };
    let mut inventories = gather(&clouds, &gathering).await;
    let name = clouds[0].name().to_owned();
    match inventories.swap_remove(0).s3_features {
        Fact::Known(features) => Ok((name, features)),
        Fact::Unavailable(why) => {
            let hint = match why.reason {
                Reason::NotInCatalog => "name its endpoint: `assay s3 https://s3.example.com`",
                _ => {
                    "with keys of your own: `assay s3 ENDPOINT` and $AWS_ACCESS_KEY_ID, $AWS_SECRET_ACCESS_KEY"
                }
            };
            Err(Failure::undetermined(format!("cloud {name}: {why}"), hint))
        }
        Fact::NotAsked => Err(Failure::undetermined(
            format!("cloud {name}: {}", Unavailable::new(Reason::NotAsked, "nothing was asked")),
            "",
        )),
    }
}

/// A server by its address, with a key of the user's.
pub(crate) struct Server {
    pub(crate) access: Access,
    pub(crate) settings: Settings,
    /// Where its journals say that things are.
    pub(crate) place: Place,
}

impl Server {
    pub(crate) fn of(
        endpoint: &str,
        server: &S3Server,
        asking: &Asking,
        budgets: &Budgets,
    ) -> Result<Self, Failure> {
        let region = asking.region.as_deref();
        let access = Access {
            verify: !server.insecure,
            ..access(endpoint, region, server.access_key.as_deref(), server.ca_file.as_deref())?
        };
        let settings = Settings {
            timeout: asking.timeout,
            budget: budgets.s3,
            cleanup: budgets.removal,
            ..Settings::default()
        };
        let place = Place {
            cloud: endpoint.to_owned(),
            auth_url: endpoint.to_owned(),
            scope: access.access_key.clone(),
            user: access.access_key.clone(),
            region: None,
        };
        Ok(Server { access, settings, place })
    }
}

/// Whether something is the address of a server, and no cloud.
pub(crate) fn is_address(text: &str) -> bool {
    text.contains("://")
}

async fn of_endpoint(
    arguments: &S3,
    endpoint: &str,
    cancel: &CancellationToken,
) -> Result<S3Features, Failure> {
    let server = Server::of(endpoint, &arguments.access, &arguments.asking, &arguments.budgets())?;
    let Server { access, settings, place } = &server;
    let (abandoned, errors) = Journal::abandoned(&state::journals());
    for error in errors {
        note(&error.to_string());
    }
    let mut leftovers = Vec::new();
    for journal in abandoned.iter().filter(|journal| journal.place().is_same(place)) {
        leftovers.extend(take_down(journal, &server).await.1);
    }
    let journal =
        Journal::begin(&state::journals(), place, RunId::new(), Timestamp::now()).map_err(|error| {
            Failure::usage(error, "nothing is created without a journal; see $ASSAY_STATE_DIR")
        })?;
    let line = CloudProgress::begin(endpoint);
    let tries = |feature: &str| line.message(&format!("tries {feature}"));
    let mut features = probe(access, settings, &journal, cancel.cancelled(), &tries).await;
    line.finish();
    if let Err(error) = journal.close() {
        note(&error.to_string());
    }
    features.leftovers.append(&mut leftovers);
    Ok(features)
}

/// Takes down what an earlier run left on a server; says how many things are gone and what is left.
pub(crate) async fn take_down(journal: &Journal, server: &Server) -> (usize, Vec<Leftover>) {
    let mut gone = 0;
    let mut leftovers = Vec::new();
    for open in journal.open() {
        match remove_open(journal, &open, server).await {
            Ok(()) => gone += 1,
            Err(why) => leftovers.push(left(open.name, why)),
        }
    }
    if let Err(error) = journal.close() {
        note(&error.to_string());
    }
    (gone, leftovers)
}

/// A bucket that is still there.
pub(crate) fn left(name: String, why: String) -> Leftover {
    Leftover { kind: Kind::Bucket.label().into(), name, id: None, why }
}

async fn remove_open(journal: &Journal, open: &Open, server: &Server) -> Result<(), String> {
    let Server { access, settings, .. } = server;
    // A request that was under way when its run ended may still take effect.
    let age = Timestamp::now().duration_since(open.at).unsigned_abs();
    let late = if open.id.is_some() { Duration::ZERO } else { settings.timeout.saturating_sub(age) };
    remove_bucket(access, settings, &open.name, late).await.map_err(|error| error.to_string())?;
    journal.entry(open).gone().map_err(|error| error.to_string())
}

/// A server by its address, with a key of the user's and the secret of the environment.
pub(crate) fn access(
    endpoint: &str,
    region: Option<&str>,
    access_key: Option<&str>,
    ca_file: Option<&Path>,
) -> Result<Access, Failure> {
    let url = Url::parse(endpoint).map_err(|error| {
        Failure::usage(format!("{endpoint} is no URL: {error}"), "https://s3.example.com")
    })?;
    Ok(Access {
        endpoint: url,
        region: region.unwrap_or("us-east-1").to_owned(),
        access_key: key(access_key, "AWS_ACCESS_KEY_ID")?.to_owned(),
        secret_key: secret("AWS_SECRET_ACCESS_KEY")?,
        verify: true,
        extra_roots: match ca_file {
            None => Vec::new(),
            Some(path) => vec![std::fs::read(path).map_err(|error| {
                Failure::usage(format!("{} cannot be read: {error}", path.display()), "")
            })?],
        },
    })
}

fn key<'a>(given: Option<&'a str>, variable: &str) -> Result<&'a str, Failure> {
    given.filter(|key| !key.is_empty()).ok_or_else(|| {
        Failure::usage(
            "there is no key for the server",
            format!("set ${variable} and $AWS_SECRET_ACCESS_KEY"),
        )
    })
}

/// Secrets come from the environment alone: arguments are seen by everybody on the machine.
fn secret(variable: &str) -> Result<SecretString, Failure> {
    let value: SecretString = std::env::var(variable).unwrap_or_default().into();
    match value.expose_secret().is_empty() {
        true => Err(Failure::usage("there is no secret for the key", format!("set ${variable}"))),
        false => Ok(value),
    }
}

fn table(name: &str, features: &S3Features) -> String {
    let server = features.server.as_deref().map(|server| format!(", {server}")).unwrap_or_default();
    let mut text = format!("{}  {}\n", bold(name), dim(format!("{}{server}", features.endpoint)));
    let width = features.features.iter().map(|one| one.feature.label().chars().count()).max().unwrap_or(0);
    for one in &features.features {
        let state = format!("{:<9}", one.state.label());
        let state = match one.state {
            S3FeatureState::Present => good(state),
            S3FeatureState::Absent => warn(state),
            S3FeatureState::Broken => bad(state),
            S3FeatureState::NotTried => dim(state),
        };
        let indent = " ".repeat(width + 14);
        let detail = wrapped(&one.detail, columns().max(width + 44), &indent, &indent);
        let _ = writeln!(text, "  {:<width$}  {state} {}", one.feature.label(), detail.trim_start());
        if let (true, Some(id)) = (one.state != S3FeatureState::Present, &one.request_id) {
            let _ = writeln!(text, "{indent}{}", dim(format!("request id {id}")));
        }
    }
    let count = |state| features.features.iter().filter(|feature| feature.state == state).count();
    let _ = writeln!(
        text,
        "\n{} present, {} absent, {} broken, {} not tried",
        count(S3FeatureState::Present),
        count(S3FeatureState::Absent),
        count(S3FeatureState::Broken),
        count(S3FeatureState::NotTried)
    );
    text
}
