//! `assay s3`: which features an S3 server has.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use assay_inventory::{Fact, FactId, Leftover, Reason, S3FeatureState, S3Features, Unavailable};
use assay_journal::{Journal, Place, RunId};
use assay_openstack::Probes;
use assay_report::ExitCode;
use assay_s3::{Access, Settings, probe, remove_bucket};
use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::args::{Global, Listing, S3};
use crate::commands::check::{Gathering, clouds, gather};
use crate::failure::Failure;
use crate::human::{bad, bold, columns, dim, good, warn, wrapped};
use crate::output::{note, print};
use crate::progress::CloudProgress;
use crate::state;

pub(crate) async fn run(arguments: &S3, global: &Global, cancel: CancellationToken) -> Result<u8, Failure> {
    let (name, features) = match arguments.server.as_deref().filter(|server| server.contains("://")) {
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
async fn of_endpoint(
    arguments: &S3,
    endpoint: &str,
    cancel: &CancellationToken,
) -> Result<S3Features, Failure> {
    let access = Access {
        verify: !arguments.insecure,
        ..access(
            endpoint,
            arguments.asking.region.as_deref(),
            arguments.access_key.as_deref(),
            arguments.ca_file.as_deref(),
        )?
    };
    let budgets = arguments.budgets();
    let settings = Settings {
        timeout: arguments.asking.timeout,
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
    let mut leftovers = earlier(&place, &access, &settings).await;
    let journal =
        Journal::begin(&state::journals(), &place, RunId::new(), Timestamp::now()).map_err(|error| {
            Failure::usage(error, "nothing is created without a journal; see $ASSAY_STATE_DIR")
        })?;
    let line = CloudProgress::begin(endpoint);
    let features = {
        let tries = |feature: &str| line.message(&format!("tries {feature}"));
        let work = probe(&access, &settings, &journal, &tries);
        tokio::select! {
            features = work => Some(features),
            () = cancel.cancelled() => None,
        }
    };
    line.finish();
    if features.is_none() {
        leftovers.extend(remove_open(&journal, &access, &settings).await);
    }
    if let Err(error) = journal.close() {
        note(&error.to_string());
    }
    let mut features = features.unwrap_or_default();
    features.leftovers.extend(leftovers);
    Ok(features)
}

/// Takes down what earlier runs left on the same server.
async fn earlier(place: &Place, access: &Access, settings: &Settings) -> Vec<Leftover> {
    let mut leftovers = Vec::new();
    for journal in Journal::abandoned(&state::journals()).0 {
        if journal.place().is_same(place) {
            leftovers.extend(remove_open(&journal, access, settings).await);
            if let Err(error) = journal.close() {
                note(&error.to_string());
            }
        }
    }
    leftovers
}

async fn remove_open(journal: &Journal, access: &Access, settings: &Settings) -> Vec<Leftover> {
    let mut leftovers = Vec::new();
    for open in journal.open() {
        let removed = remove_bucket(access, settings, &open.name).await;
        let outcome = match removed {
            Ok(_) => journal.entry(&open).gone().map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(why) = outcome {
            leftovers.push(Leftover { kind: open.kind.label().into(), name: open.name, id: None, why });
        }
    }
    leftovers
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
