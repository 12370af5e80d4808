//! `docs/testcases.md` is made of the registry, the scope data and the coverage data. `UPDATE_DOCS=1` writes it,
//! without it the file is compared.

use std::fmt::Write as _;

use assay_inventory::FactId;
use assay_standards::coverage::{Coverage, DocumentStatus, Kind, StandardCoverage};
use assay_standards::scope::{Spec, Version};
use assay_testcases::{Demand, Registry, Testcase};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/testcases.md");
const WIDTH: usize = 110;

const INTRODUCTION: &str = "\
# Testcases

<!-- Made by crates/testcases/tests/docs.rs. To change it, change the testcases or the data and run
     UPDATE_DOCS=1 cargo test -p assay-testcases --test docs -->

Every testcase that `assay` knows: what it checks, why, and what to do when it fails.

- **Level** says how binding the standard is, MUST, SHOULD or MAY, and at which place in the document.
- **Scope** says which versions of the scope ask for the testcase, by target. The target `main` decides the
  certificate; `recommended`, `preview` and `text` inform.
- **Readings**: the *official* reading gives the verdict of the reference suite, the *text* reading that of
  the standard's text. **Differs** tells where the two may part.
- **Facts** are what is asked of the cloud.
- **Limits** tell what the standard demands at this place and the testcase does not see.

";

#[test]
fn the_page_is_up_to_date() {
    let page = page();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(FILE, page).unwrap();
        return;
    }
    let found = std::fs::read_to_string(FILE).unwrap_or_default();
    let difference = found.lines().zip(page.lines()).position(|(found, wanted)| found != wanted);
    assert!(
        found == page,
        "docs/testcases.md is out of date from line {} on; run UPDATE_DOCS=1 cargo test -p assay-testcases --test docs",
        difference.unwrap_or(found.lines().count().min(page.lines().count())) + 1
    );
}

#[test]
fn the_page_is_easy_on_the_eye() {
    let page = page();
    let too_long: Vec<&str> = page
        .lines()
        .filter(|line| line.chars().count() > WIDTH && !line.starts_with('|') && !line.contains("https://"))
        .filter(|line| line.trim_start().contains(' '))
        .collect();
    assert!(too_long.is_empty(), "{too_long:#?}");
    assert!(!page.contains("\n\n\n"), "one empty line is enough");
    assert!(!page.lines().any(|line| line.ends_with(' ')), "blanks at the end of a line");
}

fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    overview(&mut page);
    for coverage in Coverage::all() {
        standard(&mut page, coverage);
    }
    page
}

fn overview(page: &mut String) {
    page.push_str("## Overview\n\nHow many demands each standard makes, in all its versions, and who looks at them.\n\n");
    page.push_str("| standard | testcases | demands | tested | in part | by a person | untestable |\n");
    page.push_str("|---|--:|--:|--:|--:|--:|--:|\n");
    for coverage in Coverage::all() {
        let counts = coverage.counts();
        let _ = writeln!(
            page,
            "| [{}](#{}) | {} | {} | {} | {} | {} | {} |",
            heading(coverage),
            anchor(&heading(coverage)),
            testcases_of(coverage).len(),
            counts.total(),
            counts.tested,
            counts.partly,
            counts.manual,
            counts.untestable,
        );
    }
}

fn heading(coverage: &StandardCoverage) -> String {
    format!("{} {}", coverage.standard, coverage.title)
}

/// The anchor that GitHub makes of a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|character| character.is_alphanumeric() || " -_".contains(*character));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

fn testcases_of(coverage: &StandardCoverage) -> Vec<&'static Testcase> {
    let belongs = |testcase: &&Testcase| {
        Coverage::of(testcase.standard).is_some_and(|its| its.standard == coverage.standard)
    };
    Registry::get().testcases().filter(belongs).collect()
}

