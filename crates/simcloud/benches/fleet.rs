//! What simulated clouds cost: memory for each, time for each call, and many of them asked at the same time.
//!
//! | variable | default | meaning |
//! |---|---|---|
//! | `ASSAY_BENCH_CLOUDS` | 100 | clouds in this process; for 1,000 a process must be allowed 10,000 open files |
//! | `ASSAY_BENCH_IMAGES` | 500 | images in each |
//! | `ASSAY_BENCH_LATENCY` | 50 | milliseconds that each answer takes |
#![expect(clippy::print_stdout, reason = "a table for whoever runs it")]

use std::env;
use std::error::Error;
use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use assay_inventory::read_snapshot;
use assay_simcloud::{Population, Running, Settings, SimCloud, with_images};
use futures::future::try_join_all;
use reqwest::Client;
use serde_json::{Value, json};

type Outcome<T> = Result<T, Box<dyn Error>>;

const CALLS: u32 = 2000;
const RECORDING: &[u8] = include_bytes!("../../assay/data/demo.snapshot");

/// A number from the environment.
fn number(name: &str, default: usize) -> usize {
    env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Memory of this process, in KiB.
fn memory() -> Outcome<usize> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let (count, images) = (number("ASSAY_BENCH_CLOUDS", 100), number("ASSAY_BENCH_IMAGES", 500));
    let latency = Duration::from_millis(u64::try_from(number("ASSAY_BENCH_LATENCY", 50))?);
    let inventory = with_images(read_snapshot(RECORDING)?, images);
    let population = Arc::new(Population::of(&inventory));
    println!("{:<44} {:>10} KiB", "what is in all of them, rendered", population.weight() >> 10);

    let before = memory()?;
    let clouds = try_join_all((0..count).map(|number| {
        let population = Arc::clone(&population);
        SimCloud::start(Settings { name: format!("cloud-{number}"), latency, ..Settings::of(population) })
    }))
    .await?;
    let idle = memory()?.saturating_sub(before);
    println!("{:<44} {:>10.1} KiB", "each cloud that nobody asks", per(idle, count));

    let quick = SimCloud::start(Settings::of(Arc::clone(&population))).await?;
    let client = Client::new();
    let token = login(&client, &quick).await?;
    for (what, path) in [
        ("a call for the networks", "network/v2.0/networks?router%3Aexternal=True"),
        ("a call for the images, 1000 in a page", "image/v2/images?limit=1000"),
        ("a call for the images, 10 in a page", "image/v2/images?limit=10"),
    ] {
        let begun = Instant::now();
        for _ in 0..CALLS {
            get(&client, &quick, &token, path).await?;
        }
        println!("{what:<44} {:>10.1} µs", begun.elapsed().as_secs_f64() * 1e6 / f64::from(CALLS));
    }

    // Clients stay in memory as long as their connections do.
    let clients: Vec<Client> = clouds.iter().map(|_| Client::new()).collect();
    let before = memory()?;
    let begun = Instant::now();
    try_join_all(clouds.iter().zip(&clients).map(|(cloud, client)| async move {
        let token = login(client, cloud).await?;
        get(client, cloud, &token, "image/v2/images?limit=1000").await
    }))
    .await?;
    println!("{:<44} {:>10.3} s", "a token and all images, of all at once", begun.elapsed().as_secs_f64());
    println!("{:<44} {:>10.3} s", "of that, latency", (latency * 2).as_secs_f64());
    let busy = memory()?.saturating_sub(before);
    println!("{:<44} {:>10.1} KiB", "each cloud with its client, after that", per(busy, count));
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a figure to look at")]
fn per(sum: usize, count: usize) -> f64 {
    sum as f64 / count.max(1) as f64
}

async fn login(client: &Client, cloud: &Running) -> Outcome<String> {
    let user = json!({"name": "demo", "domain": {"id": "default"}, "password": "simulated"});
    let identity = json!({"methods": ["password"], "password": {"user": user}});
    let body: Value = json!({"auth": {"identity": identity}});
    let url = format!("{}/auth/tokens", cloud.auth_url());
    let answer = client.post(url).body(body.to_string()).send().await?.error_for_status()?;
    Ok(answer.headers().get("x-subject-token").ok_or("no token")?.to_str()?.to_owned())
}

async fn get(client: &Client, cloud: &Running, token: &str, path: &str) -> Outcome<usize> {
    let request = client.get(format!("{}/{path}", cloud.url())).header("x-auth-token", token);
    Ok(request.send().await?.error_for_status()?.bytes().await?.len())
}
