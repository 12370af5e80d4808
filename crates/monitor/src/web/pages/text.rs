//! Texts of others, made harmless where they are shown.

use std::fmt::Write as _;

use assay_standards::Verdict;

/// A text as it stands in a cell of a Markdown table, or anywhere else in Markdown: nothing in it is markup.
pub(super) fn markdown(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => plain.push_str("&lt;"),
            '>' => plain.push_str("&gt;"),
            '&' => plain.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '{' | '}' | '!' => {
                plain.push('\\');
                plain.push(c);
            }
            c if c.is_control() => plain.push(' '),
            c => plain.push(c),
        }
    }
    plain
}

/// A line of a block of code in Markdown, which stands indented and cannot end the block.
pub(super) fn code(line: &str) -> String {
    line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A description, whose words between backticks are names: each part, and whether it is one.
pub(super) fn parts(description: &str) -> Vec<(bool, String)> {
    let words: Vec<&str> = description.split_whitespace().collect();
    let text = words.join(" ");
    // Without a partner, a backtick is one.
    if text.matches('`').count() % 2 == 1 {
        return vec![(false, text)];
    }
    let parts = text.split('`').enumerate().map(|(number, part)| (number % 2 == 1, part.to_owned()));
    parts.filter(|(_, part)| !part.is_empty()).collect()
}

/// A part of the path of an address.
pub(crate) fn segment(text: &str) -> String {
    let mut segment = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                segment.push(char::from(byte));
            }
            other => {
                // Writing to a string cannot fail.
                let _ = write!(segment, "%{other:02X}");
            }
        }
    }
    segment
}

/// An address that may be followed: of the web, without what would end it in Markdown.
pub(super) fn address(url: &str) -> Option<&str> {
    let is_web = url.starts_with("https://") || url.starts_with("http://");
    let is_plain = !url.contains(|c: char| c.is_whitespace() || c.is_control() || "<>()\"'\\".contains(c));
    (is_web && is_plain).then_some(url)
}

/// The class of a verdict in the style.
pub(super) fn class(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Abort => "abort",
        Verdict::Miss => "miss",
        Verdict::Fail => "fail",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_between_backticks() {
        let name = |text: &str| (true, text.to_owned());
        let plain = |text: &str| (false, text.to_owned());
        assert_eq!(parts("`a` is\n `b<`."), [name("a"), plain(" is "), name("b<"), plain(".")]);
        assert_eq!(parts("it`s"), [plain("it`s")]);
        assert_eq!(parts(""), []);
    }

    #[test]
    fn nothing_of_others_is_markup() {
        assert_eq!(markdown("<script>a|b\n[x](y)"), "&lt;script&gt;a\\|b \\[x\\](y)");
        assert_eq!(segment("a/b?c d\u{e9}"), "a%2Fb%3Fc%20d%C3%A9");
        assert_eq!(address("https://example.com/a#b"), Some("https://example.com/a#b"));
        for bad in ["javascript:alert(1)", "https://a b", "https://a\"x", "data:text/html,x", "//x", ""] {
            assert_eq!(address(bad), None, "{bad}");
        }
    }
}
