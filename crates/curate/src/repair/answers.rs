//! The operator's answers to what nobody else can say, and the file they stand in.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use assay_yaml::{Context, Limits, Node, Problems, Reported, Shape, Value, Wrong};

use crate::plan::{Question, Resource};

const LIMITS: Limits = Limits { bytes: 1 << 20, nodes: 50_000 };

const FILE: Context = Context {
    name: "a file of answers",
    keys: &["images", "volume_types", "default_security_group_rules"],
    open: false,
};
const IMAGE: Context = Context {
    name: "the answers about an image",
    keys: &[
        "name",
        "architecture",
        "hotfix_hours",
        "hw_disk_bus",
        "hw_rng_model",
        "hypervisor_type",
        "image_build_date",
        "image_description",
        "image_original_user",
        "image_source",
        "min_disk",
        "min_ram",
        "os_distro",
        "os_purpose",
        "os_version",
        "provided_until",
        "replace_frequency",
        "uuid_validity",
    ],
    open: false,
};
const VOLUME_TYPE: Context =
    Context { name: "the answers about a volume type", keys: &["name", "aspects"], open: false };

/// What can be wrong with a file of answers.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ProblemKind {
    /// The file is no YAML, or lacks, repeats or misspells something.
    #[error(transparent)]
    Shape(#[from] Shape),
}

impl Wrong for ProblemKind {
    const FILE: &'static str = "the file of answers";

    fn help(&self) -> Option<String> {
        let ProblemKind::Shape(shape) = self;
        shape.help()
    }
}

/// A file of answers that cannot be used, with everything that was found wrong with it.
pub type AnswersError = Problems<ProblemKind>;

type Reader = assay_yaml::Reader<ProblemKind>;

/// An answer, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) text: String,
    pub(super) spot: String,
}

/// What is to become of rules that let traffic into new security groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rules {
    /// They go.
    Standard,
    /// They stay.
    Keep,
}

/// What an operator said.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answers {
    images: Vec<Entry>,
    volume_types: Vec<Entry>,
    rules: Option<Rules>,
}

/// Answers about all resources of a name, in which `*` stands for anything.
#[derive(Debug, Clone, PartialEq)]
struct Entry {
    name: String,
    /// Whether a star in the name is one.
    exact: bool,
    answers: BTreeMap<String, Answer>,
}

impl Answers {
    /// Reads a file. `file_name` only serves messages.
    ///
    /// # Errors
    /// Everything that is wrong with the file, each problem with file, line, column and key.
    pub fn read(file_name: &str, text: &str) -> Result<Self, AnswersError> {
        Reader::document(file_name, text, &LIMITS, |reader, root| file(reader, root).ok())
    }

    /// Takes what the operator says to a question, before all that was said earlier.
    ///
    /// # Errors
    /// What would do, if it is a question of a few words and this is none of them. What else an answer must be like is
    /// for [`repair`](super::repair) to say.
    pub fn give(&mut self, question: &Question, text: &str) -> Result<(), String> {
        let entries = match question.resource {
            Resource::DefaultRule => {
                self.rules = Some(rules(text).ok_or_else(|| question.expected.clone())?);
                return Ok(());
            }
            Resource::VolumeType => &mut self.volume_types,
            Resource::Image | Resource::Flavor => &mut self.images,
        };
        let answer = Answer { text: text.to_owned(), spot: "this answer".to_owned() };
        let answers = BTreeMap::from([(question.field.clone(), answer)]);
        entries.insert(0, Entry { name: question.name.clone(), exact: true, answers });
        Ok(())
    }

    pub(super) fn of_image(&self, name: &str, field: &str) -> Option<Answer> {
        first(&self.images, name, field)
    }

    /// The aspects that a volume type has, with commas between them.
    pub(super) fn of_volume_type(&self, name: &str) -> Option<Answer> {
        first(&self.volume_types, name, "aspects")
    }

    pub(super) fn default_rules(&self) -> Option<Rules> {
        self.rules
    }
}

fn first(entries: &[Entry], name: &str, field: &str) -> Option<Answer> {
    let is_fitting = |entry: &&Entry| if entry.exact { entry.name == name } else { fits(&entry.name, name) };
    let mut fitting = entries.iter().filter(is_fitting);
    fitting.find_map(|entry| entry.answers.get(field)).cloned()
}

