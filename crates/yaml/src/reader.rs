//! From the tree to the parts of a format: shape, keys and vocabulary.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;

use jiff::civil::Date;
use miette::NamedSource;

use crate::{
    At, Limits, Node, Place, Problem, Problems, Shape, Source, Spot, Trouble, Value, Wrong, nearest, read,
};

/// A kind of map, with the keys it may have. An empty list stands for a map whose keys are names.
#[derive(Clone, Copy, Debug)]
pub struct Context {
    /// What it is called in messages, with its article.
    pub name: &'static str,
    /// Its keys.
    pub keys: &'static [&'static str],
    /// Whether further keys are tolerated.
    pub open: bool,
}

/// A map whose keys are names.
pub const NAMES: Context = Context { name: "a map of names", keys: &[], open: true };

/// The entries of a map whose keys have been checked.
pub struct Fields<'n> {
    context: &'static str,
    /// Where the map begins.
    pub place: Place,
    path: String,
    /// Key, place of the key, value; in order.
    pub entries: Vec<(&'n str, Place, &'n Node)>,
}

impl<'n> Fields<'n> {
    /// The path of keys that leads to the value of a key.
    pub fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// The value of a key; an empty value counts as no value.
    pub fn get(&self, key: &str) -> Option<&'n Node> {
        let (_, _, node) = self.entries.iter().find(|(name, ..)| *name == key)?;
        (!matches!(node.value, Value::Null)).then_some(*node)
    }
}

/// A value that cannot be read and was reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reported;

/// Walks the tree and collects what is wrong, so that one run reports all of it.
pub struct Reader<K> {
    source: Source,
    problems: Vec<Problem<K>>,
}

impl<K: Wrong> Reader<K> {
    /// For a file.
    pub fn new(source: Source) -> Self {
        Self { source, problems: Vec::new() }
    }

    /// Reads a file whole: what `take` makes of its tree, or everything that is wrong with it. `file_name` only serves
    /// messages.
    ///
    /// # Errors
    /// It is no YAML, breaks a limit, or something was reported.
    pub fn document<T>(
        file_name: &str,
        text: &str,
        limits: &Limits,
        take: impl FnOnce(&mut Self, &Node) -> Option<T>,
    ) -> Result<T, Problems<K>> {
        let mut reader = Self::new(Arc::new(NamedSource::new(file_name, text.to_owned())));
        let root = reader.root(limits)?;
        match take(&mut reader, &root) {
            Some(document) if reader.problems.is_empty() => Ok(document),
            _ => Err(Problems::new(reader.problems)),
        }
    }

    /// Reads the file as YAML.
    ///
    /// # Errors
    /// It is too large, no YAML, or breaks a limit.
    pub fn root(&self, limits: &Limits) -> Result<Node, Problems<K>> {
        read(self.source.inner(), limits).map_err(|trouble| {
            let (place, shape) = match trouble {
                Trouble::TooLarge { bytes, most } => {
                    (Place::START, Shape::TooLarge(format!("{bytes} bytes, the limit is {most}")))
                }
                Trouble::Syntax { place, message } => (place, Shape::Syntax(message)),
            };
            Problem::new(self.spot(place, String::new()), shape.into()).into()
        })
    }

    /// What was wrong so far.
    pub fn problems(&self) -> &[Problem<K>] {
        &self.problems
    }

    /// What was wrong with all that was read.
    pub fn into_problems(self) -> Vec<Problem<K>> {
        self.problems
    }

    /// A day, written as `YYYY-MM-DD`.
    pub fn date(&mut self, node: &Node, path: String) -> Option<At<Date>> {
        let text = self.text(node, &path)?;
        // The parser of dates also takes shorter and longer forms, which other readers of the file do not.
        let date = (text.len() == 10).then(|| text.parse().ok()).flatten();
        let spot = self.spot(node.place, path);
        if date.is_none() {
            self.report(spot.clone(), Shape::InvalidDate(text.to_owned()));
        }
        Some(At { value: date?, spot })
    }

