//! Checks of many subjects in one go: what is planned, what became of it, and how reports reach a monitor.
//!
//! It knows no cloud and no standard: who checks is a [`Checker`], and what comes of it are the reports of `assay-report`.
//! What goes wrong with one subject touches no other, and what was found out is on disk before anything is sent.

mod config;
mod delivery;
mod lease;
pub mod manifests;
mod metrics;
mod missing;
mod outbox;
mod plan;
mod record;
mod run;
mod schedule;
mod settled;

pub use config::{Beside, Config, FleetProblem, monitor};
pub use delivery::{Courier, CourierError, Delivery, TOKEN_MARK, Welcome, account};
pub use lease::{Lease, LeaseError, LeaseKeeper, Leases, file_name};
pub use metrics::{Metrics, Moment};
pub use missing::{Standings, StatusError};
pub use outbox::{Address, Attempts, Letter, Outbox, OutboxError};
pub use plan::{Choice, Plan, PlanError, Planned};
pub use record::{Line, Occasion, Past, Record, RecordError, Tally, past};
pub use run::{CHECKING, Checker, Event, Judged, Pace, run};
pub use schedule::{Outlook, Schedule, Section, Windows};
pub use settled::{Settled, SettledError};
