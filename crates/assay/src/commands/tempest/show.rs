//! The result of a run of Tempest.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use assay_inventory::{Inventory, TempestRun};
use assay_standards::Verdict;
use assay_tempest::Test;
use assay_testcases::{Judgement, judge};
use serde::Serialize;

use super::Tempest;
use crate::args::Listing;
use crate::failure::Failure;
use crate::human::{Table, bad, bold, columns, dim, good, painted, plain, verdict, warn, wrapped};

/// The testcase that the run is for.
const TESTCASE: &str = "scs-0128-tempest";
/// Version of the JSON document.
const VERSION: u32 = 1;

/// The result for programs.
#[derive(Serialize)]
struct Document<'a> {
    version: u32,
    cloud: &'a str,
    testcase: &'static str,
    verdict: Verdict,
    tempest: &'a TempestRun,
}

/// The result, as wanted.
pub(super) fn result(
    inventory: &Inventory,
    run: &TempestRun,
    tests: &[&Test],
    arguments: &Tempest,
) -> Result<String, Failure> {
    let judgement = judge(inventory, [TESTCASE], inventory.recorded_at).pop().map(|(_, judgement)| judgement);
    let verdict = judgement.as_ref().map_or(Verdict::Abort, |judgement| judgement.text);
    match arguments.format {
        Listing::Human => {
            Ok(for_people(&inventory.subject.cloud, run, tests, judgement.as_ref(), arguments.all, columns()))
        }
        Listing::Json => {
            let document = Document {
                version: VERSION,
                cloud: &inventory.subject.cloud,
                testcase: TESTCASE,
                verdict,
                tempest: run,
            };
            let json = serde_json::to_string_pretty(&document)
                .map_err(|error| Failure::usage(error, "this is a defect of assay; please report it"))?;
            Ok(format!("{json}\n"))
        }
    }
}

fn for_people(
    cloud: &str,
    run: &TempestRun,
    tests: &[&Test],
    judgement: Option<&Judgement>,
    all: bool,
    width: usize,
) -> String {
    let mut text = String::new();
    let tempest =
        run.version.as_ref().map_or_else(|| "Tempest".into(), |version| format!("Tempest {version}"));
    // Writing to a string cannot fail.
    let _ =
        writeln!(text, "{}  {}", bold(cloud), dim(format!("{tempest}, {}, {}", run.list.name, took(run))));

    text.push_str(&areas(run, tests).render("  "));
    for failure in &run.failed {
        let _ = writeln!(text, "{} {}", bad("failed"), failure.name);
        let _ = writeln!(text, "{}", wrapped(&failure.reason, width, "       ", "       "));
    }
    let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for skip in &run.skipped {
        reasons.entry(&skip.reason).or_default().push(&skip.name);
    }
    for (reason, names) in reasons {
        if let [name] = names.as_slice() {
            let _ = writeln!(text, "{} {name}", warn("skipped"));
            let _ = writeln!(text, "{}", wrapped(reason, width, "        ", "        "));
        } else {
            let line = format!("{} tests: {reason}", names.len());
            let line = wrapped(&line, width.saturating_sub(8), "", "        ");
            let _ = writeln!(text, "{} {line}", warn("skipped"));
        }
        if all && names.len() > 1 {
            for name in names {
                let _ = writeln!(text, "        {name}");
            }
        }
    }
    let missing = tests.iter().filter(|test| run.not_run.contains(&test.name)).count();
    if missing > 0 {
        let why = run.cut_short.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
        let _ = writeln!(text, "{} {missing} of the chosen tests came to nothing{why}", warn("not run"));
    }
    for leftover in &run.leftovers {
        let _ = writeln!(text, "{} {leftover}", bad("left behind"));
    }
    if let Some(judgement) = judgement {
        let _ = writeln!(text, "{} {TESTCASE}", verdict(judgement.text));
        let unchosen = run.list.count.saturating_sub(tests.len());
        if unchosen > 0 {
            let _ = writeln!(text, "{}", dim(format!("      {unchosen} tests of the list were not chosen")));
        }
    }
    text
}

