//! Every kind of mistake, as the reader of the message sees it.

use miette::{Diagnostic, NarratableReportHandler};

use assay_yaml::Shape;

use crate::scope::{ProblemKind, Spec, SpecError};

const GOOD: &str = "\
uuid: u
name: Test
url: https://example.com
scripts:
  - executable: ./x.py
    testcases:
      - id: first-check
      - id: second-check
        lifetime: day
modules:
  - id: m1
    targets:
      main: [first-check]
timeline:
  - date: 2026-01-01
    versions: {v1: effective}
versions:
  - version: v1
    stabilized_at: 2025-01-01
    include: [m1]
";

/// The good file with one passage replaced.
fn with(passage: &str, replacement: &str) -> String {
    assert_eq!(GOOD.matches(passage).count(), 1, "{passage}");
    GOOD.replace(passage, replacement)
}

fn error(text: &str) -> SpecError {
    Spec::parse("scope.yaml", text).unwrap_err()
}

/// The messages of all problems.
fn messages(text: &str) -> Vec<String> {
    error(text).problems().iter().map(ToString::to_string).collect()
}

#[track_caller]
fn assert_message(passage: &str, replacement: &str, expected: &str) {
    assert_eq!(messages(&with(passage, replacement)), [expected]);
}

#[test]
fn the_good_file_is_good() {
    Spec::parse("scope.yaml", GOOD).unwrap();
}

#[test]
fn unknown_keys_are_refused_with_the_nearest_known_one() {
    assert_message(
        "  - executable: ./x.py",
        "  - exectuable: ./x.py",
        "scope.yaml:5:5: scripts[0]: unknown key `exectuable` in a script (did you mean `executable`?)",
    );
    assert_message(
        "uuid: u",
        "uuid: u\nscipts: 1",
        "scope.yaml:2:1: unknown key `scipts` in the scope spec (did you mean `scripts`?)",
    );
    assert_message(
        "        lifetime: day",
        "        lifetime: day\n        colour: red",
        "scope.yaml:10:9: scripts[0].testcases[1]: unknown key `colour` in a testcase",
    );
    assert_message(
        "  - id: m1",
        "  - id: m1\n    target: {}",
        "scope.yaml:12:5: modules[0]: unknown key `target` in a module (did you mean `targets`?)",
    );
    assert_message(
        "  - version: v1",
        "  - version: v1\n    includes: []",
        "scope.yaml:19:5: versions[0]: unknown key `includes` in a version (did you mean `include`?)",
    );
    assert_message(
        "include: [m1]",
        "include: [{ref: m1, params: {}}]",
        "scope.yaml:20:25: versions[0].include[0]: unknown key `params` in an include",
    );
    let help = error(&with("    include: [m1]", "    include: [{ref: m1, params: {}}]"));
    assert_eq!(help.help().unwrap().to_string(), "allowed here: ref, parameters");
}

#[test]
fn maps_of_names_and_open_maps_take_any_key() {
    let text = with("    versions: {v1: effective}", "    versions: {v1: effective}\n    comment: x");
    Spec::parse("scope.yaml", &text).unwrap();
    let text = with("uuid: u", "uuid: u\nprerequisite: {name: a, url: b, more: c}");
    let prerequisite = Spec::parse("scope.yaml", &text).unwrap().prerequisite.unwrap();
    assert_eq!((prerequisite.name.as_str(), prerequisite.url.as_str()), ("a", "b"));
}

#[test]
fn duplicates_point_at_both_places() {
    assert_message(
        "      - id: second-check",
        "      - id: first-check",
        "scope.yaml:8:13: scripts[0].testcases[1].id: duplicate testcase `first-check`, first given at 7:13",
    );
    assert_message(
        "timeline:",
        "  - {id: m1}\ntimeline:",
        "scope.yaml:14:10: modules[1].id: duplicate module `m1`, first given at 11:9",
    );
    assert_message(
        "    include: [m1]",
        "    include: [m1]\n  - {version: v1, include: []}",
        "scope.yaml:21:15: versions[1].version: duplicate version `v1`, first given at 18:14",
    );
    assert_message(
        "  - date: 2026-01-01",
        "  - {date: 2026-01-01, versions: {}}\n  - date: 2026-01-01",
        "scope.yaml:16:11: timeline[1].date: duplicate timeline date `2026-01-01`, first given at 15:12",
    );
    assert_message(
        "name: Test",
        "name: Test\nname: Other",
        "scope.yaml:3:1: duplicate key `name`, first given at 2:1",
    );
    let error = error(&with("      - id: second-check", "      - id: first-check"));
    let labels: Vec<_> =
        error.labels().unwrap().map(|label| (label.offset(), label.label().map(str::to_owned))).collect();
    let text = with("      - id: second-check", "      - id: first-check");
    let places: Vec<usize> = text.match_indices("first-check").map(|(at, _)| at).collect();
    assert_eq!(
        labels,
        [
            (places[1], Some("duplicate testcase `first-check`".to_owned())),
            (places[0], Some("first given here".to_owned()))
        ]
    );
}

