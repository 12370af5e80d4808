//! `assay scope`: versions of the scope, and what changes between them.

use std::path::Path;

use assay_inventory::Inventory;
use assay_standards::Verdict;
use assay_standards::scope::{Spec, Version, diff};
use assay_testcases::{Judgement, judge};
use jiff::Timestamp;
use jiff::civil::Date;

use crate::against;
use crate::args::Scope;
use crate::commands::check;
use crate::failure::Failure;
use crate::human::{Table, bold, columns, dim, painted, plain, verdict, wrapped};
use crate::output::print;

pub(crate) fn run(arguments: &Scope) -> Result<u8, Failure> {
    match arguments {
        Scope::Show { version, spec, date } => {
            let spec = against::spec(spec.as_deref())?;
            let date = date.unwrap_or_else(|| against::day(Timestamp::now()));
            let text = match version {
                None => overview(&spec, date),
                Some(name) => details(&spec, find(&spec, name)?, date),
            };
            print(&text)?;
            Ok(0)
        }
        Scope::Diff { from, to, spec, snapshot, now } => {
            let spec = against::spec(spec.as_deref())?;
            compare(&spec, from, to, snapshot.as_deref(), *now)
        }
    }
}

fn find<'s>(spec: &'s Spec, name: &str) -> Result<&'s Version, Failure> {
    spec.version(name).ok_or_else(|| {
        let known: Vec<&str> = spec.versions.iter().map(|version| version.name.as_str()).collect();
        Failure::usage(
            format!("the scope {} has no version {name}", spec.name),
            format!("it has {}", known.join(", ")),
        )
    })
}

fn overview(spec: &Spec, date: Date) -> String {
    let mut text = format!("{} on {date}\n{}\n\n", bold(&spec.name), dim(&spec.url));
    let mut table = Table::default();
    for version in &spec.versions {
        let listed = spec.timeline.at(date).and_then(|entry| entry.validity(&version.name));
        let targets: Vec<String> = version
            .targets
            .iter()
            .map(|target| format!("{} {}", target.testcases.len(), target.name))
            .collect();
        table.row([
            painted(version.name.clone(), |text| bold(text)),
            plain(listed.map_or("not listed", |validity| validity.as_str())),
            plain(version.stabilized_at.map_or("not stable".into(), |date| format!("stable since {date}"))),
            plain(targets.join(", ")),
        ]);
    }
    text.push_str(&table.render("  "));
    text.push_str("\nTimeline\n");
    let mut table = Table::default();
    for entry in spec.timeline.entries() {
        let versions: Vec<String> = spec
            .versions
            .iter()
            .filter_map(|version| {
                Some(format!("{} {}", version.name, entry.validity(&version.name)?.as_str()))
            })
            .collect();
        table.row([plain(format!("from {}", entry.date)), plain(versions.join(", "))]);
    }
    text.push_str(&table.render("  "));
    text
}

fn details(spec: &Spec, version: &Version, date: Date) -> String {
    let validity = spec.validity_of(&version.name, date);
    let stable = version.stabilized_at.map_or("not stable".into(), |date| format!("stable since {date}"));
    let mut text = format!(
        "{} {} on {date}, {stable}\n\n",
        bold(format!("{} {}", spec.name, version.name)),
        validity.as_str()
    );
    let mut table = Table::default();
    for include in &version.includes {
        if let Some(module) = spec.module(&include.module) {
            let targets: Vec<String> =
                module.targets.iter().map(|(target, ids)| format!("{} {target}", ids.len())).collect();
            let targets = if targets.is_empty() { "no testcases".into() } else { targets.join(", ") };
            table.row([
                plain(module.id.clone()),
                plain(module.name.clone()),
                painted(targets, |text| dim(text)),
            ]);
        }
    }
    text.push_str(&table.render("  "));
    for target in &version.targets {
        let title = format!("\n{} ({})\n", target.name, target.testcases.len());
        text.push_str(&bold(title));
        let ids = target.testcases.join(", ");
        text.push_str(&wrapped(&ids, columns(), "  ", "  "));
        text.push('\n');
    }
    text
}

/// Which testcases come, go or move, and with a recording what the cloud would make of those that come.
fn compare(
    spec: &Spec,
    from: &str,
    to: &str,
    snapshot: Option<&Path>,
    now: Option<Timestamp>,
) -> Result<u8, Failure> {
    let change = diff(find(spec, from)?, find(spec, to)?);
    let inventory: Option<Inventory> = snapshot.map(check::read).transpose()?;
    let mut text = format!("{} {from} → {to}\n", bold(&spec.name));
    let mut fails = 0;
    let mut judged = |id: &str| -> Option<Judgement> {
        let inventory = inventory.as_ref()?;
        let now = now.unwrap_or(inventory.recorded_at);
        let (_, judgement) = judge(inventory, [id], now).pop()?;
        if judgement.official.unwrap_or(judgement.text) == Verdict::Fail {
            fails += 1;
        }
        Some(judgement)
    };
    let shown = |judgement: Option<&Judgement>| match judgement {
        None => plain(""),
        Some(judgement) => {
            let decided = judgement.official.unwrap_or(judgement.text);
            (decided.to_string(), verdict(decided))
        }
    };
    let mut table = Table::default();
    for (id, target) in &change.added {
        let judgement = judged(id);
        table.row([
            plain("+"),
            painted(id.clone(), |text| bold(text)),
            plain(target.clone()),
            shown(judgement.as_ref()),
        ]);
    }
    for (id, old, new) in &change.moved {
        let judgement = judged(id);
        table.row([
            plain("~"),
            painted(id.clone(), |text| bold(text)),
            plain(format!("{old} → {new}")),
            shown(judgement.as_ref()),
        ]);
    }
    for (id, target) in &change.removed {
        table.row([plain("-"), plain(id.clone()), plain(target.clone()), plain("")]);
    }
    text.push_str(&table.render("  "));
    if change.is_empty() {
        text.push_str("  both demand the same\n");
    }
    if inventory.is_some() {
        let line = format!("\nThis cloud would fail {fails} of the testcases that come or move.\n");
        text.push_str(&line);
    }
    print(&text)?;
    Ok(u8::from(fails > 0))
}
