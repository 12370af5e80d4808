//! A fleet on Kubernetes: the objects that check its subjects there, as text. No I/O, and no secret comes near it.

mod cron;
mod names;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path};
use std::time::Duration;

use k8s_openapi::api::batch::v1::{CronJob, CronJobSpec, Job, JobSpec, JobTemplateSpec};
use k8s_openapi::api::core::v1::{
    Capabilities, ConfigMap, ConfigMapProjection, Container, EmptyDirVolumeSource, EnvVar, KeyToPath,
    PersistentVolumeClaim, PersistentVolumeClaimSpec, PersistentVolumeClaimVolumeSource, PodSecurityContext,
    PodSpec, PodTemplateSpec, ProjectedVolumeSource, ResourceRequirements, SeccompProfile, SecretProjection,
    SecretVolumeSource, SecurityContext, ServiceAccount, Volume, VolumeMount, VolumeProjection,
    VolumeResourceRequirements,
};
use k8s_openapi::api::rbac::v1::{PolicyRule, Role, RoleBinding, RoleRef, Subject};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;

pub use self::cron::{Cron, CronError};
pub use self::names::{NameError, fleet_name, namespace_name, object_name};
use crate::plan::{Plan, Planned};

pub(crate) use self::names::of_lease;

/// Where the configuration lies in a pod; read with this as its folder, it gives the paths there.
pub const FOLDER: &str = "/etc/assay";
/// Where `clouds.yaml` lies in a pod, with what else the Secret holds.
const CLOUDS: &str = "/etc/openstack";
/// Where the state lies in a pod, as in the image.
const STATE: &str = "/var/lib/assay";
/// The name of the configuration in a pod.
const CONFIG: &str = "config.toml";
/// The user and the group in the image.
const USER: i64 = 65532;
/// For the user alone, and for its group, through which a pod gets at it.
const MODE: i32 = 0o440;
/// More a `ConfigMap` does not hold.
const MOST_BYTES: usize = 1 << 20;
/// What is taken down after a signal takes as long as after a deadline, and what came of it is written down then.
const LAST_MINUTES: i64 = 660;
/// A job that could not begin in so many seconds waits for its next time.
const LATEST_START: i64 = 3600;

/// How a fleet is to run on Kubernetes.
#[derive(Clone, Debug)]
pub struct Manifests {
    /// The name of the fleet there.
    pub name: String,
    /// The namespace, which is there.
    pub namespace: String,
    /// The image of this program.
    pub image: String,
    /// The name of the Secret with `clouds.yaml`, `keyfile` and `tokenfile`.
    pub secret: String,
    /// When; without it, once.
    pub rhythm: Option<Rhythm>,
    /// So many subjects in one job.
    pub batch: usize,
    /// What becomes of the state folder.
    pub state: State,
    /// How long the subjects of a job may take that are checked at the same time.
    pub round: Duration,
    /// What a job may take beside that.
    pub besides: Duration,
    /// What `assay fleet run` is told beside the configuration, scopes and subjects.
    pub arguments: Vec<String>,
}

/// When the jobs of a fleet start.
#[derive(Clone, Debug)]
pub struct Rhythm {
    /// When the first one does.
    pub schedule: Cron,
    /// The others follow within so many minutes.
    pub minutes: usize,
    /// The zone of the schedule; without it, that of the cluster.
    pub time_zone: Option<String>,
}

/// What becomes of the state folder, in which reports wait and journals say what is to be removed.
#[derive(Clone, Debug)]
pub enum State {
    /// Each job has a volume of its own, of this class or of the cluster's own choice.
    Kept(Option<String>),
    /// It goes with the pod.
    Lost,
}

/// What pods find below [`FOLDER`], with paths from there.
#[derive(Clone, Debug, Default)]
pub struct Files {
    /// The text of the configuration.
    pub config: String,
    /// The texts of what the configuration names: specs, waivers, declarations.
    pub named: BTreeMap<String, String>,
    /// Where the Secret's `keyfile` goes.
    pub keyfile: String,
    /// Where the Secret's `tokenfile` goes.
    pub tokenfile: String,
}

/// Objects that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The name of what they are for.
    pub name: String,
    /// The objects, as a stream of YAML documents.
    pub text: String,
}

/// A fleet does not fit Kubernetes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// Pods only have what lies beside the configuration or below.
    #[error(
        "{0} does not lie in the folder of the configuration or below, which is all that pods have of it"
    )]
    Outside(String),
    /// Commas part names on the command line.
    #[error("{0:?} has a comma, so it cannot be named to `assay fleet run`")]
    Comma(String),
    /// A `ConfigMap` has a limit.
    #[error("the configuration and what it names have {0} KiB together, and a ConfigMap holds 1024")]
    TooLarge(usize),
    /// Two things would be one file.
    #[error("{0} would be two files in one")]
    Twice(String),
    /// It cannot be written down.
    #[error("{0}")]
    Yaml(String),
}