fn standard(page: &mut String, coverage: &StandardCoverage) {
    let _ = write!(page, "\n## {}\n\n", heading(coverage));
    let versions: Vec<String> = coverage
        .versions
        .iter()
        .map(|version| {
            let status = match version.status {
                DocumentStatus::Draft => "draft",
                DocumentStatus::Stable => "stable",
                DocumentStatus::Deprecated => "deprecated",
            };
            let since = version.stabilized_at.or(version.deprecated_at);
            let since = since.map(|date| format!(" since {date}")).unwrap_or_default();
            format!("[{}]({}), {status}{since}", version.version, version.url)
        })
        .collect();
    match versions.as_slice() {
        [one] => wrap(page, "", one),
        several => several.iter().for_each(|version| wrap(page, "- ", version)),
    }
    let testcases = testcases_of(coverage);
    if testcases.is_empty() {
        page.push('\n');
        wrap(page, "", &format!("No testcase. {}", demands(coverage)));
    }
    for family in families(testcases) {
        block(page, &family, coverage);
    }
}

/// How the demands of a standard without testcases are looked at.
fn demands(coverage: &StandardCoverage) -> String {
    let counts = coverage.counts();
    match (counts.manual, counts.untestable) {
        (0, untestable) => {
            format!("None of its {untestable} statements binds a cloud in a way that can be seen.")
        }
        (1, 0) => "A person must look at its one demand.".to_owned(),
        (manual, 0) => format!("A person must look at its {manual} demands."),
        (manual, untestable) => {
            format!("A person must look at {manual} of its demands; {untestable} cannot be tested at all.")
        }
    }
}

/// Testcases that are explained by the same words, in the order of their first one.
fn families(testcases: Vec<&'static Testcase>) -> Vec<Vec<&'static Testcase>> {
    let mut families: Vec<Vec<&'static Testcase>> = Vec::new();
    for testcase in testcases {
        let is_kin = |family: &&mut Vec<&'static Testcase>| {
            family.first().is_some_and(|first| {
                first.explanation == testcase.explanation
                    && first.own == testcase.own
                    && first.official_facts == testcase.official_facts
            })
        };
        match families.iter_mut().find(is_kin) {
            Some(family) => family.push(testcase),
            None => families.push(vec![testcase]),
        }
    }
    families
}

