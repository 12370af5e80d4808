//! Runs the scripts of a spec for testcases that this program does not know, when the user allows it.
//!
//! A script prints `testcase-id: VERDICT` lines; the last line for a testcase counts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use assay_standards::Verdict;
use assay_standards::scope::{Script, Selection, Spec};
use assay_testcases::{Judgement, Registry};
use tokio::process::Command;

/// What hangs longer than this is not going to end.
const LIMIT: Duration = Duration::from_hours(6);

/// The judgements of all testcases of the selection that belong to scripts.
pub(crate) async fn run(
    spec: &Spec,
    selection: &Selection<'_>,
    spec_file: &Path,
    assignment: &BTreeMap<String, String>,
) -> BTreeMap<String, Judgement> {
    let registry = Registry::get();
    let mut by_script: BTreeMap<usize, BTreeSet<&str>> = BTreeMap::new();
    let mut judgements = BTreeMap::new();
    for selected in &selection.testcases {
        let testcase = selected.testcase;
        if registry.find(&testcase.id).is_some() {
            continue;
        }
        match testcase.script {
            Some(_) if testcase.manual => {
                judgements.insert(testcase.id.clone(), Judgement::missed("a person must look"));
            }
            Some(index) => {
                by_script.entry(index).or_default().insert(&testcase.id);
            }
            None => {}
        }
    }
    let folder = spec_file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    for (index, ids) in by_script {
        let Some(script) = spec.scripts.get(index) else {
            continue;
        };
        let assignment = with_defaults(spec, assignment);
        match verdicts(script, folder, &assignment, &ids).await {
            Ok(verdicts) => {
                for id in ids {
                    let judgement = match verdicts.get(id) {
                        Some(verdict) => {
                            let mut judgement = Judgement::missed("judged by the script of the spec");
                            judgement.official = Some(*verdict);
                            judgement.text = *verdict;
                            judgement
                        }
                        None => Judgement::missed("the script of the spec printed no verdict for it"),
                    };
                    judgements.insert(id.to_owned(), judgement);
                }
            }
            Err(why) => {
                for id in ids {
                    judgements.insert(id.to_owned(), Judgement::missed(why.clone()));
                }
            }
        }
    }
    judgements
}

fn with_defaults(spec: &Spec, assignment: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let defaults =
        spec.variables.iter().filter_map(|variable| Some((variable.name.clone(), variable.default.clone()?)));
    let mut all: BTreeMap<String, String> = defaults.collect();
    all.extend(assignment.clone());
    all
}

async fn verdicts(
    script: &Script,
    folder: &Path,
    assignment: &BTreeMap<String, String>,
    ids: &BTreeSet<&str>,
) -> Result<BTreeMap<String, Verdict>, String> {
    let program = script.program().map_err(|error| error.to_string())?;
    let testcases: Vec<&str> = ids.iter().copied().collect();
    let arguments = script.render_args(assignment, &testcases).map_err(|error| error.to_string())?;
    let arguments = shlex::split(&arguments)
        .ok_or_else(|| format!("the arguments of {program} have an open quote: {arguments}"))?;
    let environment = script.render_env(assignment, &testcases).map_err(|error| error.to_string())?;
    let mut command = match Path::new(program).extension().is_some_and(|ending| ending == "py") {
        true => {
            let mut python = Command::new("python3");
            python.arg(program);
            python
        }
        false => Command::new(program),
    };
    command.args(arguments).envs(environment).current_dir(folder).stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(LIMIT, command.output())
        .await
        .map_err(|_| format!("{program} did not end within {} hours", LIMIT.as_secs() / 3600))?
        .map_err(|error| format!("{program} could not be started: {error}"))?;
    Ok(parse(&String::from_utf8_lossy(&output.stdout), ids))
}

/// The verdict lines among a script's output, for the testcases that were asked for.
fn parse(stdout: &str, ids: &BTreeSet<&str>) -> BTreeMap<String, Verdict> {
    stdout
        .lines()
        .filter_map(|line| {
            let (id, word) = line.rsplit_once(':')?;
            let verdict = word.trim().parse().ok().filter(|verdict| *verdict != Verdict::Miss)?;
            ids.contains(id.trim()).then(|| (id.trim().to_owned(), verdict))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_of_a_requested_testcase_counts() {
        let ids = BTreeSet::from(["a-1", "b:2", "c"]);
        let output = "INFO: hello\na-1: FAIL\nb:2 : pass\nother: PASS\na-1: PASS\nc: MISS\nc: maybe\n";
        let parsed = parse(output, &ids);
        assert_eq!(
            parsed.into_iter().collect::<Vec<_>>(),
            [("a-1".to_owned(), Verdict::Pass), ("b:2".to_owned(), Verdict::Pass)]
        );
    }
}
