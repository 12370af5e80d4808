//! `assay images`: plan and apply what catalogues say.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use assay_curate::images::{
    self, Definition, Depot, Importer, Importing, Mirrored, Options, Upstream, Upstreams, Way,
};
use assay_curate::repair::RefusedAnswers;
use assay_curate::{Plan, Source, Step};
use assay_inventory::Image;
use assay_openstack::Session;
use assay_s3::{Settings, Store};
use clap::{Args, Subcommand, ValueEnum};
use futures::{StreamExt as _, stream};
use jiff::Timestamp;
use regex::Regex;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::progress;
use super::{Applying, Cloud, DIFFERS, FAILED, Planning, Wanted, unseen};
use crate::against;
use crate::args::Global;
use crate::commands::s3;
use crate::failure::Failure;
use crate::human::printable;
use crate::output::{note, print, write_file};

/// Upstreams that are looked at at the same time.
const AT_ONCE: usize = 8;

#[derive(Debug, Subcommand)]
pub(crate) enum Images {
    /// Show what separates the images of a cloud from what is wanted; exit code 1 if anything does
    Plan(Planning<WantedImages>),
    /// Make the images what is wanted
    Apply(Applying<WantedImages>),
    /// Write the newest builds that upstreams publish into catalogues, above those that are there
    Update(Update),
    /// Fetch the files of images into a folder, verified, for sites without internet (--mirror-base)
    Mirror(Mirror),
    /// Let projects use an image whose visibility is shared, or no longer
    Share(Share),
    /// Print the images of a cloud as a catalogue
    Export(Export),
    /// Print the catalogue that is part of the program, as a start for one of your own
    Catalogue,
}

#[derive(Debug, Args)]
pub(crate) struct Update {
    /// A catalogue, or a folder of catalogues
    #[arg(value_name = "FILE|DIR", required = true)]
    catalogues: Vec<PathBuf>,
    /// Only images in whose names this is found
    #[arg(long, value_name = "REGEX")]
    filter: Option<Regex>,
    /// Say what is newer and write nothing; exit code 1 if anything is
    #[arg(long)]
    dry_run: bool,
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
    /// The tag that marks images as those of a catalogue; of all others, no more than metadata is repaired
    #[arg(long, value_name = "TAG", default_value = "managed_by_assay")]
    tag: String,
    /// Take over public images of our project that bear a wanted name and no tag
    #[arg(long)]
    adopt: bool,
    /// For how many days a replaced image stays at least, whatever was promised
    #[arg(long, value_name = "DAYS", default_value_t = 0)]
    grace: u16,
    /// Where all images are fetched from, by their file names, instead of where catalogues say
    #[arg(long, value_name = "URL")]
    mirror_base: Option<Url>,
    /// Refuse images of which no digest is known
    #[arg(long)]
    require_checksum: bool,
    /// How images get to glance [default: whatever works, and proves that they are what they should be]
    #[arg(long, value_enum, value_name = "METHOD")]
    import_method: Option<Method>,
    /// How long one image may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 3600, value_parser = clap::value_parser!(u64).range(1..=604_800))]
    import_timeout: u64,
}

