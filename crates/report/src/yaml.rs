//! A small writer for the YAML that the compliance monitor reads with `PyYAML`, which follows YAML 1.1.
//!
//! What matters there: `2026-11-22` without quotes is a date, and `yes`, `1.10`, `0x1f`, `1:30` or `2026-11-22`
//! as text must be in quotes, because YAML 1.1 takes more for a boolean or a number than YAML 1.2 does.

use std::fmt::Write as _;

use uuid::Uuid;

/// A value to write.
pub(crate) enum Node {
    Null,
    Int(i64),
    /// A date or an instant, written bare so that it is read as one.
    Time(String),
    Text(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

impl Node {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Node::Text(text.into())
    }

    pub(crate) fn or_null(text: Option<&String>) -> Self {
        text.map_or(Node::Null, Node::text)
    }

    pub(crate) fn map<'a>(entries: impl IntoIterator<Item = (&'a str, Node)>) -> Self {
        Node::Map(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    pub(crate) fn texts<'a>(texts: impl IntoIterator<Item = &'a String>) -> Self {
        Node::List(texts.into_iter().map(Node::text).collect())
    }
}

/// Appends a document with its `---`, in block style.
pub(crate) fn write_document(out: &mut String, root: &Node) {
    out.push_str("---");
    write_value(out, root, 0);
}

/// Writes what stands behind `key:` or `---`, up to and with the line break.
fn write_value(out: &mut String, node: &Node, indent: usize) {
    match node {
        Node::Map(entries) if !entries.is_empty() => {
            out.push('\n');
            write_entries(out, entries, indent, false);
        }
        Node::List(items) if !items.is_empty() => {
            out.push('\n');
            for item in items {
                write_item(out, item, indent);
            }
        }
        scalar => {
            out.push(' ');
            write_scalar(out, scalar);
            out.push('\n');
        }
    }
}

/// Writes entries of a map; the first one goes on in the line of its list item if `first_is_indented`.
fn write_entries(out: &mut String, entries: &[(String, Node)], indent: usize, first_is_indented: bool) {
    for (index, (key, value)) in entries.iter().enumerate() {
        if index > 0 || !first_is_indented {
            out.extend(std::iter::repeat_n(' ', indent));
        }
        write_text(out, key);
        out.push(':');
        // A list under a key stands at the indent of the key, as `PyYAML` writes it.
        let deeper = if matches!(value, Node::List(_)) { indent } else { indent + 2 };
        write_value(out, value, deeper);
    }
}

fn write_item(out: &mut String, item: &Node, indent: usize) {
    out.extend(std::iter::repeat_n(' ', indent));
    match item {
        Node::Map(entries) if !entries.is_empty() => {
            out.push_str("- ");
            write_entries(out, entries, indent + 2, true);
        }
        other => {
            out.push('-');
            write_value(out, other, indent + 2);
        }
    }
}

fn write_scalar(out: &mut String, node: &Node) {
    match node {
        Node::Null => out.push_str("null"),
        Node::Int(number) => {
            let _ = write!(out, "{number}");
        }
        Node::Time(time) => out.push_str(time),
        Node::Text(text) => write_text(out, text),
        Node::List(_) => out.push_str("[]"),
        Node::Map(_) => out.push_str("{}"),
    }
}

fn write_text(out: &mut String, text: &str) {
    if can_stand_bare(text) {
        out.push_str(text);
    } else if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        out.push('\'');
        out.push_str(&text.replace('\'', "''"));
        out.push('\'');
    } else {
        write_escaped(out, text);
    }
}

/// Whether a text without quotes is read back as that text, in YAML 1.1 and 1.2. Errs on the side of quotes.
fn can_stand_bare(text: &str) -> bool {
    const WORDS: [&str; 9] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];
    let is_ascii = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    let means_something = WORDS.iter().any(|word| text.eq_ignore_ascii_case(word));
    let breaks_off = text.contains(": ") || text.contains(" #") || text.ends_with(':') || text.ends_with(' ');
    let begins_as_text = text.trim_start_matches('-').len() + 2 >= text.len()
        && text.trim_start_matches('-').starts_with(|c: char| c.is_ascii_alphabetic())
        || text.starts_with('/')
        || text.starts_with("./");
    is_ascii && !means_something && !breaks_off && (begins_as_text || is_uuid(text))
}

