//! What can go wrong with a call, as data. The names are those of the faults that the proxy in front of the testbed
//! injects (`crates/openstack/tests/testbed/faults`).

use std::hash::{DefaultHasher, Hasher as _};
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::answer::{Answer, Service, error};

/// Size of a body that nobody should read, in bytes.
pub const HUGE: usize = 3 << 20;
/// Where nobody should go: a name that leads nowhere by definition.
pub(crate) const ELSEWHERE: &str = "http://elsewhere.invalid/v2/images";
const GARBAGE: u64 = 512;

/// One way in which a call goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// No answer, and the cloud never heard of it.
    Silence,
    /// No answer, but the cloud did it.
    SilenceAfter,
    /// The connection is closed before the cloud heard of it.
    Reset,
    /// The connection is closed after the cloud did it.
    ResetAfter,
    /// An error of the client, as the service itself would word it.
    Refused(u16),
    /// The cloud is busy and says in how many seconds to come back.
    Busy(u32),
    /// An error of the server, before anything was done.
    Failed(u16),
    /// An error of the server, although it was done.
    FailedAfter(u16),
    /// The body ends in its middle, as its length says.
    Truncated,
    /// The body ends before its announced end.
    Torn,
    /// Every value has another type.
    WrongTypes,
    /// The body is JSON of another shape.
    WrongShape,
    /// The body is larger than anybody should read.
    Huge,
    /// A redirect to another host.
    Redirect,
    /// The body comes at a byte per second.
    Drip,
    /// The body is bytes without sense.
    Garbage,
    /// A list says that it goes on at another host.
    ForeignNext,
    /// A list says that it goes on where it is.
    CircularNext,
}

impl Fault {
    /// Whether the cloud does what it was asked for all the same.
    pub(crate) fn is_done(self) -> bool {
        !matches!(
            self,
            Fault::Silence
                | Fault::Reset
                | Fault::Refused(_)
                | Fault::Busy(_)
                | Fault::Failed(_)
                | Fault::Redirect
        )
    }

    /// What the client gets instead of an answer.
    pub(crate) fn spoil(self, service: Service, mut answer: Answer, draw: u64) -> Outcome {
        Outcome::Answer(match self {
            Fault::Silence | Fault::SilenceAfter => return Outcome::Silence,
            Fault::Reset | Fault::ResetAfter => return Outcome::Reset,
            Fault::Torn => return Outcome::Torn(answer),
            Fault::Drip => return Outcome::Drip(answer),
            Fault::Refused(status) | Fault::Failed(status) | Fault::FailedAfter(status) => {
                error(service, status, "the simulation says so")
            }
            Fault::Busy(seconds) => {
                error(service, 429, "too many requests").with("retry-after", &seconds.to_string())
            }
            Fault::Truncated => {
                let mut whole = answer.whole();
                whole.truncate(whole.len() / 2);
                if whole.is_empty() {
                    whole = b"{".to_vec();
                }
                answer.with_body(whole)
            }
            Fault::WrongTypes => {
                let value = serde_json::from_slice(&answer.whole()).unwrap_or_default();
                answer.with_body(mistyped(value).to_string().into_bytes())
            }
            Fault::WrongShape => answer.with_body(json!([{"id": 7}, null, "x"]).to_string().into_bytes()),
            Fault::Huge => {
                answer.body.push(Bytes::from(vec![b' '; HUGE]));
                answer.with_status_of_a_body()
            }
            Fault::Garbage => {
                answer.with_body((0..GARBAGE).map(|at| drawn(&(draw, at)).to_le_bytes()[0]).collect())
            }
            Fault::Redirect => Answer::empty(302).with("location", ELSEWHERE),
            // These are in the list already.
            Fault::ForeignNext | Fault::CircularNext => answer,
        })
    }
}

/// What the client gets.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// An answer.
    Answer(Answer),
    /// An answer whose body ends before its announced end.
    Torn(Answer),
    /// An answer that comes at a byte per second.
    Drip(Answer),
    /// Nothing, for as long as it waits.
    Silence,
    /// The end of the connection.
    Reset,
}

/// Every text a number and every number a text, whatever lies around them.
fn mistyped(value: Value) -> Value {
    match value {
        Value::String(_) => json!(7),
        Value::Number(_) => json!("seven"),
        Value::Bool(_) => json!({"is": "not a flag"}),
        Value::Null => json!([]),
        Value::Array(items) => items.into_iter().map(mistyped).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(name, value)| (name, mistyped(value))).collect::<Map<_, _>>().into()
        }
    }
}

/// Which calls go wrong, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// Only calls to this service.
    #[serde(default)]
    pub service: Option<Service>,
    /// Only calls with this method.
    #[serde(default)]
    pub method: Option<String>,
    /// Only calls to this path behind version and project: `images/*/file`. A star stands for one part, two at the
    /// end for all that follow.
    #[serde(default)]
    pub path: Option<String>,
    /// What goes wrong.
    pub fault: Fault,
    /// How often.
    pub when: When,
}

/// How often a rule strikes, of the calls that it fits.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    /// Always.
    Always,
    /// So many times, from the first on.
    First(u64),
    /// Only at this one, counted from 1.
    Nth(u64),
    /// Always after so many that go well.
    After(u64),
    /// In this share of them, from 0 to 1.
    Share(f64),
}

impl Rule {
    /// A fault of every call to every service.
    pub fn always(fault: Fault) -> Self {
        Rule { service: None, method: None, path: None, fault, when: When::Always }
    }

