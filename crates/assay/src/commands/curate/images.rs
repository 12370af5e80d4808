//! `assay images`: plan and apply what catalogues say.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use assay_curate::images::{self, Definition, Importing, Options, Way};
use assay_curate::{Plan, Source, Step};
use assay_openstack::Session;
use clap::{Args, Subcommand, ValueEnum};
use jiff::Timestamp;
use regex::Regex;
use url::Url;

use super::{Applying, Planning, Wanted};
use crate::against;
use crate::failure::Failure;
use crate::output::note;

#[derive(Debug, Subcommand)]
pub(crate) enum Images {
    /// Show what separates the images of a cloud from what is wanted; exit code 1 if anything does
    Plan(Planning<WantedImages>),
    /// Make the images what is wanted
    Apply(Applying<WantedImages>),
}

/// What is wanted.
#[derive(Debug, Args)]
#[command(next_help_heading = "Images")]
pub(crate) struct WantedImages {
    /// A catalogue, its address, or a folder of catalogues; may be repeated [default: what scs-0104 asks for]
    #[arg(long, value_name = "FILE|DIR|URL")]
    images: Vec<Source>,
    /// Only images in whose names this is found
    #[arg(long, value_name = "REGEX")]
    filter: Option<Regex>,
    /// The tag that marks images as ours; no other image is touched
    #[arg(long, value_name = "TAG", default_value = "managed_by_assay")]
    tag: String,
    /// Take over public images of our project that bear a wanted name and no tag
    #[arg(long)]
    adopt: bool,
    /// Where all images are fetched from, by their file names, instead of where catalogues say
    #[arg(long, value_name = "URL")]
    mirror_base: Option<Url>,
    /// Refuse images of which no digest is known
    #[arg(long)]
    require_checksum: bool,
    /// How images get to glance [default: whatever works, and proves that they are what they should be]
    #[arg(long, value_enum)]
    import_method: Option<Method>,
    /// How long one image may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    import_timeout: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Method {
    /// Glance fetches them
    WebDownload,
    /// Fetched and sent by this program
    Upload,
    /// As upload, to where glance imports them from
    GlanceDirect,
}

impl Wanted for WantedImages {
    type Definitions = Vec<Definition>;

    async fn definitions(&self, failed: Option<&BTreeSet<String>>) -> Result<Self::Definitions, Failure> {
        let mut definitions = Vec::new();
        if self.images.is_empty() {
            definitions = images::bundled()?;
        }
        for source in &self.images {
            for file in files(source)? {
                let text = file.read().await.map_err(|error| Failure::usage(error, ""))?;
                let (found, notes) = images::read(&file.name(), &text)?;
                for text in notes {
                    note(&text);
                }
                definitions.extend(found);
            }
        }
        if let Some(filter) = &self.filter {
            definitions.retain(|definition| filter.is_match(&definition.name));
        }
        if let Some(failed) = failed {
            definitions.retain(|definition| definition.could_mend(failed));
        }
        Ok(definitions)
    }

    async fn plan(&self, session: &Session, definitions: Self::Definitions) -> Result<Plan, Failure> {
        let options =
            Options { tag: self.tag.clone(), today: against::day(Timestamp::now()), adopt: self.adopt };
        let mut observed = images::observe(session, &self.tag)
            .await
            .map_err(|why| Failure::undetermined(format!("cloud {}: {why}", session.config().name()), ""))?;
        let plan = images::plan(&definitions, &observed, &options);
        let doomed: BTreeSet<String> = plan
            .steps()
            .filter_map(|(_, _, step)| match step {
                Step::Image(images::Step::Delete { image }) => Some(image.clone()),
                _ => None,
            })
            .collect();
        if doomed.is_empty() {
            return Ok(plan);
        }
        observed.uses = images::uses(session, &doomed).await;
        Ok(images::plan(&definitions, &observed, &options))
    }

    fn importing(&self) -> Importing {
        Importing {
            mirror_base: self.mirror_base.clone(),
            require_checksum: self.require_checksum,
            way: self.import_method.map(|method| match method {
                Method::WebDownload => Way::WebDownload,
                Method::Upload => Way::Upload,
                Method::GlanceDirect => Way::GlanceDirect,
            }),
            budget: Duration::from_secs(self.import_timeout),
        }
    }
}

/// A source itself, or the catalogues in a folder by their names.
fn files(source: &Source) -> Result<Vec<Source>, Failure> {
    let Source::File(folder) = source else { return Ok(vec![source.clone()]) };
    if !folder.is_dir() {
        return Ok(vec![source.clone()]);
    }
    let is_catalogue =
        |path: &Path| path.extension().is_some_and(|extension| extension == "yml" || extension == "yaml");
    let wrong = |error| Failure::usage(format!("{} cannot be read: {error}", folder.display()), "");
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(wrong)? {
        let path = entry.map_err(wrong)?.path();
        if is_catalogue(&path) {
            found.push(path);
        }
    }
    found.sort();
    match found.is_empty() {
        true => Err(Failure::usage(format!("{} holds no catalogue (*.yml, *.yaml)", folder.display()), "")),
        false => Ok(found.into_iter().map(Source::File).collect()),
    }
}
