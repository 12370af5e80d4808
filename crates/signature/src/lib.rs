//! SSHSIG: signatures over files, as `ssh-keygen -Y sign` makes and `ssh-keygen -Y verify` accepts them.
//!
//! It reads keys and signatures, from files or from an ssh-agent, makes keys, and does the arithmetic with `aws-lc-rs`, which the
//! program holds anyway. It knows no report and no account: which keys may sign what is for others to say, or for a file
//! `allowed_signers`.

mod agent;
mod allowed;
mod arithmetic;
mod file;
mod key;
mod new_key;
mod private;
mod signing;
mod sshsig;

pub use agent::{Agent, AgentAnswer, AgentError, AgentKey, Wanted};
pub use allowed::{AllowedSigner, AllowedSigners, NotAllowed, RefusedLine};
pub use file::{KeyFile, KeyFileError};
pub use key::{KeyError, PublicKey};
pub use new_key::{NewKey, NotMade};
pub use private::PrivateKey;
pub use signing::{NotSigned, Signer, ThrowawayKey};
pub use sshsig::{Signature, SignatureError};