    /// Only of calls to this service.
    #[must_use]
    pub fn of(self, service: Service) -> Self {
        Rule { service: Some(service), ..self }
    }

    /// Only of calls with this method to this path.
    #[must_use]
    pub fn at(self, method: &str, path: &str) -> Self {
        Rule { method: Some(method.into()), path: Some(path.into()), ..self }
    }

    /// Only so often.
    #[must_use]
    pub fn when(self, when: When) -> Self {
        Rule { when, ..self }
    }

    fn fits(&self, service: Service, method: &str, path: &[String]) -> bool {
        self.service.is_none_or(|only| only == service)
            && self.method.as_deref().is_none_or(|only| only.eq_ignore_ascii_case(method))
            && self.path.as_deref().is_none_or(|pattern| fits(pattern, path))
    }
}

fn fits(pattern: &str, path: &[String]) -> bool {
    let parts: Vec<&str> = pattern.split('/').filter(|part| !part.is_empty()).collect();
    let (parts, is_open) = match parts.split_last() {
        Some((&"**", before)) => (before, true),
        _ => (parts.as_slice(), false),
    };
    let long_enough = if is_open { path.len() >= parts.len() } else { path.len() == parts.len() };
    long_enough && parts.iter().zip(path).all(|(part, given)| *part == "*" || part == given)
}

/// The rules of a cloud, and how many calls each has fitted so far.
#[derive(Debug)]
pub(crate) struct Rules {
    rules: Vec<(Rule, AtomicU64)>,
}

impl Rules {
    pub(crate) fn new(rules: &[Rule]) -> Self {
        Rules { rules: rules.iter().map(|rule| (rule.clone(), AtomicU64::new(0))).collect() }
    }

    /// What goes wrong with a call; `draw` is drawn for it.
    pub(crate) fn strike(&self, service: Service, method: &str, path: &[String], draw: u64) -> Option<Fault> {
        self.rules.iter().enumerate().find_map(|(number, (rule, count))| {
            if !rule.fits(service, method, path) {
                return None;
            }
            let nth = count.fetch_add(1, Ordering::Relaxed) + 1;
            let strikes = match rule.when {
                When::Always => true,
                When::First(times) => nth <= times,
                When::Nth(only) => nth == only,
                When::After(times) => nth > times,
                When::Share(share) => fraction(drawn(&(draw, number))) < share,
            };
            strikes.then_some(rule.fault)
        })
    }
}

/// A number that is drawn for something, always the same for the same.
pub(crate) fn drawn(what: &impl std::hash::Hash) -> u64 {
    // The keys of a fresh hasher are the same in each process, unlike those of a map.
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

/// A drawn number as a share, from 0 to below 1.
pub(crate) fn fraction(draw: u64) -> f64 {
    f64::from(u32::try_from(draw >> 32).unwrap_or_default()) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Vec<String> {
        text.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }

    #[test]
    fn patterns_fit_part_by_part() {
        for (pattern, given, does) in [
            ("images", "images", true),
            ("/images", "images", true),
            ("images", "images/1", false),
            ("images/*/file", "images/1/file", true),
            ("images/*/file", "images/1", false),
            ("images/**", "images", true),
            ("images/**", "images/1/file", true),
            ("**", "", true),
            ("images/**", "flavors", false),
        ] {
            assert_eq!(fits(pattern, &path(given)), does, "{pattern} {given}");
        }
    }

    #[test]
    fn rules_strike_as_often_as_they_say() {
        let strikes = |when: When| -> Vec<bool> {
            let rules = Rules::new(&[Rule::always(Fault::Reset).of(Service::Image).when(when)]);
            assert_eq!(rules.strike(Service::Network, "GET", &[], 0), None);
            (0..5).map(|draw| rules.strike(Service::Image, "GET", &[], draw).is_some()).collect()
        };
        assert_eq!(strikes(When::Always), [true; 5]);
        assert_eq!(strikes(When::First(2)), [true, true, false, false, false]);
        assert_eq!(strikes(When::Nth(2)), [false, true, false, false, false]);
        assert_eq!(strikes(When::After(3)), [false, false, false, true, true]);
        assert_eq!((strikes(When::Share(0.0)), strikes(When::Share(1.0))), (vec![false; 5], vec![true; 5]));
    }

    #[test]
    fn a_share_is_kept_over_many_calls_and_the_same_for_the_same_draws() {
        let rule = Rule::always(Fault::Failed(503)).when(When::Share(0.25));
        let struck = |from: u64| {
            let rules = Rules::new(std::slice::from_ref(&rule));
            (from..from + 4000)
                .map(|call| rules.strike(Service::Image, "GET", &[], drawn(&call)).is_some())
                .collect::<Vec<_>>()
        };
        let count = struck(0).into_iter().filter(|does| *does).count();
        assert!((800..1200).contains(&count), "{count}");
        assert_eq!(struck(7), struck(7));
        assert_ne!(struck(0), struck(4000));
    }

    #[test]
    fn rules_are_read_from_json() {
        let rule: Rule = serde_json::from_str(
            r#"{"service": "block-storage", "method": "POST", "path": "backups", "fault": {"busy": 3}, "when": {"first": 2}}"#,
        )
        .unwrap();
        let same =
            Rule::always(Fault::Busy(3)).of(Service::BlockStorage).at("POST", "backups").when(When::First(2));
        assert_eq!(rule, same);
    }
}
