//! Certificates (scs-0004), and those of integrators (scs-0007): how they are applied for, what they say, and what they come to on a day. No I/O.

mod course;
mod credential;
mod integrator;
mod paper;
mod standing;

pub(crate) use course::{Course, Move, NotNow};
pub(crate) use credential::{Statement, certificate_document, revocation_list};
pub(crate) use integrator::{FoundReport, Judged, Linked, Word, layer_of, reckon};
pub(crate) use paper::{Around, Line, paper};
pub(crate) use standing::{
    Badge, Certificate, Quarterly, Revocation, Standing, end_of, is_certified, manual_in_force, needed,
    obstacles, state_of,
};
