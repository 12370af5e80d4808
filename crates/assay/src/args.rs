//! The arguments, as clap sees them.

use std::path::PathBuf;
use std::time::Duration;

use assay_inventory::Section;
use assay_journal::RunId;
use assay_openstack::Budgets;
use assay_report::Chosen;
use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::Timestamp;
use jiff::civil::Date;
use regex::Regex;
use url::Url;

use crate::commands;
use crate::commands::curate::flavors::Flavors;
use crate::commands::curate::images::Images;
use crate::commands::curate::{Applying, Asked, Everything, Planning};
use crate::commands::declare::{Declare, Declaring};
use crate::commands::fleet::address;
use crate::gating::Gating;

/// Checks clouds against the standards of the Sovereign Cloud Stack (SCS), and says what to do.
#[derive(Debug, Parser)]
#[command(
    name = "assay",
    version,
    max_term_width = 100,
    disable_help_subcommand = true,
    after_help = "Exit codes: 0 conforms, 1 a testcase failed, 2 wrong usage or configuration, \
                  3 something could not be determined, 4 something that was created could not be taken down, 130 interrupted."
)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) global: Global,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct Global {
    /// Print the result only: no progress, no notes
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// Say what is asked of the cloud; twice for more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// When to use colours
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = Colour::Auto)]
    pub(crate) color: Colour,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Colour {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Check clouds and say what each testcase came to
    Check(Box<Check>),
    /// Check a recorded cloud that is part of the program; needs no network
    Demo(Demo),
    /// Work with stored reports
    #[command(subcommand)]
    Report(commands::report::Stored),
    /// Show what changed between two recordings or two reports, and why; exit code 1 if anything did
    ///
    /// Recordings are compared fact by fact and then judged, each on its own day unless told otherwise. Of JSON reports
    /// the verdicts and findings are compared.
    Diff(Box<commands::diff::Diff>),
    /// Say what a testcase wants, why, and what to do when it fails
    Explain(Explain),
    /// List the testcases
    List(List),
    /// Show and compare versions of the scope
    #[command(subcommand)]
    Scope(Scope),
    /// Show which statement of which standard is covered by which testcase
    Coverage(Coverage),
    /// Read, describe and write SCS flavor names
    #[command(subcommand)]
    FlavorName(FlavorNames),
    /// Show what separates a cloud from what is wanted; exit code 1 if anything does
    ///
    /// What is wanted are the flavors and images that the standards require or recommend, unless files say otherwise.
    /// What else is offered to all is repaired: properties of images and extra specs of flavors as far as they can be
    /// told, descriptions of volume types, rules of new security groups. What only you can say is listed as a question.
    Plan(Box<Planning<Everything>>),
    /// Make a cloud what is wanted, as `assay plan` shows it
    ///
    /// What is wanted are the flavors and images that the standards require or recommend, unless files say otherwise.
    Apply(Box<Applying<Everything>>),
    /// Print the questions that `assay plan` leaves open, as a file to answer them in
    Questions(Box<Asked>),
    /// Make flavors what the standard or your own definitions say
    #[command(subcommand)]
    Flavors(Box<Flavors>),
    /// Make images what the standard or your own catalogues say
    #[command(subcommand)]
    Images(Box<Images>),
    /// Take down what checks created and could not take down themselves
    Cleanup(Cleanup),
    /// Run the tests of Tempest that scs-0128 names
    Tempest(Box<crate::commands::tempest::Tempest>),
    /// Answer for what no program can decide, and make a declaration of it
    Declare(Declare),
    /// List or look through waivers: failures that somebody answers for until a day
    #[command(subcommand)]
    Waivers(commands::waivers::Waiving),
    /// Find out which features an S3 server has
    S3(S3),
    /// Look at credentials, roles, quota and regions before a check
    Doctor(Doctor),
    /// Find flavors and images by what they are, not by name
    #[command(subcommand)]
    Find(Find),
    /// Check many clouds in one go, and hand the reports to a monitor
    #[command(subcommand)]
    Fleet(Box<crate::commands::fleet::Fleet>),
    /// Make what a subject hands reports in with: a key, a token and an account; and see whether all of it is good
    #[command(subcommand)]
    Subject(Box<crate::commands::subject::Subject>),
    /// Keep signed reports, and show what they come to
    #[command(subcommand)]
    Monitor(Box<crate::commands::monitor::Monitoring>),
    /// Sign files, as `ssh-keygen -Y sign` does
    ///
    /// The signature of FILE is FILE.sig, which `ssh-keygen -Y verify` and monitors accept. The key is in a file of
    /// OpenSSH, with or without a passphrase, or in an ssh-agent, which may hold security keys.
    Sign(commands::sign::Sign),
    /// Say who signed a file, as `ssh-keygen -Y verify` does
    ///
    /// Exit code 1 if the signature is none of anybody who may sign.
    Verify(commands::verify::Verify),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page
    Man {
        /// A subcommand, to print its own page
        subcommand: Vec<String>,
    },
}

