//! `assay explain`: what a testcase wants.

use assay_inventory::{FactId, Section};
use assay_standards::scope::Spec;
use assay_testcases::{Demand, Registry, Testcase};

use crate::args::Explain;
use crate::failure::Failure;
use crate::human::{Table, bold, columns, plain, wrapped};
use crate::output::print;

pub(crate) fn run(arguments: &Explain) -> Result<u8, Failure> {
    let id = arguments.testcase.as_str();
    let spec = Spec::embedded_iaas();
    let Some(testcase) = Registry::get().find(id) else {
        return Err(Failure::usage(
            format!("there is no testcase {id}{}", similar(id)),
            "`assay list --all` lists them",
        ));
    };
    print(&text(testcase, spec))?;
    Ok(0)
}

/// Testcases whose ids contain what was typed.
fn similar(id: &str) -> String {
    let bare = id.trim_start_matches("scs-");
    let near: Vec<&str> = Registry::get()
        .testcases()
        .map(|testcase| testcase.id.as_ref())
        .filter(|known| !bare.is_empty() && known.contains(bare))
        .take(5)
        .collect();
    match near.is_empty() {
        true => String::new(),
        false => format!("; did you mean {}?", near.join(", ")),
    }
}

fn text(testcase: &Testcase, spec: &Spec) -> String {
    let width = columns();
    let listed = spec.testcase(&testcase.id);
    let mut text = format!("{}\n", bold(&testcase.id));
    let mut paragraph = |words: &str| {
        text.push_str(&wrapped(words, width, "", ""));
        text.push_str("\n\n");
    };
    paragraph(&testcase.title);
    paragraph(testcase.explanation);
    paragraph(&format!("→ {}", testcase.remedy));

    let mut table = Table::default();
    table.row([plain("standard"), plain(format!("{}, {}", testcase.standard, testcase.clause))]);
    table.row([plain("demand"), plain(demand(testcase.demand))]);
    let places: Vec<String> = spec
        .versions
        .iter()
        .filter_map(|version| Some(format!("{} {}", version.name, version.target_of(&testcase.id)?)))
        .collect();
    let places = if places.is_empty() { not_included(listed.is_some()).into() } else { places.join(", ") };
    table.row([plain("counts in"), plain(places)]);
    table.row([
        plain("readings"),
        plain(if testcase.own {
            "text (the reference suite has no such testcase)"
        } else {
            "official and text"
        }),
    ]);
    table.row([plain("facts"), plain(facts(testcase))]);
    if let Some(section) = testcase.section() {
        table.row([plain("section"), plain(format!("{section} ({})", what_it_takes(section)))]);
    }
    if let Some(url) = listed.and_then(|listed| listed.url.as_deref()) {
        table.row([plain("read more"), plain(url)]);
    }
    text.push_str(&table.render(""));
    text
}

fn what_it_takes(section: Section) -> &'static str {
    match section {
        Section::Light => "reads only",
        Section::Medium => "creates things and removes them again",
        Section::Heavy => "starts a virtual machine, or runs Tempest",
    }
}

fn not_included(is_listed: bool) -> &'static str {
    if is_listed {
        "no version; --testcases asks for it by its id"
    } else {
        "no built-in scope; a spec of your own may name it"
    }
}

pub(crate) fn demand(demand: Demand) -> &'static str {
    match demand {
        Demand::Must => "must",
        Demand::Should => "should",
        Demand::May => "may",
    }
}

fn facts(testcase: &Testcase) -> String {
    let labels = |facts: &[FactId]| facts.iter().map(|fact| fact.label()).collect::<Vec<_>>().join(", ");
    match (testcase.official_facts, testcase.text_facts) {
        ([], []) => "none: a person must look".into(),
        (facts, []) => labels(facts),
        (facts, more) => format!("{}; text reading also {}", labels(facts), labels(more)),
    }
}
