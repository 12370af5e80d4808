//! What of a console is kept: the report, or else the last lines before it fell silent.

use super::user_data::{END, MARK};

/// What cloud-init says when the commands of the user data failed.
const FAILED: &str = "Failed to run module scripts-user";
/// A console holds up to 1 MiB; of a guest that prints without end this much is enough.
const MOST_LINES: usize = 1000;
const TAIL_LINES: usize = 40;
const LONGEST_LINE: usize = 400;

/// How far a guest is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// It has not said the end yet.
    Running,
    /// It has.
    Ended,
    /// It says that its commands failed.
    Failed,
}

/// How far the guest is that wrote this console. An end that was seen counts more than a failure.
pub(super) fn progress(console: &str) -> Progress {
    match (console.contains(END), failed(console)) {
        (true, _) => Progress::Ended,
        (false, true) => Progress::Failed,
        (false, false) => Progress::Running,
    }
}

/// Whether cloud-init says that the commands of the user data failed, be it that the end was seen as well.
pub(super) fn failed(console: &str) -> bool {
    console.contains(FAILED)
}

/// The lines of the report, without what stands before it on its lines.
///
/// The end is said twice, by the commands and by cloud-init; whether the second one can be seen already is a
/// matter of chance, so the report ends with the first.
pub(super) fn report(console: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for line in console.lines().filter_map(|line| line.find(MARK).map(|at| plain(&line[at..]))) {
        let is_last = line == END || lines.len() + 1 == MOST_LINES;
        lines.push(line);
        if is_last {
            break;
        }
    }
    lines
}

/// The last lines with something on them.
pub(super) fn tail(console: &str) -> Vec<String> {
    let lines: Vec<String> = console.lines().map(plain).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].to_vec()
}

/// A line as text alone: without colours and other orders to a terminal, and not too long.
fn plain(line: &str) -> String {
    let mut text = String::new();
    let mut rest = line.chars().peekable();
    while let Some(one) = rest.next() {
        if one == '\u{1b}' {
            if rest.next_if_eq(&'[').is_some() {
                while rest.next().is_some_and(|next| !('@'..='~').contains(&next)) {}
            }
        } else if one == '\t' {
            text.push(' ');
        } else if !one.is_control() {
            text.push(one);
        }
    }
    text.truncate(text.floor_char_boundary(LONGEST_LINE));
    text.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEALTHY: &str = include_str!("../../../../../testbed/consoles/healthy.txt");
    const OFFLINE: &str = include_str!("../../../../../testbed/consoles/offline.txt");
    const FAILING: &str = include_str!("../../../../../testbed/consoles/failing.txt");

    #[test]
    fn recorded_guests() {
        let has = |console: &str, line: &str| report(console).iter().any(|found| found.starts_with(line));
        assert_eq!(progress(HEALTHY), Progress::Ended);
        for line in ["_scs-test-own-fips: blocks=", "_scs-test-own-end", "_scs-test-entropy-avail: 256"] {
            assert!(has(HEALTHY, line), "{line}");
        }
        assert!(has(HEALTHY, "_scs-test-fips-test: rngtest: FIPS 140-2 failures: "));
        assert_eq!(progress(OFFLINE), Progress::Ended);
        assert!(has(OFFLINE, "_scs-test-own-fips: blocks=") && has(OFFLINE, "_scs-test-own-end"));
        assert!(!has(OFFLINE, "_scs-test-fips-test: rngtest: FIPS"));
        // The final message of cloud-init comes a moment later, whatever failed.
        assert!(failed(FAILING) && !failed(HEALTHY) && !failed(OFFLINE));
        assert_eq!(progress(FAILING), Progress::Ended);
        assert_eq!(progress(&FAILING[..FAILING.rfind(END).unwrap()]), Progress::Failed);
        assert!(has(FAILING, "_scs-test-own-end") && !has(FAILING, "_scs-test-entropy-avail"));
        let booting = &HEALTHY[..HEALTHY.find(MARK).unwrap()];
        assert_eq!((progress(booting), report(booting)), (Progress::Running, Vec::new()));
        assert_eq!(progress("_scs-test-own-end"), Progress::Running, "our end is not that of all");
    }

    #[test]
    fn lines_are_cut_from_the_mark_and_cleaned() {
        let console = "[   52.2] cloud-init[9]: _scs-test-rngd: \u{1b}[0;32m●\u{1b}[0m rngd\t_scs-test-x\r\n\
             nothing\n\u{1b}_scs-test-end\u{7}\r\n_scs-te";
        assert_eq!(report(console), ["_scs-test-rngd: ● rngd _scs-test-x", "_scs-test-end"]);
        let twice = "_scs-test-a: 1\n_scs-test-end\n[  1.0] _scs-test-end\n";
        assert_eq!(report(twice), ["_scs-test-a: 1", "_scs-test-end"]);
        assert_eq!(tail("a\r\n\r\n\u{1b}[2Jb\n"), ["a", "b"]);
    }

    #[test]
    fn guests_that_print_without_end_are_cut_short() {
        let long = format!("{}{}\n", MARK, "ä".repeat(1000)).repeat(5000);
        let lines = report(&long);
        assert_eq!(lines.len(), MOST_LINES);
        assert!(lines.iter().all(|line| line.len() <= LONGEST_LINE));
        assert_eq!(tail(&long).len(), TAIL_LINES);
        assert!(tail("").is_empty());
    }
}