/// Whether a name is one that a pattern stands for.
fn fits(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut left) = name.strip_prefix(start) else { return false };
    let (between, end) = rest.rsplit_once('*').unwrap_or(("", rest));
    // The first place for each part leaves the most for those that follow.
    for part in between.split('*') {
        match left.split_once(part) {
            Some((_, behind)) => left = behind,
            None => return false,
        }
    }
    left.ends_with(end)
}

fn file(reader: &mut Reader, root: &Node) -> Result<Answers, Reported> {
    if matches!(root.value, Value::Null) {
        return Ok(Answers::default());
    }
    let fields = reader.fields(root, "", &FILE).ok_or(Reported)?;
    let images = match fields.get("images") {
        Some(node) => reader.list(node, "images", |reader, node, path| entry(reader, node, path, &IMAGE)),
        None => Some(Vec::new()),
    };
    let volume_types = match fields.get("volume_types") {
        Some(node) => {
            reader.list(node, "volume_types", |reader, node, path| entry(reader, node, path, &VOLUME_TYPE))
        }
        None => Some(Vec::new()),
    };
    let rules = reader.optional(&fields, "default_security_group_rules", |word| {
        rules(word).ok_or_else(|| Shape::UnknownWord {
            what: "answer",
            word: word.to_owned(),
            nearest: assay_yaml::nearest(word, ["standard", "keep"]).map(str::to_owned),
            allowed: vec!["standard", "keep"],
        })
    })?;
    Ok(Answers { images: images.ok_or(Reported)?, volume_types: volume_types.ok_or(Reported)?, rules })
}

fn rules(word: &str) -> Option<Rules> {
    match word {
        "standard" => Some(Rules::Standard),
        "keep" => Some(Rules::Keep),
        _ => None,
    }
}

fn entry(reader: &mut Reader, node: &Node, path: &str, context: &Context) -> Option<Entry> {
    let fields = reader.fields(node, path, context)?;
    let name = reader.required_text(&fields, "name")?.value;
    let mut answers = BTreeMap::new();
    for &(key, place, node) in fields.entries.iter().filter(|(key, ..)| *key != "name") {
        let text = match &node.value {
            Value::Null => continue,
            Value::List(_) => {
                let items = reader.items(node, &fields.path_of(key))?;
                let texts: Option<Vec<&str>> =
                    items.iter().map(|(item, path)| reader.text(item, path)).collect();
                texts?.join(", ")
            }
            _ => reader.text(node, &fields.path_of(key))?.to_owned(),
        };
        let spot = reader.spot(place, fields.path_of(key)).to_string();
        answers.insert(key.to_owned(), Answer { text, spot });
    }
    Some(Entry { name, exact: false, answers })
}

/// A file with the questions of a plan, to be filled in.
pub fn template(questions: &[Question]) -> String {
    let mut text = "# What nobody but you can say. Answer what you can, leave the rest empty, and hand this file to\n\
                    # `assay plan CLOUD --answers FILE`. In a name, * stands for anything; the first answer that fits\n\
                    # counts.\n"
        .to_owned();
    for (resource, key) in [(Resource::Image, "images"), (Resource::VolumeType, "volume_types")] {
        let mut asked: Vec<(&str, Vec<&Question>)> = Vec::new();
        for question in questions.iter().filter(|question| question.resource == resource) {
            match asked.iter_mut().find(|(name, _)| *name == question.name) {
                Some((_, others)) => {
                    if !others.iter().any(|other| other.field == question.field) {
                        others.push(question);
                    }
                }
                None => asked.push((&question.name, vec![question])),
            }
        }
        if !asked.is_empty() {
            let _ = writeln!(text, "{key}:");
        }
        for (name, questions) in asked {
            // A text of JSON is one of YAML.
            let _ = writeln!(text, "- name: {}", serde_json::Value::from(name));
            for question in questions {
                field(&mut text, "  ", question);
            }
        }
    }
    if let Some(question) = questions.iter().find(|question| question.resource == Resource::DefaultRule) {
        field(&mut text, "", question);
    }
    text
}

