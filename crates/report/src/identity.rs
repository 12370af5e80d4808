//! What tells a finding from others over many runs.

use std::collections::HashMap;
use std::fmt::Write as _;

use crate::text::visible;

/// Testcase, thing and demand. Ids change when an image is renewed, so the name counts; `thing` is kind and name.
pub(crate) fn identity(testcase: &str, thing: Option<(&str, &str)>, expected: &str) -> String {
    let place = thing.map_or(String::new(), |(kind, name)| format!("{kind}/{}", path_segment(name)));
    let what = if expected.is_empty() { "note" } else { expected };
    format!("{testcase}:{place}:{}", visible(what))
}

/// Tells things of the same name by their order.
#[derive(Default)]
pub(crate) struct Twins {
    seen: HashMap<String, usize>,
}

impl Twins {
    /// The identity, with a number if it was met before.
    pub(crate) fn told_apart(&mut self, mut identity: String) -> String {
        let count = self.seen.entry(identity.clone()).or_default();
        *count += 1;
        if *count > 1 {
            let _ = write!(identity, "#{count}");
        }
        identity
    }
}

/// A name as a segment of a relative URI.
pub(crate) fn path_segment(name: &str) -> String {
    let mut segment = String::new();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'~' => segment.push(char::from(byte)),
            b'.' if !segment.is_empty() => segment.push('.'),
            _ => {
                let _ = write!(segment, "%{byte:02X}");
            }
        }
    }
    segment
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_are_clean() {
        assert_eq!(path_segment("SCS-4V-16"), "SCS-4V-16");
        assert_eq!(path_segment("../a b/ü"), "%2E.%2Fa%20b%2F%C3%BC");
    }

    #[test]
    fn twins_are_numbered() {
        let mut twins = Twins::default();
        let of = |thing| identity("t", thing, "a value");
        assert_eq!(twins.told_apart(of(Some(("image", "A")))), "t:image/A:a value");
        assert_eq!(twins.told_apart(of(Some(("image", "A")))), "t:image/A:a value#2");
        assert_eq!(twins.told_apart(of(None)), "t::a value");
    }
}
