//! Plans and what became of them, for people and for programs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use assay_curate::{Action, Change, Outcome, Plan, Question, Verb};
use schemars::JsonSchema;
use serde::Serialize;

use crate::args::Listing;
use crate::failure::Failure;
use crate::human::{bad, bold, columns, dim, good, printable, warn, wrapped};

/// The version of the format.
const VERSION: u32 = 1;

/// What separates a cloud from what is wanted, and what became of it. Fields may be added, never renamed or given another
/// meaning.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "assay plan, version 1")]
struct Document<'a> {
    #[schemars(extend("const" = "assay-plan"))]
    format: &'static str,
    #[schemars(extend("const" = 1))]
    version: u32,
    /// The name of the cloud in clouds.yaml.
    cloud: &'a str,
    /// What is to be done, in an order in which it can be done. Empty where the cloud is as it should be.
    actions: Vec<Entry<'a>>,
    /// What is worth knowing and calls for no action.
    notes: &'a [String],
    /// What nobody but the operator can say; no difference.
    questions: Vec<Open<'a>>,
    /// What became of the actions that were tried; only after an apply.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcomes: Option<Vec<Ended>>,
}

/// An action.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Action")]
struct Entry<'a> {
    /// What is done.
    #[schemars(extend("enum" = Verb::ALL.map(Verb::word)))]
    verb: &'static str,
    /// To what kind of thing.
    resource: &'static str,
    /// Its name.
    name: &'a str,
    /// Its id, if it exists.
    id: Option<&'a str>,
    /// What differs.
    changes: Vec<Difference<'a>>,
    /// Why.
    reason: &'a str,
    /// The clause that demands it, if one does.
    clause: Option<&'a str>,
    /// The places of the actions that must succeed before.
    after: &'a [usize],
}

/// A field that differs.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Change")]
struct Difference<'a> {
    field: &'a str,
    /// What it is; null if it is not set.
    from: Option<&'a str>,
    /// What it is to be; null if it is to go.
    to: Option<&'a str>,
}

/// A question.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Question")]
struct Open<'a> {
    resource: &'static str,
    name: &'a str,
    id: Option<&'a str>,
    /// The field that lacks a value.
    field: &'a str,
    /// What may stand there, as a phrase.
    expected: &'a str,
    /// What was seen, as a phrase.
    found: &'a str,
    /// What others often answer.
    suggestion: Option<&'a str>,
    clause: &'a str,
}

impl<'a> From<&'a Question> for Open<'a> {
    fn from(question: &'a Question) -> Self {
        Open {
            resource: question.resource.word(),
            name: &question.name,
            id: question.id.as_deref(),
            field: &question.field,
            expected: &question.expected,
            found: &question.found,
            suggestion: question.suggestion.as_deref(),
            clause: &question.clause,
        }
    }
}

/// What became of an action.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Outcome")]
struct Ended {
    /// The place of the action in the plan.
    action: usize,
    #[schemars(extend("enum" = ["done", "failed", "not-tried", "interrupted"]))]
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
    let questions = plan.questions.iter().map(Open::from).collect();
    let document = Document {
        format: "assay-plan",
        version: VERSION,
        cloud,
        actions,
        notes: &plan.notes,
        questions,
        outcomes,
    };
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
    text.push_str(&questions(plan, cloud));
    if !plan.notes.is_empty() {
        text.push('\n');
    }
    for note in &plan.notes {
        let lines = wrapped(note, columns(), "        ", "        ");
        let _ = writeln!(text, "  {} {}", dim("note:"), lines.trim_start());
    }
    text
}

/// What is left to the operator, below the things that it is about.
fn questions(plan: &Plan, cloud: &str) -> String {
    let mut text = String::new();
    let mut before = None;
    let width = plan.questions.iter().map(|question| question.field.len()).max().unwrap_or(0).min(24);
    for question in &plan.questions {
        let about = (question.resource, &question.id);
        if before != Some(about) {
            let head = format!("? {} {}", question.resource.word(), printable(&question.name));
            let _ = writeln!(text, "\n  {}", bold(head));
        }
        before = Some(about);
        let suggestion = question.suggestion.iter().map(|one| format!(" ({one}?)")).collect::<String>();
        let what = printable(&format!("{}{suggestion}", question.expected));
        let line = format!("{:<width$}  {what}", printable(&question.field));
        let indent = " ".repeat(8 + width);
        let _ = writeln!(text, "{}", wrapped(&line, columns(), "      ", &indent));
    }
    if !text.is_empty() {
        let hint =
            format!("Only you can say these: assay questions {cloud} > FILE, then plan with --answers FILE.");
        let _ = writeln!(text, "\n{}", dim(wrapped(&printable(&hint), columns(), "  ", "  ")));
    }
    text
}