/// Hyphenated UUIDs match no pattern of a number or a date, even if they begin with digits.
fn is_uuid(text: &str) -> bool {
    text.len() == 36 && Uuid::try_parse(text).is_ok()
}

fn write_escaped(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        let code = u32::from(character);
        let _ = match character {
            '"' => out.write_str("\\\""),
            '\\' => out.write_str("\\\\"),
            '\n' => out.write_str("\\n"),
            '\t' => out.write_str("\\t"),
            '\r' => out.write_str("\\r"),
            ' '..='~' => out.write_char(character),
            _ if code <= 0xff => write!(out, "\\x{code:02X}"),
            _ if code <= 0xffff => write!(out, "\\u{code:04X}"),
            _ => write!(out, "\\U{code:08X}"),
        };
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn document(root: &Node) -> String {
        let mut out = String::new();
        write_document(&mut out, root);
        out
    }

    fn scalar(text: &str) -> String {
        let mut out = String::new();
        write_text(&mut out, text);
        out
    }

    #[test]
    fn text_that_yaml_1_1_takes_for_something_else_is_quoted() {
        for text in [
            "yes",
            "No",
            "ON",
            "off",
            "true",
            "FALSE",
            "null",
            "Null",
            "~",
            "y",
            "N",
            "",
            "1",
            "1.10",
            "-1",
            "+1",
            "0x1f",
            "0o17",
            "017",
            "1_000",
            "1:30",
            "1e3",
            ".5",
            ".inf",
            "-.inf",
            ".NaN",
            "2026-11-22",
            "2026-11-22 02:18:01.324258",
            "<<",
            "=",
            "- a",
            "-",
            "---",
            "...",
            "? a",
            ": a",
            "a: b",
            "a:",
            "a #b",
            " a",
            "a ",
            "[a]",
            "{a}",
            "&a",
            "*a",
            "!a",
            "|",
            ">",
            "%a",
            "@a",
            "`a`",
            "'a'",
            "\"a\"",
            "#a",
            ",",
        ] {
            assert!(scalar(text).starts_with('\''), "{text} is written as {}", scalar(text));
        }
        for text in [
            "testbed",
            "-s",
            "--debug",
            "os_cloud=testbed",
            "scs-01(00|02).*",
            "./iaas/test.py -c x",
            "/etc/x",
            "https://example.org/a.yaml",
            "a:b",
            "a#b",
            "v5.1",
            "54e95e60-abe1-4b2b-8a1c-0c6b6f0e8a11",
        ] {
            assert_eq!(scalar(text), text);
        }
        assert_eq!(scalar("it's: 1"), "'it''s: 1'");
        assert_eq!(scalar("ü\u{0}\u{85}\u{202e}😀\n"), "\"\\xFC\\x00\\x85\\u202E\\U0001F600\\n\"");
    }

    #[test]
    fn blocks_nest_as_pyyaml_writes_them() {
        let root = Node::map([
            ("a", Node::map([("b", Node::List(vec![Node::text("x"), Node::Int(-1)]))])),
            ("c", Node::List(vec![Node::map([("d", Node::Null), ("e", Node::List(vec![Node::text("f")]))])])),
            ("g", Node::List(Vec::new())),
            ("h", Node::Map(Vec::new())),
            ("i", Node::Time("2026-11-22".to_owned())),
        ]);
        let text = document(&root);
        assert_eq!(
            text,
            "---\na:\n  b:\n  - x\n  - -1\nc:\n- d: null\n  e:\n  - f\ng: []\nh: {}\ni: 2026-11-22\n"
        );
        let back: Value = serde_saphyr::from_str(&text).unwrap();
        let expected = json!({
            "a": {"b": ["x", -1]}, "c": [{"d": null, "e": ["f"]}], "g": [], "h": {}, "i": "2026-11-22",
        });
        assert_eq!(back, expected);
    }

    proptest! {
        #[test]
        fn any_text_is_read_back_as_it_was(
            texts in proptest::collection::vec(prop_oneof![any::<String>(), "[-+.:0-9a-zA-Z_ #'\"~=<,]{0,12}"], 1..8),
        ) {
            let text = document(&Node::map([("texts", Node::texts(&texts))]));
            let back: Value = serde_saphyr::from_str(&text).unwrap();
            prop_assert_eq!(&back["texts"], &json!(texts), "{}", text);
        }
    }
}
