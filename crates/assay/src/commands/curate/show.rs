//! Plans and what became of them, for people and for programs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use assay_curate::{Action, Change, Outcome, Plan, Verb};
use serde::Serialize;

use crate::args::Listing;
use crate::failure::Failure;
use crate::human::{bad, bold, columns, dim, good, printable, warn, wrapped};

/// The version of the format.
const VERSION: u32 = 1;

/// The document. Fields may be added, never renamed or given another meaning.
#[derive(Serialize)]
struct Document<'a> {
    format: &'static str,
    version: u32,
    cloud: &'a str,
    actions: Vec<Entry<'a>>,
    notes: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    outcomes: Option<Vec<Ended>>,
}

/// An action.
#[derive(Serialize)]
struct Entry<'a> {
    verb: &'static str,
    resource: &'static str,
    name: &'a str,
    id: Option<&'a str>,
    changes: Vec<Difference<'a>>,
    reason: &'a str,
    clause: Option<&'a str>,
    /// The places of the actions that must succeed before.
    after: &'a [usize],
}

#[derive(Serialize)]
struct Difference<'a> {
    field: &'a str,
    from: Option<&'a str>,
    to: Option<&'a str>,
}

#[derive(Serialize)]
struct Ended {
    /// The place of the action in the plan.
    action: usize,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

impl<'a> From<&'a Action> for Entry<'a> {
    fn from(action: &'a Action) -> Self {
        let difference = |change: &'a Change| Difference {
            field: &change.field,
            from: change.from.as_deref(),
            to: change.to.as_deref(),
        };
        Entry {
            verb: action.verb.word(),
            resource: action.resource.word(),
            name: &action.name,
            id: action.id.as_deref(),
            changes: action.changes.iter().map(difference).collect(),
            reason: &action.reason,
            clause: action.clause.as_deref(),
            after: &action.after,
        }
    }
}

/// A plan.
pub(super) fn plan(plan: &Plan, cloud: &str, format: Listing) -> Result<String, Failure> {
    match format {
        Listing::Json => document(plan, cloud, None),
        Listing::Human => Ok(for_people(plan, cloud)),
    }
}

/// What became of a plan.
pub(super) fn outcomes(
    plan: &Plan,
    outcomes: &BTreeMap<usize, Outcome>,
    cloud: &str,
    format: Listing,
) -> Result<String, Failure> {
    match format {
        Listing::Json => {
            let ended = outcomes.iter().map(|(action, outcome)| ended(plan, *action, outcome)).collect();
            document(plan, cloud, Some(ended))
        }
        Listing::Human => Ok(done(plan, outcomes, cloud)),
    }
}

fn document(plan: &Plan, cloud: &str, outcomes: Option<Vec<Ended>>) -> Result<String, Failure> {
    let actions = plan.actions.iter().map(Entry::from).collect();
    let document =
        Document { format: "assay-plan", version: VERSION, cloud, actions, notes: &plan.notes, outcomes };
    let json = serde_json::to_string_pretty(&document)
        .map_err(|error| Failure::usage(error, "this is a defect of assay; please report it"))?;
    Ok(json + "\n")
}

fn ended(plan: &Plan, action: usize, outcome: &Outcome) -> Ended {
    let (outcome, why) = match outcome {
        Outcome::Done => ("done", None),
        Outcome::Failed(why) => ("failed", Some(why.to_string())),
        Outcome::NotTried(first) => ("not-tried", Some(format!("{} failed", what(&plan.actions[*first])))),
        Outcome::Interrupted => ("interrupted", None),
    };
    Ended { action, outcome, why }
}

fn what(action: &Action) -> String {
    format!("{} {} {}", action.verb.word(), action.resource.word(), printable(&action.name))
}

fn for_people(plan: &Plan, cloud: &str) -> String {
    let mut text = format!("{}: {}\n", bold(cloud), summary(plan));
    for action in &plan.actions {
        let _ = write!(text, "\n{}", entry(action));
    }
    if !plan.notes.is_empty() {
        text.push('\n');
    }
    for note in &plan.notes {
        let line = wrapped(&printable(note), columns().saturating_sub(2), "", "        ");
        let _ = writeln!(text, "  {} {line}", dim("note:"));
    }
    text
}

fn summary(plan: &Plan) -> String {
    let counted = Verb::ALL.map(|verb| match plan.count(verb) {
        0 => None,
        count if verb == Verb::Blocked => Some(format!("{count} blocked")),
        count => Some(format!("{count} to {}", verb.word())),
    });
    let counted: Vec<String> = counted.into_iter().flatten().collect();
    match counted.is_empty() {
        true => "nothing to do".to_owned(),
        false => counted.join(", "),
    }
}

/// An action with what differs below it.
fn entry(action: &Action) -> String {
    let head = format!("{} {}", action.resource.word(), printable(&action.name));
    let head = match action.verb {
        Verb::Create | Verb::Import | Verb::Upload => good(format!("+ {head}")),
        Verb::Set | Verb::Unset | Verb::Rename | Verb::Hide | Verb::Deactivate => warn(format!("~ {head}")),
        Verb::Delete => bad(format!("- {head}")),
        Verb::Blocked => bad(format!("! {head}")),
    };
    let clause = action.clause.iter().map(|clause| format!(" [{clause}]")).collect::<String>();
    let reason = format!("{}{clause}", printable(&action.reason));
    let mut text = format!("  {head}\n");
    let _ = writeln!(text, "{}", dim(wrapped(&reason, columns(), "      ", "      ")));
    let width = action.changes.iter().map(|change| change.field.len()).max().unwrap_or(0);
    for change in &action.changes {
        let _ = writeln!(text, "      {:<width$}  {}", printable(&change.field), difference(change));
    }
    text
}

fn difference(change: &Change) -> String {
    match (&change.from, &change.to) {
        (None, Some(to)) => good(printable(to)),
        (Some(from), None) => format!("{} → {}", bad(printable(from)), dim("gone")),
        (Some(from), Some(to)) => format!("{} → {}", bad(printable(from)), good(printable(to))),
        (None, None) => String::new(),
    }
}

fn done(plan: &Plan, outcomes: &BTreeMap<usize, Outcome>, cloud: &str) -> String {
    let count = |wanted: fn(&Outcome) -> bool| outcomes.values().filter(|outcome| wanted(outcome)).count();
    let succeeded = count(|outcome| matches!(outcome, Outcome::Done));
    let mut text = format!("{}: {succeeded} of {} done", bold(cloud), outcomes.len());
    let blocked = plan.count(Verb::Blocked);
    if blocked > 0 {
        let _ = write!(text, ", {blocked} blocked");
    }
    text.push('\n');
    for (index, outcome) in outcomes {
        let action = &plan.actions[*index];
        let (mark, why) = match outcome {
            Outcome::Done => (good("done  "), String::new()),
            Outcome::Failed(why) => (bad("failed"), why.to_string()),
            Outcome::NotTried(first) => (warn("left  "), format!("{} failed", what(&plan.actions[*first]))),
            Outcome::Interrupted => (warn("left  "), "interrupted".to_owned()),
        };
        let _ = writeln!(text, "  {mark} {}", what(action));
        if !why.is_empty() {
            let _ = writeln!(text, "{}", wrapped(&printable(&why), columns(), "         ", "         "));
        }
    }
    for action in plan.actions.iter().filter(|action| action.verb == Verb::Blocked) {
        let _ = write!(text, "\n{}", entry(action));
    }
    text
}
