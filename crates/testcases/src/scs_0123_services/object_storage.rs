//! Object storage that speaks S3, which is mandatory, and what an S3 request with an unknown key shows of it.

use std::borrow::Cow;

use assay_inventory::{FactId, S3Answer, S3Presence, Token};
use assay_standards::requirements::Services;

use super::{STANDARD, STANDARD_V2, service_entry};
use crate::evidence::Needed;
use crate::finding::Readings;
use crate::registry::Registry;
use crate::rule::rule;
use crate::testcase::{Demand, Testcase};
use crate::{Evidence, Judgement, Judging, catalog};

const OBJECT_STORE_S3: &str = "object-store-s3";

const NO_OBJECT_STORE: &str =
    "the reference suite passes a cloud without any object store; the text makes S3 mandatory";
const ASKS_AMAZON: &str = "the endpoint has no path, so the reference suite asks Amazon's S3 instead of this cloud and takes that answer for a pass; this says nothing about this cloud";
const LISTED: &str = "the reference suite asks the endpoint of the object-store service only; by the text S3 may be elsewhere in the catalog";
const OTHER_ERROR: &str = "the reference suite wants one of two errors; any answer in the form of S3 shows that the server speaks it";
const NO_ANSWER: &str = "the reference suite counts a connection that fails as a missing S3; by the text nothing can be said then";
const NO_ENDPOINT: &str =
    "the reference suite aborts without an endpoint to ask; by the text S3 cannot be found then";

pub(super) fn register(registry: &mut Registry) {
    registry.add(Testcase {
        id: Cow::Borrowed("scs-0123-swift-s3"),
        standard: STANDARD,
        clause: "mandatory IaaS services, S3",
        demand: Demand::Must,
        title: Cow::Borrowed("Object storage speaks S3"),
        explanation: "S3 is what most programs use to store objects. The object store is asked with an access key that cannot exist; \
             a server that speaks S3 says so in its own way. Nothing is stored and no key is made.",
        remedy: Cow::Borrowed(
            "Turn on the S3 API of the object store (s3api in swift, or rgw_s3_auth_use_keystone in Ceph) on the host of the \
             object-store endpoint, and give that endpoint a path.",
        ),
        official_facts: &[FactId::Token, FactId::S3Presence],
        text_facts: &[],
        own: false,
        judge: rule(swift_s3),
    });
    registry.add(Testcase {
        id: Cow::Borrowed("scs-0123-v2-s3"),
        standard: STANDARD_V2,
        clause: "mandatory IaaS services, object-store-s3",
        demand: Demand::Must,
        title: Cow::Borrowed("The endpoint listed as object-store-s3 answers as S3 does"),
        explanation: "An entry in the catalog alone stores nothing. If object-store-s3 stands on the same host as object-store, the answer \
             of that host to an S3 request shows whether S3 is there.",
        remedy: Cow::Borrowed(
            "Register S3 in the catalog with the type object-store-s3 and let the endpoint lead to the S3 API.",
        ),
        official_facts: &[FactId::Token, FactId::S3Presence],
        text_facts: &[],
        own: true,
        judge: rule(listed_s3),
    });
}

/// Whether an answer has the form of S3: an error with a code, or a success.
fn speaks_s3(answer: &S3Answer) -> bool {
    answer.code.is_some() || (200..300).contains(&answer.status)
}

fn shown(answer: &S3Answer) -> String {
    match &answer.code {
        Some(code) => format!("HTTP {} {code}", answer.status),
        None => format!("HTTP {} in no form of S3", answer.status),
    }
}

