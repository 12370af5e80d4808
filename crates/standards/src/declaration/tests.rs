//! Answers as a whole: good ones, bad ones, and files made to hurt.

use jiff::civil::{Date, date};
use proptest::prelude::*;

use super::*;
use crate::verdict::Verdict;
use assay_yaml::Shape;

const TODAY: Date = date(2026, 11, 22);

const HEAD: &str = "\
signer: {name: Jane Doe, role: Head of Operations, contact: jane@example.org}
date: 2026-11-20
testcases:
";

const GOOD: &str = "
  key-manager-docs-check:
    offered: yes
    keys-encrypted:
      answer: yes
      evidence: https://docs.example.org/kms#store
    master-key-apart:
      answer: Yes
      evidence: [https://docs.example.org/kms#hsm, 'http://docs.example.org/hsm']
      remark: 'An HSM: \"Luna\" # of 2024'
    master-key-not-plain: no
    auditable:
      answer: yes
      evidence: [https://docs.example.org/kms]
";

fn read(testcases: &str) -> Result<Declaration, DeclarationError> {
    let text = format!("{HEAD}{}", testcases.trim_start_matches('\n'));
    Declaration::from_answers("a.yaml", &text, "mycloud", "assay 0.1.0", TODAY)
}

fn problems(text: &str) -> Vec<String> {
    let error = Declaration::from_answers("a.yaml", text, "mycloud", "assay 0.1.0", TODAY).unwrap_err();
    error.problems().iter().map(ToString::to_string).collect()
}

fn problems_of(testcases: &str) -> Vec<String> {
    problems(&format!("{HEAD}{}", testcases.trim_start_matches('\n')))
}

#[test]
fn good_answers_become_a_declaration() {
    let declaration = read(GOOD).unwrap();
    assert_eq!((declaration.subject.as_str(), declaration.date), ("mycloud", date(2026, 11, 20)));
    let declared = declaration.testcase("key-manager-docs-check").unwrap();
    assert_eq!(declared.verdict(), Verdict::Pass, "a SHOULD that is not met is no failure");
    let noted: Vec<&str> =
        declared.shortfalls(Demand::Should).map(|answer| answer.question.id.as_str()).collect();
    assert_eq!(noted, ["master-key-not-plain"]);
    let evidence: Vec<(&str, &str)> = declared.evidence().collect();
    assert_eq!(
        evidence,
        [
            ("keys-encrypted", "https://docs.example.org/kms#store"),
            ("master-key-apart", "https://docs.example.org/kms#hsm"),
            ("master-key-apart", "http://docs.example.org/hsm"),
            ("auditable", "https://docs.example.org/kms"),
        ]
    );
    assert!(declaration.testcase("domain-manager-check").is_none());
}

#[test]
fn verdicts_follow_the_binding_questions_that_are_asked() {
    let zones = |answers: &str| {
        let text = format!("  availability-zones-check: {{{answers}}}\n");
        read(&text).unwrap().testcases[0].verdict()
    };
    assert_eq!(zones("several-zones: no"), Verdict::Pass, "a single zone has nothing to prove");
    let proven = "evidence: 'https://e.org'";
    let all = |power: &str| {
        format!(
            "several-zones: yes, fire-zones-exist: {{answer: yes, {proven}}}, fire-zones: {{answer: yes, {proven}}}, \
             power: {power}, uplink: {{answer: certified, {proven}}}, routers: {{answer: certified, {proven}}}, \
             documentation: {{answer: yes, {proven}}}"
        )
    };
    assert_eq!(zones(&all(&format!("{{answer: certified, {proven}}}"))), Verdict::Pass);
    assert_eq!(zones(&all("no")), Verdict::Fail);
    assert_eq!(zones(&(all("no") + ", cooling: no")), Verdict::Fail);
    let keys = read("  key-manager-docs-check: {offered: no}\n").unwrap();
    assert_eq!(keys.testcases[0].verdict(), Verdict::Pass, "a key manager is recommended, not demanded");
}

#[test]
fn a_declaration_is_read_back_as_it_was_written() {
    let declaration = read(GOOD).unwrap();
    let text = declaration.to_yaml().unwrap();
    insta::assert_snapshot!(text);
    assert_eq!(Declaration::parse("d.yaml", &text, TODAY).unwrap(), declaration);
    // To renew it, it serves as a file of answers.
    let renewed = text.replace("2026-11-20", "2026-11-22");
    let renewed = Declaration::from_answers("d.yaml", &renewed, "mycloud", "assay 9", TODAY).unwrap();
    assert_eq!((renewed.date, renewed.tool.as_str()), (TODAY, "assay 9"));
    assert_eq!(renewed.testcases, declaration.testcases);
}

#[test]
fn all_that_is_wrong_is_said_at_once_and_where() {
    let text = "\
subject: other
signer: {name: '  ', role: Boss}
date: 2026-11-23
testcases:
  key-manager-docs-check:
    offered: yes
    keys-encrypted: yes
    master-key-apart:
      answer: perhaps
    auditable:
      answer: yes
      evidence: [ftp://e.org/a, 'https://jane:pw@e.org/b', 'see wiki']
    auditable: no
    cooling: yes
  key-manager-doc-check: {}
  availability-zones-check:
    several-zones: no
    power: no
  domain-manager-check:
";
    let expected = [
        "a.yaml:1:10: subject: the answers are for subject `other`, not for `mycloud`",
        "a.yaml:2:9: signer: missing key `contact` in the signer",
        "a.yaml:3:7: date: the date 2026-11-23 lies in the future",
        "a.yaml:7:21: testcases.key-manager-docs-check.keys-encrypted: the answer yes needs evidence: link what shows it",
        "a.yaml:9:15: testcases.key-manager-docs-check.master-key-apart.answer: invalid answer `perhaps`",
        "a.yaml:12:18: testcases.key-manager-docs-check.auditable.evidence[0]: `ftp://e.org/a` is no web address",
        "a.yaml:12:33: testcases.key-manager-docs-check.auditable.evidence[1]: the address has a user name or password in it, and reports show addresses to everyone",
        "a.yaml:12:60: testcases.key-manager-docs-check.auditable.evidence[2]: `see wiki` is no web address",
        "a.yaml:13:5: testcases.key-manager-docs-check: duplicate key `auditable`, first given at 10:5",
        "a.yaml:14:5: testcases.key-manager-docs-check.cooling: unknown question `cooling`",
        "a.yaml:15:3: testcases.key-manager-doc-check: unknown manual testcase `key-manager-doc-check` (did you mean `key-manager-docs-check`?)",
        "a.yaml:18:5: testcases.availability-zones-check.power: the question power is answered, but it is asked only if several-zones is yes",
        "a.yaml:19:3: testcases.domain-manager-check: the question role is not answered: Is there a role named manager that makes its holders domain managers?",
    ];
    assert_eq!(problems(text), expected);
}

#[test]
fn what_hangs_on_a_missing_or_bad_answer_is_not_asked_for() {
    let said = problems_of("  key-manager-docs-check: {keys-encrypted: no}\n");
    assert_eq!(said.len(), 1, "{said:#?}");
    assert!(said[0].contains("the question offered is not answered"), "{said:#?}");
    let said = problems_of("  key-manager-docs-check: {offered: maybe}\n");
    assert_eq!(said.len(), 1, "{said:#?}");
    let said = problems_of("  key-manager-docs-check: {offered: yes}\n");
    let missing: Vec<bool> = said.iter().map(|line| line.contains("is not answered")).collect();
    assert_eq!(missing, [true; 3], "the SHOULD need not be answered: {said:#?}");
}

#[test]
fn an_answer_without_a_word_is_no_answer() {
    for answer in ["{evidence: 'https://e.org'}", "{remark: later}", "{answer: , remark: later}"] {
        let text = GOOD.replace("master-key-not-plain: no", &format!("master-key-not-plain: {answer}"));
        let said = problems_of(&text);
        assert!(said.len() == 1 && said[0].contains("master-key-not-plain is not answered"), "{said:#?}");
    }
    let text = GOOD.replace("master-key-not-plain: no", "master-key-not-plain: {answer: , evidence: []}");
    assert!(read(&text).is_ok(), "what is left of a template may stay empty");
}

#[test]
fn the_template_asks_for_everything_and_its_gaps_are_found() {
    let all: Vec<&Questionnaire> = Questionnaire::all().iter().collect();
    let text = template(&all);
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    let said = problems(&text);
    let gaps = ["name", "role", "contact", "date"].map(|key| format!("missing key `{key}`"));
    let first = ["offered", "several-zones", "role"].map(|id| format!("the question {id} is not answered"));
    for (said, expected) in said.iter().zip(gaps.iter().chain(&first)) {
        assert!(said.contains(expected), "{said}: {expected}");
    }
    assert_eq!(said.len(), gaps.len() + first.len(), "{said:#?}");
    for questionnaire in all {
        for question in &questionnaire.questions {
            assert!(text.contains(&format!("\n    {}:\n", question.id)), "{}", question.id);
            assert!(question.answers.iter().all(|choice| text.contains(&format!("- {}: ", choice.answer))));
        }
    }
    insta::assert_snapshot!(template(&[&Questionnaire::all()[0]]));
}

#[test]
fn a_filled_template_is_a_declaration() {
    let text = template(&[Questionnaire::of("key-manager-docs-check").unwrap()]);
    let text = text
        .replace("name:", "name: Jane")
        .replace("role:", "role: Boss")
        .replace("contact:", "contact: +49 30 1")
        .replace("date:", "date: 2026-11-22")
        .replacen("answer:", "answer: no", 1);
    let declaration = Declaration::from_answers("t.yaml", &text, "mycloud", "assay", TODAY).unwrap();
    assert_eq!(declaration.testcases[0].answers.len(), 1);
}

#[test]
fn a_declaration_names_its_format_version_and_subject() {
    let text = read(GOOD).unwrap().to_yaml().unwrap();
    let said = |text: &str| Declaration::parse("d.yaml", text, TODAY).unwrap_err().to_string();
    let head = said(&text.replace("format: assay-declaration\n", "").replace("subject: mycloud\n", ""));
    assert!(head.contains("missing key `format`") && head.contains("1 more problem"), "{head}");
    let version = said(&text.replace("version: 1\n", "version: 2\n"));
    assert!(version.contains("expected version 1, found `2`"), "{version}");
    let other = said(&text.replace("assay-declaration", "assay-report"));
    assert!(other.contains("expected format assay-declaration"), "{other}");
}

#[test]
fn nothing_to_declare_is_no_declaration() {
    for testcases in ["testcases: {}\n", "testcases: []\n", ""] {
        let text = format!("{}{testcases}", HEAD.replace("testcases:\n", ""));
        assert!(!problems(&text).is_empty(), "{testcases}");
    }
    assert!(problems_of("  {}\n")[0].contains("no testcase is answered"));
}

#[test]
fn files_made_to_hurt_are_refused_shortly() {
    let bomb = format!("{HEAD}  a: &a [x]\n  b: {}\n", "[*a, ".repeat(5_000));
    for text in [bomb.as_str(), &"[".repeat(100_000), &" ".repeat(2 << 20), "\u{0}", "- a\n- b\n", ""] {
        let error = Declaration::from_answers("a.yaml", text, "mycloud", "assay", TODAY).unwrap_err();
        assert!(error.to_string().len() < 2_000);
        assert!(matches!(error.problems()[0].kind(), ProblemKind::Shape(_)));
    }
    let many = (0..1_000).map(|i| format!("    q{i}: yes\n")).collect::<String>();
    let error = read(&format!("  key-manager-docs-check:\n{many}")).unwrap_err();
    assert!(error.problems().len() <= 50);
    let unknown =
        |problem: &Problem| matches!(problem.kind(), ProblemKind::Shape(Shape::UnknownReference { .. }));
    assert!(error.problems().iter().skip(1).all(unknown));
}

/// Pieces of YAML around the keys that are known.
fn yaml() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("testcases:\n".to_owned()),
        Just("signer:\n".to_owned()),
        Just("  key-manager-docs-check:\n".to_owned()),
        Just("    offered: ".to_owned()),
        Just("    keys-encrypted:\n      evidence: ".to_owned()),
        Just("date: ".to_owned()),
        Just("yes\n".to_owned()),
        Just("https://e.org\n".to_owned()),
        "[ \\-:{}\\[\\],&*#|>'\"a-z0-9\n]{0,12}",
        any::<String>(),
    ];
    proptest::collection::vec(piece, 0..20).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn arbitrary_yaml_never_panics(text in yaml()) {
        for text in [text.clone(), format!("{HEAD}{text}")] {
            if let Err(error) = Declaration::from_answers("a.yaml", &text, "mycloud", "assay", TODAY) {
                prop_assert!(!error.problems().is_empty());
                for problem in error.problems() {
                    prop_assert!(problem.spot().place.start + problem.spot().place.len <= text.len());
                    let is_harmless = !problem.to_string().contains(char::is_control);
                    prop_assert!(is_harmless, "{:?}", problem.to_string());
                }
            }
            let _ = Declaration::parse("a.yaml", &text, TODAY);
        }
    }

    #[test]
    fn any_words_are_written_and_read_back(
        subject in "\\PC{1,20}", name in any::<String>(), remark in any::<String>(), path in "[a-zA-Z0-9/?=&%#._-]{0,20}",
    ) {
        let mut declaration = read(GOOD).unwrap();
        prop_assume!(!name.trim().is_empty() && !remark.trim().is_empty());
        declaration.subject = subject;
        declaration.signer.name = name.trim().to_owned();
        declaration.testcases[0].answers[0].remark = Some(remark);
        declaration.testcases[0].answers[1].evidence = vec![url::Url::parse(&format!("https://e.org/{path}")).unwrap().into()];
        let text = declaration.to_yaml().unwrap();
        let back = Declaration::parse("d.yaml", &text, TODAY).map_err(|error| error.to_string());
        prop_assert_eq!(back, Ok(declaration), "{}", text);
    }
}
