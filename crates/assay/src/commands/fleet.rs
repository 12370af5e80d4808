//! `assay fleet`: many clouds in one go.

pub(crate) mod daemon;
mod dashboard;
mod display;
pub(crate) mod flush;
pub(crate) mod manifests;
mod post;
pub(crate) mod run;
pub(crate) mod status;
mod suite;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use assay_fleet::{Choice, Config, Courier, Section, account, monitor};
use clap::{Args, Subcommand, ValueEnum};
use jiff::civil::{Date, Weekday};
use secrecy::SecretString;
use url::Url;

use crate::args::{Asking, Reading, SectionName};
use crate::failure::Failure;
use crate::state;

/// A configuration is a few KiB, a token much less.
const MOST_BYTES: u64 = 1 << 20;
/// How long a monitor may take to answer.
pub(super) const ANSWER: Duration = Duration::from_mins(1);

#[derive(Debug, Subcommand)]
pub(crate) enum Fleet {
    /// Check the subjects of a configuration, and hand the reports to a monitor
    ///
    /// Every subject ends in a report, whatever is wrong with it. Reports are signed, kept in an outbox until the monitor
    /// has them, and sent at once. A run that was killed is gone on with by the next one about the same. Exit codes: 0
    /// every subject was judged and its report delivered, whatever the verdicts; 1 with --strict, a testcase failed; 3 a
    /// subject could not be determined or a report not delivered; 4 something that was created could not be taken down.
    Run(Box<Run>),
    /// Check the subjects of presets whenever the schedules of the configuration say so
    ///
    /// It goes on until SIGTERM or Ctrl-C: what was created is taken down then, and nothing that was cut short is handed
    /// in. What it missed while it was away it makes up for, once. SIGHUP reads the configuration again; a bad one is
    /// told, and the old one stays. Exit codes: 0 it was ended; 2 wrong usage or configuration; 3 its state cannot be
    /// read.
    Daemon(Box<Daemon>),
    /// Send what waits in the outbox
    Flush(Flush),
    /// Show the last runs, and what waits in the outbox
    Status(Status),
    /// Write what runs the same on Kubernetes: a cron job for each subject or batch, and what they need
    ///
    /// Nothing is applied, and no secret is read: clouds.yaml, key and token are taken from a Secret that you make; the
    /// output begins with how. Jobs start one after the other, and a Lease keeps two runners from one subject.
    Manifests(Box<manifests::Written>),
}

/// Which configuration.
#[derive(Debug, Args)]
pub(crate) struct Configured {
    /// The configuration, as the reference runner reads it
    #[arg(short, long, value_name = "FILE", default_value = "config.toml")]
    pub(crate) config: PathBuf,
}

/// Who is checked against what, and how far.
#[derive(Debug, Args)]
pub(crate) struct Choosing {
    /// The subjects and scopes of a preset [default: default]
    #[arg(long, value_name = "NAME", conflicts_with_all = ["scope", "subject"], help_heading = "Choosing")]
    pub(crate) preset: Option<String>,
    /// Scopes [default: those of the presets that name the subjects]
    #[arg(long, value_name = "LIST", value_delimiter = ',', help_heading = "Choosing")]
    pub(crate) scope: Vec<String>,
    /// Subjects [default: those of the presets that name the scopes]
    #[arg(long, value_name = "LIST", value_delimiter = ',', help_heading = "Choosing")]
    pub(crate) subject: Vec<String>,
    /// What may be done: light reads only, medium creates things and removes them, heavy starts a virtual machine and
    /// runs Tempest; .auto is light and medium, on Saturdays heavy, too
    #[arg(
        long,
        value_name = "LIST",
        value_delimiter = ',',
        default_value = "light,medium",
        help_heading = "Choosing"
    )]
    pub(crate) sections: Vec<FleetSection>,
}

