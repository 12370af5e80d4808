//! `assay fleet manifests`: the same configuration on Kubernetes.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use assay_fleet::manifests::{
    Cron, FOLDER, Files, Manifest, ManifestError, Manifests, Rhythm, State, fleet_name, inside,
    namespace_name, object_name,
};
use assay_fleet::{Beside, Config, LeaseKeeper};
use clap::{Args, ValueEnum};
use url::Url;

use super::run::{GRACE, PATIENCE};
use super::suite::scope;
use super::{Choosing, Configured, address, read};
use crate::args::Global;
use crate::failure::Failure;
use crate::human::printable;
use crate::output::{note, print, write_file};

/// What a job may take beside its checks: sending reports to a monitor that is slow.
const SENDING: Duration = Duration::from_mins(10);

#[derive(Debug, Args)]
pub(crate) struct Written {
    #[command(flatten)]
    pub(crate) configured: Configured,
    #[command(flatten)]
    pub(crate) choosing: Choosing,
    /// The monitor that gets the reports [default: that of the configuration]
    #[arg(long, value_name = "URL", value_parser = address, help_heading = "Choosing")]
    pub(crate) monitor_url: Option<Url>,
    /// So many subjects in one job
    #[arg(long, value_name = "NUMBER", default_value = "1", value_parser = super::workers, help_heading = "Jobs")]
    pub(crate) batch: usize,
    /// When the first job starts, as cron knows it
    #[arg(long, value_name = "CRON", default_value = "0 2 * * *", help_heading = "Jobs")]
    pub(crate) schedule: Cron,
    /// The others follow within so many minutes
    #[arg(long, value_name = "MINUTES", default_value = "60", value_parser = clap::value_parser!(u16).range(0..=1440), help_heading = "Jobs")]
    pub(crate) spread: u16,
    /// The zone of the schedule, such as Europe/Berlin, which Kubernetes knows since 1.27 [default: that of the cluster]
    #[arg(long, value_name = "ZONE", help_heading = "Jobs")]
    pub(crate) time_zone: Option<String>,
    /// Jobs that run at once and never again
    #[arg(long, conflicts_with_all = ["schedule", "spread", "time_zone"], help_heading = "Jobs")]
    pub(crate) once: bool,
    /// Seconds for one subject; what is not known by then is not to be had
    #[arg(long, value_name = "SECONDS", default_value = "3600", value_parser = crate::args::seconds, help_heading = "Jobs")]
    pub(crate) deadline: Duration,
    /// The image of this program (deploy/Containerfile)
    #[arg(long, value_name = "IMAGE", default_value = "REGISTRY/assay:TAG", help_heading = "Cluster")]
    pub(crate) image: String,
    /// The namespace, which must be there
    #[arg(long, value_name = "NAME", default_value = "assay-fleet", value_parser = namespace_name, help_heading = "Cluster")]
    pub(crate) namespace: String,
    /// The name of the fleet, with which those of all objects begin; two fleets in one namespace have two
    #[arg(long, value_name = "NAME", default_value = "assay-fleet", value_parser = fleet_name, help_heading = "Cluster")]
    pub(crate) name: String,
    /// The Secret with clouds.yaml, keyfile and tokenfile, which you make
    #[arg(long, value_name = "NAME", default_value = "assay-fleet", value_parser = object_name, help_heading = "Cluster")]
    pub(crate) secret: String,
    /// The class of the volumes that keep the state [default: that of the cluster]
    #[arg(long, value_name = "NAME", value_parser = object_name, conflicts_with = "without_volumes", help_heading = "Cluster")]
    pub(crate) storage_class: Option<String>,
    /// Keep no state: what was not delivered is lost with its pod, and so is what says what a killed check left behind
    #[arg(long, help_heading = "Cluster")]
    pub(crate) without_volumes: bool,
    /// A folder for the files, or - for standard output
    #[arg(short, long, value_name = "DIR", default_value = "-")]
    pub(crate) output: PathBuf,
}

