//! Asks the operator what nobody else can say, one question after the other.

use std::collections::BTreeSet;

use assay_curate::repair::RefusedAnswers;
use assay_curate::{Plan, Question, Resource};

use super::Wanted;
use crate::failure::Failure;
use crate::human::{bold, columns, printable, wrapped};
use crate::output::is_yes;

/// What a question is about; several things of one name are asked about once.
type About = (Resource, String, String);

fn about(question: &Question) -> About {
    (question.resource, question.name.clone(), question.field.clone())
}

/// Asks the open questions of a plan. An answer that will not do is asked for again, one that is empty leaves the
/// question open, and the end of the input leaves all others open.
pub(super) async fn interview<W: Wanted>(
    seen: &mut W::Seen,
    ask: &mut impl AsyncFnMut(&str) -> Result<Option<String>, Failure>,
) -> Result<(), Failure> {
    let open = |seen: &W::Seen| W::plan(seen).map(|plan: Plan| plan.questions);
    // Answers that were refused before anybody was asked are told by the plan.
    let Ok(questions) = open(seen) else { return Ok(()) };
    let count = match questions.len() {
        0 => return Ok(()),
        1 => "1 question is open that only you can answer".to_owned(),
        count => format!("{count} questions are open that only you can answer"),
    };
    if !ask(&format!("{count}. Answer now? [y/N] ")).await?.is_some_and(|answer| is_yes(&answer)) {
        return Ok(());
    }
    let mut skipped: BTreeSet<About> = BTreeSet::new();
    let mut before = None;
    let mut hint = "Enter leaves a question open, Ctrl-D all that follow.\n".to_owned();
    let mut refusal: Option<String> = None;
    loop {
        let questions = open(seen).unwrap_or_default();
        let Some(question) = questions.into_iter().find(|question| !skipped.contains(&about(question)))
        else {
            return Ok(());
        };
        let thing = (question.resource, question.name.clone());
        let head = if before.as_ref() == Some(&thing) { String::new() } else { head(&question) };
        before = Some(thing);
        // What would do was just said.
        let text = refusal.take().unwrap_or_else(|| format!("{head}{}", body(&question)));
        let Some(text) = ask(&format!("{}{text}      > ", std::mem::take(&mut hint))).await? else {
            return Ok(());
        };
        if text.is_empty() {
            skipped.insert(about(&question));
            continue;
        }
        if let Err(refused) = give::<W>(seen, &question, &text) {
            refusal = Some(format!("{}\n", wrapped(&refused, columns(), "      ", "        ")));
            continue;
        }
        let same = |other: &&Question| {
            other.resource == question.resource
                && other.field == question.field
                && other.name != question.name
                && !skipped.contains(&about(other))
        };
        // Some answers settle others with them.
        let others: Vec<Question> =
            open(seen).unwrap_or_default().into_iter().filter(|other| same(&other)).collect();
        if others.is_empty() {
            continue;
        }
        let counted = if let [other] = &others[..] {
            printable(&other.name)
        } else {
            format!("{} others", others.len())
        };
        let prompt = format!("      The same for {counted}? [y/N] ");
        match ask(&prompt).await? {
            None => return Ok(()),
            // What will not do for one of them is asked when its turn comes.
            Some(answer) if is_yes(&answer) => others.iter().for_each(|other| {
                let _ = give::<W>(seen, other, &text);
            }),
            Some(_) => {}
        }
    }
}

/// Takes an answer if it will do.
fn give<W: Wanted>(seen: &mut W::Seen, question: &Question, text: &str) -> Result<(), String> {
    let Some(answers) = W::answers(seen) else { return Ok(()) };
    let before = answers.clone();
    // No list at all is written as in the file of answers.
    let told = |given: &str, expected: &str| format!("{} will not do; expected {expected}", printable(given));
    answers.give(question, if text == "[]" { "" } else { text }).map_err(|expected| told(text, &expected))?;
    W::plan(seen).map(|_| ()).map_err(|RefusedAnswers(refused)| {
        if let Some(answers) = W::answers(seen) {
            *answers = before;
        }
        // Another answer may be what does not go with this one.
        match refused.first() {
            Some(refused) if refused.given != text => {
                format!("then {}", told(&refused.given, &refused.expected))
            }
            Some(refused) => told(text, &refused.expected),
            None => told(text, &question.expected),
        }
    })
}

