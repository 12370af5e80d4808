//! The program from outside, without servers: arguments in, output and exit code out.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test ends where it cannot go on"
)]

mod bad_input;
mod daemon;
mod declare;
mod demo;
mod faults;
mod find;
mod flavor_names;
mod fleet;
mod images;
mod many_clouds;
mod monitor;
mod monitored;
mod picture;
mod reports;
mod runner;
mod scope;
mod scripts;
mod sign;
mod simulated;
mod subject;
mod support;
mod uploaders;
mod waivers;
