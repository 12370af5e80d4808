//! Certificates (scs-0004): how they are applied for, what they say, and what they come to on a day. No I/O.

mod course;
mod credential;
mod paper;
mod standing;

pub(crate) use course::{Course, Move, NotNow};
pub(crate) use credential::{certificate_document, revocation_list};
pub(crate) use paper::{Around, paper};
pub(crate) use standing::{
    Badge, Certificate, QUARTER, Revocation, Standing, end_of, needed, obstacles, state_of,
};