pub(crate) fn run(arguments: &Written, global: &Global) -> Result<u8, Failure> {
    let path = &arguments.configured.config;
    let text = read(path, "name the configuration with -c")?;
    // As pods see it, whose paths are what counts.
    let config = Config::read(&path.display().to_string(), &text, Path::new(FOLDER))?;
    let plan = config.plan(&arguments.choosing.choice())?;
    if arguments.monitor_url.is_none() && config.monitor.is_none() {
        return Err(Failure::usage(
            "neither the configuration nor --monitor-url names a monitor, and from a pod reports go nowhere else",
            "name it under [monitor] with `url = \"https://monitor.example.com/\"`",
        ));
    }
    if let LeaseKeeper::Kubernetes { namespace: Some(namespace) } = &config.leases
        && *namespace != arguments.namespace
    {
        return Err(Failure::usage(
            format!(
                "[leases] names the namespace {namespace}, and these runners may use {} alone",
                arguments.namespace
            ),
            "say it with --namespace, or leave the name out of the configuration",
        ));
    }
    let secret = |path: &Option<PathBuf>, name: &str| match path {
        Some(path) => placed(path),
        None => Err(Failure::usage(
            format!("the configuration names no `{name}`, and a monitor takes no reports without"),
            "`assay subject add` makes key and token",
        )),
    };
    let mut files = Files {
        keyfile: secret(&config.keyfile, "keyfile")?,
        tokenfile: secret(&config.tokenfile, "tokenfile")?,
        ..Files::default()
    };
    for (name, spec) in &plan.specs {
        let inside = spec.as_deref().map(placed).transpose()?;
        let here = inside.as_ref().map(|inside| path.with_file_name("").join(inside));
        // What is wrong with a spec is told now, not by a pod.
        scope(name, here.as_deref(), false, global)?;
        if let (Some(inside), Some(here)) = (inside, here.filter(|here| here.exists())) {
            files.named.insert(inside, read(&here, "name the spec under [scopes]")?);
        }
    }
    for planned in &plan.subjects {
        let Beside { waivers, declarations, domain_managers } = &planned.beside;
        if domain_managers.is_some() {
            return Err(Failure::usage(
                format!(
                    "{} names domain_managers, and passwords have no place in a ConfigMap",
                    planned.subject
                ),
                "leave them out of the configuration that goes to the cluster",
            ));
        }
        for file in waivers.iter().chain(declarations) {
            let inside = placed(file)?;
            let here = path.with_file_name("").join(&inside);
            files.named.insert(inside, read(&here, "name it under [subjects.NAME]")?);
        }
    }
    files.config = text;
    let manifests = arguments.manifests();
    let all = manifests.render(&plan, &files)?;
    let head = head(&manifests, &files, path);
    match arguments.output.as_os_str() == "-" {
        true => print(&stream(&head, &all))?,
        false => write(&arguments.output, &head, &all)?,
    }
    if !global.quiet && arguments.image == "REGISTRY/assay:TAG" {
        note("replace REGISTRY/assay:TAG, or say --image");
    }
    Ok(0)
}

impl Written {
    fn manifests(&self) -> Manifests {
        let sections = self.choosing.sections.iter().filter_map(ValueEnum::to_possible_value);
        let sections: Vec<String> = sections.map(|section| section.get_name().to_owned()).collect();
        let mut told = vec![
            "--leases=kubernetes".to_owned(),
            format!("--sections={}", sections.join(",")),
            format!("--deadline={}", self.deadline.as_secs()),
        ];
        told.extend(self.monitor_url.as_ref().map(|url| format!("--monitor-url={url}")));
        let rhythm = || Rhythm {
            schedule: self.schedule.clone(),
            minutes: self.spread.into(),
            time_zone: self.time_zone.clone(),
        };
        Manifests {
            name: self.name.clone(),
            namespace: self.namespace.clone(),
            image: self.image.clone(),
            secret: self.secret.clone(),
            rhythm: (!self.once).then(rhythm),
            batch: self.batch,
            state: match self.without_volumes {
                true => State::Lost,
                false => State::Kept(self.storage_class.clone()),
            },
            round: self.deadline.saturating_add(GRACE),
            besides: PATIENCE + SENDING,
            arguments: told,
        }
    }
}

fn placed(path: &Path) -> Result<String, Failure> {
    inside(path).map_err(|error| {
        Failure::usage(error, "put it there, and let the configuration name it by a path from there")
    })
}

/// What whoever applies this has to do beside.
fn head(manifests: &Manifests, files: &Files, config: &Path) -> String {
    let Manifests { name, namespace, secret, .. } = manifests;
    let folder = config.with_file_name("");
    let from = |key: &str, path: &str| {
        let path = printable(&folder.join(path).display().to_string());
        let path = shlex::try_quote(&path).map_or_else(|_| path.clone(), Into::into);
        format!("--from-file={key}={path}")
    };
    let (key, token) = (from("keyfile", &files.keyfile), from("tokenfile", &files.tokenfile));
    format!(
        "# Made by `assay fleet manifests`. The namespace and the Secret are not in here:\n\
         #   kubectl create namespace {namespace}\n\
         #   kubectl --namespace {namespace} create secret generic {secret} \\\n\
         #     --from-file=clouds.yaml {key} {token}\n\
         # secure.yaml and certificates go into the Secret in the same way; pods have it as /etc/openstack.\n\
         # Everything of this fleet: kubectl --namespace {namespace} get all -l app.kubernetes.io/instance={name}\n"
    )
}

fn stream(head: &str, all: &[Manifest]) -> String {
    let texts: Vec<&str> = all.iter().map(|manifest| manifest.text.as_str()).collect();
    format!("{head}{}", texts.join("---\n"))
}

fn write(folder: &Path, head: &str, all: &[Manifest]) -> Result<(), Failure> {
    let unusable = |error| {
        Failure::usage(
            format!("{} cannot be used: {error}", folder.display()),
            "choose another folder with -o",
        )
    };
    fs::create_dir_all(folder).map_err(unusable)?;
    let mut head = head;
    let mut written = Vec::new();
    for Manifest { name, text } in all {
        let path = folder.join(format!("{name}.yaml"));
        write_file(&path, format!("{head}{text}").as_bytes())?;
        written.push(path);
        head = "";
    }
    for entry in fs::read_dir(folder).map_err(unusable)? {
        let path = entry.map_err(unusable)?.path();
        if path.extension().is_some_and(|end| end == "yaml") && !written.contains(&path) {
            let path = printable(&path.display().to_string());
            note(&format!(
                "{path} is none of these; if its subject is gone, `kubectl delete -f` it and remove it"
            ));
        }
    }
    Ok(())
}

impl From<ManifestError> for Failure {
    fn from(error: ManifestError) -> Self {
        Failure::usage(error, "")
    }
}
