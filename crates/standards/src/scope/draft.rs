//! From the YAML tree to the parts of a spec: shape, keys and vocabulary are checked here, names are
//! resolved in [`super::resolve`].

use std::collections::BTreeMap;

use assay_yaml::{At, Context, Limits, NAMES, Node, Source, Value};
use jiff::civil::Date;

use super::lifetime::Lifetime;
use super::problem::{ProblemKind, SpecError};
use super::spec::{Prerequisite, Variable};
use super::timeline::Validity;

/// The published specs have about 30 kB.
pub(crate) const LIMITS: Limits = Limits { bytes: 1024 * 1024, nodes: 40_000 };

type Reader = assay_yaml::Reader<ProblemKind>;

/// A whole spec file.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) uuid: String,
    pub(super) name: String,
    pub(super) url: String,
    pub(super) prerequisite: Option<Prerequisite>,
    pub(super) variables: Vec<Variable>,
    pub(super) scripts: Vec<DraftScript>,
    pub(super) modules: Vec<DraftModule>,
    pub(super) timeline: Vec<DraftEntry>,
    pub(super) versions: Vec<DraftVersion>,
}

/// A file of testcases of our own, and the versions of the scope that they extend.
#[derive(Debug)]
pub(super) struct DraftExtension {
    pub(super) extends: At<String>,
    pub(super) testcases: Vec<DraftTestcase>,
    pub(super) modules: Vec<DraftModule>,
    pub(super) versions: Vec<DraftVersion>,
}

#[derive(Debug)]
pub(super) struct DraftScript {
    pub(super) executable: Option<String>,
    pub(super) args: String,
    pub(super) env: BTreeMap<String, String>,
    pub(super) testcases: Vec<DraftTestcase>,
}

#[derive(Debug)]
pub(super) struct DraftTestcase {
    pub(super) id: At<String>,
    pub(super) description: String,
    pub(super) url: Option<String>,
    pub(super) section: Option<String>,
    pub(super) lifetime: Lifetime,
}

#[derive(Debug)]
pub(super) struct DraftModule {
    pub(super) id: At<String>,
    pub(super) name: Option<String>,
    pub(super) url: Option<String>,
    pub(super) parameters: BTreeMap<String, String>,
    pub(super) targets: Vec<(String, Vec<At<String>>)>,
}

#[derive(Debug)]
pub(super) struct DraftEntry {
    pub(super) date: At<Date>,
    pub(super) versions: Vec<(At<String>, Validity)>,
}

#[derive(Debug)]
pub(super) struct DraftVersion {
    pub(super) name: At<String>,
    pub(super) stabilized_at: Option<Date>,
    pub(super) includes: Vec<DraftInclude>,
}

#[derive(Debug)]
pub(super) struct DraftInclude {
    pub(super) module: At<String>,
    pub(super) parameters: BTreeMap<String, String>,
}

const SPEC: Context = Context {
    name: "the scope spec",
    keys: &["uuid", "name", "url", "prerequisite", "variables", "scripts", "modules", "timeline", "versions"],
    open: false,
};
const EXTENSION: Context = Context {
    name: "the scope extension",
    keys: &["extends", "testcases", "modules", "versions"],
    open: false,
};
const SCRIPT: Context =
    Context { name: "a script", keys: &["executable", "args", "env", "testcases"], open: false };
const TESTCASE: Context =
    Context { name: "a testcase", keys: &["id", "lifetime", "section", "description", "url"], open: false };
const MODULE: Context =
    Context { name: "a module", keys: &["id", "name", "url", "parameters", "targets"], open: false };
// The key `targets` is legal in a version, but what it says is always computed from the included modules.
const VERSION: Context =
    Context { name: "a version", keys: &["version", "include", "targets", "stabilized_at"], open: false };
const INCLUDE: Context = Context { name: "an include", keys: &["ref", "parameters"], open: false };
const ENTRY: Context = Context { name: "a timeline entry", keys: &["date", "versions"], open: true };
const PREREQUISITE: Context = Context { name: "the prerequisite", keys: &["name", "url"], open: true };

/// Reads a whole spec file, or reports everything that is wrong with its shape.
pub(super) fn read_spec(source: Source) -> Result<Draft, SpecError> {
    read(source, spec)
}

/// As [`read_spec`], for a file that extends a scope.
pub(super) fn read_extension(source: Source) -> Result<DraftExtension, SpecError> {
    read(source, extension)
}

fn read<T>(source: Source, shape: fn(&mut Reader, &Node) -> Option<T>) -> Result<T, SpecError> {
    let mut reader = Reader::new(source);
    let root = reader.root(&LIMITS)?;
    match shape(&mut reader, &root) {
        Some(draft) if reader.problems().is_empty() => Ok(draft),
        _ => Err(SpecError::new(reader.into_problems())),
    }
}

fn spec(reader: &mut Reader, root: &Node) -> Option<Draft> {
    let fields = reader.fields(root, "", &SPEC)?;
    let uuid = reader.required_text(&fields, "uuid");
    let name = reader.required_text(&fields, "name");
    let url = reader.required_text(&fields, "url");
    let prerequisite = fields
        .get("prerequisite")
        .and_then(|node| prerequisite(reader, node, &fields.path_of("prerequisite")));
    let variables = fields
        .get("variables")
        .map_or_else(Vec::new, |node| variables(reader, node, &fields.path_of("variables")));
    let scripts = reader.required_list(&fields, "scripts", script);
    let modules = reader.required_list(&fields, "modules", module);
    let timeline = reader.required_list(&fields, "timeline", entry);
    let versions = reader.required_list(&fields, "versions", version);
    Some(Draft {
        uuid: uuid?.value,
        name: name?.value,
        url: url?.value,
        prerequisite,
        variables,
        scripts: scripts?,
        modules: modules?,
        timeline: timeline?,
        versions: versions?,
    })
}

