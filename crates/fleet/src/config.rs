//! The configuration of a fleet: `config.toml`, as the reference runner reads it, and what we add to it.

mod leases;
mod schedules;
mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use assay_yaml::{
    At, Context, Fields, NAMES, Node, Place, Problem, Problems, Reader, Reported, Shape, Wrong, number,
    quoted,
};
use miette::NamedSource;
use url::Url;

use crate::lease::LeaseKeeper;
use crate::schedule::{Schedule, Section, Windows};

/// The name under which defaults for all subjects stand.
const DEFAULTS: &str = "_";
/// The preset that is taken if nothing is chosen.
pub(crate) const DEFAULT_PRESET: &str = "default";
/// What stands for the name of the subject in a default.
const SUBJECT: &str = "subject";
/// The variable that names the cloud in `clouds.yaml`.
pub(crate) const CLOUD: &str = "os_cloud";
/// Configurations are a few KiB.
const MOST_BYTES: usize = 1 << 20;
/// More subjects at the same time are not asked.
const MOST_WORKERS: u64 = 10_000;

/// Which subjects there are, what they are checked against, and who vouches for the reports.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// The private key that reports are signed with.
    pub keyfile: Option<PathBuf>,
    /// The file with the token for the monitor: name and password in base64, or a token of a monitor.
    pub tokenfile: Option<PathBuf>,
    /// The monitor that reports are handed to.
    pub monitor: Option<Url>,
    /// What the monitor calls itself: reports say that they are for nobody else.
    pub audience: Option<Url>,
    /// What runners share to know who is at which subject.
    pub leases: LeaseKeeper,
    /// When whom is checked.
    pub schedules: BTreeMap<String, Schedule>,
    /// When nothing is begun with whom.
    pub windows: Windows,
    pub(crate) presets: BTreeMap<String, Preset>,
    pub(crate) scopes: BTreeMap<String, PathBuf>,
    defaults: BTreeMap<String, String>,
    mappings: BTreeMap<String, BTreeMap<String, String>>,
    beside: BTreeMap<String, Beside>,
}

/// Files of ours that belong to a subject, which the reference runner passes over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beside {
    /// Failures that somebody answers for.
    pub waivers: Option<PathBuf>,
    /// What people declared.
    pub declarations: Vec<PathBuf>,
    /// Domains and their managers.
    pub domain_managers: Option<PathBuf>,
}

/// Subjects that are checked together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Preset {
    pub(crate) scopes: Vec<String>,
    pub(crate) subjects: Vec<String>,
    pub(crate) workers: Option<usize>,
}

