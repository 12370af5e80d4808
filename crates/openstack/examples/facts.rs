//! Gathers all facts of a cloud and prints the inventory as JSON: `cargo run --example facts -- CLOUD`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example talks to its user")]

use std::collections::BTreeSet;
use std::error::Error;

use assay_inventory::FactId;
use assay_openstack::{CloudConfig, Overrides, Request, Settings, collect};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let config = CloudConfig::find(std::env::args().nth(1).as_deref(), &Overrides::default())?;
    let facts = FactId::ALL.iter().copied().collect::<BTreeSet<_>>();
    let request = Request {
        facts: &facts,
        started_at: Timestamp::now(),
        preflight: &|_| Ok(()),
        probes: None,
        cancel: &CancellationToken::new(),
        events: &|event| eprintln!("{event:?}"),
    };
    let inventory = collect(&config, &Settings::default(), &request).await;
    println!("{}", serde_json::to_string_pretty(&inventory)?);
    Ok(())
}
