//! Runs Tempest, the test suite of OpenStack, and reads what came out.
//!
//! This crate has the list of tests of scs-0128 ([`TestList`]), writes the configuration and the accounts file that
//! Tempest wants from plain values, installs Tempest into an environment of its own ([`Installation`]), runs it in
//! a folder that goes away with the run, and follows its subunit stream. It asks no cloud by itself: what must be
//! known about the cloud comes in as a [`TempestCloud`](assay_inventory::TempestCloud), and what Tempest created
//! comes out as [`Created`], for others to take down.

mod account;
mod conf;
mod created;
mod error;
mod installation;
mod list;
mod process;
mod reason;
mod run;
mod subunit;
mod tally;
mod workspace;

pub use account::{Account, Accounts};
pub use conf::configuration;
pub use created::Created;
pub use error::TempestError;
pub use installation::Installation;
pub use list::{Need, Test, TestList};
pub use run::{Event, Outcome, Request, run};
pub use tally::{Counts, Ending};