/// What is wrong with a configuration of a fleet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FleetProblem {
    /// It lacks, repeats or misspells something.
    #[error(transparent)]
    Shape(#[from] Shape),
    /// It is no TOML.
    #[error("cannot be read as TOML: {0}")]
    NoToml(String),
    /// A default with braces that stand for nothing.
    #[error("{} has braces that stand for nothing", quoted(.0))]
    Template(String),
    /// No address of a monitor.
    #[error("{} is no address such as https://monitor.example.com/", quoted(.0))]
    NoUrl(String),
    /// An address with more than a place in it, which may be secret.
    #[error(
        "the address of a monitor has neither a name and password nor a query; `tokenfile` names the token"
    )]
    SecretUrl,
    /// No address of a database. It is not repeated: there may be a password in it.
    #[error("this is no address of a database such as postgres://runner@db.example.com/fleet")]
    NoDatabase,
    /// An address of a database with a password in it.
    #[error("the address of a database has no password in it; `password_file` names the file with it")]
    SecretDatabase,
    /// No namespace of a Kubernetes.
    #[error("{} is no namespace", quoted(.0))]
    Namespace(String),
    /// Leases at two places.
    #[error("leases are at one place, and there is `{0}`, too")]
    TwoKeepers(&'static str),
    /// No times.
    #[error("{} are no times as crontab has them, such as 30 2 * * MON-FRI: {}", quoted(.0), .1.trim_end_matches('.'))]
    Times(String, String),
    /// No time zone.
    #[error("{} is no time zone such as Europe/Berlin", quoted(.0))]
    Zone(String),
    /// No duration.
    #[error("{} is no duration of a year at most, such as 30m, 12h or 1h30m", quoted(.0))]
    Duration(String),
    /// No sections.
    #[error("{} is no section; there are {}", quoted(.0), Section::ALL.map(|(name, _)| name).join(", "))]
    Section(String),
    /// An empty list, where leaving it out means something else.
    #[error("nothing is named here; without this key it is {0}")]
    Empty(&'static str),
    /// A schedule for a preset that is not there.
    #[error("there is no preset {}", quoted(.0))]
    UnknownPreset(String),
    /// A window for a subject that is not there.
    #[error("no preset and no mapping names the subject {}", quoted(.0))]
    UnknownSubject(String),
    /// Not so many subjects can be asked at the same time.
    #[error("expected a number of workers from 1 to {MOST_WORKERS}, found {0}")]
    Workers(u64),
    /// A name that could not be told from others, or that could hide something.
    #[error("{} cannot be the name of a subject: it is empty, too long or has control characters", quoted(.0))]
    Name(String),
}

impl FleetProblem {
    /// Whether what is wrong may have a secret beside it, so that the lines of the file are not to be shown.
    pub fn is_secret(&self) -> bool {
        matches!(self, FleetProblem::SecretUrl | FleetProblem::NoDatabase | FleetProblem::SecretDatabase)
    }
}

impl Wrong for FleetProblem {
    const FILE: &'static str = "the configuration of the fleet";

    fn help(&self) -> Option<String> {
        match self {
            FleetProblem::Shape(shape) => shape.help(),
            FleetProblem::Template(_) => {
                Some("{subject} stands for the name of the subject, {{ and }} for braces".into())
            }
            _ => None,
        }
    }
}

const FILE: Context = Context {
    name: "the configuration of the fleet",
    keys: &["secrets", "monitor", "leases", "presets", "scopes", "subjects", "schedules", "windows"],
    open: false,
};
const SECRETS: Context = Context { name: "the secrets", keys: &["keyfile", "tokenfile"], open: false };
const MONITOR: Context = Context { name: "the monitor", keys: &["audience", "url"], open: false };
const PRESET: Context = Context { name: "a preset", keys: &["scopes", "subjects", "workers"], open: false };
const SCOPE: Context = Context { name: "a scope", keys: &["spec"], open: false };
const A_SUBJECT: Context = Context {
    name: "a subject",
    keys: &["mapping", "waivers", "declarations", "domain_managers"],
    open: false,
};

type Lines = Reader<FleetProblem>;

impl Config {
    /// Reads a configuration. Paths in it are taken from `folder`, in which it lies; `name` only serves messages.
    ///
    /// # Errors
    /// Everything that is wrong with it, each with line, column and key.
    pub fn read(name: &str, text: &str, folder: &Path) -> Result<Self, Problems<FleetProblem>> {
        let mut reader = Lines::new(Arc::new(NamedSource::new(name, text.to_owned())));
        if text.len() > MOST_BYTES {
            let shape = Shape::TooLarge(format!("{} bytes, the limit is {MOST_BYTES}", text.len()));
            return Err(Problem::new(reader.spot(Place::START, String::new()), shape.into()).into());
        }
        let root = tree::read(text).map_err(|error| {
            Problem::new(reader.spot(error.place, String::new()), FleetProblem::NoToml(error.message))
        })?;
        match config(&mut reader, &root, folder) {
            Some(config) if reader.problems().is_empty() => Ok(config),
            _ => Err(Problems::new(reader.into_problems())),
        }
    }

    /// All subjects that presets or mappings name, sorted.
    pub fn subjects(&self) -> BTreeSet<&str> {
        let of_presets = self.presets.values().flat_map(|preset| &preset.subjects);
        of_presets.chain(self.mappings.keys()).map(String::as_str).collect()
    }

    /// The scopes of the presets that name a subject.
    pub fn scopes_of_subject(&self, subject: &str) -> BTreeSet<&str> {
        let naming =
            self.presets.values().filter(|preset| preset.subjects.iter().any(|name| name == subject));
        naming.flat_map(|preset| &preset.scopes).map(String::as_str).collect()
    }

    /// Whether there is a preset of this name.
    pub fn has_preset(&self, name: &str) -> bool {
        self.presets.contains_key(name)
    }

    /// The cloud in `clouds.yaml` that a subject is mapped to; without one, it is that of its own name.
    pub fn cloud(&self, subject: &str) -> Option<String> {
        self.variables(subject).remove(CLOUD)
    }

    /// The files of a subject: its own, and for what it names none, those of all.
    pub(crate) fn beside(&self, subject: &str) -> Beside {
        let own = self.beside.get(subject).cloned().unwrap_or_default();
        let all = self.beside.get(DEFAULTS).cloned().unwrap_or_default();
        Beside {
            waivers: own.waivers.or(all.waivers),
            declarations: if own.declarations.is_empty() { all.declarations } else { own.declarations },
            domain_managers: own.domain_managers.or(all.domain_managers),
        }
    }

    /// Those of the subjects that are known, or chosen, which have the declarations of all.
    pub(crate) fn inheriting(&self, chosen: &[String]) -> BTreeSet<String> {
        let has_own =
            |subject: &str| self.beside.get(subject).is_some_and(|own| !own.declarations.is_empty());
        let known = self.presets.values().flat_map(|preset| &preset.subjects);
        let known = known.chain(self.mappings.keys()).chain(self.beside.keys()).chain(chosen);
        known.filter(|subject| *subject != DEFAULTS && !has_own(subject)).cloned().collect()
    }

    /// The variables of a subject: the defaults with its name, and what is written of it alone.
    pub(crate) fn variables(&self, subject: &str) -> BTreeMap<String, String> {
        let mut variables: BTreeMap<String, String> = self
            .defaults
            .iter()
            .filter_map(|(name, template)| Some((name.clone(), filled(template, subject)?)))
            .collect();
        variables.extend(self.mappings.get(subject).cloned().unwrap_or_default());
        variables
    }
}

fn config(reader: &mut Lines, root: &Node, folder: &Path) -> Option<Config> {
    let fields = reader.fields(root, "", &FILE)?;
    let mut config = Config::default();
    if let Some(node) = fields.get("secrets") {
        let fields = reader.fields(node, "secrets", &SECRETS)?;
        let mut file = |key| reader.optional_text(&fields, key).map(|path| folder.join(path));
        config.keyfile = file("keyfile");
        config.tokenfile = file("tokenfile");
    }
    if let Some(node) = fields.get("monitor") {
        let fields = reader.fields(node, "monitor", &MONITOR)?;
        config.monitor = reader.optional(&fields, "url", monitor).ok().flatten();
        config.audience = reader.optional(&fields, "audience", monitor).ok().flatten();
    }
    config.leases = leases::leases(reader, &fields, folder);
    for (name, node, path) in named(reader, &fields, "scopes") {
        let Some(fields) = reader.fields(node, &path, &SCOPE) else { continue };
        if let Some(spec) = reader.required_text(&fields, "spec") {
            config.scopes.insert(name.to_owned(), folder.join(spec.value));
        }
    }
    for (name, node, path) in named(reader, &fields, "presets") {
        if let Ok(preset) = preset(reader, node, &path) {
            config.presets.insert(name.to_owned(), preset);
        }
    }
    for (name, node, path) in named(reader, &fields, "subjects") {
        let Some(fields) = reader.fields(node, &path, &A_SUBJECT) else { continue };
        config.beside.insert(name.to_owned(), beside(reader, &fields, folder));
        let Some(mapping) = fields.get("mapping") else { continue };
        let variables = mapping_of(reader, mapping, &fields.path_of("mapping"), name == DEFAULTS);
        match name {
            DEFAULTS => config.defaults = variables,
            _ => drop(config.mappings.insert(name.to_owned(), variables)),
        }
    }
    schedules::schedules(reader, &fields, &mut config);
    Some(config)
}

fn beside(reader: &mut Lines, fields: &Fields<'_>, folder: &Path) -> Beside {
    let mut file = |key| reader.optional_text(fields, key).map(|path| folder.join(path));
    let (waivers, domain_managers) = (file("waivers"), file("domain_managers"));
    let declarations = fields.get("declarations").and_then(|node| {
        let path = fields.path_of("declarations");
        reader.list(node, &path, Reader::text_at)
    });
    let declarations = declarations.unwrap_or_default().into_iter().map(|path| folder.join(path.value));
    Beside { waivers, declarations: declarations.collect(), domain_managers }
}

/// The entries of a table of tables, with their paths.
fn named<'n>(reader: &mut Lines, fields: &Fields<'n>, key: &str) -> Vec<(&'n str, &'n Node, String)> {
    let Some(node) = fields.get(key) else { return Vec::new() };
    let Some(all) = reader.fields(node, key, &NAMES) else { return Vec::new() };
    all.entries.iter().map(|(name, _, node)| (*name, *node, all.path_of(name))).collect()
}