#[test]
fn unresolvable_references_are_refused_with_the_nearest_name() {
    assert_message(
        "      main: [first-check]",
        "      main: [first-chek]",
        "scope.yaml:13:14: modules[0].targets.main[0]: unknown testcase `first-chek` (did you mean `first-check`?)",
    );
    assert_message(
        "    include: [m1]",
        "    include: [m2]",
        "scope.yaml:20:15: versions[0].include[0]: unknown module `m2` (did you mean `m1`?)",
    );
    assert_message(
        "    include: [m1]",
        "    include:\n      - ref: elsewhere",
        "scope.yaml:21:14: versions[0].include[0].ref: unknown module `elsewhere`",
    );
    assert_message(
        "{v1: effective}",
        "{v1: effective, v11: draft}",
        "scope.yaml:16:31: timeline[0].versions.v11: unknown version `v11` (did you mean `v1`?)",
    );
}

#[test]
fn words_and_dates_are_checked() {
    assert_message(
        "{v1: effective}",
        "{v1: efective}",
        "scope.yaml:16:20: timeline[0].versions.v1: invalid validity code `efective` (did you mean `effective`?)",
    );
    assert_message(
        "lifetime: day",
        "lifetime: fortnight",
        "scope.yaml:9:19: scripts[0].testcases[1].lifetime: invalid lifetime `fortnight`",
    );
    for bad in ["2026-02-30", "2026-1-1", "soon", "2026-01-01T00:00", "20260101"] {
        assert_message(
            "date: 2026-01-01",
            &format!("date: {bad}"),
            &format!("scope.yaml:15:11: timeline[0].date: invalid date `{bad}`"),
        );
    }
    assert_message(
        "stabilized_at: 2025-01-01",
        "stabilized_at: yes",
        "scope.yaml:19:20: versions[0].stabilized_at: invalid date `yes`",
    );
    let help = error(&with("lifetime: day", "lifetime: fortnight"));
    assert_eq!(help.help().unwrap().to_string(), "use one of: day, week, month, quarter, year");
}

#[test]
fn missing_keys_name_the_map_they_belong_to() {
    assert_message("uuid: u\n", "", "scope.yaml:1:1: missing key `uuid` in the scope spec");
    assert_message("uuid: u", "uuid:", "scope.yaml:1:1: missing key `uuid` in the scope spec");
    assert_message(
        "      - id: second-check\n        lifetime: day",
        "      - lifetime: day",
        "scope.yaml:8:9: scripts[0].testcases[1]: missing key `id` in a testcase",
    );
    assert_message(
        "    include: [m1]",
        "",
        "scope.yaml:18:5: versions[0]: missing key `include` in a version",
    );
    assert_message(
        "  - date: 2026-01-01\n  ",
        "  -",
        "scope.yaml:15:6: timeline[0]: missing key `date` in a timeline entry",
    );
    assert_eq!(
        messages("{}"),
        ["uuid", "name", "url", "scripts", "modules", "timeline", "versions"]
            .map(|key| format!("scope.yaml:1:1: missing key `{key}` in the scope spec"))
    );
}

#[test]
fn wrong_types_say_what_was_expected() {
    assert_message(
        "      main: [first-check]",
        "      main: first-check",
        "scope.yaml:13:13: modules[0].targets.main: expected a list, found a single value",
    );
    assert_message(
        "name: Test",
        "name: [Test]",
        "scope.yaml:2:7: name: expected a single value, found a list",
    );
    assert_message(
        "    include: [m1]",
        "    include: [[m1]]",
        "scope.yaml:20:15: versions[0].include[0]: expected a module id, or a map with `ref`, found a list",
    );
    assert_message(
        "uuid: u",
        "uuid: u\nvariables: [[a]]",
        "scope.yaml:2:13: variables[0]: expected a name, or a name with its default, found a list",
    );
    assert_message("uuid: u", "uuid: u\n? [a]\n: b", "scope.yaml:2:3: expected a name as key, found a list");
    assert_eq!(messages("just text"), ["scope.yaml:1:1: expected a map, found a single value"]);
    assert_eq!(messages("- a\n- b\n"), ["scope.yaml:1:1: expected a map, found a list"]);
    assert_eq!(messages("---\n"), ["scope.yaml:1:4: expected a map, found nothing"]);
}

