//! From the YAML tree to the parts of a spec: shape, keys and vocabulary are checked here, names are
//! resolved in [`super::resolve`].

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;

use jiff::civil::Date;
use miette::NamedSource;

use super::document::{Node, Value};
use super::lifetime::Lifetime;
use super::problem::{At, Place, Problem, ProblemKind, Spot, nearest};
use super::spec::{Prerequisite, Variable};
use super::timeline::Validity;

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

/// A kind of map, with the keys it may have. An empty list stands for a map whose keys are names.
pub(crate) struct Context {
    pub(crate) name: &'static str,
    pub(crate) keys: &'static [&'static str],
    /// Whether further keys are tolerated, as the reference does for parts of the format.
    pub(crate) open: bool,
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
pub(crate) const NAMES: Context = Context { name: "a map of names", keys: &[], open: true };

/// The entries of a map whose keys have been checked.
pub(crate) struct Fields<'n> {
    context: &'static str,
    pub(crate) place: Place,
    path: String,
    pub(crate) entries: Vec<(&'n str, Place, &'n Node)>,
}

impl<'n> Fields<'n> {
    pub(crate) fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// The value of a key; an empty value counts as no value.
    pub(crate) fn get(&self, key: &str) -> Option<&'n Node> {
        let (_, _, node) = self.entries.iter().find(|(name, ..)| *name == key)?;
        (!matches!(node.value, Value::Null)).then_some(*node)
    }
}

/// Walks the tree and collects what is wrong, so that one run reports all of it.
pub(crate) struct Reader {
    source: Arc<NamedSource<String>>,
    problems: Vec<Problem>,
}

impl Reader {
    pub(crate) fn new(source: Arc<NamedSource<String>>) -> Self {
        Self { source, problems: Vec::new() }
    }

    /// What was wrong with the shape of all that was read.
    pub(crate) fn into_problems(self) -> Vec<Problem> {
        self.problems
    }

    /// Reads a whole spec file, or reports everything that is wrong with its shape.
    pub(super) fn read_spec(mut self, root: &Node) -> Result<Draft, Vec<Problem>> {
        let draft = self.spec(root);
        draft.filter(|_| self.problems.is_empty()).ok_or(self.problems)
    }

    /// As [`Reader::read_spec`], for a file that extends a scope.
    pub(super) fn read_extension(mut self, root: &Node) -> Result<DraftExtension, Vec<Problem>> {
        let draft = self.extension(root);
        draft.filter(|_| self.problems.is_empty()).ok_or(self.problems)
    }

