//! A fleet of simulated clouds: how long a read-only run over all of them takes, and what it costs.
//!
//! It runs the program itself, against clouds in this process that answer over HTTP.
//!
//! | variable | default | meaning |
//! |---|---|---|
//! | `ASSAY_BENCH_CLOUDS` | 10 | how many clouds |
//! | `ASSAY_BENCH_WORKERS` | all of them | how many of them are checked at the same time |
//! | `ASSAY_BENCH_IMAGES` | 500 | images in each |
//! | `ASSAY_BENCH_LATENCY` | 50 | how long each answer takes, in milliseconds |
#![expect(clippy::print_stdout, reason = "figures for whoever runs it")]

use std::env;
use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use assay_inventory::{Inventory, read_snapshot};
use assay_simcloud::{Population, Running, Settings, SimCloud, clouds_yaml, with_images};
use tokio::runtime::Builder;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// The recording that is part of the program.
const RECORDING: &[u8] = include_bytes!("../data/demo.snapshot");
/// How often it is looked what the program has used so far.
const LOOK: Duration = Duration::from_millis(5);
/// How many ticks of the processor's time make a second, as Linux tells programs.
const TICKS: f64 = 100.0;

/// A number from the environment.
fn number(name: &str, default: usize) -> usize {
    env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn main() -> Outcome<()> {
    let (clouds, images) = (number("ASSAY_BENCH_CLOUDS", 10), number("ASSAY_BENCH_IMAGES", 500));
    let latency = Duration::from_millis(number("ASSAY_BENCH_LATENCY", 50).try_into()?);
    let inventory: Inventory = read_snapshot(RECORDING)?;
    let population = Arc::new(Population::of(&with_images(inventory, images)));
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut all: Vec<Running> = Vec::with_capacity(clouds);
    for number in 0..clouds {
        let settings =
            Settings { name: format!("cloud-{number:04}"), latency, ..Settings::of(Arc::clone(&population)) };
        all.push(runtime.block_on(SimCloud::start(settings))?);
    }
    let folder = tempfile::tempdir()?;
    fs::write(folder.path().join("clouds.yaml"), clouds_yaml(&all))?;
    let workers = number("ASSAY_BENCH_WORKERS", clouds);
    let one = run(folder.path(), &all[..1], workers)?;
    println!("1 cloud: {one}");
    let fleet = run(folder.path(), &all, workers)?;
    println!("{clouds} clouds, {images} images and {} ms each: {fleet}", latency.as_millis());
    println!("ratio to one cloud: {:.2}", fleet.wall.as_secs_f64() / one.wall.as_secs_f64());
    Ok(())
}

/// What a run cost.
struct Cost {
    wall: Duration,
    /// Time on processors, in seconds.
    processor: f64,
    /// The most memory at any time, in KiB.
    memory: u64,
}

impl std::fmt::Display for Cost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let memory = self.memory >> 10;
        write!(f, "{:.2} s, {:.2} s of processors, {memory} MiB", self.wall.as_secs_f64(), self.processor)
    }
}

/// Checks some clouds, so many at the same time, by reading alone.
fn run(folder: &Path, clouds: &[Running], workers: usize) -> Outcome<Cost> {
    let subjects: Vec<String> = clouds.iter().map(|cloud| format!("\"{}\"", cloud.name())).collect();
    let config = format!(
        "[presets.default]\nscopes = [\"scs-compatible-iaas\"]\nsubjects = [{}]\nworkers = {workers}\n",
        subjects.join(", "),
    );
    fs::write(folder.join("config.toml"), config)?;
    let begun = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_assay"))
        .args(["fleet", "run", "--fresh", "--sections", "light", "--output", "reports", "--quiet"])
        .env("ASSAY_STATE_DIR", folder.join("state"))
        .env("OS_CLIENT_CONFIG_FILE", folder.join("clouds.yaml"))
        .current_dir(folder)
        .stdout(Stdio::null())
        .spawn()?;
    let mut cost = Cost { wall: Duration::ZERO, processor: 0.0, memory: 0 };
    let status = loop {
        // It tells nothing any more once it has ended.
        if let Some((processor, memory)) = used(child.id()) {
            (cost.processor, cost.memory) = (processor, cost.memory.max(memory));
        }
        if let Some(status) = child.try_wait()? {
            break status;
        }
        std::thread::sleep(LOOK);
    };
    cost.wall = begun.elapsed();
    match status.code() {
        Some(0) => Ok(cost),
        other => Err(format!("the run ended with {other:?}").into()),
    }
}

/// What a program has used: seconds of processors, and its peak of memory in KiB.
fn used(id: u32) -> Option<(f64, u64)> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name in brackets may hold blanks; user and system time are the 12th and 13th field behind it.
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    let ticks: u32 = fields.get(11)?.parse::<u32>().ok()? + fields.get(12)?.parse::<u32>().ok()?;
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some((f64::from(ticks) / TICKS, peak.trim().trim_end_matches(" kB").parse().ok()?))
}