#[derive(Debug, Args)]
pub(crate) struct Run {
    #[command(flatten)]
    pub(crate) configured: Configured,
    #[command(flatten)]
    pub(crate) choosing: Choosing,
    /// Which reading the probes serve; what is handed in is the official one
    #[arg(long, value_enum, default_value_t = Reading::Official, help_heading = "Choosing")]
    pub(crate) reading: Reading,
    /// Run the scripts of specs for testcases that this program does not know
    #[arg(long, help_heading = "Choosing")]
    pub(crate) allow_scripts: bool,
    /// Check only what a monitor lacks: no result that counts, an ABORT, or one that ends soon
    #[arg(long, value_name = "URL", value_parser = address, help_heading = "Choosing")]
    pub(crate) missing_from: Option<Url>,
    /// What ends within so many hours ends soon
    #[arg(
        long,
        value_name = "HOURS",
        default_value_t = 24,
        requires = "missing_from",
        help_heading = "Choosing"
    )]
    pub(crate) within: u16,
    /// So many subjects at the same time [default: as the preset says, else 128]
    #[arg(long, visible_alias = "num-workers", value_name = "NUMBER", value_parser = workers, help_heading = "Pace")]
    pub(crate) workers: Option<usize>,
    /// Seconds for one subject; what is not known by then is not to be had
    #[arg(long, value_name = "SECONDS", default_value = "3600", value_parser = crate::args::seconds, help_heading = "Pace")]
    pub(crate) deadline: Duration,
    /// Where runners note who is at which subject, whatever the configuration says: only on this machine, or in the
    /// Kubernetes that it runs in or that KUBECONFIG names
    #[arg(long, value_enum, value_name = "PLACE", help_heading = "Pace")]
    pub(crate) leases: Option<LeasePlace>,
    /// Check every subject again, even if the last run of the same was killed
    #[arg(long, help_heading = "Pace")]
    pub(crate) fresh: bool,
    #[command(flatten)]
    pub(crate) asking: Asking,
    #[command(flatten)]
    pub(crate) handing: Handing,
}

#[derive(Debug, Args)]
pub(crate) struct Daemon {
    #[command(flatten)]
    pub(crate) configured: Configured,
    /// Where to answer /metrics, for Prometheus, and /healthz, such as 127.0.0.1:9464 [default: nowhere]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<SocketAddr>,
    /// Run the scripts of specs for testcases that this program does not know
    #[arg(long)]
    pub(crate) allow_scripts: bool,
    /// Seconds for one subject; what is not known by then is not to be had
    #[arg(long, value_name = "SECONDS", default_value = "3600", value_parser = crate::args::seconds)]
    pub(crate) deadline: Duration,
    /// A folder for the last reports of each subject, each with its signature
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
    /// A file with the passphrase of the key
    #[arg(long, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) asking: Asking,
}