    /// A word of a vocabulary.
    pub fn word<T: FromStr>(
        &mut self,
        node: &Node,
        path: String,
        what: &'static str,
        allowed: &[&'static str],
    ) -> Option<T> {
        let word = self.text(node, &path)?;
        let parsed = word.parse().ok();
        if parsed.is_none() {
            let kind = Shape::UnknownWord {
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

    /// The text under a key that must be there.
    pub fn required_text(&mut self, fields: &Fields<'_>, key: &'static str) -> Option<At<String>> {
        let node = self.required(fields, key)?;
        self.text_at(node, &fields.path_of(key))
    }

    /// The text under a key, if it is there.
    pub fn optional_text(&mut self, fields: &Fields<'_>, key: &str) -> Option<String> {
        let node = fields.get(key)?;
        self.text(node, &fields.path_of(key)).map(str::to_owned)
    }

    /// What is written under a key, if it is there.
    ///
    /// # Errors
    /// It cannot be read, and that was reported.
    pub fn optional<T, E: Into<K>>(
        &mut self,
        fields: &Fields<'_>,
        key: &str,
        read: impl Fn(&str) -> Result<T, E>,
    ) -> Result<Option<T>, Reported> {
        let Some(node) = fields.get(key) else { return Ok(None) };
        let path = fields.path_of(key);
        let text = self.text(node, &path).ok_or(Reported)?;
        read(text).map(Some).map_err(|wrong| {
            let spot = self.spot(node.place, path);
            self.report(spot, wrong);
            Reported
        })
    }

    /// What is written under a key that must be there.
    ///
    /// # Errors
    /// It is not there or cannot be read, and that was reported.
    pub fn needed<T, E: Into<K>>(
        &mut self,
        fields: &Fields<'_>,
        key: &'static str,
        read: impl Fn(&str) -> Result<T, E>,
    ) -> Result<T, Reported> {
        self.required(fields, key).ok_or(Reported)?;
        self.optional(fields, key, read)?.ok_or(Reported)
    }

    /// The texts of the map under a key, by their names.
    pub fn optional_texts(&mut self, fields: &Fields<'_>, key: &str) -> BTreeMap<String, String> {
        let Some(node) = fields.get(key) else { return BTreeMap::new() };
        self.texts_by_name(node, &fields.path_of(key)).into_iter().collect()
    }

    /// The texts of a map with their names, in order.
    pub fn texts_by_name(&mut self, node: &Node, path: &str) -> Vec<(String, String)> {
        let Some(fields) = self.fields(node, path, &NAMES) else { return Vec::new() };
        let mut texts = Vec::new();
        for &(name, _, node) in &fields.entries {
            if let Some(text) = self.text(node, &fields.path_of(name)) {
                texts.push((name.to_owned(), text.to_owned()));
            }
        }
        texts
    }

    /// The value of a key that must be there.
    pub fn required<'n>(&mut self, fields: &Fields<'n>, key: &'static str) -> Option<&'n Node> {
        let node = fields.get(key);
        if node.is_none() {
            let written = fields.entries.iter().find(|(name, ..)| *name == key);
            let place = written.map_or(fields.place, |&(_, place, _)| place);
            let spot = self.spot(place, fields.path.clone());
            self.report(spot, Shape::MissingKey { key, context: fields.context });
        }
        node
    }

    /// As [`Reader::list`], for a key that must be there.
    pub fn required_list<T>(
        &mut self,
        fields: &Fields<'_>,
        key: &'static str,
        read: fn(&mut Self, &Node, &str) -> Option<T>,
    ) -> Option<Vec<T>> {
        let node = self.required(fields, key)?;
        self.list(node, &fields.path_of(key), read)
    }

    /// Reads every item; those that cannot be read have been reported and are left out.
    pub fn list<T>(
        &mut self,
        node: &Node,
        path: &str,
        read: fn(&mut Self, &Node, &str) -> Option<T>,
    ) -> Option<Vec<T>> {
        let items = self.items(node, path)?;
        Some(items.into_iter().filter_map(|(item, path)| read(self, item, &path)).collect())
    }

    /// The items of a list with the paths that lead to them.
    pub fn items<'n>(&mut self, node: &'n Node, path: &str) -> Option<Vec<(&'n Node, String)>> {
        let Value::List(items) = &node.value else {
            self.wrong_type(node.place, path.to_owned(), "a list", &node.value);
            return None;
        };
        Some(items.iter().enumerate().map(|(i, item)| (item, format!("{path}[{i}]"))).collect())
    }

    /// A text and where it is written.
    pub fn text_at(&mut self, node: &Node, path: &str) -> Option<At<String>> {
        let text = self.text(node, path)?.to_owned();
        Some(At { value: text, spot: self.spot(node.place, path.to_owned()) })
    }

    /// A text.
    pub fn text<'n>(&mut self, node: &'n Node, path: &str) -> Option<&'n str> {
        if let Value::Text(text) = &node.value {
            return Some(text);
        }
        self.wrong_type(node.place, path.to_owned(), "a single value", &node.value);
        None
    }

    /// The entries of a map; keys that it may not have are reported and left out.
    pub fn fields<'n>(&mut self, node: &'n Node, path: &str, context: &Context) -> Option<Fields<'n>> {
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
                let kind = Shape::Duplicate { what: "key", id: name.clone() };
                let spot = self.spot(key.place, path.to_owned());
                let earlier = self.spot(earlier, path.to_owned());
                self.report_twice(spot, kind, earlier);
                continue;
            }
            seen.insert(name.as_str(), key.place);
            if !context.open && !context.keys.contains(&name.as_str()) {
                let spot = self.spot(key.place, path.to_owned());
                let kind = Shape::UnknownKey {
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

    /// Reports a value of another shape.
    pub fn wrong_type(&mut self, place: Place, path: String, expected: &'static str, found: &Value) {
        let spot = self.spot(place, path);
        self.report(spot, Shape::WrongType { expected, found: found.kind() });
    }

    /// A place in this file.
    pub fn spot(&self, place: Place, key: String) -> Spot {
        Spot { source: Arc::clone(&self.source), place, key }
    }

    /// Reports something wrong.
    pub fn report(&mut self, spot: Spot, kind: impl Into<K>) {
        if self.problems.len() < Problem::<K>::MOST {
            self.problems.push(Problem::new(spot, kind.into()));
        }
    }

    /// Reports something wrong that clashes with something else.
    pub fn report_twice(&mut self, spot: Spot, kind: impl Into<K>, earlier: Spot) {
        if self.problems.len() < Problem::<K>::MOST {
            self.problems.push(Problem::new(spot, kind.into()).after(Some(earlier)));
        }
    }
}