#[expect(clippy::doc_markdown, reason = "clap shows these comments to users as they are")]
#[derive(Debug, Args)]
pub(crate) struct Mirror {
    /// A folder, or a bucket of S3 and a folder in it; its secret is $AWS_SECRET_ACCESS_KEY
    #[arg(value_name = "DIR|s3://BUCKET/FOLDER")]
    to: String,
    /// A catalogue, its address, or a folder of catalogues; may be repeated [default: what scs-0104 asks for]
    #[arg(long, value_name = "FILE|DIR|URL")]
    images: Vec<Source>,
    /// Only images in whose names this is found
    #[arg(long, value_name = "REGEX")]
    filter: Option<Regex>,
    /// Refuse images of which no digest is known
    #[arg(long)]
    require_checksum: bool,
    /// Where the server of the bucket answers
    #[arg(long, value_name = "URL", env = "AWS_ENDPOINT_URL", help_heading = "Bucket")]
    s3_endpoint: Option<String>,
    /// The region of the bucket [default: what the server says]
    #[arg(long, value_name = "REGION", env = "AWS_REGION", help_heading = "Bucket")]
    s3_region: Option<String>,
    /// The access key for the bucket
    #[arg(
        long,
        value_name = "KEY",
        env = "AWS_ACCESS_KEY_ID",
        hide_env_values = true,
        help_heading = "Bucket"
    )]
    access_key: Option<String>,
    /// Certification authorities to trust for the bucket
    #[arg(long, value_name = "FILE", help_heading = "Bucket")]
    ca_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Share {
    #[command(flatten)]
    cloud: Cloud,
    /// The image, by name or id
    #[arg(long, value_name = "IMAGE")]
    image: String,
    /// A project, by name or id; may be repeated
    #[arg(long, value_name = "PROJECT", required_unless_present = "domain")]
    project: Vec<String>,
    /// All projects of a domain, by name or id; may be repeated
    #[arg(long, value_name = "DOMAIN")]
    domain: Vec<String>,
    /// Share it no longer
    #[arg(long)]
    remove: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Export {
    #[command(flatten)]
    cloud: Cloud,
    /// The tag of the images
    #[arg(long, value_name = "TAG", default_value = "managed_by_assay")]
    tag: String,
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

/// What catalogues say.
pub(crate) struct Catalogues {
    /// Everything.
    all: Vec<Definition>,
    /// What is wanted of it.
    wanted: Vec<Definition>,
}

impl Wanted for WantedImages {
    type Definitions = Catalogues;
    type Seen = Plan;

    async fn definitions(&self, failed: Option<&BTreeSet<String>>) -> Result<Self::Definitions, Failure> {
        let all = definitions(&self.images, None).await?;
        let mut wanted = all.clone();
        wanted.retain(|definition| {
            self.is_meant(&definition.name) && failed.is_none_or(|failed| definition.could_mend(failed))
        });
        Ok(Catalogues { all, wanted })
    }

    async fn see(&self, session: &Session, definitions: Self::Definitions) -> Result<Plan, Failure> {
        Ok(self.look(session, definitions).await?.0)
    }

    fn plan(seen: &Plan) -> Result<Plan, RefusedAnswers> {
        Ok(seen.clone())
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

impl WantedImages {
    /// Whether an image of this name is to be looked at.
    fn is_meant(&self, name: &str) -> bool {
        self.filter.as_ref().is_none_or(|filter| filter.is_match(name))
    }

    /// What separates the images of a cloud from catalogues, and those that no catalogue makes ours.
    pub(super) async fn look(
        &self,
        session: &Session,
        catalogues: Catalogues,
    ) -> Result<(Plan, Vec<Image>), Failure> {
        let Catalogues { all, wanted: mut definitions } = catalogues;
        let options = Options {
            tag: self.tag.clone(),
            today: against::day(Timestamp::now()),
            adopt: self.adopt,
            grace: self.grace,
        };
        let mut observed = images::observe(session, &self.tag).await.map_err(unseen(session))?;
        images::observe_members(session, &mut definitions, &mut observed).await.map_err(unseen(session))?;
        let mut others = images::undescribed(&all, &observed, &options);
        others.retain(|image| self.is_meant(image.name().unwrap_or_default()));
        let plan = images::plan(&definitions, &observed, &options);
        let doomed: BTreeSet<String> = plan
            .steps()
            .filter_map(|(_, _, step)| match step {
                Step::Image(images::Step::Delete { image }) => Some(image.clone()),
                _ => None,
            })
            .collect();
        if doomed.is_empty() {
            return Ok((plan, others));
        }
        observed.uses = images::uses(session, &doomed).await.map_err(|why| {
            Failure::undetermined(format!("what images are in use is not known: {why}"), "")
        })?;
        Ok((images::plan(&definitions, &observed, &options), others))
    }
}

/// Reads catalogues, or that of the program if there are none.
async fn definitions(sources: &[Source], filter: Option<&Regex>) -> Result<Vec<Definition>, Failure> {
    let mut definitions = Vec::new();
    if sources.is_empty() {
        definitions = images::bundled()?;
    }
    for source in sources {
        for file in files(source)? {
            let text = file.read().await.map_err(|error| Failure::usage(error, ""))?;
            let (found, notes) = images::read(&file.name(), &text)?;
            for text in notes {
                note(&text);
            }
            definitions.extend(found);
        }
    }
    if let Some(filter) = filter {
        definitions.retain(|definition| filter.is_match(&definition.name));
    }
    Ok(definitions)
}

/// Fetches the files of all wanted builds, one after the other: the line is the bottleneck. Lists of their digests are
/// written beside them, under the names that the upstreams give them.
pub(crate) async fn mirror(
    arguments: &Mirror,
    global: &Global,
    cancel: CancellationToken,
) -> Result<u8, Failure> {
    let definitions = definitions(&arguments.images, arguments.filter.as_ref()).await?;
    let importing = Importing {
        mirror_base: None,
        require_checksum: arguments.require_checksum,
        way: None,
        budget: Duration::ZERO,
    };
    let importer = Importer::new(importing)
        .map_err(|error| Failure::undetermined(format!("nothing can be fetched: {error}"), ""))?;
    let depot = depot(arguments).await?;
    let mut lists: BTreeMap<String, String> = BTreeMap::new();
    let mut names: BTreeMap<String, &Url> = BTreeMap::new();
    let mut failed = false;
    let builds = definitions
        .iter()
        .flat_map(|definition| definition.wanted().iter().map(move |build| (definition, build)));
    for (definition, build) in builds {
        let name = build.file_name();
        if names.insert(name.clone(), &build.url).is_some_and(|other| *other != build.url) {
            let what = format!("two builds have files of the name {name:?}, which no folder can hold");
            return Err(Failure::usage(what, "mirror them into folders of their own, with --filter"));
        }
        let bar = progress::File::begin(global, &name);
        let mirrored = importer.mirror(build, &depot, &cancel, &|news| bar.tell(&news)).await;
        bar.end();
        match mirrored {
            Ok(Mirrored { digest, was_there, is_verified }) => {
                let what = if was_there { "is there" } else { "fetched" };
                print(&format!("{}: {what}, {digest}\n", printable(&name)))?;
                // A digest that nobody promised proves nothing, and must not look as if it did.
                if let Some(list) = build.list_name().filter(|_| is_verified) {
                    let _ = writeln!(lists.entry(list).or_default(), "{} *{name}", digest.hex);
                }
            }
            Err(why) => {
                note(&format!("{}: {why}", definition.name));
                failed = true;
            }
        }
        if cancel.is_cancelled() {
            break;
        }
    }
    for (name, text) in lists {
        let unwritable = |why| Failure::undetermined(why, "");
        let before = depot.text(&name).await.map_err(unwritable)?;
        let of_others = before.lines().filter(|line| {
            let file = line.split_once(" *").map(|(_, file)| format!(" *{file}\n"));
            file.is_some_and(|file| !text.contains(&file))
        });
        let all: String = of_others.map(|line| format!("{line}\n")).chain([text.clone()]).collect();
        depot.put(&name, &all).await.map_err(unwritable)?;
    }
    Ok(if failed { FAILED } else { 0 })
}

/// How long a part of a file may take to get to a bucket.
const PART_TIMEOUT: Duration = Duration::from_mins(5);

/// Where the mirror is.
async fn depot(arguments: &Mirror) -> Result<Depot, Failure> {
    let to = &arguments.to;
    let Some(place) = to.strip_prefix("s3://") else {
        let unwritable = |error| Failure::usage(format!("{to} cannot be written: {error}"), "");
        fs::create_dir_all(to).map_err(unwritable)?;
        return Ok(Depot::Folder(fs::canonicalize(to).map_err(unwritable)?));
    };
    let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
    if bucket.is_empty() {
        return Err(Failure::usage(format!("{to} names no bucket"), "s3://BUCKET/FOLDER"));
    }
    let endpoint = arguments.s3_endpoint.as_deref().ok_or_else(|| {
        Failure::usage("where the server of the bucket answers is not known", "name it with --s3-endpoint")
    })?;
    let access = s3::access(
        endpoint,
        arguments.s3_region.as_deref(),
        arguments.access_key.as_deref(),
        arguments.ca_file.as_deref(),
    )?;
    let settings = Settings { timeout: PART_TIMEOUT, ..Settings::default() };
    let store = Store::open(&access, &settings, bucket, prefix).await;
    Ok(Depot::Bucket(store.map_err(|error| Failure::usage(error, ""))?))
}

/// Shares an image with projects, or no longer; one that fails stops no other.
pub(crate) async fn share(arguments: &Share) -> Result<u8, Failure> {
    let session = arguments.cloud.connect().await?;
    let undetermined = |why| Failure::undetermined(why, "");
    let (image, projects) = tokio::try_join!(
        images::find(&session, &arguments.image),
        images::projects(&session, &arguments.project, &arguments.domain),
    )
    .map_err(undetermined)?;
    let visibility = image.text("visibility").value().unwrap_or_default();
    if visibility != "shared" && !arguments.remove {
        return Err(Failure::usage(
            format!("{} is {visibility}; only shared images have members", arguments.image),
            "write `visibility: shared` into its catalogue and apply that, or run `openstack image set --shared IMAGE`",
        ));
    }
    let mut failed = false;
    for project in projects {
        match images::share(&session, image.id(), &project, !arguments.remove).await {
            Ok(()) if arguments.remove => print(&format!("not shared with {project}\n"))?,
            Ok(()) => print(&format!("shared with {project}\n"))?,
            Err(why) => {
                note(&format!("{project}: {why}"));
                failed = true;
            }
        }
    }
    Ok(if failed { FAILED } else { 0 })
}

/// Prints the images of a cloud as a catalogue.
pub(crate) async fn export(arguments: &Export) -> Result<u8, Failure> {
    let session = arguments.cloud.connect().await?;
    let observed =
        images::observe(&session, &arguments.tag).await.map_err(|why| Failure::undetermined(why, ""))?;
    let (text, notes) = images::export(&observed.images, &arguments.tag)
        .map_err(|error| Failure::usage(error, "this is a defect of assay; please report it"))?;
    for text in notes {
        note(&printable(&text));
    }
    print(&text)?;
    Ok(0)
}

/// Looks for newer builds, all upstreams at the same time, and writes them into the catalogues.
pub(crate) async fn update(arguments: &Update) -> Result<u8, Failure> {
    let upstreams = Upstreams::new()
        .map_err(|error| Failure::undetermined(format!("nothing can be fetched: {error}"), ""))?;
    let (mut newer, mut unknown) = (false, false);
    for catalogue in &arguments.catalogues {
        for file in files(&Source::File(catalogue.clone()))? {
            let Source::File(path) = &file else { continue };
            let shown = path.display();
            let mut text = file.read().await.map_err(|error| Failure::usage(error, ""))?;
            let (mut definitions, _) = images::read(&file.name(), &text)?;
            definitions
                .retain(|one| arguments.filter.as_ref().is_none_or(|filter| filter.is_match(&one.name)));
            let looks = definitions.iter().map(async |one| (&one.name, upstreams.newest(one).await));
            let found: Vec<_> = stream::iter(looks).buffered(AT_ONCE).collect().await;
            let before = text.clone();
            for (name, upstream) in found {
                let edited = match upstream {
                    Ok(Upstream::Unknown | Upstream::Nothing) => continue,
                    Ok(Upstream::Build(build)) => {
                        let version = printable(&build.version);
                        print(&format!("{shown}: {}: {version} at {}\n", printable(name), build.url))?;
                        newer = true;
                        images::with_build(&text, name, &build).map_err(|why| why.to_string())
                    }
                    Err(why) => Err(why.to_string()),
                };
                match edited {
                    Ok(edited) => text = edited,
                    Err(why) => {
                        note(&format!("{shown}: {name}: {why}"));
                        unknown = true;
                    }
                }
            }
            if text != before && !arguments.dry_run {
                write_file(path, text.as_bytes())?;
            }
        }
    }
    Ok(match (unknown, newer && arguments.dry_run) {
        (true, _) => FAILED,
        (false, true) => DIFFERS,
        (false, false) => 0,
    })
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