fn field(text: &mut String, indent: &str, question: &Question) {
    let line = |text: &str| text.replace(char::is_control, " ");
    let suggestion = question.suggestion.as_deref().map(|one| format!("; for instance {}", line(one)));
    let _ = writeln!(text, "{indent}# {}{}", line(&question.expected), suggestion.unwrap_or_default());
    let _ = writeln!(text, "{indent}{}:", question.field);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_answer_that_fits_counts() {
        let text = "images:\n- name: Ubuntu 22.04\n  replace_frequency: monthly\n  min_ram: 512\n- name: 'Ubuntu*'\n  \
                    replace_frequency: never\n  uuid_validity:\n- name: '*'\n  uuid_validity: notice\n\
                    volume_types:\n- name: LUKS\n  aspects: [encrypted, replicated]\n- name: '*'\n  aspects: []\n\
                    default_security_group_rules: keep\n";
        let answers = Answers::read("answers.yaml", text).unwrap();
        let of = |name: &str, field: &str| answers.of_image(name, field).map(|answer| answer.text);
        assert_eq!(of("Ubuntu 22.04", "replace_frequency").as_deref(), Some("monthly"));
        assert_eq!(of("Ubuntu 24.04", "replace_frequency").as_deref(), Some("never"));
        assert_eq!(of("Ubuntu 22.04", "min_ram").as_deref(), Some("512"));
        assert_eq!(of("Ubuntu 22.04", "uuid_validity").as_deref(), Some("notice"), "an empty one is none");
        assert_eq!(of("Debian 12", "replace_frequency"), None);
        let luks = answers.of_volume_type("LUKS").unwrap();
        assert_eq!((luks.text.as_str(), luks.spot.as_str()), ("encrypted, replicated", "answers.yaml:12:3"));
        assert_eq!(answers.of_volume_type("SSD").unwrap().text, "");
        assert_eq!(answers.default_rules(), Some(Rules::Keep));
        assert_eq!(Answers::read("empty", "# nothing\n").unwrap(), Answers::default());
    }

    #[test]
    fn what_cannot_be_meant_is_said_with_its_place() {
        for (text, place, what) in [
            ("images:\n- name: a\n  replace_frequenzy: never\n", "answers.yaml:3:3", "replace_frequency"),
            ("images:\n- min_ram: 1\n", "answers.yaml:2:3", "name"),
            ("image: []\n", "answers.yaml:1:1", "images"),
            ("volume_types:\n- {name: a, \"x\\e[31m\": 1}\n", "answers.yaml:2:13", "`x\\u{1b}[31m`"),
            ("volume_types:\n- name: a\n  aspects: {\"\\e[31m\": b}\n", "answers.yaml:3:12", "single value"),
            ("default_security_group_rules: standart\n", "answers.yaml:1:31", "standard"),
            ("images: {}\n", "answers.yaml:1:9", "list"),
            ("volume_types:\n- name: a\n  aspects: {a: b}\n", "answers.yaml:3:12", "single value"),
        ] {
            let error = Answers::read("answers.yaml", text).unwrap_err();
            let shown = format!("{error} {:?}", miette::Report::new(error.clone()));
            assert!(shown.contains(place) && shown.contains(what), "{text:?}: {shown}");
            assert!(!error.to_string().contains('\u{1b}'), "{error:?}");
        }
    }

    #[test]
    fn patterns_stand_for_names() {
        for (pattern, name, is_fit) in [
            ("*", "", true),
            ("a*", "abc", true),
            ("*c", "abc", true),
            ("a*b*c", "axxbyyc", true),
            ("a*b", "abc", false),
            ("é*", "éü", true),
            ("abc", "ab", false),
            ("a*a", "a", false),
            ("*a*a*", "bab", false),
            ("a**b", "ab", true),
            ("*ab", "aab", true),
        ] {
            assert_eq!(fits(pattern, name), is_fit, "{pattern} {name}");
        }
        // Each star could begin anywhere; trying all of them would take for ever.
        assert!(!fits(&"*a".repeat(100), &"ab".repeat(5000)));
    }
}
