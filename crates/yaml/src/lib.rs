//! YAML that strangers wrote, as a tree that remembers where every node stands.
//!
//! Scalars stay text as they are written: whether `yes`, `1.0` or `2024-02-28` is meant as a word, a number or a date is
//! decided by the key it stands under, so the differences between YAML 1.1 and 1.2 do not matter. What the tree means, and
//! what is wrong with it, is for those to say who read it; this crate knows no format.

mod nearest;
mod problem;
mod reader;
mod stream;

use std::fmt;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::options::{DuplicateKeyPolicy, NonFiniteFloatPolicy};
use serde_saphyr::{DefaultMessageFormatter, Location, MessageFormatter, Spanned};

pub use nearest::{distance, nearest, quoted};
pub use problem::{At, Problem, Problems, Shape, Source, Spot, Wrong, number, truth};
pub use reader::{Context, Fields, NAMES, Reader, Reported};
pub use stream::{Document, documents};

/// A range of a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The line, counted from 1.
    pub line: u32,
    /// The column, counted from 1, in characters.
    pub column: u32,
    /// The offset, in bytes.
    pub start: usize,
    /// The length, in bytes.
    pub len: usize,
}

impl Place {
    /// The beginning of a text.
    pub const START: Place = Place { line: 1, column: 1, start: 0, len: 0 };
}

/// Something that was written, and where. What an alias stands for is where its anchor is.
///
/// It may hold secrets, so it is not printed.
pub struct Node {
    /// Where.
    pub place: Place,
    /// What.
    pub value: Value,
}

/// What was written.
pub enum Value {
    /// Nothing, or one of the words for it.
    Null,
    /// Any scalar, as it was spelled.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A map, in order; keys may repeat.
    Map(Vec<(Node, Node)>),
}

impl Value {
    /// What kind of value it is, in words.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Text(_) => "a single value",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }
}

/// How much is read. All other limits (depth, aliases, merge keys) follow from these.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The size of the text, and of all scalars together once aliases are resolved.
    pub bytes: usize,
    /// The number of nodes.
    pub nodes: usize,
}

/// Why a text is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It is larger than it may be.
    TooLarge {
        /// Its size in bytes.
        bytes: usize,
        /// The limit.
        most: usize,
    },
    /// It is not YAML, or breaks a limit.
    Syntax {
        /// Where.
        place: Place,
        /// What the parser says. It may quote the text, secrets included.
        message: String,
    },
}

/// Reads one document.
///
/// # Errors
/// It is too large, no YAML, or breaks a limit.
pub fn read(text: &str, limits: &Limits) -> Result<Node, Trouble> {
    if text.len() > limits.bytes {
        return Err(Trouble::TooLarge { bytes: text.len(), most: limits.bytes });
    }
    let aliases = limits.nodes / 40;
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: 16,
            flow_nesting_limit: 16,
            max_nodes: limits.nodes,
            max_events: limits.nodes * 5 / 2,
            max_documents: 1,
            max_anchors: aliases,
            max_aliases: aliases,
            max_merge_keys: 100,
            // Counts what aliases repeat as well.
            max_total_scalar_bytes: limits.bytes,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: limits.nodes / 2,
            max_replay_stack_depth: 8,
            max_alias_expansions_per_anchor: aliases,
        },
        // Whoever reads the tree can name both places.
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
        with_snippet: false,
    };
    match serde_saphyr::from_str_with_options::<Spanned<Raw>>(text, options) {
        Ok(raw) => Ok(node(raw, text)),
        Err(error) => {
            let message = DefaultMessageFormatter.format_message(error.without_snippet());
            let message = message.escape_debug().to_string();
            let place = error.location().map_or(Place::START, |location| place(location, text));
            Err(Trouble::Syntax { place, message })
        }
    }
}

fn place(location: Location, text: &str) -> Place {
    let span = location.span();
    let number = |n: Option<u64>| n.and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
    let start = number(span.byte_offset()).min(text.len());
    let len = number(span.byte_len()).min(text.len() - start);
    // A parser may report a place just behind the end, where no line begins any more.
    let count = |n: u64| u32::try_from(n.max(1)).unwrap_or(u32::MAX);
    Place { line: count(location.line()), column: count(location.column()), start, len }
}

