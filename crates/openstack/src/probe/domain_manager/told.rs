//! What a row came to: answers of the server, compared with what was expected.

use assay_inventory::{DomainManagerOutcome as Outcome, Reason, Unavailable};

use crate::client::Reply;

/// What the server said to an attempt.
pub(super) type Answer = Result<Reply, Unavailable>;

/// What a row came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) outcome: Outcome,
    pub(super) seen: String,
    pub(super) request_id: Option<String>,
}

impl Told {
    /// Something was seen that is as expected, or not.
    pub(super) fn seen(conforms: bool, seen: impl Into<String>) -> Self {
        let outcome = if conforms { Outcome::Conforms } else { Outcome::Deviates };
        Told { outcome, seen: seen.into(), request_id: None }
    }
}

/// Why a row could not be tried: something that it needs is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Missing(pub(super) String);

/// Something that rows need, or why it is not there.
pub(super) fn need<T>(thing: &Result<T, Missing>) -> Result<&T, Missing> {
    thing.as_ref().map_err(Clone::clone)
}

impl From<Missing> for Told {
    fn from(Missing(why): Missing) -> Self {
        Told { outcome: Outcome::NotTried, seen: why, request_id: None }
    }
}

/// What happened, as far as a look could tell: true if there was an effect.
pub(super) type Effect = Result<bool, Unavailable>;

/// The attempt has to work.
pub(super) fn works(answer: &Answer) -> Told {
    let outcome = match answer {
        Ok(_) => Outcome::Conforms,
        Err(why) if is_refusal(why) => Outcome::Deviates,
        Err(_) => Outcome::NotTried,
    };
    told(outcome, answer, "")
}

/// The attempt has to work, and the effect must be there.
pub(super) async fn works_with(answer: Answer, look: impl Future<Output = Effect>, lacking: &str) -> Told {
    if answer.is_err() {
        return works(&answer);
    }
    match look.await {
        Ok(true) => works(&answer),
        Ok(false) => told(Outcome::Deviates, &answer, &format!(", but {lacking}")),
        Err(why) => {
            let outcome = if is_refusal(&why) { Outcome::Deviates } else { Outcome::NotTried };
            told(outcome, &answer, &format!(", but a look at the effect failed: {why}"))
        }
    }
}

/// A deletion has to work. Where its answer is lost the call is repeated, and then refused because nothing is left:
/// what the owner sees to be gone was deleted.
pub(super) async fn deletes(answer: Answer, look: impl Future<Output = Effect>, lacking: &str) -> Told {
    if !answer.as_ref().is_err_and(is_refusal) {
        return works_with(answer, look, lacking).await;
    }
    match look.await {
        Ok(true) => told(Outcome::Conforms, &answer, ", but it is gone"),
        Ok(false) | Err(_) => works(&answer),
    }
}

/// The attempt has to be refused with 403, and nothing may have happened.
pub(super) fn is_forbidden(answer: &Answer, effect: &Effect) -> Told {
    match (answer, effect) {
        (_, Ok(true)) => told(Outcome::Deviates, answer, ", and it took effect"),
        (Ok(_), _) => told(Outcome::Deviates, answer, " instead of a refusal"),
        (Err(why), effect) if why.status == Some(403) => told(Outcome::Conforms, answer, &unseen(effect)),
        (Err(why), _) if is_client_error(why) => {
            told(Outcome::NotTried, answer, " (that is no 403, so it does not tell whether it is forbidden)")
        }
        (Err(_), _) => told(Outcome::NotTried, answer, ""),
    }
}

/// Nothing may have happened, whatever the server says. Refusals other than 403 prove something only where
/// they are known to come from the attempt itself.
pub(super) fn has_no_effect(answer: &Answer, effect: &Effect, other_refusals: &[u16]) -> Told {
    match (answer, effect) {
        (_, Ok(true)) => told(Outcome::Deviates, answer, ", and it took effect"),
        (Ok(_), Ok(false)) => told(Outcome::Conforms, answer, ", but without effect"),
        (Ok(_), Err(why)) => {
            told(Outcome::NotTried, answer, &format!(", and whether it took effect is not to be seen: {why}"))
        }
        (Err(why), effect) if why.status == Some(403) => told(Outcome::Conforms, answer, &unseen(effect)),
        (Err(why), Ok(false)) if why.status.is_some_and(|status| other_refusals.contains(&status)) => {
            told(Outcome::Conforms, answer, "")
        }
        (Err(_), _) => told(Outcome::NotTried, answer, ""),
    }
}

/// Nothing may be found; being refused is as good.
pub(super) fn is_not_found(found: Result<Option<String>, Unavailable>) -> Told {
    match found {
        Ok(None) => Told::seen(true, "nothing was found"),
        Ok(Some(what)) => Told::seen(false, what),
        Err(why) => {
            let outcome = match why.status {
                Some(403 | 404) => Outcome::Conforms,
                _ => Outcome::NotTried,
            };
            told(outcome, &Err(why), "")
        }
    }
}

/// A refusal with a look that was not possible says so; it is a refusal all the same.
fn unseen(effect: &Effect) -> String {
    match effect {
        Ok(_) => String::new(),
        Err(why) => match why.status {
            Some(status) => format!(" (a look at the effect was answered with HTTP {status})"),
            None => format!(" (a look at the effect failed: {})", why.message),
        },
    }
}

/// Refusals that say something about rights: what a manager may not see is not there either.
fn is_refusal(why: &Unavailable) -> bool {
    matches!(why.status, Some(403 | 404))
}