fn preset(reader: &mut Lines, node: &Node, path: &str) -> Result<Preset, Reported> {
    let fields = reader.fields(node, path, &PRESET).ok_or(Reported)?;
    let scopes = reader.required_list(&fields, "scopes", Reader::text_at).ok_or(Reported)?;
    let subjects = reader.required_list(&fields, "subjects", Reader::text_at).ok_or(Reported)?;
    for subject in subjects.iter().filter(|subject| !is_name(&subject.value)) {
        reader.report(subject.spot.clone(), FleetProblem::Name(subject.value.clone()));
    }
    let workers = reader.optional(&fields, "workers", |text| match number(text)? {
        workers @ 1..=MOST_WORKERS => Ok(workers),
        other => Err(FleetProblem::Workers(other)),
    })?;
    let texts = |all: Vec<At<String>>| all.into_iter().map(|one| one.value).collect();
    Ok(Preset {
        scopes: texts(scopes),
        subjects: texts(subjects),
        workers: workers.and_then(|workers| usize::try_from(workers).ok()),
    })
}

fn mapping_of(reader: &mut Lines, node: &Node, path: &str, are_templates: bool) -> BTreeMap<String, String> {
    let Some(fields) = reader.fields(node, path, &NAMES) else { return BTreeMap::new() };
    let mut variables = BTreeMap::new();
    for (name, _, node) in &fields.entries {
        let Some(text) = reader.text_at(node, &fields.path_of(name)) else { continue };
        if are_templates && filled(&text.value, SUBJECT).is_none() {
            reader.report(text.spot, FleetProblem::Template(text.value));
            continue;
        }
        variables.insert((*name).to_owned(), text.value);
    }
    variables
}

