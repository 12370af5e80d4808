//! Signatures here and those of OpenSSH: each verifies what the other has signed.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod agent;
mod signing;
mod support;
mod verifying;