/// The path of a file from [`FOLDER`].
///
/// # Errors
/// It lies somewhere else.
pub fn inside(path: &Path) -> Result<String, ManifestError> {
    let outside = || ManifestError::Outside(path.display().to_string());
    let mut parts: Vec<&str> = Vec::new();
    for part in path.strip_prefix(FOLDER).map_err(|_| outside())?.components() {
        match part {
            Component::Normal(name) => parts.push(name.to_str().ok_or_else(outside)?),
            Component::CurDir => {}
            Component::ParentDir => drop(parts.pop().ok_or_else(outside)?),
            Component::RootDir | Component::Prefix(_) => return Err(outside()),
        }
    }
    // Kubernetes takes no two dots in a row, wherever they stand.
    match parts.is_empty() || parts.iter().any(|part| part.starts_with("..")) {
        true => Err(outside()),
        false => Ok(parts.join("/")),
    }
}

impl Manifests {
    /// What all jobs share, and then each job with what is its own.
    ///
    /// # Errors
    /// The fleet does not fit.
    pub fn render(&self, plan: &Plan, files: &Files) -> Result<Vec<Manifest>, ManifestError> {
        let keys = files.keys()?;
        let mut shared = String::new();
        add(&mut shared, &self.account())?;
        add(&mut shared, &self.role())?;
        add(&mut shared, &self.binding())?;
        add(&mut shared, &self.configuration(files, &keys))?;
        let mut all = vec![Manifest { name: self.name.clone(), text: shared }];
        let batches: Vec<&[Planned]> = plan.subjects.chunks(self.batch.max(1)).collect();
        for (nth, subjects) in batches.iter().enumerate() {
            let name = match subjects {
                [one] if self.batch <= 1 => names::of_subject(&self.name, &one.subject),
                _ => format!("{}-batch-{}", self.name, nth + 1),
            };
            let job = self.job(&name, subjects, plan, files, &keys)?;
            let mut text = String::new();
            if let State::Kept(class) = &self.state {
                add(&mut text, &self.claim(&name, class.as_deref()))?;
            }
            match &self.rhythm {
                Some(rhythm) => {
                    add(&mut text, &self.cron_job(&name, job, rhythm, (nth, batches.len())))?;
                }
                None => {
                    add(&mut text, &Job { metadata: self.metadata(&name), spec: Some(job), status: None })?;
                }
            }
            all.push(Manifest { name, text });
        }
        Ok(all)
    }

    fn labels(&self) -> BTreeMap<String, String> {
        BTreeMap::from([
            ("app.kubernetes.io/name".into(), "assay-fleet".into()),
            ("app.kubernetes.io/instance".into(), self.name.clone()),
        ])
    }

    fn metadata(&self, name: &str) -> ObjectMeta {
        ObjectMeta {
            name: Some(name.to_owned()),
            namespace: Some(self.namespace.clone()),
            labels: Some(self.labels()),
            ..ObjectMeta::default()
        }
    }

    fn account(&self) -> ServiceAccount {
        ServiceAccount {
            metadata: self.metadata(&self.name),
            // Whoever needs the token says so.
            automount_service_account_token: Some(false),
            ..ServiceAccount::default()
        }
    }

    fn role(&self) -> Role {
        let rule = PolicyRule {
            api_groups: Some(vec!["coordination.k8s.io".into()]),
            resources: Some(vec!["leases".into()]),
            verbs: ["create", "get", "patch"].map(str::to_owned).to_vec(),
            ..PolicyRule::default()
        };
        Role { metadata: self.metadata(&self.name), rules: Some(vec![rule]) }
    }

    fn binding(&self) -> RoleBinding {
        RoleBinding {
            metadata: self.metadata(&self.name),
            role_ref: RoleRef {
                api_group: "rbac.authorization.k8s.io".into(),
                kind: "Role".into(),
                name: self.name.clone(),
            },
            subjects: Some(vec![Subject {
                kind: "ServiceAccount".into(),
                name: self.name.clone(),
                namespace: Some(self.namespace.clone()),
                ..Subject::default()
            }]),
        }
    }

    fn configuration(&self, files: &Files, keys: &BTreeMap<String, String>) -> ConfigMap {
        let named =
            files.named.iter().filter_map(|(path, text)| Some((keys.get(path)?.clone(), text.clone())));
        let config = (CONFIG.to_owned(), files.config.clone());
        ConfigMap {
            metadata: self.metadata(&self.name),
            data: Some(named.chain([config]).collect()),
            ..ConfigMap::default()
        }
    }

