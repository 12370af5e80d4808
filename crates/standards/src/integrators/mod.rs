//! What the references of an integrator come to (scs-0007): points, the tier that they reach, and how it was reckoned.
//!
//! The rules are data, [`Integrators`](crate::requirements::Integrators). How a share in a joint environment counts is
//! not fixed by the standard: it is told with its proof, and whoever assesses decides about the whole reference.

mod reference;
mod score;
#[cfg(test)]
mod tests;

pub use reference::{Reference, Share};
pub use score::{Counted, Missing, Score};