/// What is judged against.
#[derive(Debug, Args)]
#[command(next_help_heading = "Judging")]
pub(crate) struct Against {
    /// The scope
    #[arg(long, value_enum, default_value_t = ScopeName::Iaas)]
    pub(crate) scope: ScopeName,
    /// One version of the scope, such as v5.1 [default: all that are listed for the date]
    #[arg(long, value_name = "VERSION")]
    pub(crate) version: Option<String>,
    /// A scope spec of your own instead of the built-in one
    #[arg(long, value_name = "FILE")]
    pub(crate) spec: Option<PathBuf>,
    /// Testcases whose id begins with a match, out of all of the scope; --version and --target narrow it
    #[arg(long, value_name = "REGEX")]
    pub(crate) testcases: Option<Regex>,
    /// Targets, such as main,recommended [default: all]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub(crate) target: Vec<String>,
    /// The day for which versions and lifetimes count, not the rules [default: that of --now, in UTC]
    #[arg(long, value_name = "DATE")]
    pub(crate) date: Option<Date>,
    /// The instant that counts as now for the rules [default: that of the check or of the recording]
    #[arg(long, value_name = "TIME")]
    pub(crate) now: Option<Timestamp>,
    /// Official: as the reference suite judges. Text: as the standards are written
    #[arg(long, value_enum, default_value_t = Reading::Both)]
    pub(crate) reading: Reading,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScopeName {
    /// SCS-compatible IaaS
    Iaas,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Reading {
    Official,
    Text,
    Both,
}

impl From<Reading> for Chosen {
    fn from(reading: Reading) -> Self {
        match reading {
            Reading::Official => Chosen::Official,
            Reading::Text => Chosen::Text,
            Reading::Both => Chosen::Both,
        }
    }
}

/// How the result is shown.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct Show {
    /// The format [default: human, or what the ending of the output file says]
    #[arg(long, value_enum)]
    pub(crate) format: Option<Format>,
    /// Write the result to a file
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Show how long each fact took
    #[arg(long)]
    pub(crate) timings: bool,
    /// Show every finding, not just the first few of each testcase
    #[arg(long)]
    pub(crate) all: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For reading in a terminal
    Human,
    /// One line per testcase, `testcase-id: VERDICT`
    Lines,
    /// Everything, for programs
    Json,
    /// The report that the compliance monitor takes
    Yaml,
    /// For CI systems
    Junit,
    /// For code scanning
    Sarif,
    /// Assessment results for tools of auditors
    Oscal,
    /// One page for a browser
    Html,
    /// Gauges for a textfile collector
    Prometheus,
}

/// How a cloud is asked.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Asking the cloud")]
pub(crate) struct Asking {
    /// Region instead of the one in clouds.yaml
    #[arg(long, value_name = "NAME")]
    pub(crate) region: Option<String>,
    /// Interface instead of the one in clouds.yaml: public, internal or admin
    #[arg(long, value_name = "NAME")]
    pub(crate) interface: Option<String>,
    /// Seconds to wait for an answer
    #[arg(long, value_name = "SECONDS", default_value = "32", value_parser = seconds)]
    pub(crate) timeout: Duration,
}

pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) if seconds > 0.0 && seconds <= 86_400.0 => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("give a number of seconds above 0, a day at most".into()),
    }
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Clouds in clouds.yaml [default: $OS_CLOUD, or the OS_* variables]
    #[arg(value_name = "CLOUD")]
    pub(crate) clouds: Vec<String>,
    #[command(flatten)]
    pub(crate) against: Against,
    #[command(flatten)]
    pub(crate) show: Show,
    #[command(flatten)]
    pub(crate) asking: Asking,
    #[command(flatten)]
    pub(crate) probing: Probing,
    #[command(flatten)]
    pub(crate) declaring: Declaring,
    #[command(flatten)]
    pub(crate) gating: Gating,
    /// Say in the reports that this monitor alone may take them, by what it calls itself
    #[arg(long, value_name = "URL", value_parser = address, help_heading = "Output")]
    pub(crate) audience: Option<Url>,
    /// Keep what was seen in a file, to judge it again later; a folder for several clouds
    #[arg(long, value_name = "FILE", conflicts_with = "snapshot", help_heading = "Recordings")]
    pub(crate) record: Option<PathBuf>,
    /// Judge recordings instead of clouds; asks nothing of anybody
    #[arg(long, value_name = "FILE", conflicts_with = "clouds", num_args = 1.., help_heading = "Recordings")]
    pub(crate) snapshot: Vec<PathBuf>,
    /// Run the scripts of the spec for testcases that this program does not know
    #[arg(long, requires = "spec", help_heading = "Scripts of the spec")]
    pub(crate) allow_scripts: bool,
    /// Value of a variable of the spec, for its scripts
    #[arg(short, long, value_name = "NAME=VALUE", value_parser = assignment, help_heading = "Scripts of the spec")]
    pub(crate) assign: Vec<(String, String)>,
}

