//! A simulated cloud: an HTTP server that speaks as much of keystone, nova, glance, cinder, neutron, barbican and
//! swift as assay asks for, with the facts of a recorded cloud, and as slow, broken or hostile as a test wants it.
//!
//! It serves tests of load and faults and the demonstration. What real services answer is found out from real
//! services alone (`testbed/`); a contract test keeps the answers here in the shape of theirs.
//!
//! Each cloud listens on a port of its own on the loopback interface, with a path prefix for each service: so a cloud
//! that is down refuses connections, and S3, which is asked at the root of its host, can be told apart. All that was
//! recorded is rendered once ([`Population`]) and shared by the clouds that have it; a cloud of its own costs a
//! listener and a few kilobytes.

mod answer;
mod body;
mod born;
mod catalog;
mod cloud;
mod fault;
mod listing;
mod population;
mod route;
mod running;
mod settings;
mod shelf;

pub use answer::Service;
pub use cloud::Counts;
pub use fault::{Fault, HUGE, Rule, When};
pub use population::{Population, with_images};
pub use running::{Running, SimCloud, SimCloudError, clouds_yaml};
pub use settings::{Settings, Stuck, TokenLife};
pub use shelf::Kind;
