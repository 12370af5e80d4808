//! `assay coverage`: which statement of which standard is covered by what.

use std::fmt::Write as _;

use assay_standards::coverage::{Counts, Coverage, Kind, StandardCoverage, Statement};
use serde_json::json;

use crate::args::{self, Listing};
use crate::failure::Failure;
use crate::human::{Table, bold, columns, dim, good, plain, warn, wrapped};
use crate::output::print;

pub(crate) fn run(arguments: &args::Coverage) -> Result<u8, Failure> {
    let wanted = |standard: &&StandardCoverage| {
        arguments.standard.as_deref().is_none_or(|prefix| {
            standard.standard.starts_with(prefix)
                || standard.standard.trim_start_matches("scs-").starts_with(prefix)
        })
    };
    let standards: Vec<&StandardCoverage> = Coverage::all().iter().filter(wanted).collect();
    if standards.is_empty() {
        return Err(Failure::usage(
            format!("there is no standard {}", arguments.standard.as_deref().unwrap_or_default()),
            "`assay coverage` shows all of them; name one by its number, such as 0102",
        ));
    }
    let text = match (arguments.format, arguments.standard.is_some()) {
        (Listing::Json, _) => for_programs(&standards),
        (Listing::Human, true) => {
            standards.iter().map(|standard| statements(standard)).collect::<Vec<_>>().join("\n")
        }
        (Listing::Human, false) => matrix(&standards),
    };
    print(&text)?;
    Ok(0)
}

fn counts_row(name: (String, String), title: &str, counts: Counts, table: &mut Table) {
    let number = |count: usize| plain(if count == 0 { "·".to_owned() } else { count.to_string() });
    table.row([
        name,
        number(counts.tested),
        number(counts.partly),
        number(counts.manual),
        number(counts.untestable),
        plain(title),
    ]);
}

/// One line per standard, and the sums.
fn matrix(standards: &[&StandardCoverage]) -> String {
    let mut table = Table::default();
    table.row(
        ["statements", "tested", "partly", "manual", "untestable", ""]
            .map(|word| (word.to_owned(), dim(word))),
    );
    for standard in standards {
        let name = (standard.standard.clone(), bold(&standard.standard));
        counts_row(name, &standard.title, standard.counts(), &mut table);
    }
    let sum: Counts = standards.iter().map(|standard| standard.counts()).sum();
    counts_row(plain("all"), &format!("{} statements", sum.total()), sum, &mut table);
    let mut text = table.render("");
    text.push_str(&dim("\nassay coverage NUMBER shows the statements of a standard, such as 0102.\n"));
    text
}

/// Every statement of a standard, with what covers it.
fn statements(standard: &StandardCoverage) -> String {
    let width = columns();
    let mut text = format!("{} {}\n", bold(&standard.standard), standard.title);
    for Statement { level, text: words, clause, kind, versions, .. } in &standard.statements {
        let only = if versions.is_empty() || standard.versions.len() == 1 {
            String::new()
        } else {
            format!(" ({} only)", versions.join(", "))
        };
        let head = format!("{} {words}{only}", level.word().to_uppercase());
        text.push_str(&wrapped(&head, width, "  • ", "    "));
        text.push('\n');
        let (mark, how) = match kind {
            Kind::Tested { testcases, partly: None } => (good("tested"), testcases.join(", ")),
            Kind::Tested { testcases, partly: Some(gap) } => {
                (warn("partly"), format!("{}; not: {gap}", testcases.join(", ")))
            }
            Kind::Manual { look_at, .. } => (warn("manual"), look_at.clone()),
            Kind::Untestable { reason } => (dim("untestable"), reason.clone()),
        };
        let how = wrapped(&how, width, "      ", "      ");
        let _ = writeln!(text, "    {mark} {}\n{how}", dim(clause));
    }
    text
}

fn for_programs(standards: &[&StandardCoverage]) -> String {
    let list: Vec<_> = standards
        .iter()
        .map(|standard| {
            let statements: Vec<_> = standard
                .statements
                .iter()
                .map(|statement| {
                    let kind = match &statement.kind {
                        Kind::Tested { testcases, partly } => {
                            json!({"tested": testcases, "not_tested": partly})
                        }
                        Kind::Manual { look_at, testcase } => {
                            json!({"manual": look_at, "testcase": testcase})
                        }
                        Kind::Untestable { reason } => json!({"untestable": reason}),
                    };
                    json!({"id": statement.id, "level": statement.level.word(), "text": statement.text,
                           "clause": statement.clause, "versions": statement.versions, "covered": kind})
                })
                .collect();
            json!({"standard": standard.standard, "title": standard.title, "statements": statements})
        })
        .collect();
    format!("{:#}\n", json!(list))
}