/// What may be created in the cloud, and how long to wait for it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Probing")]
pub(crate) struct Probing {
    /// Create nothing: the same as --sections light
    #[arg(long, conflicts_with = "sections")]
    pub(crate) read_only: bool,
    /// Light reads only and always runs, medium creates things and removes them, heavy starts a virtual machine
    /// and, if named here, runs Tempest [default: all but Tempest]
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_enum)]
    pub(crate) sections: Vec<SectionName>,
    /// Also try what domain managers may do: a file with two domains or more and their managers
    #[arg(long, value_name = "FILE", conflicts_with = "read_only")]
    pub(crate) domain_managers: Option<PathBuf>,
    /// A second account for the tests of Tempest that need a stranger
    #[arg(long, value_name = "CLOUD", conflicts_with = "read_only")]
    pub(crate) tempest_alt: Option<String>,
    /// How long to wait at most: volume, image, server, console, removal, tls, s3; may be repeated
    #[arg(long, value_name = "WHAT=SECONDS", value_parser = wait)]
    pub(crate) wait: Vec<(String, Duration)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SectionName {
    Light,
    Medium,
    Heavy,
}

impl From<SectionName> for Section {
    fn from(name: SectionName) -> Self {
        match name {
            SectionName::Light => Section::Light,
            SectionName::Medium => Section::Medium,
            SectionName::Heavy => Section::Heavy,
        }
    }
}

/// Whether a section is to be run where these are named. Light always is: what the others create is chosen and judged by what
/// it reads.
pub(crate) fn is_among(section: Section, named: &[SectionName]) -> bool {
    section == Section::Light || named.iter().any(|name| Section::from(*name) == section)
}

impl Probing {
    /// Whether a section is to be run.
    pub(crate) fn includes(&self, section: Section) -> bool {
        match (self.read_only, self.sections.is_empty()) {
            (true, _) => section == Section::Light,
            (false, true) => true,
            (false, false) => is_among(section, &self.sections),
        }
    }