fn swift_s3(evidence: &Evidence<'_>) -> Needed<Judgement> {
    const ANSWER: &str = "an S3 error about the unknown access key";
    const S3: &str = "S3 in the catalog or on the host of the object store";
    let token = evidence.token()?;
    let signs = &Services::get().s3;
    let listed = signs.types.iter().find(|name| catalog::endpoints(token, name).next().is_some());
    let mut judging = Judging::default();
    // The official finding, then why the text finds no S3 at that place, and why it may say otherwise.
    let (text, why): (Result<(), String>, &str) = match evidence.s3_presence()? {
        S3Presence::NoObjectStore => (Err("no object store in the catalog".into()), NO_OBJECT_STORE),
        S3Presence::NoEndpoint => {
            judging.abort(
                Readings::Official,
                None,
                "an endpoint of the object store",
                "none for this region and interface",
            );
            (Err("the object store has no endpoint".into()), NO_ENDPOINT)
        }
        S3Presence::NotSent { endpoint } => {
            judging.note(
                Readings::Both,
                service_entry("object-store"),
                format!("the endpoint {endpoint} has no path"),
            );
            judging.differ(ASKS_AMAZON);
            (Err(format!("{endpoint} was not asked for S3")), ASKS_AMAZON)
        }
        S3Presence::Answered { endpoint, answer } => {
            let found = format!("{} from {endpoint}", shown(answer));
            let is_success = (200..300).contains(&answer.status);
            let is_expected = answer
                .code
                .as_ref()
                .is_some_and(|code| signs.errors.iter().any(|error| code.contains(error)));
            match (is_success, is_expected) {
                (true, _) => judging.abort(Readings::Official, None, ANSWER, found.clone()),
                (false, true) => {}
                (false, false) => judging.fail(Readings::Official, None, ANSWER, found.clone()),
            }
            (if speaks_s3(answer) { Ok(()) } else { Err(found) }, OTHER_ERROR)
        }
        S3Presence::NoAnswer { endpoint, message } => {
            let found = format!("no answer from {endpoint}: {message}");
            judging.fail(Readings::Official, None, ANSWER, found.clone());
            if listed.is_none() {
                judging.abort(Readings::Text, None, S3, found);
                judging.differ(NO_ANSWER);
                return Ok(judging.finish());
            }
            (Err(found), NO_ANSWER)
        }
    };
    let why = match (text, listed) {
        (Ok(()), _) => why,
        (Err(_), Some(service_type)) => {
            judging.note(
                Readings::Text,
                service_entry(service_type),
                "S3 is listed in the catalog; it was not asked",
            );
            LISTED
        }
        (Err(found), None) => {
            judging.fail(Readings::Text, None, S3, found);
            why
        }
    };
    let mut judgement = judging.finish();
    if judgement.differs() && !judgement.differences.iter().any(|known| known == why) {
        judgement.differences.push(Cow::Borrowed(why));
    }
    Ok(judgement)
}

fn authority(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split('/').next().unwrap_or_default()
}

fn listed_s3(evidence: &Evidence<'_>) -> Needed<Judgement> {
    let token = evidence.token()?;
    let mut judging = Judging::default();
    if catalog::endpoints(token, OBJECT_STORE_S3).next().is_none() {
        judging.fail(
            Readings::Text,
            None,
            "an endpoint of type object-store-s3 in the catalog",
            "no such endpoint",
        );
        return Ok(judging.finish_own());
    }
    match evidence.s3_presence()? {
        S3Presence::Answered { endpoint, answer } if is_listed_at(token, endpoint) => {
            if !speaks_s3(answer) {
                let found = format!("{} from {endpoint}", shown(answer));
                judging.fail(
                    Readings::Text,
                    service_entry(OBJECT_STORE_S3),
                    "an answer in the form of S3",
                    found,
                );
            }
        }
        S3Presence::NoAnswer { endpoint, message } if is_listed_at(token, endpoint) => {
            let found = format!("no answer from {endpoint}: {message}");
            judging.abort(
                Readings::Text,
                service_entry(OBJECT_STORE_S3),
                "an answer in the form of S3",
                found,
            );
        }
        _ => {
            return Ok(Judgement::missed(
                "object-store-s3 is listed, but this run asks only the host of object-store, which is another one or none",
            ));
        }
    }
    Ok(judging.finish_own())
}

/// Whether S3 is listed on the host that was asked.
fn is_listed_at(token: &Token, asked: &str) -> bool {
    catalog::endpoints(token, OBJECT_STORE_S3)
        .any(|endpoint| authority(&endpoint.url).eq_ignore_ascii_case(authority(asked)))
}

