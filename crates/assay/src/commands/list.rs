//! `assay list`: the testcases of a run, or all that the program knows.

use assay_testcases::Registry;
use jiff::Timestamp;
use serde_json::json;

use crate::against;
use crate::args::{List, Listing};
use crate::commands::explain::demand;
use crate::failure::Failure;
use crate::human::{Table, bold, dim, painted, plain};
use crate::output::print;

struct Row {
    id: String,
    title: String,
    demand: &'static str,
    standard: String,
    places: Vec<(String, String)>,
    own: bool,
    manual: bool,
}

pub(crate) fn run(arguments: &List) -> Result<u8, Failure> {
    let rows = rows(arguments)?;
    match arguments.format {
        Listing::Json => {
            let list: Vec<_> = rows
                .iter()
                .map(|row| {
                    let places: Vec<_> = row
                        .places
                        .iter()
                        .map(|(version, target)| json!({"version": version, "target": target}))
                        .collect();
                    json!({"id": row.id, "title": row.title, "standard": row.standard, "demand": row.demand,
                           "places": places, "own": row.own, "manual": row.manual})
                })
                .collect();
            print(&format!("{:#}\n", json!(list)))?;
        }
        Listing::Human => {
            let mut table = Table::default();
            for row in &rows {
                let places: Vec<String> =
                    row.places.iter().map(|(version, target)| format!("{version} {target}")).collect();
                let mut kind = String::new();
                if row.own {
                    kind.push_str("text only");
                }
                if row.manual {
                    kind.push_str("manual");
                }
                table.row([
                    painted(row.id.clone(), |text| bold(text)),
                    plain(row.demand),
                    painted(kind, |text| dim(text)),
                    plain(places.join(", ")),
                ]);
            }
            print(&table.render(""))?;
        }
    }
    Ok(0)
}

fn rows(arguments: &List) -> Result<Vec<Row>, Failure> {
    let spec = against::spec(arguments.against.spec.as_deref())?;
    let date = against::reference_date(&arguments.against, Timestamp::now());
    let registry = Registry::get();
    if arguments.all {
        let rows = registry.testcases().map(|known| Row {
            id: known.id.to_string(),
            title: known.title.to_string(),
            demand: demand(known.demand),
            standard: known.standard.into(),
            places: spec
                .versions
                .iter()
                .filter_map(|version| Some((version.name.clone(), version.target_of(&known.id)?.to_owned())))
                .collect(),
            own: known.own,
            manual: spec.testcase(&known.id).is_some_and(|listed| listed.manual),
        });
        return Ok(rows.collect());
    }
    let selection = against::select(&spec, &arguments.against, date)?;
    let rows = selection.testcases.iter().map(|selected| {
        let listed = selected.testcase;
        let known = registry.find(&listed.id);
        Row {
            id: listed.id.clone(),
            title: known.map_or_else(|| listed.description.clone(), |known| known.title.to_string()),
            demand: known.map_or("", |known| demand(known.demand)),
            standard: known.map_or_else(String::new, |known| known.standard.into()),
            places: selected
                .places
                .iter()
                .map(|(version, target)| ((*version).to_owned(), (*target).to_owned()))
                .collect(),
            own: listed.own,
            manual: listed.manual,
        }
    });
    Ok(rows.collect())
}
