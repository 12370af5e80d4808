//! What went wrong, out of a traceback of Python.

/// How many characters of a reason are kept.
const REASON: usize = 400;
/// How many characters of a traceback are kept.
const DETAILS: usize = 4000;
/// Where Tempest begins the server's own words.
const SERVER: &str = "Details: ";

/// The error in one line: the last exception of the traceback, without its module path, and what the server said.
pub(crate) fn of(traceback: &str) -> String {
    let lines: Vec<&str> = traceback.lines().collect();
    // Frames are indented; the exception stands at the margin, below the last of them.
    let last_frame = lines.iter().rposition(|line| line.starts_with("  ")).map_or(0, |at| at + 1);
    let mut words: Vec<&str> = lines
        .get(last_frame..)
        .unwrap_or_default()
        .iter()
        .map(|line| line.trim())
        .filter(|line| !line.is_empty())
        .collect();
    if words.is_empty() {
        words = lines.iter().map(|line| line.trim()).filter(|line| !line.is_empty()).rev().take(1).collect();
    }
    let mut reason = String::new();
    for (index, line) in words.iter().enumerate() {
        match line.strip_prefix(SERVER) {
            Some(said) if index > 0 => {
                reason.push_str(": ");
                reason.push_str(message(said).as_deref().unwrap_or(said));
            }
            _ => {
                reason.push_str(if index > 0 { " " } else { "" });
                reason.push_str(line);
            }
        }
    }
    shortened(without_module(&reason), REASON)
}

/// The end of a traceback, where the cause stands.
pub(crate) fn details(traceback: &str) -> String {
    let text = traceback.trim();
    let excess = text.chars().count().saturating_sub(DETAILS);
    if excess == 0 {
        return text.to_owned();
    }
    let tail: String = text.chars().skip(excess).collect();
    // From the next whole line on.
    let tail = tail.split_once('\n').map_or(tail.as_str(), |(_, rest)| rest);
    format!("…\n{tail}")
}

/// `tempest.lib.exceptions.NotFound: ...` without what stands before the last dot of its first word.
fn without_module(reason: &str) -> &str {
    let name_end = reason.find(|letter: char| !letter.is_alphanumeric() && letter != '.' && letter != '_');
    let (name, ends_well) = match name_end {
        Some(end) => (&reason[..end], reason[end..].starts_with(':')),
        None => (reason, true),
    };
    match name.rfind('.') {
        Some(dot) if ends_well => &reason[dot + 1..],
        _ => reason,
    }
}

/// The `message` of a dictionary as Python writes it.
fn message(said: &str) -> Option<String> {
    let rest = said.split_once("'message': ")?.1;
    let quote = rest.chars().next().filter(|letter| matches!(letter, '\'' | '"'))?;
    let mut text = String::new();
    let mut letters = rest.chars().skip(1);
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => text.push(letters.next()?),
            _ if letter == quote => return Some(text),
            _ => text.push(letter),
        }
    }
    None
}

/// A text of at most so many characters.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_reason_is_the_last_exception_and_what_the_server_said() {
        let not_found = "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\n    g()\n\
                         tempest.lib.exceptions.NotFound: Object not found\n\
                         Details: {'code': 404, 'message': 'Image not found.'}\n";
        assert_eq!(of(not_found), "NotFound: Object not found: Image not found.");

        let second = format!(
            "{not_found}\nDuring handling of the above exception, another exception occurred:\n\n\
             Traceback (most recent call last):\n  File \"b.py\", line 2, in h\n    raise X\n    ^^^^^^^\n\
             tempest.exceptions.SnapshotNotFoundException: Server snapshot image 7e2b not found.\n\n"
        );
        assert_eq!(of(&second), "SnapshotNotFoundException: Server snapshot image 7e2b not found.");
    }

    #[test]
    fn reasons_of_several_lines_become_one() {
        for (traceback, expected) in [
            (
                "  File \"a.py\"\ntempest.lib.exceptions.TimeoutException: Request timed out\n\
                 Details: (ServersTest:test_it) Server 1 failed to reach ACTIVE status within 300 s.",
                "TimeoutException: Request timed out: (ServersTest:test_it) Server 1 failed to reach ACTIVE status \
                 within 300 s.",
            ),
            (
                "  File \"a.py\"\nx.Bad: Bad request\nDetails: {'message': \"Flavor's disk is \\\"small\\\"\", 'code': 400}",
                "Bad: Bad request: Flavor's disk is \"small\"",
            ),
            ("  File \"a.py\"\ntesttools.matchers._impl.MismatchError: 1 != 2", "MismatchError: 1 != 2"),
            ("  File \"a.py\"\nAssertionError", "AssertionError"),
            ("testtools.testresult.real._StringException", "_StringException"),
            ("see example.com for more", "see example.com for more"),
            ("  indented only", "indented only"),
            ("", ""),
        ] {
            assert_eq!(of(traceback), expected);
        }
        assert_eq!(of(&format!("  File\nError: {}", "ä".repeat(9999))).chars().count(), REASON + 1);
    }

    #[test]
    fn of_a_long_traceback_the_end_is_kept() {
        let long = format!("first line\n{}last line", "a middle line\n".repeat(1000));
        let kept = details(&long);
        assert!(kept.starts_with("…\na middle line\n") && kept.ends_with("last line"), "{kept}");
        assert!(kept.chars().count() <= DETAILS + 2);
        assert_eq!(details(" short\n"), "short");
    }

    proptest! {
        #[test]
        fn any_text_has_a_reason_of_one_line(text in "(\\PC|\n|Details: |'message': '|tempest\\.x|:|  ){0,60}") {
            prop_assert!(!of(&text).contains('\n'));
        }
    }
}
