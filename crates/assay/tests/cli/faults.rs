//! The monitor when things go wrong around it: it is killed, or the disk is full.

use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use reqwest::StatusCode;

use crate::uploaders::{Dice, Fleet, outlives_kills, served};

#[tokio::test]
async fn what_was_taken_outlives_kills() {
    outlives_kills(&[], 0x00c0_ffee).await;
}

#[tokio::test]
async fn a_start_that_was_killed_is_made_up_for() {
    let mut dice = Dice(0xdead);
    // The tables are made in several steps, and each may be the last.
    for _ in 0..4 {
        let fleet = Fleet::new(&[], 1);
        for _ in 0..4 {
            let mut child = fleet.starting().stderr(Stdio::null()).spawn().unwrap();
            thread::sleep(Duration::from_millis(dice.roll(120)));
            child.kill().unwrap();
            child.wait().unwrap();
        }
        let served = fleet.serve();
        assert_eq!(fleet.get(&format!("{}healthz", served.url)).await.0, StatusCode::OK);
        assert_eq!(fleet.hand_in_one(&served.url).await.0, StatusCode::OK);
    }
}

/// Files of a process may grow so far from now on.
fn limit_files(process: u32, bytes: &str) {
    let limit = format!("--fsize={bytes}:");
    let limited = Command::new("prlimit").args(["--pid", &process.to_string(), &limit]).status().unwrap();
    assert!(limited.success());
}

#[tokio::test]
async fn a_full_disk_is_no_end() {
    let fleet = Fleet::new(&[], 60);
    // Who is told that a file is as large as it may be can go on then.
    let plain = fleet.starting();
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]).arg(plain.get_program()).args(plain.get_args());
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.env_remove("ASSAY_DATABASE_URL").stderr(Stdio::piped());
    let served = served(command);
    let url = &served.url;
    assert_eq!(fleet.hand_in_one(url).await.0, StatusCode::OK);
    limit_files(served.child.id(), "4096");
    for _ in 0..20 {
        let (status, refusal) = fleet.hand_in_one(url).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{refusal}");
        assert_eq!(refusal["detail"], "nothing was stored; try again");
        for page in ["status", "page/table", "reports", "healthz", "log/checkpoint"] {
            assert_eq!(fleet.get(&format!("{url}{page}")).await.0, StatusCode::OK, "{page}");
        }
    }
    limit_files(served.child.id(), "unlimited");
    fleet.hand_in(url).await;
    assert_eq!(fleet.counts(), (0, 60, 0));
    fleet.nothing_is_lost(&served).await;
}