#[cfg(test)]
mod tests {
    use assay_inventory::Fact;
    use assay_standards::Verdict::{self, Abort, Fail, Miss, Pass};

    use super::*;
    use crate::testing;

    fn answered(status: u16, code: Option<&str>) -> S3Presence {
        let answer = S3Answer { status, code: code.map(Into::into), request_id: None };
        S3Presence::Answered { endpoint: "https://object-store-s3.example.com".into(), answer }
    }

    fn no_answer() -> S3Presence {
        S3Presence::NoAnswer {
            endpoint: "https://object-store-s3.example.com".into(),
            message: "connection refused".into(),
        }
    }

    fn judge(id: &str, service_types: &[&str], presence: S3Presence) -> Judgement {
        testing::judge(id, |inventory| {
            inventory.token = Fact::Known(testing::token(service_types));
            inventory.s3_presence = Fact::Known(presence);
        })
    }

    fn verdicts(service_types: &[&str], presence: S3Presence) -> (Verdict, Verdict) {
        let judgement = judge("scs-0123-swift-s3", service_types, presence);
        (judgement.official.unwrap(), judgement.text)
    }

    #[test]
    fn answers_of_an_object_store() {
        for (status, code, expected) in [
            (403, Some("InvalidAccessKeyId"), (Pass, Pass)),
            (404, Some("NoSuchKey"), (Pass, Pass)),
            (403, Some("AccessDenied"), (Fail, Pass)),
            (404, None, (Fail, Fail)),
            (412, None, (Fail, Fail)),
            (503, None, (Fail, Fail)),
            (200, None, (Abort, Pass)),
        ] {
            assert_eq!(verdicts(&["object-store"], answered(status, code)), expected, "{status} {code:?}");
        }
        assert_eq!(verdicts(&["object-store"], no_answer()), (Fail, Abort));
        assert_eq!(verdicts(&["object-store"], S3Presence::NoEndpoint), (Abort, Fail));
    }

    #[test]
    fn without_an_object_store_the_text_misses_s3() {
        assert_eq!(verdicts(&["compute"], S3Presence::NoObjectStore), (Pass, Fail));
        for service_type in ["s3", "object-store-s3"] {
            assert_eq!(verdicts(&[service_type], S3Presence::NoObjectStore), (Pass, Pass), "{service_type}");
            assert_eq!(verdicts(&["object-store", service_type], answered(404, None)), (Fail, Pass));
            assert_eq!(verdicts(&["object-store", service_type], no_answer()), (Fail, Pass));
        }
    }

    #[test]
    fn an_endpoint_without_path_passes_officially_and_wrongly() {
        let not_sent = || S3Presence::NotSent { endpoint: "https://swift.example.com".into() };
        let judgement = judge("scs-0123-swift-s3", &["object-store"], not_sent());
        assert_eq!((judgement.official, judgement.text), (Some(Pass), Fail));
        assert_eq!(judgement.differences, [ASKS_AMAZON]);
        let beside_s3 = judge("scs-0123-swift-s3", &["object-store", "object-store-s3"], not_sent());
        assert_eq!((beside_s3.official, beside_s3.text), (Some(Pass), Pass));
        assert_eq!(beside_s3.differences, [ASKS_AMAZON], "the official verdict is as wrong as before");
    }

    #[test]
    fn the_listed_endpoint_is_judged_where_its_host_was_asked() {
        let text = |service_types: &[&str], presence| judge("scs-0123-v2-s3", service_types, presence).text;
        let types = ["object-store", "object-store-s3"];
        assert_eq!(text(&types, answered(403, Some("AccessDenied"))), Pass);
        assert_eq!(text(&types, answered(412, None)), Fail);
        assert_eq!(text(&types, no_answer()), Abort);
        assert_eq!(text(&types, S3Presence::NoObjectStore), Miss);
        assert_eq!(text(&["object-store"], answered(403, Some("AccessDenied"))), Fail);
        let elsewhere = S3Presence::Answered {
            endpoint: "https://swift.example.com".into(),
            answer: S3Answer { status: 412, code: None, request_id: None },
        };
        assert_eq!(text(&types, elsewhere), Miss);
    }
}