fn head(question: &Question) -> String {
    format!("\n  {}\n", bold(format!("? {} {}", question.resource.word(), printable(&question.name))))
}

fn body(question: &Question) -> String {
    let suggestion = question.suggestion.iter().map(|one| format!(" ({one}?)")).collect::<String>();
    let what = printable(&format!("{}: {}{suggestion}", question.field, question.expected));
    format!("{}\n", wrapped(&what, columns(), "      ", "        "))
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use assay_curate::repair::{Answers, Observed, SeenVolumeType};
    use assay_inventory::Image;
    use serde_json::json;

    use super::super::{AllSeen, Everything};
    use super::*;

    fn image(id: &str, name: &str, purpose: &str) -> Image {
        let fields = json!({
            "id": id, "name": name, "visibility": "public", "status": "active", "os_hidden": false, "min_disk": 10,
            "min_ram": 512, "size": 1000, "owner": "p", "os_hash_algo": "sha512", "os_hash_value": "00",
            "architecture": "x86_64", "hw_disk_bus": "virtio", "os_distro": "ubuntu", "os_version": "24.04",
            "image_build_date": "2026-11-01", "created_at": "2026-11-01T00:00:00Z", "os_purpose": purpose, "image_original_user": "ubuntu", "image_source": "https://example.com/x",
            "image_description": "https://example.com/", "uuid_validity": "notice", "provided_until": "notice",
        });
        serde_json::from_value(fields).expect("an image")
    }

    fn seen() -> AllSeen {
        let luks = serde_json::from_value(json!({"id": "v", "name": "LUKS"})).expect("a volume type");
        AllSeen {
            described: Plan::default(),
            flavors: Vec::new(),
            images: vec![image("1", "One", "generic"), image("2", "Two", "oldgeneric")],
            others: Observed {
                volume_types: vec![SeenVolumeType { volume_type: luks, encrypted: None }],
                default_rules: None,
            },
            answers: Answers::default(),
            failed: None,
            now: "2026-11-22T12:00:00Z".parse().expect("a time"),
        }
    }

    /// The talk about what was seen with an operator who types these lines.
    async fn talk(seen: &mut AllSeen, lines: &[&str]) -> String {
        let mut lines: VecDeque<&str> = lines.iter().copied().collect();
        let mut said = String::new();
        interview::<Everything>(seen, &mut async |prompt: &str| {
            let line = lines.pop_front();
            said = format!("{said}{prompt}{}\n", line.unwrap_or("^D"));
            Ok(line.map(str::to_owned))
        })
        .await
        .expect("nothing fails");
        assert!(lines.is_empty(), "{lines:?} was not asked for: {said}");
        said
    }

    fn open(seen: &AllSeen) -> Vec<String> {
        let plan = Everything::plan(seen).expect("a plan");
        plan.questions.iter().map(|question| format!("{} {}", question.name, question.field)).collect()
    }

    #[tokio::test]
    async fn answers_are_taken_if_they_will_do() {
        let mut seen = seen();
        let before = open(&seen);
        let said = talk(&mut seen, &["y", "sometimes", "monthly", "y", ""]).await;
        let said = said + &talk(&mut seen, &["y", "encrypted"]).await;
        insta::assert_snapshot!(anstream::adapter::strip_str(&said).to_string());
        let after = open(&seen);
        assert_eq!(before.len() - after.len(), 3, "{before:?} {after:?}");
        let plan = Everything::plan(&seen).expect("a plan");
        assert_eq!(plan.actions.len(), 3, "{plan:#?}");
    }

    #[tokio::test]
    async fn who_does_not_want_to_answer_is_left_alone() {
        let mut seen = seen();
        let before = open(&seen);
        let said = talk(&mut seen, &[""]).await;
        assert_eq!(said.lines().count(), 1, "{said}");
        talk(&mut seen, &["y"]).await;
        assert_eq!(open(&seen), before);
    }
}
