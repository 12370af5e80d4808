//! From the YAML tree to the parts of a declaration, as they were written. What they mean is checked in
//! [`super::read`].

use assay_yaml::{At, Context, Fields, NAMES, Node, Place, Spot, Value};
use jiff::civil::Date;

use super::problem::ProblemKind;

pub(super) type Reader = assay_yaml::Reader<ProblemKind>;

/// A whole file. Parts that are missing or cannot be read have been reported.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) format: Option<At<String>>,
    pub(super) version: Option<At<String>>,
    pub(super) tool: Option<String>,
    pub(super) subject: Option<At<String>>,
    pub(super) signer: Option<DraftSigner>,
    pub(super) date: Option<At<Date>>,
    pub(super) testcases: Vec<DraftTestcase>,
    /// Where the testcases are written.
    pub(super) spot: Spot,
}

#[derive(Debug)]
pub(super) struct DraftSigner {
    pub(super) name: At<String>,
    pub(super) role: At<String>,
    pub(super) contact: At<String>,
}

#[derive(Debug)]
pub(super) struct DraftTestcase {
    pub(super) id: At<String>,
    pub(super) answers: Vec<DraftAnswer>,
}

#[derive(Debug)]
pub(super) struct DraftAnswer {
    pub(super) question: At<String>,
    pub(super) answer: Option<At<String>>,
    pub(super) evidence: Vec<At<String>>,
    pub(super) remark: Option<String>,
}

impl DraftAnswer {
    /// Whether anything is written there: what is left of a template is no answer.
    pub(super) fn is_filled(&self) -> bool {
        self.answer.is_some() || !self.evidence.is_empty() || self.remark.is_some()
    }
}

const DECLARATION: Context = Context {
    name: "the declaration",
    keys: &["format", "version", "tool", "subject", "signer", "date", "testcases"],
    open: false,
};
const SIGNER: Context = Context { name: "the signer", keys: &["name", "role", "contact"], open: false };
const ANSWER: Context = Context { name: "an answer", keys: &["answer", "evidence", "remark"], open: false };

/// Reads a file of answers or, with the keys that make it one, a declaration.
pub(super) fn read(reader: &mut Reader, root: &Node, is_declaration: bool) -> Option<Draft> {
    let fields = reader.fields(root, "", &DECLARATION)?;
    let demanded = |reader: &mut Reader, key| match is_declaration {
        true => reader.required_text(&fields, key),
        false => fields.get(key).and_then(|node| reader.text_at(node, key)),
    };
    let format = demanded(reader, "format");
    let version = demanded(reader, "version");
    let subject = demanded(reader, "subject");
    let tool = reader.optional_text(&fields, "tool");
    let signer = reader.required(&fields, "signer").and_then(|node| signer(reader, node, "signer"));
    let date = reader.required(&fields, "date").and_then(|node| reader.date(node, "date".to_owned()));
    let written = reader.required(&fields, "testcases");
    let spot = reader.spot(written.map_or(fields.place, |node| node.place), "testcases".to_owned());
    let testcases = written.map_or_else(Vec::new, |node| testcases(reader, node, "testcases"));
    Some(Draft { format, version, tool, subject, signer, date, testcases, spot })
}

fn signer(reader: &mut Reader, node: &Node, path: &str) -> Option<DraftSigner> {
    let fields = reader.fields(node, path, &SIGNER)?;
    let name = reader.required_text(&fields, "name");
    let role = reader.required_text(&fields, "role");
    let contact = reader.required_text(&fields, "contact");
    Some(DraftSigner { name: name?, role: role?, contact: contact? })
}

fn testcases(reader: &mut Reader, node: &Node, path: &str) -> Vec<DraftTestcase> {
    let read = |reader: &mut Reader, id, node: &Node, path: &str| {
        // A testcase without any answer lacks all of them.
        let answers = match node.value {
            Value::Null => Vec::new(),
            _ => entries(reader, node, path, answer),
        };
        Some(DraftTestcase { id, answers })
    };
    entries(reader, node, path, read)
}

fn answer(reader: &mut Reader, question: At<String>, node: &Node, path: &str) -> Option<DraftAnswer> {
    let bare = DraftAnswer { question, answer: None, evidence: Vec::new(), remark: None };
    match &node.value {
        Value::Null => Some(bare),
        Value::Text(_) => Some(DraftAnswer { answer: reader.text_at(node, path), ..bare }),
        _ => {
            let fields = reader.fields(node, path, &ANSWER)?;
            Some(DraftAnswer {
                answer: fields.get("answer").and_then(|node| reader.text_at(node, &fields.path_of("answer"))),
                evidence: evidence(reader, &fields),
                remark: reader.optional_text(&fields, "remark").filter(|text| !text.trim().is_empty()),
                ..bare
            })
        }
    }
}

/// One address or a list of them.
fn evidence(reader: &mut Reader, fields: &Fields<'_>) -> Vec<At<String>> {
    let Some(node) = fields.get("evidence") else { return Vec::new() };
    let path = fields.path_of("evidence");
    if let Value::Text(_) = node.value {
        return reader.text_at(node, &path).into_iter().collect();
    }
    let items = reader.items(node, &path).unwrap_or_default();
    items.into_iter().filter_map(|(item, path)| reader.text_at(item, &path)).collect()
}

/// The entries of a map whose keys are names, each with the place of its key.
fn entries<T>(
    reader: &mut Reader,
    node: &Node,
    path: &str,
    read: impl Fn(&mut Reader, At<String>, &Node, &str) -> Option<T>,
) -> Vec<T> {
    let Some(fields) = reader.fields(node, path, &NAMES) else { return Vec::new() };
    let mut all = Vec::with_capacity(fields.entries.len());
    for &(name, place, node) in &fields.entries {
        let path = fields.path_of(name);
        let key = at(reader, place, name, &path);
        all.extend(read(reader, key, node, &path));
    }
    all
}

fn at(reader: &Reader, place: Place, name: &str, path: &str) -> At<String> {
    At { value: name.to_owned(), spot: reader.spot(place, path.to_owned()) }
}