    fn spec(&mut self, root: &Node) -> Option<Draft> {
        let fields = self.fields(root, "", &SPEC)?;
        let uuid = self.required_text(&fields, "uuid");
        let name = self.required_text(&fields, "name");
        let url = self.required_text(&fields, "url");
        let prerequisite = fields
            .get("prerequisite")
            .and_then(|node| self.prerequisite(node, &fields.path_of("prerequisite")));
        let variables = fields
            .get("variables")
            .map_or_else(Vec::new, |node| self.variables(node, &fields.path_of("variables")));
        let scripts = self.required_list(&fields, "scripts", Self::script);
        let modules = self.required_list(&fields, "modules", Self::module);
        let timeline = self.required_list(&fields, "timeline", Self::entry);
        let versions = self.required_list(&fields, "versions", Self::version);
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

    fn extension(&mut self, root: &Node) -> Option<DraftExtension> {
        let fields = self.fields(root, "", &EXTENSION)?;
        let extends = self.required_text(&fields, "extends");
        let testcases = self.required_list(&fields, "testcases", Self::testcase);
        let modules = self.required_list(&fields, "modules", Self::module);
        let versions = self.required_list(&fields, "versions", Self::version);
        Some(DraftExtension {
            extends: extends?,
            testcases: testcases?,
            modules: modules?,
            versions: versions?,
        })
    }

    fn prerequisite(&mut self, node: &Node, path: &str) -> Option<Prerequisite> {
        let fields = self.fields(node, path, &PREREQUISITE)?;
        let name = self.required_text(&fields, "name");
        let url = self.required_text(&fields, "url");
        Some(Prerequisite { name: name?.value, url: url?.value })
    }

    fn variables(&mut self, node: &Node, path: &str) -> Vec<Variable> {
        let mut bare = Vec::new();
        let mut with_default = Vec::new();
        for (item, path) in self.items(node, path).unwrap_or_default() {
            match &item.value {
                Value::Text(name) => bare.push(Variable { name: name.clone(), default: None }),
                Value::Map(_) => {
                    for (name, default) in self.texts_by_name(item, &path) {
                        with_default.push(Variable { name, default: Some(default) });
                    }
                }
                other => self.wrong_type(item.place, path, "a name, or a name with its default", other),
            }
        }
        bare.append(&mut with_default);
        bare
    }

    fn script(&mut self, node: &Node, path: &str) -> Option<DraftScript> {
        let fields = self.fields(node, path, &SCRIPT)?;
        let executable = self.optional_text(&fields, "executable");
        let args = self.optional_text(&fields, "args").unwrap_or_default();
        let env = self.optional_texts(&fields, "env");
        let testcases = self.required_list(&fields, "testcases", Self::testcase);
        Some(DraftScript { executable, args, env, testcases: testcases? })
    }

    fn testcase(&mut self, node: &Node, path: &str) -> Option<DraftTestcase> {
        let fields = self.fields(node, path, &TESTCASE)?;
        let id = self.required_text(&fields, "id");
        let description = self.optional_text(&fields, "description").unwrap_or_default();
        let url = self.optional_text(&fields, "url");
        let section = self.optional_text(&fields, "section");
        let lifetime = fields.get("lifetime").map_or(Some(Lifetime::default()), |node| {
            self.word(node, fields.path_of("lifetime"), "lifetime", &Lifetime::ALL.map(Lifetime::as_str))
        });
        Some(DraftTestcase { id: id?, description, url, section, lifetime: lifetime? })
    }

    fn module(&mut self, node: &Node, path: &str) -> Option<DraftModule> {
        let fields = self.fields(node, path, &MODULE)?;
        let id = self.required_text(&fields, "id");
        let name = self.optional_text(&fields, "name");
        let url = self.optional_text(&fields, "url");
        let parameters = self.optional_texts(&fields, "parameters");
        let mut targets = Vec::new();
        if let Some(node) = fields.get("targets") {
            let path = fields.path_of("targets");
            if let Some(by_target) = self.fields(node, &path, &NAMES) {
                for &(target, _, node) in &by_target.entries {
                    let ids = self.list(node, &by_target.path_of(target), Self::text_at);
                    targets.push((target.to_owned(), ids.unwrap_or_default()));
                }
            }
        }
        Some(DraftModule { id: id?, name, url, parameters, targets })
    }

    fn entry(&mut self, node: &Node, path: &str) -> Option<DraftEntry> {
        let fields = self.fields(node, path, &ENTRY)?;
        let date = self.required(&fields, "date").and_then(|node| self.date(node, fields.path_of("date")));
        let mut versions = Vec::new();
        if let Some(node) = self.required(&fields, "versions")
            && let Some(codes) = self.fields(node, &fields.path_of("versions"), &NAMES)
        {
            for &(name, place, node) in &codes.entries {
                let path = codes.path_of(name);
                let code =
                    self.word(node, path.clone(), "validity code", &Validity::ALL.map(Validity::as_str));
                if let Some(code) = code {
                    versions.push((At { value: name.to_owned(), spot: self.spot(place, path) }, code));
                }
            }
        }
        Some(DraftEntry { date: date?, versions })
    }

    fn version(&mut self, node: &Node, path: &str) -> Option<DraftVersion> {
        let fields = self.fields(node, path, &VERSION)?;
        let name = self.required_text(&fields, "version");
        let stabilized_at =
            fields.get("stabilized_at").and_then(|node| self.date(node, fields.path_of("stabilized_at")));
        let includes = self.required_list(&fields, "include", Self::include);
        Some(DraftVersion {
            name: name?,
            stabilized_at: stabilized_at.map(|date| date.value),
            includes: includes?,
        })
    }

    fn include(&mut self, node: &Node, path: &str) -> Option<DraftInclude> {
        match &node.value {
            Value::Text(_) => {
                let module = self.text_at(node, path)?;
                Some(DraftInclude { module, parameters: BTreeMap::new() })
            }
            Value::Map(_) => {
                let fields = self.fields(node, path, &INCLUDE)?;
                let module = self.required_text(&fields, "ref");
                let parameters = self.optional_texts(&fields, "parameters");
                Some(DraftInclude { module: module?, parameters })
            }
            other => {
                self.wrong_type(node.place, path.to_owned(), "a module id, or a map with `ref`", other);
                None
            }
        }
    }

    pub(crate) fn date(&mut self, node: &Node, path: String) -> Option<At<Date>> {
        let text = self.text(node, &path)?;
        // The parser of dates also takes shorter and longer forms, which other readers of the file do not.
        let date = (text.len() == 10).then(|| text.parse().ok()).flatten();
        let spot = self.spot(node.place, path);
        if date.is_none() {
            self.report(spot.clone(), ProblemKind::InvalidDate(text.to_owned()));
        }
        Some(At { value: date?, spot })
    }

    fn word<T: FromStr>(
        &mut self,
        node: &Node,
        path: String,
        what: &'static str,
        allowed: &[&'static str],
    ) -> Option<T> {
        let word = self.text(node, &path)?;
        let parsed = word.parse().ok();
        if parsed.is_none() {
            let kind = ProblemKind::UnknownWord {
                what,
                word: word.to_owned(),
                nearest: nearest(word, allowed.iter().copied()).map(str::to_owned),
                allowed: allowed.to_vec(),
            };
            let spot = self.spot(node.place, path);
            self.report(spot, kind);
        }
        parsed
    }

    pub(crate) fn required_text(&mut self, fields: &Fields<'_>, key: &'static str) -> Option<At<String>> {
        let node = self.required(fields, key)?;
        self.text_at(node, &fields.path_of(key))
    }

    pub(crate) fn optional_text(&mut self, fields: &Fields<'_>, key: &str) -> Option<String> {
        let node = fields.get(key)?;
        self.text(node, &fields.path_of(key)).map(str::to_owned)
    }

    fn optional_texts(&mut self, fields: &Fields<'_>, key: &str) -> BTreeMap<String, String> {
        let Some(node) = fields.get(key) else { return BTreeMap::new() };
        self.texts_by_name(node, &fields.path_of(key)).into_iter().collect()
    }

    fn texts_by_name(&mut self, node: &Node, path: &str) -> Vec<(String, String)> {
        let Some(fields) = self.fields(node, path, &NAMES) else { return Vec::new() };
        let mut texts = Vec::new();
        for &(name, _, node) in &fields.entries {
            if let Some(text) = self.text(node, &fields.path_of(name)) {
                texts.push((name.to_owned(), text.to_owned()));
            }
        }
        texts
    }

    pub(crate) fn required<'n>(&mut self, fields: &Fields<'n>, key: &'static str) -> Option<&'n Node> {
        let node = fields.get(key);
        if node.is_none() {
            let written = fields.entries.iter().find(|(name, ..)| *name == key);
            let place = written.map_or(fields.place, |&(_, place, _)| place);
            let spot = self.spot(place, fields.path.clone());
            self.report(spot, ProblemKind::MissingKey { key, context: fields.context });
        }
        node
    }

    fn required_list<T>(
        &mut self,
        fields: &Fields<'_>,
        key: &'static str,
        read: fn(&mut Self, &Node, &str) -> Option<T>,
    ) -> Option<Vec<T>> {
        let node = self.required(fields, key)?;
        self.list(node, &fields.path_of(key), read)
    }

    /// Reads every item; those that cannot be read have been reported and are left out.
    fn list<T>(
        &mut self,
        node: &Node,
        path: &str,
        read: fn(&mut Self, &Node, &str) -> Option<T>,
    ) -> Option<Vec<T>> {
        let items = self.items(node, path)?;
        Some(items.into_iter().filter_map(|(item, path)| read(self, item, &path)).collect())
    }

    pub(crate) fn items<'n>(&mut self, node: &'n Node, path: &str) -> Option<Vec<(&'n Node, String)>> {
        let Value::List(items) = &node.value else {
            self.wrong_type(node.place, path.to_owned(), "a list", &node.value);
            return None;
        };
        Some(items.iter().enumerate().map(|(i, item)| (item, format!("{path}[{i}]"))).collect())
    }

    pub(crate) fn text_at(&mut self, node: &Node, path: &str) -> Option<At<String>> {
        let text = self.text(node, path)?.to_owned();
        Some(At { value: text, spot: self.spot(node.place, path.to_owned()) })
    }

    pub(crate) fn text<'n>(&mut self, node: &'n Node, path: &str) -> Option<&'n str> {
        if let Value::Text(text) = &node.value {
            return Some(text);
        }
        self.wrong_type(node.place, path.to_owned(), "a single value", &node.value);
        None
    }

    pub(crate) fn fields<'n>(&mut self, node: &'n Node, path: &str, context: &Context) -> Option<Fields<'n>> {
        let Value::Map(entries) = &node.value else {
            self.wrong_type(node.place, path.to_owned(), "a map", &node.value);
            return None;
        };
        let mut fields = Fields {
            context: context.name,
            place: node.place,
            path: path.to_owned(),
            entries: Vec::with_capacity(entries.len()),
        };
        let mut seen = BTreeMap::new();
        for (key, value) in entries {
            let Value::Text(name) = &key.value else {
                self.wrong_type(key.place, path.to_owned(), "a name as key", &key.value);
                continue;
            };
            if let Some(&earlier) = seen.get(name.as_str()) {
                let kind = ProblemKind::Duplicate { what: "key", id: name.clone() };
                let spot = self.spot(key.place, path.to_owned());
                let earlier = self.spot(earlier, path.to_owned());
                self.report_twice(spot, kind, earlier);
                continue;
            }
            seen.insert(name.as_str(), key.place);
            if !context.open && !context.keys.contains(&name.as_str()) {
                let spot = self.spot(key.place, path.to_owned());
                let kind = ProblemKind::UnknownKey {
                    key: name.clone(),
                    context: context.name,
                    nearest: nearest(name, context.keys.iter().copied()).map(str::to_owned),
                    allowed: context.keys,
                };
                self.report(spot, kind);
                continue;
            }
            fields.entries.push((name, key.place, value));
        }
        Some(fields)
    }

    fn wrong_type(&mut self, place: Place, path: String, expected: &'static str, found: &Value) {
        let spot = self.spot(place, path);
        self.report(spot, ProblemKind::WrongType { expected, found: found.kind() });
    }

    pub(crate) fn spot(&self, place: Place, key: String) -> Spot {
        Spot { source: Arc::clone(&self.source), place, key }
    }

    fn report(&mut self, spot: Spot, kind: ProblemKind) {
        if self.problems.len() < Problem::MOST {
            self.problems.push(Problem::new(spot, kind));
        }
    }

    fn report_twice(&mut self, spot: Spot, kind: ProblemKind, earlier: Spot) {
        if self.problems.len() < Problem::MOST {
            self.problems.push(Problem { spot, kind, earlier: Some(earlier) });
        }
    }
}
