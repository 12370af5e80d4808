//! Files made to hurt.

use std::fmt::Write as _;

use proptest::prelude::*;

use assay_yaml::Shape;

use crate::scope::{ProblemKind, Spec};

const EMBEDDED: &str = include_str!("../../../data/scopes/scs-compatible-iaas.yaml");

fn kind(text: &str) -> ProblemKind {
    let error = Spec::parse("bomb.yaml", text).unwrap_err();
    assert!(error.problems().len() <= 50);
    assert!(error.to_string().len() < 2000, "a short message");
    error.problems()[0].kind().clone()
}

#[test]
fn aliases_that_multiply_are_refused() {
    let mut laughs = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for i in 1..12 {
        let _ = writeln!(laughs, "a{i}: &a{i} [{}]", vec![format!("*a{}", i - 1); 10].join(", "));
    }
    assert!(matches!(kind(&laughs), ProblemKind::Shape(Shape::Syntax(_))), "{:?}", kind(&laughs));

    // Few aliases, but of a long text: 100 kB here would become 250 MB.
    let long = format!(
        "a: &a {}\nb: &b [{}]\nc: [{}]\n",
        "x".repeat(100_000),
        vec!["*a"; 50].join(", "),
        vec!["*b"; 50].join(", ")
    );
    assert!(matches!(kind(&long), ProblemKind::Shape(Shape::Syntax(_))), "{:?}", kind(&long));
}

#[test]
fn a_file_of_usual_size_may_use_aliases() {
    let plain = "name: SCS-compatible IaaS\n";
    assert_eq!(EMBEDDED.matches(plain).count(), 1);
    let anchored =
        EMBEDDED.replace(plain, "name: &name SCS-compatible IaaS\nprerequisite: {name: *name, url: *name}\n");
    let spec = Spec::parse("aliases.yaml", &anchored).unwrap();
    assert_eq!(spec.prerequisite.unwrap().url, "SCS-compatible IaaS");
}

#[test]
fn deep_nesting_is_refused() {
    assert!(matches!(kind(&"[".repeat(100_000)), ProblemKind::Shape(Shape::Syntax(_))));
    assert!(matches!(kind(&"- ".repeat(5_000)), ProblemKind::Shape(Shape::Syntax(_))));
    let nested = (0..200).fold(String::new(), |mut text, depth| {
        let _ = writeln!(text, "{}a:", " ".repeat(depth));
        text
    });
    assert!(matches!(kind(&nested), ProblemKind::Shape(Shape::Syntax(_))));
}

#[test]
fn size_is_limited() {
    assert!(matches!(kind(&" ".repeat(2 * 1024 * 1024)), ProblemKind::Shape(Shape::TooLarge(_))));
    assert!(matches!(kind(&"- a\n".repeat(100_000)), ProblemKind::Shape(Shape::Syntax(_))));
}

#[test]
fn versions_times_testcases_are_limited() {
    let mut text = "uuid: u\nname: n\nurl: u\ntimeline: []\nscripts:\n  - testcases:\n".to_owned();
    for i in 0..1_000 {
        let _ = writeln!(text, "      - id: t{i}");
    }
    text.push_str("modules:\n  - id: m\n    targets:\n      main:\n");
    for i in 0..1_000 {
        let _ = writeln!(text, "        - t{i}");
    }
    text.push_str("versions:\n");
    for i in 0..1_000 {
        let _ = writeln!(text, "  - {{version: v{i}, include: [m]}}");
    }
    assert!(matches!(kind(&text), ProblemKind::Shape(Shape::TooLarge(_))));
}

#[test]
fn a_thousand_mistakes_make_a_short_report() {
    let wrong = (0..1_000).fold(String::new(), |mut text, i| {
        let _ = writeln!(text, "key{i}: {}", "x".repeat(100));
        text
    });
    assert!(matches!(kind(&wrong), ProblemKind::Shape(Shape::UnknownKey { .. })));
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    let error = Spec::parse("bomb.yaml", "\"\\e[31mred\": 1\n").unwrap_err();
    assert!(!error.to_string().contains('\u{1b}'), "{error:?}");
    assert!(error.to_string().contains("`\\u{1b}[31mred`"), "{error}");
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in any::<String>()) {
        let _ = Spec::parse("x", &text);
    }

    #[test]
    fn arbitrary_yaml_like_text_never_panics(
        text in proptest::collection::vec(
            prop_oneof![
                Just("uuid: "), Just("name: x\n"), Just("versions:\n"), Just("- "), Just("  "), Just("\n"),
                Just("timeline: "), Just("{"), Just("}"), Just("["), Just("]"), Just(","), Just("&a "),
                Just("*a "), Just("<<: "), Just("!!int "), Just("'"), Just("\""), Just("ä"), Just("? "),
                Just(": "), Just("|\n"), Just(">-\n"), Just("# c"), Just("---\n"), Just("...\n"), Just("\t"),
                Just("scripts:\n"), Just("modules: []\n"), Just("2024-01-01"), Just("yes"), Just("\u{feff}"),
            ],
            0..60,
        )
    ) {
        if let Err(error) = Spec::parse("x", &text.concat()) {
            prop_assert!(!error.problems().is_empty());
            let _ = error.to_string();
        }
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// A good file with one passage cut out or doubled: the labels must stay inside of the text.
    #[test]
    fn damaged_files_are_reported_within_their_bounds(
        at in 0..EMBEDDED.len(), len in 0usize..200, doubled in any::<bool>(),
    ) {
        let end = (at + len).min(EMBEDDED.len());
        let (Some(head), Some(cut), Some(tail)) =
            (EMBEDDED.get(..at), EMBEDDED.get(at..end), EMBEDDED.get(end..)) else { return Ok(()) };
        let text = if doubled { format!("{head}{cut}{cut}{tail}") } else { format!("{head}{tail}") };
        if let Err(error) = Spec::parse("x", &text) {
            prop_assert!(!error.problems().is_empty());
            for label in miette::Diagnostic::labels(&error).into_iter().flatten() {
                prop_assert!(text.get(label.offset()..label.offset() + label.len()).is_some(), "{}", error);
            }
        }
    }
}
