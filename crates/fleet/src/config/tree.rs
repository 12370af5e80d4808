//! TOML as the tree that all readers of configuration share, so that its mistakes are told as those of YAML are.

use std::ops::Range;

use assay_yaml::{Node, Place, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Why a text is no TOML, and where.
pub(super) struct NoToml {
    pub(super) place: Place,
    pub(super) message: String,
}

/// Reads a document.
pub(super) fn read(text: &str) -> Result<Node, NoToml> {
    let lines = Lines::of(text);
    match DeTable::parse(text) {
        Ok(table) => Ok(Node { place: Place::START, value: map(table.get_ref(), &lines) }),
        Err(error) => Err(NoToml {
            place: error.span().map_or(Place::START, |span| lines.place(span)),
            message: error.message().escape_debug().to_string(),
        }),
    }
}

fn map(table: &DeTable<'_>, lines: &Lines<'_>) -> Value {
    let mut entries: Vec<(Node, Node)> = table
        .iter()
        .map(|(key, value)| {
            let name = Value::Text(key.get_ref().to_string());
            (Node { place: lines.place(key.span()), value: name }, node(value, lines))
        })
        .collect();
    // The parser sorts by name; people expect what comes first in the file to be told of first.
    entries.sort_by_key(|(key, _)| key.place.start);
    Value::Map(entries)
}

fn node(value: &Spanned<DeValue<'_>>, lines: &Lines<'_>) -> Node {
    let place = lines.place(value.span());
    let value = match value.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Array(items) => Value::List(items.iter().map(|item| node(item, lines)).collect()),
        DeValue::Table(table) => map(table, lines),
        DeValue::Integer(_) | DeValue::Float(_) | DeValue::Boolean(_) | DeValue::Datetime(_) => {
            Value::Text(lines.text.get(place.start..place.start + place.len).unwrap_or_default().to_owned())
        }
    };
    Node { place, value }
}

/// Where the lines of a text begin.
struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    fn of(text: &'t str) -> Self {
        let after = text.match_indices('\n').map(|(offset, _)| offset + 1);
        Lines { text, starts: std::iter::once(0).chain(after).collect() }
    }

    fn place(&self, span: Range<usize>) -> Place {
        let start = span.start.min(self.text.len());
        let line = self.starts.partition_point(|begin| *begin <= start);
        let begin = self.starts.get(line.saturating_sub(1)).copied().unwrap_or_default();
        let before = self.text.get(begin..start).map_or(0, |text| text.chars().count());
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Place {
            line: number(line.max(1)),
            column: number(before + 1),
            start,
            len: span.end.min(self.text.len()).saturating_sub(start),
        }
    }
}