fn is_client_error(why: &Unavailable) -> bool {
    why.reason != Reason::Authentication
        && why.status.is_some_and(|status| (400..500).contains(&status) && status != 429)
}

fn told(outcome: Outcome, answer: &Answer, more: &str) -> Told {
    let (seen, request_id) = match answer {
        Ok(reply) => (format!("HTTP {}", reply.status.as_u16()), reply.request_id()),
        Err(why) => match why.status {
            Some(status) => (format!("HTTP {status}: {}", why.message), why.request_id.clone()),
            None => (why.message.clone(), None),
        },
    };
    Told { outcome, seen: format!("{seen}{more}"), request_id }
}

#[cfg(test)]
mod tests {
    use assay_inventory::DomainManagerOutcome::{Conforms, Deviates, NotTried};
    use http::{HeaderMap, Method, StatusCode};

    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "it stands beside refusals")]
    fn ok() -> Answer {
        Ok(Reply {
            method: Method::PUT,
            url: "http://keystone.example.com/v3/x".parse().unwrap(),
            status: StatusCode::NO_CONTENT,
            headers: HeaderMap::from_iter([(
                "x-openstack-request-id".parse().unwrap(),
                "req-1".parse().unwrap(),
            )]),
            body: Vec::new(),
        })
    }

    fn no(status: u16) -> Unavailable {
        let reason = if status >= 500 { Reason::ServerError } else { Reason::Refused };
        Unavailable { status: Some(status), ..Unavailable::new(reason, "no") }
    }

    fn silence() -> Unavailable {
        Unavailable::new(Reason::Timeout, "no answer")
    }

    #[test]
    fn what_must_work_fails_on_refusals_alone() {
        let outcomes = [Err(no(403)), Err(no(404)), Err(no(409)), Err(no(500)), Err(silence()), ok()]
            .map(|answer| works(&answer).outcome);
        assert_eq!(outcomes, [Deviates, Deviates, NotTried, NotTried, NotTried, Conforms]);
    }

    #[tokio::test]
    async fn what_must_work_must_be_seen_to_have_worked() {
        for (effect, outcome, seen) in [
            (Ok(true), Conforms, "HTTP 204"),
            (Ok(false), Deviates, "HTTP 204, but it is not there"),
            (Err(no(403)), Deviates, "HTTP 204, but a look at the effect failed: HTTP 403: no"),
            (Err(silence()), NotTried, "HTTP 204, but a look at the effect failed: no answer"),
        ] {
            let told = works_with(ok(), async { effect }, "it is not there").await;
            assert_eq!((told.outcome, told.seen.as_str()), (outcome, seen));
            assert_eq!(told.request_id.as_deref(), Some("req-1"));
        }
    }

    #[tokio::test]
    async fn what_is_seen_to_be_gone_was_deleted_although_the_answer_was_lost() {
        for (answer, effect, outcome, seen) in [
            (ok(), Ok(true), Conforms, "HTTP 204"),
            (ok(), Ok(false), Deviates, "HTTP 204, but it is there"),
            (Err(no(404)), Ok(true), Conforms, "HTTP 404: no, but it is gone"),
            (Err(no(403)), Ok(false), Deviates, "HTTP 403: no"),
            (Err(no(403)), Err(silence()), Deviates, "HTTP 403: no"),
            (Err(silence()), Ok(true), NotTried, "no answer"),
        ] {
            let told = deletes(answer, async { effect }, "it is there").await;
            assert_eq!((told.outcome, told.seen.as_str()), (outcome, seen));
        }
    }

    #[test]
    fn only_a_403_without_effect_is_forbidden() {
        for (answer, effect, outcome) in [
            (Err(no(403)), Ok(false), Conforms),
            (Err(no(403)), Err(no(403)), Conforms),
            (Err(no(403)), Ok(true), Deviates),
            (ok(), Ok(false), Deviates),
            (ok(), Ok(true), Deviates),
            (Err(no(404)), Ok(false), NotTried),
            (Err(no(500)), Ok(false), NotTried),
            (Err(silence()), Ok(false), NotTried),
            (Err(silence()), Ok(true), Deviates),
        ] {
            let told = is_forbidden(&answer, &effect);
            assert_eq!(told.outcome, outcome, "{answer:?} {effect:?}");
        }
    }

    #[test]
    fn an_attempt_without_effect_must_have_been_one() {
        for (answer, effect, outcome) in [
            (Err(no(403)), Ok(false), Conforms),
            (Err(no(403)), Err(no(403)), Conforms),
            (Err(no(403)), Ok(true), Deviates),
            (ok(), Ok(false), Conforms),
            (ok(), Ok(true), Deviates),
            (ok(), Err(no(403)), NotTried),
            (Err(no(400)), Ok(false), Conforms),
            (Err(no(400)), Err(silence()), NotTried),
            (Err(no(404)), Ok(false), NotTried),
            (Err(silence()), Ok(false), NotTried),
        ] {
            let told = has_no_effect(&answer, &effect, &[400]);
            assert_eq!(told.outcome, outcome, "{answer:?} {effect:?}");
        }
    }

    #[test]
    fn what_must_not_be_found_may_be_refused() {
        let outcomes = [Ok(None), Ok(Some("it is listed".into())), Err(no(403)), Err(no(404)), Err(no(503))]
            .map(|found| is_not_found(found).outcome);
        assert_eq!(outcomes, [Conforms, Deviates, Conforms, Conforms, NotTried]);
    }
}