fn node(raw: Spanned<Raw>, text: &str) -> Node {
    let place_of_value = place(raw.referenced, text);
    let value = match raw.value {
        Raw::Null => Value::Null,
        Raw::Text(text) => Value::Text(text),
        Raw::Guessed(shown) => {
            let written = place(raw.defined, text);
            let written = text.get(written.start..written.start + written.len).map(str::trim);
            Value::Text(written.filter(|written| !written.is_empty()).map_or(shown, str::to_owned))
        }
        Raw::List(items) => Value::List(items.into_iter().map(|item| node(item, text)).collect()),
        Raw::Map(entries) => {
            Value::Map(entries.into_iter().map(|(key, value)| (node(key, text), node(value, text))).collect())
        }
    };
    Node { place: place_of_value, value }
}

/// A node as the deserializer hands it over.
enum Raw {
    Null,
    Text(String),
    /// A scalar that was taken for a boolean or a number; the source tells how it was really written.
    Guessed(String),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<Raw>, Spanned<Raw>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value, a list or a map")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_none<E: de::Error>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Raw, E> {
        Ok(Raw::Text(text.to_owned()))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Raw, E> {
        Ok(Raw::Text(text))
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Raw, E> {
        Ok(Raw::Guessed(value.to_string()))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Raw, E> {
        Ok(Raw::Guessed(value.to_string()))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Raw, E> {
        Ok(Raw::Guessed(value.to_string()))
    }

    fn visit_i128<E: de::Error>(self, value: i128) -> Result<Raw, E> {
        Ok(Raw::Guessed(value.to_string()))
    }

    fn visit_u128<E: de::Error>(self, value: u128) -> Result<Raw, E> {
        Ok(Raw::Guessed(value.to_string()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Raw, E> {
        Ok(Raw::Guessed(value.to_string()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Raw::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Raw, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = access.next_entry()? {
            entries.push(entry);
        }
        Ok(Raw::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { bytes: 10_000, nodes: 1_000 };

    fn parse(text: &str) -> Node {
        let Ok(node) = read(text, &LIMITS) else { panic!("{text} is YAML") };
        node
    }

    fn texts(node: &Node) -> Vec<&str> {
        match &node.value {
            Value::Text(text) => vec![text],
            Value::Null => vec!["<null>"],
            Value::List(items) => items.iter().flat_map(texts).collect(),
            Value::Map(entries) => entries.iter().flat_map(|(k, v)| [texts(k), texts(v)].concat()).collect(),
        }
    }

    #[test]
    fn scalars_keep_their_spelling() {
        let text = "- yes\n- No\n- 2024-02-28\n- 010\n- 1_000\n- 1.10\n- 0x1F\n- .inf\n- 1e999\n- ~\n- 'off'\n- 18446744073709551616\n- -5\n";
        assert_eq!(
            texts(&parse(text)),
            [
                "yes",
                "No",
                "2024-02-28",
                "010",
                "1_000",
                "1.10",
                "0x1F",
                ".inf",
                "1e999",
                "<null>",
                "off",
                "18446744073709551616",
                "-5"
            ]
        );
        assert_eq!(texts(&parse("on: off\n5.1: y\n")), ["on", "off", "5.1", "y"]);
        // An alias stands for what was written at its anchor.
        assert_eq!(texts(&parse("a: &x 1.10\nb: *x\n")), ["a", "1.10", "b", "1.10"]);
    }

    #[test]
    fn places_count_characters_and_point_at_bytes() {
        let text = "ä: ü\nlist:\n  - größe: 5\n";
        let Value::Map(entries) = parse(text).value else { panic!("a map") };
        let Value::List(items) = &entries[1].1.value else { panic!("a list") };
        let Value::Map(inner) = &items[0].value else { panic!("a map") };
        let place = inner[0].1.place;
        assert_eq!((place.line, place.column), (3, 12));
        assert_eq!(&text[place.start..place.start + place.len], "5");
        assert_eq!((items[0].place.line, items[0].place.column), (3, 5));
    }
}
