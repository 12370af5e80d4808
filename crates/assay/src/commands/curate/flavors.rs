//! `assay flavors`: plan and apply what definitions say, export and generate definitions.

use std::collections::BTreeSet;
use std::time::Duration;

use assay_curate::flavors::{self, Assumed, Bundled, Definition, Level, Options, Proposal};
use assay_curate::images::Importing;
use assay_curate::repair::RefusedAnswers;
use assay_curate::{Plan, Source};
use assay_inventory::Flavor;
use assay_openstack::Session;
use assay_standards::flavor_name::{CpuType, DiskType};
use clap::{Args, Subcommand, ValueEnum};

use super::{Applying, Cloud, Planning, Wanted, unseen};
use crate::failure::Failure;
use crate::output::{note, print};

#[derive(Debug, Subcommand)]
pub(crate) enum Flavors {
    /// Show what separates the flavors of a cloud from what is wanted; exit code 1 if anything does
    Plan(Planning<WantedFlavors>),
    /// Make the flavors what is wanted
    Apply(Applying<WantedFlavors>),
    /// Print the flavors of a cloud as definitions
    Export(Export),
    /// Print definitions that give SCS names and extra specs to the flavors of a cloud
    Generate(Generate),
}

/// What is wanted.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
#[expect(clippy::doc_markdown, reason = "clap shows these comments to users as they are")]
#[derive(Debug, Args)]
#[command(next_help_heading = "Flavors")]
pub(crate) struct WantedFlavors {
    /// A file of definitions, or its address, with #sha256=DIGEST to make sure of it; may be repeated
    #[arg(long, value_name = "FILE|URL")]
    file: Vec<Source>,
    /// Definitions that are part of the program [default: scs, unless there is a --file]
    #[arg(long, value_enum)]
    name: Option<Name>,
    /// Also what is only recommended; `assay plan` and `assay apply` look at that in any case
    #[arg(long, conflicts_with = "from_check")]
    recommended: bool,
    /// The most RAM of a recommended flavor, in GiB [default: any]
    #[arg(long, value_name = "GIB", conflicts_with = "from_check")]
    limit_memory: Option<u64>,
    /// Allow all of them a random number generator (hw_rng:allowed)
    #[arg(long)]
    hw_rng: bool,
    /// Remove extra specs scs:... that are not wanted
    #[arg(long)]
    prune: bool,
    /// Delete flavors whose figures are wrong, and make new ones; servers keep what they have
    #[arg(long)]
    replace: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Name {
    /// The standard flavors of scs-0103
    Scs,
    /// What OSISM clouds get by default
    Osism,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    #[command(flatten)]
    cloud: Cloud,
    /// With the ids, so that another cloud gets the same
    #[arg(long)]
    ids: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Generate {
    #[command(flatten)]
    cloud: Cloud,
    /// What a virtual CPU is, where a flavor does not say it: crowded-core, shared-core, dedicated-thread, dedicated-core
    #[arg(long, value_name = "TYPE", default_value = "shared-core", value_parser = cpu_type)]
    cpu_type: CpuType,
    /// What the disk is, where a flavor does not say it: network, hdd, ssd, nvme [default: left open]
    #[arg(long, value_name = "TYPE", value_parser = disk_type)]
    disk_type: Option<DiskType>,
}

fn cpu_type(text: &str) -> Result<CpuType, String> {
    CpuType::from_extra_spec(text)
        .ok_or_else(|| "use crowded-core, shared-core, dedicated-thread or dedicated-core".into())
}

fn disk_type(text: &str) -> Result<DiskType, String> {
    DiskType::from_extra_spec(text).ok_or_else(|| "use network, hdd, ssd or nvme".into())
}

impl WantedFlavors {
    /// Reads definitions, recommended ones only if they are wanted or failed.
    pub(super) async fn read(
        &self,
        failed: Option<&BTreeSet<String>>,
        recommended: bool,
    ) -> Result<Vec<Definition>, Failure> {
        let mut definitions = Vec::new();
        let bundled = match (self.name, self.file.is_empty()) {
            (None, false) => None,
            (None | Some(Name::Scs), _) => Some(Bundled::Scs),
            (Some(Name::Osism), _) => Some(Bundled::Osism),
        };
        if let Some(bundled) = bundled {
            definitions.extend(bundled.definitions()?);
        }
        for source in &self.file {
            let text = source.read().await.map_err(|error| Failure::usage(error, ""))?;
            let (found, notes) = flavors::read(&source.name(), &text)?;
            for text in notes {
                note(&text);
            }
            if found.is_empty() {
                return Err(Failure::usage(format!("{} defines no flavor", source.name()), ""));
            }
            definitions.extend(found);
        }
        if let Some(failed) = failed {
            definitions.retain(|definition| !definition.testcases().is_disjoint(failed));
        } else {
            let limit = self.limit_memory.map_or(u64::MAX, |limit| limit.saturating_mul(1024));
            definitions.retain(|definition| match definition.level {
                Level::Mandatory => true,
                Level::Recommended => recommended && definition.ram_mib <= limit,
            });
        }
        if self.hw_rng {
            for definition in &mut definitions {
                definition.extra_specs.entry("hw_rng:allowed".into()).or_insert_with(|| "true".into());
            }
        }
        Ok(definitions)
    }

    /// What separates the flavors of a cloud from definitions, and those that no definition is about.
    pub(super) async fn look(
        &self,
        session: &Session,
        mut definitions: Vec<Definition>,
    ) -> Result<(Plan, Vec<Flavor>), Failure> {
        let observed = flavors::observe(session, &mut definitions).await.map_err(unseen(session))?;
        let options = Options { prune: self.prune, replace: self.replace };
        let plan = flavors::plan(&definitions, &observed, &options);
        Ok((plan, flavors::undescribed(&definitions, &observed, &options)))
    }
}

impl Wanted for WantedFlavors {
    type Definitions = Vec<Definition>;
    type Seen = Plan;

    async fn definitions(&self, failed: Option<&BTreeSet<String>>) -> Result<Self::Definitions, Failure> {
        self.read(failed, self.recommended).await
    }

    async fn see(&self, session: &Session, definitions: Self::Definitions) -> Result<Plan, Failure> {
        Ok(self.look(session, definitions).await?.0)
    }

    fn plan(seen: &Plan) -> Result<Plan, RefusedAnswers> {
        Ok(seen.clone())
    }

    /// Flavors need none.
    fn importing(&self) -> Importing {
        Importing { mirror_base: None, require_checksum: false, way: None, budget: Duration::ZERO }
    }
}

/// Prints the flavors of a cloud as definitions.
pub(crate) async fn export(export: &Export) -> Result<u8, Failure> {
    let session = export.cloud.connect().await?;
    let flavors = session.flavors().await.map_err(|why| Failure::undetermined(why, ""))?;
    let mut definitions: Vec<Definition> =
        flavors.iter().filter_map(|flavor| Definition::of_flavor(flavor, export.ids)).collect();
    definitions.sort_by(|a, b| a.name.cmp(&b.name));
    print_definitions(&definitions)
}

/// Prints definitions that give names to the flavors of a cloud.
pub(crate) async fn generate(arguments: &Generate) -> Result<u8, Failure> {
    let session = arguments.cloud.connect().await?;
    let flavors = session.flavors().await.map_err(|why| Failure::undetermined(why, ""))?;
    let assumed = Assumed { cpu_type: arguments.cpu_type, disk_type: arguments.disk_type };
    let mut definitions = Vec::new();
    for proposal in flavors::generate(&flavors, assumed) {
        match proposal {
            Proposal::Definition(definition) => definitions.push(*definition),
            Proposal::NoName { flavor, why } => note(&format!("{flavor}: no SCS name fits it: {why}")),
        }
    }
    definitions.sort_by(|a, b| a.name.cmp(&b.name));
    print_definitions(&definitions)
}

fn print_definitions(definitions: &[Definition]) -> Result<u8, Failure> {
    let text = flavors::export(definitions)
        .map_err(|error| Failure::usage(error, "this is a defect of assay; please report it"))?;
    print(&text)?;
    Ok(0)
}