#[test]
fn broken_yaml_is_placed() {
    for text in
        ["a: [1, 2\nb: 3\n", "a: 'x\n", "a:\n\t- b\n", "a: *nowhere\n", "a: b: c\n", "a: 1\n---\nb: 2\n"]
    {
        let error = error(text);
        let [problem] = error.problems() else { panic!("one problem expected: {error}") };
        assert!(matches!(problem.kind(), ProblemKind::Shape(Shape::Syntax(_))), "{problem}");
        assert!(problem.line() >= 1 && problem.column() >= 1, "{problem}");
        assert!(problem.to_string().starts_with("scope.yaml:"), "{problem}");
    }
    assert_eq!(
        messages("a: 1\nb: *nowhere\n"),
        ["scope.yaml:2:4: cannot be read as YAML: alias references unknown anchor"]
    );
}

#[test]
fn all_problems_are_reported_at_once() {
    let text = with("lifetime: day", "lifetime: eon")
        .replace("name: Test\n", "")
        .replace("id: m1", "id: {m: 1}")
        .replace("v1: effective", "v1: forever");
    assert_eq!(
        messages(&text),
        [
            "scope.yaml:1:1: missing key `name` in the scope spec",
            "scope.yaml:8:19: scripts[0].testcases[1].lifetime: invalid lifetime `eon`",
            "scope.yaml:10:9: modules[0].id: expected a single value, found a map",
            "scope.yaml:15:20: timeline[0].versions.v1: invalid validity code `forever`",
        ]
    );
    assert_eq!(error(&text).related().unwrap().count(), 3);
    assert_eq!(
        error(&text).to_string(),
        "scope.yaml:1:1: missing key `name` in the scope spec (and 3 more problems)"
    );
    let text = with("[first-check]", "[a, b]").replace("[m1]", "[m7]");
    assert_eq!(
        messages(&text),
        [
            "scope.yaml:13:14: modules[0].targets.main[0]: unknown testcase `a`",
            "scope.yaml:13:17: modules[0].targets.main[1]: unknown testcase `b`",
            "scope.yaml:20:15: versions[0].include[0]: unknown module `m7` (did you mean `m1`?)",
        ]
    );
}

#[test]
fn a_report_shows_the_place_in_the_file() {
    let text = with("      - id: second-check", "      - id: first-check");
    let mut report = String::new();
    NarratableReportHandler::new().render_report(&mut report, &error(&text)).unwrap();
    insta::assert_snapshot!(report, @r"
    scope.yaml:8:13: scripts[0].testcases[1].id: duplicate testcase `first-check`, first given at 7:13
        Diagnostic severity: error
    Begin snippet for scope.yaml starting at line 6, column 1

    snippet line 6:     testcases:
    snippet line 7:       - id: first-check
        label at line 7, columns 13 to 23: first given here
    snippet line 8:       - id: first-check
        label at line 8, columns 13 to 23: duplicate testcase `first-check`
    snippet line 9:         lifetime: day
    ");
}

#[test]
fn extensions_pass_the_same_checks() {
    let extend = |text: &str| -> Vec<String> {
        let result = Spec::parse_extended(("scope.yaml", GOOD), ("own.yaml", text));
        result.map_or_else(|error| error.problems().iter().map(ToString::to_string).collect(), |_| Vec::new())
    };
    let good = "\
extends: u
testcases:
  - id: our-check
modules:
  - id: ours
    targets: {text: [our-check, second-check]}
versions:
  - version: v1
    include: [ours]
";
    assert_eq!(extend(good), [""; 0]);
    for (passage, replacement, expected) in [
        ("extends: u", "extends: w", "own.yaml:1:10: extends: extends scope `w`, but the spec is scope `u`"),
        (
            "- id: our-check",
            "- id: first-check",
            "own.yaml:3:9: testcases[0].id: duplicate testcase `first-check`, first given at scope.yaml:7:13",
        ),
        (
            "- id: ours",
            "- id: m1",
            "own.yaml:5:9: modules[0].id: duplicate module `m1`, first given at scope.yaml:11:9",
        ),
        (
            "version: v1",
            "version: v2",
            "own.yaml:8:14: versions[0].version: unknown version `v2` (did you mean `v1`?)",
        ),
        (
            "include: [ours]",
            "include: [our]",
            "own.yaml:9:15: versions[0].include[0]: unknown module `our` (did you mean `ours`?)",
        ),
        ("extends: u", "uuid: u\nextends: u", "own.yaml:1:1: unknown key `uuid` in the scope extension"),
    ] {
        let found = extend(&good.replace(passage, replacement));
        assert!(found.contains(&expected.to_owned()), "{found:#?}");
    }
    let spec = Spec::parse_extended(("scope.yaml", GOOD), ("own.yaml", good)).unwrap();
    let v1 = spec.version("v1").unwrap();
    assert_eq!(v1.target("text"), ["our-check", "second-check"]);
    assert_eq!(v1.target("main"), ["first-check"]);
    assert!(spec.testcase("our-check").unwrap().own && !spec.testcase("second-check").unwrap().own);
}