fn summary(plan: &Plan) -> String {
    let counted = Verb::ALL.map(|verb| match plan.count(verb) {
        0 => None,
        count if verb == Verb::Blocked => Some(format!("{count} blocked")),
        count => Some(format!("{count} to {}", verb.word())),
    });
    let mut counted: Vec<String> = counted.into_iter().flatten().collect();
    if counted.is_empty() {
        counted.push("nothing to do".to_owned());
    }
    match plan.questions.len() {
        0 => {}
        1 => counted.push("1 open question".to_owned()),
        count => counted.push(format!("{count} open questions")),
    }
    counted.join(", ")
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
        let field = printable(&change.field);
        let shown = |value: &Option<String>| value.as_deref().map_or(0, |value| value.chars().count() + 3);
        let is_long = 8 + width + shown(&change.from) + shown(&change.to) > columns();
        let gap = if is_long { format!("\n{:indent$}", "", indent = 8 + width) } else { " ".to_owned() };
        let _ = writeln!(text, "      {field:<width$}  {}", difference(change, &gap));
    }
    text
}

/// What a field was and is to be, with a gap before the arrow.
fn difference(change: &Change, gap: &str) -> String {
    match (&change.from, &change.to) {
        (None, Some(to)) => good(printable(to)),
        (Some(from), None) => format!("{}{gap}→ {}", bad(printable(from)), dim("gone")),
        (Some(from), Some(to)) => format!("{}{gap}→ {}", bad(printable(from)), good(printable(to))),
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use assay_curate::{Question, Resource};
    use serde_json::Value;

    use super::*;

    fn schema() -> String {
        serde_json::to_string_pretty(&schemars::schema_for!(Document<'_>)).unwrap() + "\n"
    }

    fn some_plan() -> Plan {
        let action = |verb, after| Action {
            verb,
            resource: Resource::VolumeType,
            name: "LUKS\u{1b}[31m".to_owned(),
            id: Some("1".to_owned()),
            changes: vec![Change {
                field: "description".to_owned(),
                from: Some("Disks that nobody can read who does not have the key for them".to_owned()),
                to: Some("[scs:encrypted] Disks that nobody can read".to_owned()),
            }],
            reason: "cinder shows what it is".to_owned(),
            clause: Some("scs-0114-v1, volume type description".to_owned()),
            after,
            step: None,
        };
        let question = |field: &str, suggestion: Option<&str>| Question {
            resource: Resource::Image,
            name: "Ubuntu 20.04".to_owned(),
            id: Some("2".to_owned()),
            field: field.to_owned(),
            expected: "one of yearly, quarterly, monthly, weekly, daily, critical_bug, never".to_owned(),
            found: "it is not set".to_owned(),
            suggestion: suggestion.map(str::to_owned),
            clause: "scs-0102, image updating".to_owned(),
        };
        Plan {
            actions: vec![action(Verb::Set, Vec::new()), action(Verb::Blocked, vec![0])],
            notes: vec![
                "SCS-2V-8 is there under the name \"m5.large\"; a flavor cannot be renamed, and nobody minds"
                    .to_owned(),
            ],
            questions: vec![question("replace_frequency", Some("never")), question("image_source", None)],
        }
    }

    #[test]
    fn people_see_what_differs_and_what_is_asked() {
        insta::assert_snapshot!(for_people(&some_plan(), "mycloud"));
    }

    #[test]
    fn the_published_schema_is_up_to_date_and_documents_obey_it() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema/plan-v1.schema.json");
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            std::fs::write(&path, schema()).unwrap();
        }
        let published = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            published == schema(),
            "docs/schema/plan-v1.schema.json does not match the code; run the tests with UPDATE_SCHEMA=1 and look at what changed"
        );
        let schema: Value = serde_json::from_str(&published).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let ended = BTreeMap::from([(0, Outcome::Done), (1, Outcome::NotTried(0))]);
        for text in [
            plan(&some_plan(), "mycloud", Listing::Json),
            outcomes(&some_plan(), &ended, "mycloud", Listing::Json),
            plan(&Plan::default(), "mycloud", Listing::Json),
        ] {
            let mut document: Value = serde_json::from_str(&text.unwrap()).unwrap();
            let problems: Vec<String> =
                validator.iter_errors(&document).map(|error| error.to_string()).collect();
            assert!(problems.is_empty(), "{problems:#?}");
            document["version"] = 2.into();
            assert!(!validator.is_valid(&document), "the schema constrains nothing");
        }
    }
}
