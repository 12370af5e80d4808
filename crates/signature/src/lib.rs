//! SSHSIG: signatures over files, as `ssh-keygen -Y sign` makes and `ssh-keygen -Y verify` accepts them.
//!
//! It reads keys and signatures with `ssh-key` and does the arithmetic with `aws-lc-rs`, which the program holds
//! anyway. It knows no report and no account: which keys may sign what is for others to say.

mod arithmetic;
mod key;
mod signing;
mod sshsig;

pub use key::{KeyError, PublicKey};
pub use signing::{NotSigned, ThrowawayKey};
pub use sshsig::{Signature, SignatureError};