    fn claim(&self, name: &str, class: Option<&str>) -> PersistentVolumeClaim {
        let size = BTreeMap::from([("storage".to_owned(), Quantity("1Gi".into()))]);
        PersistentVolumeClaim {
            metadata: self.metadata(name),
            spec: Some(PersistentVolumeClaimSpec {
                access_modes: Some(vec!["ReadWriteOnce".into()]),
                resources: Some(VolumeResourceRequirements { requests: Some(size), limits: None }),
                storage_class_name: class.map(str::to_owned),
                ..PersistentVolumeClaimSpec::default()
            }),
            status: None,
        }
    }

    fn cron_job(&self, name: &str, job: JobSpec, rhythm: &Rhythm, (nth, of): (usize, usize)) -> CronJob {
        CronJob {
            metadata: self.metadata(name),
            spec: Some(CronJobSpec {
                schedule: rhythm.schedule.nth(nth, of, rhythm.minutes),
                time_zone: rhythm.time_zone.clone(),
                concurrency_policy: Some("Forbid".into()),
                starting_deadline_seconds: Some(LATEST_START),
                successful_jobs_history_limit: Some(1),
                failed_jobs_history_limit: Some(3),
                job_template: JobTemplateSpec { metadata: None, spec: Some(job) },
                suspend: None,
            }),
            status: None,
        }
    }

    fn job(
        &self,
        name: &str,
        subjects: &[Planned],
        plan: &Plan,
        files: &Files,
        keys: &BTreeMap<String, String>,
    ) -> Result<JobSpec, ManifestError> {
        let mut args: Vec<String> =
            ["fleet", "run", "--config=/etc/assay/config.toml"].map(str::to_owned).to_vec();
        if plan.workers < subjects.len() {
            args.push(format!("--workers={}", plan.workers));
        }
        args.extend(self.arguments.iter().cloned());
        let scopes: BTreeSet<&String> = subjects.iter().flat_map(|planned| &planned.scopes).collect();
        for scope in scopes {
            args.push(format!("--scope={}", without_comma(scope)?));
        }
        for planned in subjects {
            args.push(format!("--subject={}", without_comma(&planned.subject)?));
        }
        let rounds = subjects.len().div_ceil(plan.workers.max(1));
        let longest = self.round.saturating_mul(u32::try_from(rounds).unwrap_or(u32::MAX));
        // The second attempt has a time of its own: the cluster counts that of both together.
        let longest = longest.saturating_add(self.besides).saturating_mul(2).as_secs();
        Ok(JobSpec {
            active_deadline_seconds: Some(i64::try_from(longest).unwrap_or(i64::MAX)),
            // Whose node went away is gone on with; nothing that was judged is judged again.
            backoff_limit: Some(1),
            template: PodTemplateSpec {
                metadata: Some(ObjectMeta { labels: Some(self.labels()), ..ObjectMeta::default() }),
                spec: Some(self.pod(name, args, files, keys)),
            },
            ..JobSpec::default()
        })
    }

    fn pod(&self, name: &str, args: Vec<String>, files: &Files, keys: &BTreeMap<String, String>) -> PodSpec {
        PodSpec {
            service_account_name: Some(self.name.clone()),
            automount_service_account_token: Some(true),
            enable_service_links: Some(false),
            restart_policy: Some("Never".into()),
            termination_grace_period_seconds: Some(LAST_MINUTES),
            security_context: Some(PodSecurityContext {
                run_as_non_root: Some(true),
                run_as_user: Some(USER),
                run_as_group: Some(USER),
                fs_group: Some(USER),
                seccomp_profile: Some(SeccompProfile {
                    type_: "RuntimeDefault".into(),
                    localhost_profile: None,
                }),
                ..PodSecurityContext::default()
            }),
            containers: vec![self.container(args)],
            volumes: Some(self.volumes(name, files, keys)),
            ..PodSpec::default()
        }
    }

    fn container(&self, args: Vec<String>) -> Container {
        let mount = |name: &str, path: &str, read_only: bool| VolumeMount {
            name: name.to_owned(),
            mount_path: path.to_owned(),
            read_only: read_only.then_some(true),
            ..VolumeMount::default()
        };
        let quantities = |all: &[(&str, &str)]| {
            Some(all.iter().map(|(name, much)| ((*name).to_owned(), Quantity((*much).to_owned()))).collect())
        };
        Container {
            name: "fleet".into(),
            image: Some(self.image.clone()),
            // Kubernetes puts variables in place of $(…), wherever that comes from.
            args: Some(args.into_iter().map(|argument| argument.replace('$', "$$")).collect()),
            env: Some(vec![EnvVar {
                name: "ASSAY_STATE_DIR".into(),
                value: Some(STATE.into()),
                ..EnvVar::default()
            }]),
            resources: Some(ResourceRequirements {
                requests: quantities(&[("cpu", "100m"), ("memory", "128Mi")]),
                limits: quantities(&[("memory", "512Mi")]),
                claims: None,
            }),
            security_context: Some(SecurityContext {
                allow_privilege_escalation: Some(false),
                read_only_root_filesystem: Some(true),
                capabilities: Some(Capabilities { drop: Some(vec!["ALL".into()]), add: None }),
                ..SecurityContext::default()
            }),
            volume_mounts: Some(vec![
                mount("config", FOLDER, true),
                mount("clouds", CLOUDS, true),
                mount("state", STATE, false),
                mount("tmp", "/tmp", false),
            ]),
            ..Container::default()
        }
    }