    /// Whether Tempest is to be run: it takes so long that it must be asked for.
    pub(crate) fn runs_tempest(&self) -> bool {
        self.sections.contains(&SectionName::Heavy)
    }

    /// How long to wait for what.
    pub(crate) fn budgets(&self) -> Budgets {
        budgets(&self.wait)
    }
}

/// The budgets, with those that the user set.
pub(crate) fn budgets(set: &[(String, Duration)]) -> Budgets {
    let mut budgets = Budgets::default();
    for (name, duration) in set {
        if let Some(budget) = budgets.by_name(name) {
            *budget = *duration;
        }
    }
    budgets
}

fn wait(text: &str) -> Result<(String, Duration), String> {
    let (name, number) = text.split_once('=').ok_or("write WHAT=SECONDS")?;
    match Budgets::NAMES.contains(&name) {
        true => Ok((name.to_owned(), seconds(number)?)),
        false => Err(format!("there is no {name:?} to wait for, but {}", Budgets::NAMES.join(", "))),
    }
}

#[derive(Debug, Args)]
pub(crate) struct Cleanup {
    /// A cloud in clouds.yaml, or the address of an S3 server with a key in $AWS_ACCESS_KEY_ID and
    /// $AWS_SECRET_ACCESS_KEY [default: $OS_CLOUD, or the OS_* variables]
    #[arg(value_name = "CLOUD|URL")]
    pub(crate) cloud: Option<String>,
    /// Only what this run created
    #[arg(long, value_name = "ID", conflicts_with = "all", value_parser = run_id)]
    pub(crate) run: Option<RunId>,
    /// Also what bears the mark of any run, of other machines too
    #[arg(long)]
    pub(crate) all: bool,
    /// Also what has a name that begins so, such as _scs-,scs-test- for leftovers of the reference suite
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub(crate) legacy_prefix: Vec<String>,
    /// Also what attempts of domain managers left in their domains: the file that the check had
    #[arg(long, value_name = "FILE")]
    pub(crate) domain_managers: Option<PathBuf>,
    /// Show what would be taken down, and do nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
    #[command(flatten)]
    pub(crate) server: S3Server,
    /// How long to wait at most: removal
    #[arg(long, value_name = "WHAT=SECONDS", value_parser = wait)]
    pub(crate) wait: Vec<(String, Duration)>,
    #[command(flatten)]
    pub(crate) asking: Asking,
}

/// How to get to an S3 server that is given by its address.
#[derive(Debug, Args)]
pub(crate) struct S3Server {
    /// The access key for a server that is given by its address
    #[arg(long, value_name = "KEY", env = "AWS_ACCESS_KEY_ID", hide_env_values = true)]
    pub(crate) access_key: Option<String>,
    /// Do not verify the certificate of a server that is given by its address
    #[arg(long)]
    pub(crate) insecure: bool,
    /// Certification authorities to trust, for a server that is given by its address
    #[arg(long, value_name = "FILE")]
    pub(crate) ca_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct S3 {
    /// A cloud in clouds.yaml, or the address of a server with a key in $AWS_ACCESS_KEY_ID and
    /// $AWS_SECRET_ACCESS_KEY [default: $OS_CLOUD, or the OS_* variables]
    #[arg(value_name = "CLOUD|URL")]
    pub(crate) server: Option<String>,
    #[command(flatten)]
    pub(crate) access: S3Server,
    #[command(flatten)]
    pub(crate) asking: Asking,
    /// How long to wait at most: s3, removal; may be repeated
    #[arg(long, value_name = "WHAT=SECONDS", value_parser = wait)]
    pub(crate) wait: Vec<(String, Duration)>,
    /// The format
    #[arg(long, value_enum, default_value_t = Listing::Human)]
    pub(crate) format: Listing,
}

impl S3 {
    /// How long to wait for what.
    pub(crate) fn budgets(&self) -> Budgets {
        budgets(&self.wait)
    }
}

fn run_id(text: &str) -> Result<RunId, String> {
    RunId::parse(text).ok_or_else(|| "a run id has eight digits, such as 3f9a2c81".into())
}

fn assignment(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.into(), value.into())),
        _ => Err("write NAME=VALUE".into()),
    }
}

