//! A fleet of a hundred clouds, some of which are dead, hang, drip, talk nonsense or forget their tokens: the others know
//! nothing of it.

use std::collections::BTreeMap;
use std::fs;

use assay_inventory::{Inventory, read_snapshot};
use assay_simcloud::{Fault, Population, Rule, Running, Settings, SimCloud, TokenLife, clouds_yaml};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::support::{Home, recording};

const CLOUDS: usize = 100;

/// What is wrong with one of ten clouds: its number, and the words by which its report tells so.
fn trouble(number: usize) -> Option<&'static str> {
    Some(match number {
        5 => "no connection",
        15 | 25 | 35 | 45 => "no answer in time",
        55 | 65 => "not",
        75 | 85 | 95 => "",
        _ => return None,
    })
}

fn settings(number: usize, population: &std::sync::Arc<Population>) -> Settings {
    let everywhere = |fault| vec![Rule::always(fault)];
    let rules = match number {
        15 | 25 => everywhere(Fault::Silence),
        35 | 45 => everywhere(Fault::Drip),
        55 | 65 => everywhere(Fault::Garbage),
        _ => Vec::new(),
    };
    // A token that is good for two calls only is renewed again and again.
    let token = match number {
        75 | 85 | 95 => TokenLife { calls: Some(2), time: None },
        _ => TokenLife::default(),
    };
    Settings {
        name: format!("cloud-{number:03}"),
        rules,
        token,
        seed: u64::try_from(number).expect("small"),
        ..Settings::of(population.clone())
    }
}

#[test]
fn ten_bad_clouds_of_a_hundred_spoil_nothing_for_the_others() {
    let inventory: Inventory =
        read_snapshot(&fs::read(recording()).expect("the recording")).expect("a snapshot");
    let population = Population::of(&inventory).into();
    let runtime = Runtime::new().expect("a runtime");
    let mut clouds: Vec<Running> = (0..CLOUDS)
        .map(|number| runtime.block_on(SimCloud::start(settings(number, &population))).expect("a port"))
        .collect();
    let home = Home::new();
    let file = home.file("clouds.yaml", clouds_yaml(&clouds));
    // One of them is gone before anybody asks it.
    drop(clouds.remove(5));
    let subjects: Vec<String> = (0..CLOUDS).map(|number| format!("\"cloud-{number:03}\"")).collect();
    home.file(
        "config.toml",
        format!(
            "[presets.default]\nscopes = [\"scs-compatible-iaas\"]\nsubjects = [{}]\n\
             [subjects._.mapping]\nos_cloud = \"{{subject}}\"\n",
            subjects.join(", ")
        ),
    );
    let ran = home.run_in(
        &["fleet", "run", "--sections", "light", "--timeout", "8", "-o", "reports", "--events", "jsonl"],
        "",
        &[("OS_CLIENT_CONFIG_FILE", &file)],
    );
    assert_eq!(ran.code, 3, "some could not be determined: {}", ran.stderr);

    let events: Vec<Value> =
        ran.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let judged: BTreeMap<&str, &Value> = events
        .iter()
        .filter(|event| event["event"] == "judged")
        .map(|event| (event["subject"].as_str().expect("a name"), event))
        .collect();
    assert_eq!(judged.len(), CLOUDS, "every subject ends in a report");
    let well = judged["cloud-000"];
    assert!(well["pass"].as_u64() > Some(10) && well["fail"].as_u64() > Some(10), "{well}");
    for number in 0..CLOUDS {
        let name = format!("cloud-{number:03}");
        let event = judged[name.as_str()];
        match trouble(number) {
            // As if they were alone, also where a token has to be renewed all the time.
            None | Some("") => {
                for verdict in ["determined", "pass", "fail", "abort", "miss"] {
                    assert_eq!(event[verdict], well[verdict], "{name}: {verdict}");
                }
            }
            Some(words) => {
                assert_eq!(event["determined"], false, "{event}");
                let why = event["why"].as_str().expect("a reason");
                assert!(why.contains(words), "{name}: {why}");
                let report = home.path().join(format!("reports/{name}/scs-compatible-iaas.yaml"));
                let report = fs::read_to_string(report).expect("a report");
                assert!(!report.contains(": 1\n") && report.contains("scs-0100-syntax-check: 0"), "{name}");
            }
        }
    }
}