/// What is said of a testcase, label and value.
type Lines = Vec<(&'static str, String)>;

fn lines(testcase: &Testcase, coverage: &StandardCoverage) -> Lines {
    let level = match testcase.demand {
        Demand::Must => "MUST",
        Demand::Should => "SHOULD",
        Demand::May => "MAY",
    };
    let mut lines = vec![("Level", format!("{level} by {}, {}", testcase.standard, testcase.clause))];
    let listed = Spec::embedded_iaas().testcase(&testcase.id);
    lines.push(("Scope", scope(&testcase.id)));
    let is_manual = listed.is_some_and(|listed| listed.manual);
    let readings = match (is_manual, testcase.own) {
        (true, _) => "a person decides",
        (false, true) => "text alone; the testcase is our own and in no official report",
        (false, false) => "official and text",
    };
    lines.push(("Readings", readings.to_owned()));
    let labels = |facts: &[FactId]| facts.iter().map(|fact| fact.label()).collect::<Vec<_>>().join(", ");
    match (testcase.official_facts, testcase.text_facts) {
        ([], []) => {}
        (official, []) => lines.push(("Facts", labels(official))),
        (all, more) if testcase.own => lines.push(("Facts", labels(&[all, more].concat()))),
        (official, text) => {
            let facts = format!("{}; for the text reading also {}", labels(official), labels(text));
            lines.push(("Facts", facts));
        }
    }
    lines.push(("Remedy", testcase.remedy.to_string()));
    if let Some(beyond) = coverage.beyond(&testcase.id) {
        lines.push(("Not in the text", beyond.why.clone()));
    }
    let mut partly: Vec<&str> = Vec::new();
    for statement in coverage.statements_of(&testcase.id) {
        if let Kind::Tested { partly: Some(rest), .. } = &statement.kind
            && !partly.contains(&rest.as_str())
        {
            partly.push(rest);
        }
    }
    lines.extend(partly.into_iter().map(|rest| ("Limits", format!("{rest}."))));
    lines.extend(coverage.differences_of(&testcase.id).map(|difference| ("Differs", difference.to_owned())));
    lines
}

/// Versions of the scope that ask for a testcase, by target.
fn scope(id: &str) -> String {
    let versions: Vec<&Version> = Spec::embedded_iaas().versions.iter().rev().collect();
    let mut by_target: Vec<(&str, Vec<&str>)> = Vec::new();
    for version in versions {
        let Some(target) = version.target_of(id) else { continue };
        match by_target.iter_mut().find(|(known, _)| *known == target) {
            Some((_, names)) => names.push(&version.name),
            None => by_target.push((target, vec![&version.name])),
        }
    }
    if by_target.is_empty() {
        return "no version asks for it".to_owned();
    }
    let shown = by_target.iter().map(|(target, names)| format!("`{target}` in {}", names.join(", ")));
    shown.collect::<Vec<_>>().join("; ")
}

fn block(page: &mut String, family: &[&'static Testcase], coverage: &StandardCoverage) {
    let members: Vec<(&Testcase, Lines)> =
        family.iter().map(|testcase| (*testcase, lines(testcase, coverage))).collect();
    let prefix = prefix(family);
    // Each line once, with the members that it is about.
    let mut shared: Vec<(&(&str, String), Vec<&str>)> = Vec::new();
    for (testcase, lines) in &members {
        let short = testcase.id.strip_prefix(prefix).unwrap_or(&testcase.id);
        for line in lines {
            match shared.iter_mut().find(|(known, _)| *known == line) {
                Some((_, about)) => about.push(short),
                None => shared.push((line, vec![short])),
            }
        }
    }
    let is_long = |label: &str| !matches!(label, "Level" | "Scope");
    let is_shared =
        |label: &str, about: &[&str]| about.len() == members.len() || (about.len() > 1 && is_long(label));

    match members.as_slice() {
        [(one, _)] => {
            let _ = write!(page, "\n### {}\n\n", one.id);
            wrap(page, "", &format!("**{}.** {}", one.title, one.explanation));
        }
        [(first, _), ..] => {
            let _ = write!(page, "\n### {prefix}… ({} testcases)\n\n", members.len());
            wrap(page, "", first.explanation);
        }
        [] => return,
    }
    page.push('\n');
    for ((label, value), about) in shared.iter().filter(|((label, _), about)| is_shared(label, about)) {
        let is_about_all = about.len() == members.len();
        let whom = if is_about_all { String::new() } else { format!(" for {}", about.join(", ")) };
        wrap(page, "- ", &format!("**{label}**{whom}: {value}"));
    }
    if members.len() == 1 {
        return;
    }
    page.push('\n');
    for (testcase, lines) in &members {
        let is_its_own = |line: &&(&str, String)| {
            shared.iter().any(|(known, about)| *known == *line && !is_shared(line.0, about))
        };
        let own = || lines.iter().filter(is_its_own);
        let short: Vec<&str> =
            own().filter(|(label, _)| !is_long(label)).map(|(_, value)| value.as_str()).collect();
        let short = if short.is_empty() { String::new() } else { format!(" ({})", short.join("; ")) };
        wrap(page, "- ", &format!("**{}**: {}{short}.", testcase.id, testcase.title));
        for (label, value) in own().filter(|(label, _)| is_long(label)) {
            wrap(page, "  - ", &format!("{label}: {value}"));
        }
    }
}

/// What the ids of a family begin with, up to a dash.
fn prefix(family: &[&'static Testcase]) -> &'static str {
    let Some(first) = family.first() else { return "" };
    let first: &'static str = &first.id;
    let mut starts = first.match_indices('-').filter_map(|(end, _)| first.get(..=end));
    let is_shared = |start: &&str| family.iter().all(|testcase| testcase.id.starts_with(start));
    starts.rfind(is_shared).unwrap_or_default()
}

/// A paragraph or a list item of readable width; what follows the first line is indented like its text.
fn wrap(page: &mut String, bullet: &str, text: &str) {
    let indent = " ".repeat(bullet.len());
    let mut line = bullet.to_owned();
    let mut is_empty = true;
    for word in text.replace('<', "\\<").split_whitespace() {
        if !is_empty && line.chars().count() + 1 + word.chars().count() > WIDTH {
            page.push_str(&line);
            page.push('\n');
            line.clone_from(&indent);
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    page.push_str(&line);
    page.push('\n');
}
