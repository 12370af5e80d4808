//! How names from a cloud and findings are put into words that people read.

use std::borrow::Cow;
use std::fmt::Write as _;

use assay_testcases::{Finding, Weight};

/// The text with everything escaped that a reader would not see, or that would move the rest of the line:
/// control characters, line separators, marks of text direction, and code points that are no characters.
///
/// Names come from clouds that strangers run, and a name must not be able to pose as another one or to
/// steer a terminal. The joiners inside emoji stay.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_invisible) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if is_invisible(character) {
            shown.extend(character.escape_default());
        } else {
            shown.push(character);
        }
    }
    Cow::Owned(shown)
}

pub(crate) fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}'
        )
        || u32::from(character) & 0xfffe == 0xfffe
        || matches!(character, '\u{fdd0}'..='\u{fdef}')
}

/// A finding in one line.
pub(crate) fn sentence(finding: &Finding) -> String {
    let mut line = String::new();
    if let Some(resource) = &finding.resource {
        let name = if resource.name.is_empty() { &resource.id } else { &resource.name };
        let _ = write!(line, "{} \"{}\": ", resource.kind, visible(name));
    }
    if !finding.expected.is_empty() {
        let (wants, gets) = match finding.weight {
            Weight::Abort => ("needed", "got"),
            Weight::Failure | Weight::Note => ("expected", "found"),
        };
        let _ = write!(line, "{wants} {}, {gets} ", visible(&finding.expected));
    }
    line.push_str(&visible(&finding.found));
    line
}

/// The address if it is one that a page may link to; anything else could run code in the reader's browser.
pub(crate) fn web_address(text: &str) -> Option<&str> {
    let is_web = text.starts_with("https://") || text.starts_with("http://");
    let is_plain = text
        .chars()
        .all(|c| c.is_ascii_graphic() && !matches!(c, '"' | '<' | '>' | '\\' | '^' | '`' | '{' | '|' | '}'));
    Some(text).filter(|_| is_web && is_plain)
}

/// Text that says in Markdown what it says as it is.
pub(crate) fn escape_markdown(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        if matches!(character, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '!' | '&') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// The program and its version, from a line such as `assay 0.1.0`.
pub(crate) fn name_and_version(tool: &str) -> (&str, Option<&str>) {
    match tool.rsplit_once(' ') {
        Some((name, version)) if version.starts_with(|c: char| c.is_ascii_digit()) => (name, Some(version)),
        _ => (tool, None),
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use assay_testcases::{Readings, Resource};

    use super::*;

    #[test]
    fn what_cannot_be_seen_is_escaped_and_the_rest_stays() {
        for (text, shown) in [
            ("SCS-4V:16", "SCS-4V:16"),
            ("Prüfling 👩‍🚀 مرحبا", "Prüfling 👩‍🚀 مرحبا"),
            ("a\nb\tc\u{1b}[31m", "a\\nb\\tc\\u{1b}[31m"),
            ("gpj\u{202e}exe\u{202c}", "gpj\\u{202e}exe\\u{202c}"),
            (
                "\u{0}\u{85}\u{feff}\u{fffe}\u{10ffff}\u{2028}",
                "\\u{0}\\u{85}\\u{feff}\\u{fffe}\\u{10ffff}\\u{2028}",
            ),
        ] {
            assert_eq!(visible(text), shown);
        }
        assert!(matches!(visible("plain"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_finding_is_one_line() {
        let finding = Finding {
            weight: Weight::Failure,
            readings: Readings::Both,
            resource: Some(Resource::new("flavor", "f1", "SCS\n4V")),
            expected: "16 GiB of RAM".into(),
            found: "15.5\r\n".into(),
        };
        assert_eq!(sentence(&finding), "flavor \"SCS\\n4V\": expected 16 GiB of RAM, found 15.5\\r\\n");
        let unnamed = Finding {
            resource: Some(Resource::new("image", "i1", "")),
            expected: "".into(),
            found: "hidden".into(),
            ..finding
        };
        assert_eq!(sentence(&unnamed), "image \"i1\": hidden");
    }

    #[test]
    fn only_web_addresses_become_links() {
        assert_eq!(web_address("https://docs.scs.community/x#a"), Some("https://docs.scs.community/x#a"));
        for text in ["javascript:alert(1)", "data:text/html,x", "//evil", "https://a b", "https://a\"b", ""] {
            assert_eq!(web_address(text), None, "{text}");
        }
    }

    #[test]
    fn the_version_of_the_tool_is_split_off() {
        assert_eq!(name_and_version("assay 0.1.0"), ("assay", Some("0.1.0")));
        assert_eq!(name_and_version("assay"), ("assay", None));
        assert_eq!(name_and_version("assay dev build"), ("assay dev build", None));
    }
}
