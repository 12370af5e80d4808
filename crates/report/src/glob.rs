//! Patterns for names.

use std::fmt;

/// A pattern that a whole text matches or not: `*` stands for any text, `?` for one character, and `\` takes the next
/// character as it is. Names of images and flavors hold brackets, so there are no sets.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Glob {
    pattern: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Part {
    Any,
    One,
    Exactly(char),
}

impl Glob {
    /// Any text is a pattern.
    pub fn new(pattern: &str) -> Self {
        let mut parts = Vec::new();
        let mut characters = pattern.chars();
        while let Some(character) = characters.next() {
            parts.push(match character {
                '*' => Part::Any,
                '?' => Part::One,
                '\\' => Part::Exactly(characters.next().unwrap_or('\\')),
                other => Part::Exactly(other),
            });
        }
        Glob { pattern: pattern.to_owned(), parts }
    }

    /// Whether the whole text matches. It takes no longer than the product of both lengths.
    pub fn matches(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        let (mut part, mut at) = (0, 0);
        // Behind the last `*`, and where it is tried next to end: an earlier one need not be tried again.
        let mut again: Option<(usize, usize)> = None;
        while at < text.len() {
            match self.parts.get(part) {
                Some(Part::Any) => {
                    part += 1;
                    again = Some((part, at + 1));
                }
                Some(Part::One) => (part, at) = (part + 1, at + 1),
                Some(Part::Exactly(wanted)) if *wanted == text[at] => (part, at) = (part + 1, at + 1),
                _ => {
                    let Some((behind, next)) = again else { return false };
                    (part, at) = (behind, next);
                    again = Some((behind, next + 1));
                }
            }
        }
        self.parts[part..].iter().all(|part| *part == Part::Any)
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.pattern)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_of_clouds_match_as_they_look() {
        for (pattern, text, matches) in [
            ("image:Ubuntu *", "image:Ubuntu 24.04", true),
            ("image:Ubuntu *", "image:Ubuntu", false),
            ("image:Ubuntu *", "flavor:Ubuntu 24.04", false),
            ("image:ubuntu *", "image:Ubuntu 24.04", false),
            ("flavor:SCS-?V-8", "flavor:SCS-4V-8", true),
            ("flavor:SCS-?V-8", "flavor:SCS-16V-8", false),
            ("image:[old] *", "image:[old] a", true),
            ("image:*.qcow2*2", "image:a.qcow2.qcow22", true),
            (r"image:\*", "image:*", true),
            (r"image:\*", "image:a", false),
            ("*", "", true),
            ("", "a", false),
            (r"a\", r"a\", true),
        ] {
            assert_eq!(Glob::new(pattern).matches(text), matches, "{pattern} {text}");
        }
    }

    #[test]
    fn many_stars_take_no_time() {
        let glob = Glob::new(&"*a".repeat(500));
        assert!(!glob.matches(&"a".repeat(499)));
        assert!(glob.matches(&"a".repeat(5000)));
        assert!(!glob.matches(&format!("{}b", "a".repeat(5000))));
    }

    /// What matching means, with no thought of time.
    fn by_definition(parts: &[Part], text: &[char]) -> bool {
        match (parts.split_first(), text.split_first()) {
            (None, rest) => rest.is_none(),
            (Some((Part::Any, parts)), _) => {
                (0..=text.len()).any(|taken| by_definition(parts, &text[taken..]))
            }
            (Some((Part::One, parts)), Some((_, text))) => by_definition(parts, text),
            (Some((Part::Exactly(wanted), parts)), Some((first, text))) => {
                wanted == first && by_definition(parts, text)
            }
            (Some(_), None) => false,
        }
    }

    proptest! {
        #[test]
        fn it_matches_what_the_definition_says(pattern in r"[ab*?\\]{0,9}", text in r"[ab*\\]{0,9}") {
            let glob = Glob::new(&pattern);
            let characters: Vec<char> = text.chars().collect();
            prop_assert_eq!(glob.matches(&text), by_definition(&glob.parts, &characters));
        }

        #[test]
        fn an_escaped_name_matches_itself_alone(name in any::<String>(), other in any::<String>()) {
            let escaped: String = name.chars().flat_map(|c| ['\\', c]).collect();
            let glob = Glob::new(&escaped);
            prop_assert!(glob.matches(&name));
            prop_assert_eq!(glob.matches(&other), name == other);
        }

        #[test]
        fn what_begins_so_matches(start in "[^*?\\\\]{0,20}", rest in any::<String>()) {
            let glob = Glob::new(&format!("{start}*"));
            let name = format!("{start}{rest}");
            prop_assert!(glob.matches(&name));
        }
    }
}
