//! Declarations: what people answer for the testcases that no program can decide.
//!
//! A standard leaves some demands to people: whether keys lie encrypted, whether two availability zones can
//! burn down together. For each manual testcase a [`Questionnaire`] holds what there is to answer and which
//! answers conform. A [`Declaration`] is one person's answers for one subject, each with links to what proves
//! it; reading one checks it against the questions. Nothing here knows a clock: days come in as arguments.

mod answers;
mod draft;
mod problem;
mod questions;
mod read;
mod standing;
mod template;
#[cfg(test)]
mod tests;
mod write;

pub use answers::{Answer, Declaration, DeclaredTestcase, Signer};
pub use problem::{DeclarationError, Problem, ProblemKind};
pub use questions::{Choice, Condition, Demand, Question, Questionnaire};
pub use standing::Standing;
pub use template::template;
pub use write::WriteError;
