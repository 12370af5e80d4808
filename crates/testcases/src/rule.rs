//! Judging with `?`: a fact that is missing ends the judgement.

use crate::evidence::Needed;
use crate::testcase::Judge;
use crate::{Evidence, Judgement};

/// A judge whose missing facts have become a judgement already.
pub(crate) fn rule(judge: impl Fn(&Evidence<'_>) -> Needed<Judgement> + Send + Sync + 'static) -> Judge {
    Box::new(move |evidence| judge(evidence).unwrap_or_else(|aborted| *aborted))
}