fn extension(reader: &mut Reader, root: &Node) -> Option<DraftExtension> {
    let fields = reader.fields(root, "", &EXTENSION)?;
    let extends = reader.required_text(&fields, "extends");
    let testcases = reader.required_list(&fields, "testcases", testcase);
    let modules = reader.required_list(&fields, "modules", module);
    let versions = reader.required_list(&fields, "versions", version);
    Some(DraftExtension { extends: extends?, testcases: testcases?, modules: modules?, versions: versions? })
}

fn prerequisite(reader: &mut Reader, node: &Node, path: &str) -> Option<Prerequisite> {
    let fields = reader.fields(node, path, &PREREQUISITE)?;
    let name = reader.required_text(&fields, "name");
    let url = reader.required_text(&fields, "url");
    Some(Prerequisite { name: name?.value, url: url?.value })
}

fn variables(reader: &mut Reader, node: &Node, path: &str) -> Vec<Variable> {
    let mut bare = Vec::new();
    let mut with_default = Vec::new();
    for (item, path) in reader.items(node, path).unwrap_or_default() {
        match &item.value {
            Value::Text(name) => bare.push(Variable { name: name.clone(), default: None }),
            Value::Map(_) => {
                for (name, default) in reader.texts_by_name(item, &path) {
                    with_default.push(Variable { name, default: Some(default) });
                }
            }
            other => reader.wrong_type(item.place, path, "a name, or a name with its default", other),
        }
    }
    bare.append(&mut with_default);
    bare
}

fn script(reader: &mut Reader, node: &Node, path: &str) -> Option<DraftScript> {
    let fields = reader.fields(node, path, &SCRIPT)?;
    let executable = reader.optional_text(&fields, "executable");
    let args = reader.optional_text(&fields, "args").unwrap_or_default();
    let env = reader.optional_texts(&fields, "env");
    let testcases = reader.required_list(&fields, "testcases", testcase);
    Some(DraftScript { executable, args, env, testcases: testcases? })
}

fn testcase(reader: &mut Reader, node: &Node, path: &str) -> Option<DraftTestcase> {
    let fields = reader.fields(node, path, &TESTCASE)?;
    let id = reader.required_text(&fields, "id");
    let description = reader.optional_text(&fields, "description").unwrap_or_default();
    let url = reader.optional_text(&fields, "url");
    let section = reader.optional_text(&fields, "section");
    let lifetime = fields.get("lifetime").map_or(Some(Lifetime::default()), |node| {
        reader.word(node, fields.path_of("lifetime"), "lifetime", &Lifetime::ALL.map(Lifetime::as_str))
    });
    Some(DraftTestcase { id: id?, description, url, section, lifetime: lifetime? })
}

fn module(reader: &mut Reader, node: &Node, path: &str) -> Option<DraftModule> {
    let fields = reader.fields(node, path, &MODULE)?;
    let id = reader.required_text(&fields, "id");
    let name = reader.optional_text(&fields, "name");
    let url = reader.optional_text(&fields, "url");
    let parameters = reader.optional_texts(&fields, "parameters");
    let mut targets = Vec::new();
    if let Some(node) = fields.get("targets") {
        let path = fields.path_of("targets");
        if let Some(by_target) = reader.fields(node, &path, &NAMES) {
            for &(target, _, node) in &by_target.entries {
                let ids = reader.list(node, &by_target.path_of(target), Reader::text_at);
                targets.push((target.to_owned(), ids.unwrap_or_default()));
            }
        }
    }
    Some(DraftModule { id: id?, name, url, parameters, targets })
}

fn entry(reader: &mut Reader, node: &Node, path: &str) -> Option<DraftEntry> {
    let fields = reader.fields(node, path, &ENTRY)?;
    let date = reader.required(&fields, "date").and_then(|node| reader.date(node, fields.path_of("date")));
    let mut versions = Vec::new();
    if let Some(node) = reader.required(&fields, "versions")
        && let Some(codes) = reader.fields(node, &fields.path_of("versions"), &NAMES)
    {
        for &(name, place, node) in &codes.entries {
            let path = codes.path_of(name);
            let code = reader.word(node, path.clone(), "validity code", &Validity::ALL.map(Validity::as_str));
            if let Some(code) = code {
                versions.push((At { value: name.to_owned(), spot: reader.spot(place, path) }, code));
            }
        }
    }
    Some(DraftEntry { date: date?, versions })
}

fn version(reader: &mut Reader, node: &Node, path: &str) -> Option<DraftVersion> {
    let fields = reader.fields(node, path, &VERSION)?;
    let name = reader.required_text(&fields, "version");
    let stabilized_at =
        fields.get("stabilized_at").and_then(|node| reader.date(node, fields.path_of("stabilized_at")));
    let includes = reader.required_list(&fields, "include", include);
    Some(DraftVersion {
        name: name?,
        stabilized_at: stabilized_at.map(|date| date.value),
        includes: includes?,
    })
}

fn include(reader: &mut Reader, node: &Node, path: &str) -> Option<DraftInclude> {
    match &node.value {
        Value::Text(_) => {
            let module = reader.text_at(node, path)?;
            Some(DraftInclude { module, parameters: BTreeMap::new() })
        }
        Value::Map(_) => {
            let fields = reader.fields(node, path, &INCLUDE)?;
            let module = reader.required_text(&fields, "ref");
            let parameters = reader.optional_texts(&fields, "parameters");
            Some(DraftInclude { module: module?, parameters })
        }
        other => {
            reader.wrong_type(node.place, path.to_owned(), "a module id, or a map with `ref`", other);
            None
        }
    }
}
