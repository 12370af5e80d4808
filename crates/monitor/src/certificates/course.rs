use std::fmt;
use std::str::FromStr;

/// Where an application stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Course {
    /// The assessors have to look at it.
    Submitted,
    /// They asked for more, and the applicant has to answer.
    Asked,
    /// There is a certificate.
    Granted,
    /// There is none.
    Rejected,
    /// The applicant wants none any more.
    Withdrawn,
}

/// What somebody does with an application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Move {
    /// Begins it.
    Apply,
    /// Adds evidence, or an answer.
    Evidence,
    /// Says what to make of a part of it.
    Judge,
    /// Asks for more.
    Ask,
    /// Takes it back.
    Withdraw,
    /// Says yes.
    Grant,
    /// Says no.
    Reject,
}

/// Something cannot be done with an application as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotNow {
    /// It is decided.
    #[error("the application is {0}, and nothing more can be done with it")]
    Decided(Course),
    /// There is more than anybody reads.
    #[error("there is so much about the application that no more evidence can be added")]
    TooMuch,
}

impl Course {
    pub(crate) const ALL: [Self; 5] =
        [Self::Submitted, Self::Asked, Self::Granted, Self::Rejected, Self::Withdrawn];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Course::Submitted => "submitted",
            Course::Asked => "asked",
            Course::Granted => "granted",
            Course::Rejected => "rejected",
            Course::Withdrawn => "withdrawn",
        }
    }

    /// Where it stands after a move; once it is decided, it stays.
    pub(crate) fn after(self, made: Move) -> Result<Self, NotNow> {
        match (self, made) {
            (Course::Submitted | Course::Asked, Move::Apply | Move::Evidence) => Ok(Course::Submitted),
            (Course::Submitted | Course::Asked, Move::Judge) => Ok(self),
            (Course::Submitted | Course::Asked, Move::Ask) => Ok(Course::Asked),
            (Course::Submitted | Course::Asked, Move::Withdraw) => Ok(Course::Withdrawn),
            (Course::Submitted | Course::Asked, Move::Grant) => Ok(Course::Granted),
            (Course::Submitted | Course::Asked, Move::Reject) => Ok(Course::Rejected),
            (decided, _) => Err(NotNow::Decided(decided)),
        }
    }
}

impl fmt::Display for Course {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Course {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|course| course.as_str() == word).ok_or(())
    }
}

impl Move {
    const ALL: [Self; 7] =
        [Self::Apply, Self::Evidence, Self::Judge, Self::Ask, Self::Withdraw, Self::Grant, Self::Reject];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Move::Apply => "apply",
            Move::Evidence => "evidence",
            Move::Judge => "judge",
            Move::Ask => "ask",
            Move::Withdraw => "withdraw",
            Move::Grant => "grant",
            Move::Reject => "reject",
        }
    }

    /// Whether it is for the applicant to make, and not for the assessors.
    pub(crate) const fn is_applicants(self) -> bool {
        matches!(self, Move::Apply | Move::Evidence | Move::Withdraw)
    }
}

impl FromStr for Move {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|made| made.as_str() == word).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_decided_stays() {
        for course in Course::ALL {
            assert_eq!(course.as_str().parse(), Ok(course));
            for made in Move::ALL {
                assert_eq!(made.as_str().parse(), Ok(made));
                let is_open = matches!(course, Course::Submitted | Course::Asked);
                assert_eq!(course.after(made).is_ok(), is_open, "{course} {}", made.as_str());
            }
        }
        assert_eq!(Course::Submitted.after(Move::Ask), Ok(Course::Asked));
        assert_eq!(Course::Asked.after(Move::Evidence), Ok(Course::Submitted));
        assert_eq!(Course::Asked.after(Move::Judge), Ok(Course::Asked));
    }
}