    fn volumes(&self, name: &str, files: &Files, keys: &BTreeMap<String, String>) -> Vec<Volume> {
        let item =
            |(key, path): (&str, &str)| KeyToPath { key: key.to_owned(), path: path.to_owned(), mode: None };
        let texts = keys.iter().map(|(path, key)| (key.as_str(), path.as_str())).chain([(CONFIG, CONFIG)]);
        let config = ConfigMapProjection {
            name: self.name.clone(),
            items: Some(texts.map(item).collect()),
            optional: None,
        };
        // Nobody looks for clouds.yaml here: as long as the Secret lacks any of the three, no pod starts.
        let secrets =
            [("keyfile", &*files.keyfile), ("tokenfile", &*files.tokenfile), ("clouds.yaml", "clouds.yaml")];
        let secrets = SecretProjection {
            name: self.secret.clone(),
            items: Some(secrets.map(item).to_vec()),
            optional: None,
        };
        let empty = || Some(EmptyDirVolumeSource::default());
        let state = match self.state {
            State::Kept(_) => Volume {
                persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
                    claim_name: name.to_owned(),
                    read_only: None,
                }),
                ..Volume::default()
            },
            State::Lost => Volume { empty_dir: empty(), ..Volume::default() },
        };
        vec![
            Volume {
                name: "config".into(),
                projected: Some(ProjectedVolumeSource {
                    default_mode: Some(MODE),
                    sources: Some(vec![
                        VolumeProjection { config_map: Some(config), ..VolumeProjection::default() },
                        VolumeProjection { secret: Some(secrets), ..VolumeProjection::default() },
                    ]),
                }),
                ..Volume::default()
            },
            Volume {
                name: "clouds".into(),
                secret: Some(SecretVolumeSource {
                    secret_name: Some(self.secret.clone()),
                    default_mode: Some(MODE),
                    ..SecretVolumeSource::default()
                }),
                ..Volume::default()
            },
            Volume { name: "state".into(), ..state },
            Volume { name: "tmp".into(), empty_dir: empty(), ..Volume::default() },
        ]
    }
}

impl Files {
    /// The keys of what it names in the `ConfigMap`, which has no folders.
    fn keys(&self) -> Result<BTreeMap<String, String>, ManifestError> {
        let mut paths = BTreeSet::from([CONFIG, "clouds.yaml"]);
        for path in [&self.keyfile, &self.tokenfile].into_iter().chain(self.named.keys()) {
            if !paths.insert(path) {
                return Err(ManifestError::Twice(path.clone()));
            }
        }
        let bytes = self.config.len() + self.named.values().map(String::len).sum::<usize>();
        if bytes > MOST_BYTES {
            return Err(ManifestError::TooLarge(bytes >> 10));
        }
        let mut keys: BTreeMap<String, String> = BTreeMap::new();
        for path in self.named.keys() {
            let is_good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
            let plain: String = path.chars().map(|c| if is_good(c) { c } else { '_' }).collect();
            let taken = |key: &str| key == CONFIG || keys.values().any(|other| other == key);
            let key = match path.len() <= 200 && !taken(&plain) {
                true => plain,
                false => format!("spec-{}", keys.len() + 1),
            };
            keys.insert(path.clone(), key);
        }
        Ok(keys)
    }
}

fn without_comma(name: &str) -> Result<&str, ManifestError> {
    match name.contains(',') {
        true => Err(ManifestError::Comma(name.to_owned())),
        false => Ok(name),
    }
}

fn add(text: &mut String, object: &impl Serialize) -> Result<(), ManifestError> {
    // What is folded is harder to search for, and to compare.
    let options = serde_saphyr::ser_options! { folded_wrap_chars: usize::MAX };
    let document = serde_saphyr::to_string_with_options(object, options);
    let document = document.map_err(|error| ManifestError::Yaml(error.to_string()))?;
    if !text.is_empty() {
        text.push_str("---\n");
    }
    text.push_str(&document);
    Ok(())
}

#[cfg(test)]
mod tests;
