//! The questions as a file to fill in.

use std::fmt::Write as _;

use super::questions::{Question, Questionnaire};

/// Wide enough for every terminal.
const WIDTH: usize = 80;

const HEAD: &str = "\
# Answers to what people decide. Fill in what stands empty, take out the
# testcases that you do not declare, and make a declaration of it:
#
#   assay declare SUBJECT answers.yaml -o declaration.yaml

signer:
  name:
  # What entitles you to say so, such as Head of Operations
  role:
  # How to ask back: an e-mail address, a phone number or a web address
  contact:

# The day of the declaration, as YYYY-MM-DD
date:

testcases:
";

/// A file of answers without the answers, to be filled in with the comments in view.
pub fn template(questionnaires: &[&Questionnaire]) -> String {
    let mut text = HEAD.to_owned();
    for questionnaire in questionnaires {
        text.push('\n');
        let Questionnaire { testcase, standard, url, title, about, questions } = questionnaire;
        comment(&mut text, "  # ", "  # ", &format!("{title} ({standard})"));
        comment(&mut text, "  # ", "  # ", url);
        comment(&mut text, "  # ", "  # ", about);
        let _ = writeln!(text, "  {testcase}:");
        for question in questions {
            write_question(&mut text, questionnaire, question);
        }
    }
    text
}

fn write_question(text: &mut String, questionnaire: &Questionnaire, question: &Question) {
    text.push('\n');
    let first = |label: &str| format!("    #   {label}");
    let rest = "    #     ";
    comment(text, "    # ", "    # ", &question.question);
    if let Some(condition) = &question.only_if {
        comment(text, &first(""), rest, &format!("Only if {} is {}.", condition.question, condition.answer));
    }
    let may_stay = if questionnaire.is_required(question) { "" } else { "; may stay empty" };
    comment(text, &first(""), rest, &format!("{} ({}){may_stay}", question.demand.word(), question.clause));
    for choice in &question.answers {
        let mut marks = Vec::new();
        if !choice.conforms {
            marks.push("does not conform");
        }
        if choice.evidence {
            marks.push("needs evidence");
        }
        let marks = if marks.is_empty() { String::new() } else { format!(" ({})", marks.join(", ")) };
        comment(text, &first("- "), rest, &format!("{}: {}{marks}", choice.answer, choice.means));
    }
    comment(text, &first("Show: "), rest, &question.wanted);
    let _ = writeln!(text, "    {}:\n      answer:\n      evidence: []\n      remark:", question.id);
}

/// A comment of as many lines as it takes.
fn comment(text: &mut String, first: &str, rest: &str, words: &str) {
    let mut line = first.to_owned();
    let mut is_begun = false;
    for word in words.split_whitespace() {
        if is_begun && line.chars().count() + 1 + word.chars().count() > WIDTH {
            let _ = writeln!(text, "{line}");
            rest.clone_into(&mut line);
            is_begun = false;
        }
        if is_begun {
            line.push(' ');
        }
        line.push_str(word);
        is_begun = true;
    }
    let _ = writeln!(text, "{line}");
}