/// What becomes of the reports.
#[derive(Debug, Args)]
#[command(next_help_heading = "Reports")]
pub(crate) struct Handing {
    /// The monitor that gets the reports [default: that of the configuration, else none]
    #[arg(long, value_name = "URL", value_parser = address)]
    pub(crate) monitor_url: Option<Url>,
    /// Send nothing; reports wait in no outbox either
    #[arg(long, conflicts_with = "monitor_url")]
    pub(crate) no_upload: bool,
    /// A folder for the reports, each with its signature
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
    /// The key instead of the `keyfile` of the configuration: a file with a private key, or for ssh-agent a file with a
    /// public key or a fingerprint such as SHA256:…
    #[arg(long, value_name = "FILE|SHA256:…")]
    pub(crate) key: Option<String>,
    /// A file with the passphrase of the key [default: asked for on the terminal]
    #[arg(long, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// Exit with 1 if a testcase failed
    #[arg(long)]
    pub(crate) strict: bool,
    /// Print what happens on standard output, for programs, instead of the summary
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) events: Option<EventFormat>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FleetSection {
    /// Light and medium, on Saturdays heavy, too
    #[value(name = ".auto")]
    Auto,
    Light,
    Medium,
    Heavy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LeasePlace {
    Files,
    Kubernetes,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EventFormat {
    /// A JSON object per line
    Jsonl,
}

#[derive(Debug, Args)]
pub(crate) struct Flush {
    #[command(flatten)]
    pub(crate) configured: Configured,
    /// Forget a report instead, so that it is never sent; may be repeated
    #[arg(long, value_name = "UUID")]
    pub(crate) forget: Vec<uuid::Uuid>,
}

#[derive(Debug, Args)]
pub(crate) struct Status {
    /// A configuration with schedules, to show what comes next
    #[arg(short, long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// So many runs
    #[arg(long, value_name = "NUMBER", default_value_t = 5)]
    pub(crate) last: usize,
    /// The format
    #[arg(long, value_enum, default_value_t = crate::args::Listing::Human)]
    pub(crate) format: crate::args::Listing,
}

impl From<Section> for FleetSection {
    fn from(section: Section) -> Self {
        match section {
            Section::Auto => FleetSection::Auto,
            Section::Light => FleetSection::Light,
            Section::Medium => FleetSection::Medium,
            Section::Heavy => FleetSection::Heavy,
        }
    }
}

impl Choosing {
    fn choice(&self) -> Choice {
        Choice {
            preset: self.preset.clone(),
            scopes: self.scope.clone(),
            subjects: self.subject.clone(),
            workers: None,
        }
    }
}

impl Run {
    fn choice(&self) -> Choice {
        Choice { workers: self.workers, ..self.choosing.choice() }
    }

    /// The sections that are run on a day.
    fn sections(&self, day: Date) -> Vec<SectionName> {
        let mut sections = Vec::new();
        for section in &self.choosing.sections {
            match section {
                FleetSection::Auto => {
                    sections.extend([SectionName::Light, SectionName::Medium]);
                    if day.weekday() == Weekday::Saturday {
                        sections.push(SectionName::Heavy);
                    }
                }
                FleetSection::Light => sections.push(SectionName::Light),
                FleetSection::Medium => sections.push(SectionName::Medium),
                FleetSection::Heavy => sections.push(SectionName::Heavy),
            }
        }
        sections
    }
}

fn workers(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(workers @ 1..=10_000) => Ok(workers),
        _ => Err("give a number from 1 to 10000".into()),
    }
}

pub(crate) fn address(text: &str) -> Result<Url, String> {
    monitor(text).map_err(|error| error.to_string())
}

/// Reads the configuration.
pub(super) fn configuration(configured: &Configured) -> Result<Config, Failure> {
    let path = &configured.config;
    let text = read(path, "name the configuration with -c")?;
    // Paths in it are taken from where it lies, not from where somebody stands.
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Ok(Config::read(&path.display().to_string(), &text, folder)?)
}

pub(super) fn read(path: &Path, hint: &str) -> Result<String, Failure> {
    let shown = path.display();
    let unreadable = |error: std::io::Error| Failure::usage(format!("{shown} cannot be read: {error}"), hint);
    let size = std::fs::metadata(path).map_err(unreadable)?.len();
    if size > MOST_BYTES {
        return Err(Failure::usage(format!("{shown} has {} KiB, which is too much", size >> 10), hint));
    }
    std::fs::read_to_string(path).map_err(unreadable)
}

/// Who hands reports in, with the token of the configuration, and whose reports those are.
fn courier(config: &Config) -> Result<(Courier, String), Failure> {
    let Some(path) = &config.tokenfile else {
        return Err(Failure::usage(
            "the configuration names no `tokenfile`, and a monitor takes no reports without a token",
            "name it under [secrets], or leave the reports here with --no-upload",
        ));
    };
    let token = SecretString::from(read(path, "`tokenfile` in [secrets] names the file with the token")?);
    // Two monitors may know accounts of one name; their tokens lie in two files.
    // Where files are mounted by links that lead elsewhere every time, the link is what stays.
    let place = std::path::absolute(path).unwrap_or_else(|_| path.clone());
    let sender = match account(&token) {
        Some(account) => format!("{account}, {}", place.display()),
        None => place.display().to_string(),
    };
    Ok((Courier::new(Some(&token), ANSWER)?, sender))
}

fn outbox() -> PathBuf {
    state::fleet().join("outbox")
}

fn records() -> PathBuf {
    state::fleet().join("runs")
}