#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Ask a simulated cloud over HTTP instead, with all that a check does
    #[arg(long)]
    pub(crate) live: bool,
    /// Leave the simulated cloud running until Ctrl-C, for other commands
    #[arg(long, requires = "live")]
    pub(crate) keep: bool,
    #[command(flatten)]
    pub(crate) against: Against,
    #[command(flatten)]
    pub(crate) show: Show,
}

#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// Id of the testcase
    pub(crate) testcase: String,
}

#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    pub(crate) against: Against,
    /// All testcases that the program knows, in a version or not
    #[arg(long)]
    pub(crate) all: bool,
    /// The format
    #[arg(long, value_enum, default_value_t = Listing::Human)]
    pub(crate) format: Listing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Listing {
    /// For reading in a terminal
    Human,
    /// For programs
    Json,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Scope {
    /// Show the versions, or one of them
    Show {
        /// The version [default: an overview of all]
        version: Option<String>,
        /// A scope spec of your own instead of the built-in one
        #[arg(long, value_name = "FILE")]
        spec: Option<PathBuf>,
        /// The day for which validities are shown [default: today in UTC]
        #[arg(long, value_name = "DATE")]
        date: Option<Date>,
    },
    /// Compare two versions: which testcases come, go, or move to another target
    Diff {
        /// The version to start from
        from: String,
        /// The version to go to
        to: String,
        /// A scope spec of your own instead of the built-in one
        #[arg(long, value_name = "FILE")]
        spec: Option<PathBuf>,
        /// A recording, to see what the cloud would make of the testcases that come
        #[arg(long, value_name = "FILE")]
        snapshot: Option<PathBuf>,
        /// The instant that rules compare with [default: that of the recording]
        #[arg(long, value_name = "TIME")]
        now: Option<Timestamp>,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Coverage {
    /// Standards whose number begins so, such as 0102 [default: all]
    pub(crate) standard: Option<String>,
    /// The format
    #[arg(long, value_enum, default_value_t = Listing::Human)]
    pub(crate) format: Listing,
}

#[derive(Debug, Subcommand)]
pub(crate) enum FlavorNames {
    /// Say whether names are valid, and how they are written properly
    Parse {
        /// The names; `-` reads them from standard input, one a line
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
        /// The format
        #[arg(long, value_enum, default_value_t = Listing::Human)]
        format: Listing,
    },
    /// Say in words what names promise
    Describe {
        /// The names
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
    },
    /// Write the name for what a flavor has
    Compose(Compose),
    /// Translate names between v1 and v2 (which v3 shares)
    Convert {
        /// The names
        #[arg(required = true, value_name = "NAME")]
        names: Vec<String>,
        /// The way to write them
        #[arg(long, value_enum, default_value_t = NameSyntax::V2)]
        to: NameSyntax,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum NameSyntax {
    /// SCS-2V:4:20s
    V1,
    /// SCS-2V-4-20s
    V2,
}

#[derive(Debug, Args)]
pub(crate) struct Compose {
    /// Number of vCPUs
    #[arg(long)]
    pub(crate) vcpus: u64,
    /// L crowded-core, V shared-core, T dedicated-thread, C dedicated-core; letter or word
    #[arg(long, value_name = "TYPE")]
    pub(crate) cpu_type: String,
    /// RAM in GiB, a multiple of 0.5
    #[arg(long, value_name = "GIB")]
    pub(crate) ram: f64,
    /// CPUs without full mitigation of known attacks (i)
    #[arg(long)]
    pub(crate) insecure: bool,
    /// RAM without error correction (u)
    #[arg(long)]
    pub(crate) no_ecc: bool,
    /// RAM that is oversubscribed (o)
    #[arg(long)]
    pub(crate) oversubscribed: bool,
    /// Size of the root disk in GB; 0 leaves the size to the cloud
    #[arg(long, value_name = "GB")]
    pub(crate) disk: Option<u64>,
    /// network, hdd, ssd or nvme; letter or word
    #[arg(long, value_name = "TYPE", requires = "disk")]
    pub(crate) disk_type: Option<String>,
    /// Number of disks
    #[arg(long, default_value_t = 1, requires = "disk")]
    pub(crate) disks: u64,
    /// Extensions as the grammar writes them, such as kvm_hwv_i3h_GNa-64_ib
    #[arg(long, value_name = "TEXT")]
    pub(crate) extensions: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// The cloud in clouds.yaml [default: $OS_CLOUD, or the OS_* variables]
    #[arg(value_name = "CLOUD")]
    pub(crate) cloud: Option<String>,
    #[command(flatten)]
    pub(crate) asking: Asking,
    /// The format
    #[arg(long, value_enum, default_value_t = Listing::Human)]
    pub(crate) format: Listing,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Find {
    /// Find flavors by what they have, smallest first
    Flavor(FindFlavor),
    /// Find images by what they hold, newest first
    Image(FindImage),
}

#[derive(Debug, Args)]
pub(crate) struct Found {
    /// Clouds in clouds.yaml [default: $OS_CLOUD, or the OS_* variables]
    #[arg(long = "cloud", value_name = "CLOUD")]
    pub(crate) clouds: Vec<String>,
    #[command(flatten)]
    pub(crate) asking: Asking,
    /// The first match alone; with --format json one flat object of strings, as Terraform's external data source reads it
    #[arg(long)]
    pub(crate) first: bool,
    /// The format
    #[arg(long, value_enum, default_value_t = Listing::Human)]
    pub(crate) format: Listing,
    /// Judge a recording instead of a cloud
    #[arg(long, value_name = "FILE", conflicts_with = "clouds")]
    pub(crate) snapshot: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct FindFlavor {
    /// An SCS name: flavors that keep its promise, whatever they are called
    #[arg(value_name = "SCS-NAME")]
    pub(crate) name: Option<String>,
    /// Number of vCPUs
    #[arg(long)]
    pub(crate) vcpus: Option<i64>,
    /// RAM in GiB
    #[arg(long, value_name = "GIB")]
    pub(crate) ram: Option<f64>,
    /// Root disk in GB, at least; 0 for none
    #[arg(long, value_name = "GB")]
    pub(crate) disk: Option<i64>,
    /// crowded-core, shared-core, dedicated-thread or dedicated-core, at least
    #[arg(long, value_name = "TYPE")]
    pub(crate) cpu_type: Option<String>,
    /// network, hdd, ssd or nvme, at least
    #[arg(long, value_name = "TYPE")]
    pub(crate) disk_type: Option<String>,
    /// Take bigger ones too
    #[arg(long)]
    pub(crate) at_least: bool,
    #[command(flatten)]
    pub(crate) found: Found,
}

#[derive(Debug, Args)]
pub(crate) struct FindImage {
    /// Distribution, such as ubuntu
    #[arg(long)]
    pub(crate) distro: Option<String>,
    /// Version of the distribution, such as 24.04
    #[arg(long, value_name = "VERSION")]
    pub(crate) os_version: Option<String>,
    /// Purpose, such as generic [default: any, generic first]
    #[arg(long)]
    pub(crate) purpose: Option<String>,
    /// Architecture [default: any, x86_64 first]
    #[arg(long, value_name = "NAME")]
    pub(crate) architecture: Option<String>,
    /// Any other property
    #[arg(long = "property", value_name = "NAME=VALUE", value_parser = assignment)]
    pub(crate) properties: Vec<(String, String)>,
    #[command(flatten)]
    pub(crate) found: Found,
}