/// A default for a subject; none if its braces stand for nothing.
fn filled(template: &str, subject: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        rest = if let Some(after) = from.strip_prefix("{{") {
            out.push('{');
            after
        } else if let Some(after) = from.strip_prefix("}}") {
            out.push('}');
            after
        } else {
            out.push_str(subject);
            from.strip_prefix('{')?.strip_prefix(SUBJECT)?.strip_prefix('}')?
        };
    }
    out.push_str(rest);
    Some(out)
}

/// Whether a text can name a subject.
pub(crate) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= 200 && !text.chars().any(char::is_control)
}

/// The address of a monitor, with a slash at its end so that paths can be put behind it.
///
/// # Errors
/// It is none.
pub fn monitor(text: &str) -> Result<Url, FleetProblem> {
    let wrong = || FleetProblem::NoUrl(text.to_owned());
    let mut url: Url = text.parse().map_err(|_| wrong())?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(wrong());
    }
    let is_more = !url.username().is_empty() || url.password().is_some();
    if is_more || url.query().is_some() || url.fragment().is_some() {
        return Err(FleetProblem::SecretUrl);
    }
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CONFIG: &str = include_str!("../tests/data/config.toml");

    fn read(text: &str) -> Result<Config, Problems<FleetProblem>> {
        Config::read("config.toml", text, Path::new("/fleet"))
    }

    fn problems(text: &str) -> Vec<String> {
        let Err(problems) = read(text) else { return Vec::new() };
        problems.problems().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_configuration_of_the_reference_runner_is_read() {
        let config = read(CONFIG).unwrap();
        assert_eq!(config.keyfile.as_deref(), Some(Path::new("/fleet/.secret/keyfile")));
        assert_eq!(config.tokenfile.as_deref(), Some(Path::new("/fleet/.secret/tokenfile")));
        let preset = &config.presets["clusters"];
        assert_eq!(preset.subjects, ["blue-1.35", "blue-1.36"]);
        assert_eq!(preset.workers, Some(4));
        assert_eq!(config.presets["default"].workers, None);
        assert_eq!(config.scopes["scs-compatible-iaas"], Path::new("/fleet/./scs-compatible-iaas.yaml"));
        let variables = config.variables("blue-1.35");
        assert_eq!(variables["kubeconfig"], "blue-1.35/kubeconfig.yaml");
        assert_eq!(variables["os_cloud"], "blue-1.35");
        let variables = config.variables("green");
        assert_eq!(variables["os_cloud"], "{green}", "of a subject's own, braces are braces");
        assert_eq!(variables["subject_root"], "green");
    }

    #[test]
    fn what_todays_users_have_is_read() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/compat/runner-config.toml");
        let Ok(text) = std::fs::read_to_string(file) else { return };
        let config = read(&text).unwrap();
        assert_eq!(config.presets["iaas"].subjects.len(), 12);
        assert_eq!(config.presets["iaas"].workers, Some(16));
        assert_eq!(config.presets.len(), 7);
        assert_eq!(config.variables("scs2")["os_cloud"], "scs2");
    }

    #[test]
    fn a_database_for_leases_is_named_without_its_password() {
        let text = "[leases]\npostgres = \"postgres://runner@db/fleet\"\npassword_file = \"secret\"\n";
        let url = "postgres://runner@db/fleet".parse().unwrap();
        let password_file = Some(PathBuf::from("/fleet/secret"));
        assert_eq!(read(text).unwrap().leases, LeaseKeeper::Postgres { url, password_file });
        assert_eq!(read("").unwrap().leases, LeaseKeeper::Files);
    }

    #[test]
    fn leases_are_kept_on_kubernetes_alone_or_in_a_database_alone() {
        let kubernetes = |text| read(text).unwrap().leases;
        let namespace = Some("fleet".to_owned());
        let named = kubernetes("[leases]\nkubernetes = {namespace = \"fleet\"}\n");
        assert_eq!(named, LeaseKeeper::Kubernetes { namespace });
        assert_eq!(kubernetes("[leases.kubernetes]\n"), LeaseKeeper::Kubernetes { namespace: None });
        let told =
            problems("[leases]\npostgres = 'postgres://db/fleet'\n[leases.kubernetes]\nnamespace = 'A'\n");
        assert!(told.iter().any(|told| told.contains("there is `postgres`, too")), "{told:?}");
        assert!(told.iter().any(|told| told.contains("`A` is no namespace")), "{told:?}");
    }

    #[test]
    fn schedules_and_windows_are_read_and_their_mistakes_told() {
        let preset = "[presets.a]\nscopes = ['x']\nsubjects = ['green']\n";
        let good = "[schedules.nightly]\npreset = 'a'\nat = '0 2 * * *'\nzone = 'Europe/Berlin'\njitter = '30m'\n\
                    catch_up = '6h'\nsections = ['.auto']\n[windows.w]\nat = '@daily'\nlasts = '1h'\n\
                    subjects = ['green']\n";
        let config = read(&format!("{preset}{good}")).unwrap();
        let schedule = &config.schedules["nightly"];
        assert_eq!((&*schedule.preset, &schedule.sections[..]), ("a", &[Section::Auto][..]));
        assert_eq!(schedule.definition(), "0 2 * * * Europe/Berlin");
        let wrong = |table: &str| problems(&format!("{preset}{table}")).join("\n");
        for (table, expected) in [
            ("[schedules.n]\npreset = 'b'\nat = '0 2 * * *'\n", "no preset `b`"),
            ("[schedules.n]\npreset = 'a'\nat = '0 25 * * *'\n", "`0 25 * * *` are no times"),
            ("[schedules.n]\npreset = 'a'\nat = '0 2 * * *'\nzone = 'Berlin'\n", "`Berlin` is no time zone"),
            ("[schedules.n]\npreset = 'a'\nat = '0 2 * * *'\njitter = '-5m'\n", "`-5m` is no duration"),
            ("[schedules.n]\npreset = 'a'\nat = '0 2 * * *'\nsections = ['easy']\n", "`easy` is no section"),
            ("[schedules.n]\npreset = 'a'\n", "at"),
            ("[windows.w]\nat = '0 2 * * *'\nlasts = '1h'\nsubjects = ['gren']\n", "the subject `gren`"),
            ("[windows.w]\nat = '0 2 * * *'\nlasts = 'long'\n", "`long` is no duration"),
            (
                "[windows.w]\nat = '0 2 * * *'\nlasts = '1h'\nsubjects = []\n",
                "without this key it is all subjects",
            ),
        ] {
            let told = wrong(table);
            assert!(told.contains(expected), "{told}");
        }
    }

    #[test]
    fn mistakes_are_told_with_their_places() {
        assert_eq!(
            problems("[presets.a]\nscopes = \"x\"\nsubjects = [\"b\"]\nworker = 3\n"),
            [
                "config.toml:4:1: presets.a: unknown key `worker` in a preset (did you mean `workers`?)",
                "config.toml:2:10: presets.a.scopes: expected a list, found a single value",
            ]
        );
        assert_eq!(
            problems("[subjects._.mapping]\nos_cloud = \"{name}\"\n"),
            ["config.toml:2:12: subjects._.mapping.os_cloud: `{name}` has braces that stand for nothing"]
        );
        assert_eq!(
            problems("[presets.a]\nscopes = []\nsubjects = [\"a\\u0007\"]\nworkers = 0\n"),
            [
                "config.toml:3:13: presets.a.subjects[0]: `a\\u{7}` cannot be the name of a subject: it is \
                 empty, too long or has control characters",
                "config.toml:4:11: presets.a.workers: expected a number of workers from 1 to 10000, found 0",
            ]
        );
        assert_eq!(
            problems("[monitor]\nurl = \"ftp://example.com\"\n"),
            ["config.toml:2:7: monitor.url: `ftp://example.com` is no address such as \
                 https://monitor.example.com/"]
        );
        for secret in ["postgres://a:sesame@db/fleet", "postgres://a@db/fleet?password=sesame", "sesame"] {
            let Err(wrong) = read(&format!("[leases]\npostgres = \"{secret}\"\n")) else {
                panic!("{secret}")
            };
            assert!(wrong.problems().iter().all(|problem| problem.kind().is_secret()));
            assert!(!wrong.to_string().contains("sesame"), "{wrong}");
        }
        let wrong = problems("a = 1\na = 2\n");
        assert!(wrong[0].starts_with("config.toml:2:1: cannot be read as TOML: duplicate key"), "{wrong:?}");
    }

    #[test]
    fn monitors_below_a_path_keep_it() {
        assert_eq!(monitor("https://example.com/a").unwrap().join("reports").unwrap().path(), "/a/reports");
        assert_eq!(monitor("https://example.com").unwrap().join("reports").unwrap().path(), "/reports");
        for secret in ["https://me:secret@example.com/", "https://example.com/?key=secret"] {
            let told = monitor(secret).unwrap_err().to_string();
            assert!(!told.contains("secret@") && !told.contains("key="), "{told}");
        }
    }

    #[test]
    fn files_of_a_subject_stand_before_those_of_all() {
        let config = read(
            "[subjects._]\nwaivers = \"all.yaml\"\n\
             [subjects.red]\nwaivers = \"red.yaml\"\ndeclarations = [\"a.yaml\", \"/b.yaml\"]\n\
             [subjects.blue]\ndomain_managers = \"managers.yaml\"\n[subjects.blue.mapping]\nos_cloud = \"b\"\n",
        )
        .unwrap();
        let path = |name: &str| Some(PathBuf::from(name));
        let red = config.beside("red");
        assert_eq!(red.waivers, path("/fleet/red.yaml"));
        assert_eq!(red.declarations, [Path::new("/fleet/a.yaml"), Path::new("/b.yaml")]);
        let blue = config.beside("blue");
        assert_eq!(
            (blue.waivers, blue.domain_managers),
            (path("/fleet/all.yaml"), path("/fleet/managers.yaml"))
        );
        assert_eq!(config.beside("green").waivers, path("/fleet/all.yaml"));
        assert_eq!(
            problems("[subjects.red]\nwaiver = \"x\"\n"),
            ["config.toml:2:1: subjects.red: unknown key `waiver` in a subject (did you mean `waivers`?)"]
        );
    }

    proptest! {
        #[test]
        fn whatever_is_written_is_read_or_refused(text in "(?s)(\\[|\\]|=|\"|\\{|\\}|\n|[a-z_.]{1,8}|.){0,60}") {
            let _ = read(&text);
        }
    }
}