/// How the tests of each area ended.
fn areas(run: &TempestRun, tests: &[&Test]) -> Table {
    let mut table = Table::default();
    let areas: BTreeSet<&str> = tests.iter().map(|test| test.area.as_str()).collect();
    for area in areas {
        let of_area = |name: &str| name.contains(&format!("tempest.api.{area}."));
        let passed = run.passed.iter().filter(|name| of_area(name)).count();
        let failed = run.failed.iter().filter(|failure| of_area(&failure.name)).count();
        let skipped = run.skipped.iter().filter(|skip| of_area(&skip.name)).count();
        let count = |number: usize, word: &str, paint: fn(String) -> String| match number {
            0 => plain(""),
            _ => painted(format!("{number} {word}"), |text| paint(text.to_owned())),
        };
        table.row([
            plain(area),
            count(passed, "passed", good),
            count(failed, "failed", bad),
            count(skipped, "skipped", warn),
        ]);
    }
    table
}

fn took(run: &TempestRun) -> String {
    let seconds = run.finished_at.duration_since(run.started_at).as_secs().max(0);
    match seconds {
        0..120 => format!("{seconds} s"),
        _ => format!("{} min", (seconds + 30) / 60),
    }
}

#[cfg(test)]
mod tests {
    use assay_inventory::{Fact, Token};
    use assay_inventory::{Leftover, Subject, TempestFailure, TempestList, TempestSkip};
    use assay_tempest::TestList;

    use super::*;

    fn run() -> (TempestRun, Vec<&'static Test>) {
        let list = TestList::scs_0128();
        let tests: Vec<&Test> = [
            list.matching("FlavorsV2TestJSON"),
            list.matching("IdentityV3ProjectsTest"),
            list.matching("test_versions"),
        ]
        .concat();
        let name = |index: usize| tests[index].name.clone();
        let chosen: Vec<&str> = tests.iter().map(|test| test.name.as_str()).collect();
        let left =
            list.tests.iter().map(|test| test.name.clone()).filter(|name| !chosen.contains(&name.as_str()));
        let run = TempestRun {
            version: Some("47.0.0".into()),
            started_at: "2026-11-22T10:00:00Z".parse().unwrap(),
            finished_at: "2026-11-22T10:04:29Z".parse().unwrap(),
            list: TempestList { name: list.name.clone(), count: list.tests.len() },
            passed: vec![name(0), name(3)],
            failed: vec![TempestFailure {
                name: name(1),
                id: Some(tests[1].id.clone()),
                reason: "TimeoutException: Request timed out: Server 1 failed to reach ACTIVE status".into(),
                details: "Traceback".into(),
            }],
            skipped: vec![TempestSkip { name: name(2), reason: "it needs a second account".into() }],
            not_run: left.chain([name(4)]).collect(),
            cut_short: Some("its time was over after 240 s".into()),
            leftovers: vec![Leftover {
                kind: "volume".into(),
                name: "assay-0123abcd-v".into(),
                id: Some("v1".into()),
                why: "HTTP 409: in use".into(),
            }],
            conf: "[DEFAULT]\n".into(),
        };
        (run, tests)
    }

    fn inventory(run: &TempestRun) -> Inventory {
        let mut inventory = Inventory::new(
            Subject { cloud: "example".into(), ..Subject::default() },
            "2026-11-22T10:05:00Z".parse().unwrap(),
        );
        let roles = vec!["member".to_owned()];
        inventory.token = Fact::Known(Token { roles, ..Token::default() });
        inventory.tempest = Fact::Known(run.clone());
        inventory
    }

    #[test]
    fn people_see_counts_reasons_and_the_verdict() {
        let (run, tests) = run();
        let judgement = judge(&inventory(&run), [TESTCASE], "2026-11-22T10:05:00Z".parse().unwrap()).pop();
        let judgement = judgement.map(|(_, judgement)| judgement);
        let text = for_people("example", &run, &tests, judgement.as_ref(), false, 80);
        insta::assert_snapshot!(anstream::adapter::strip_str(&text).to_string());
    }
}
