//! Whether the S3 of the cloud stores, finds and gives back what users put into it.

use std::borrow::Cow;

use assay_inventory::{Fact, FactId, Reason, S3Feature, S3FeatureId, S3FeatureState, S3Features};

use super::STANDARD;
use crate::evidence::{Needed, probed};
use crate::finding::{Readings, Resource};
use crate::registry::Registry;
use crate::rule::rule;
use crate::testcase::{Demand, Testcase};
use crate::{Evidence, Judgement, Judging};

/// What makes a storage of objects: of each row one must work.
const NEEDED: [&[S3FeatureId]; 4] = [
    &[S3FeatureId::BucketCrud],
    &[S3FeatureId::ObjectCrud],
    // A program uses the one or the other; which one is up to its library.
    &[S3FeatureId::ListV2, S3FeatureId::ListV1],
    &[S3FeatureId::Multipart],
];

pub(super) fn register(registry: &mut Registry) {
    registry.add(Testcase {
        id: Cow::Borrowed("scs-0123-s3-works"),
        standard: STANDARD,
        clause: "mandatory IaaS services, S3",
        demand: Demand::Must,
        title: Cow::Borrowed("Buckets and objects can be made, listed, read and removed by S3"),
        explanation: "An S3 that answers may still not store anything. With a key of the project a bucket is made and removed, objects \
             are written, listed, read back and removed, and one is uploaded in parts. Which of the many other features of S3 \
             there are is told and changes no verdict, as the standard names none.",
        remedy: Cow::Borrowed(
            "Try the same by hand, with a key of `openstack ec2 credentials create`, and look at the logs of the object store \
             for the request id.",
        ),
        official_facts: &[FactId::S3Features],
        text_facts: &[],
        own: true,
        judge: rule(s3_works),
    });
}

fn s3_works(evidence: &Evidence<'_>) -> Needed<Judgement> {
    let mut judging = Judging::default();
    if let Fact::Unavailable(why) = &evidence.inventory.s3_features
        && matches!(why.reason, Reason::NotInCatalog | Reason::NoEndpoint)
    {
        judging.fail(Readings::Text, None, "an S3 object store", why.to_string());
        return Ok(judging.finish_own());
    }
    let seen = probed(FactId::S3Features, &evidence.inventory.s3_features)?;
    for alternatives in NEEDED {
        needed(&mut judging, seen, alternatives);
    }
    others(&mut judging, seen);
    Ok(judging.finish_own())
}

/// How one feature weighs where it is demanded. What a server says of itself counts, and effects that fail to
/// appear; an error on its side may be over the next time.
fn weight(feature: &S3Feature) -> Outcome {
    match feature.state {
        S3FeatureState::Present => Outcome::Works,
        S3FeatureState::NotTried => Outcome::Unknown,
        S3FeatureState::Broken if feature.status.is_some_and(|status| status >= 500 || status == 429) => {
            Outcome::Unknown
        }
        S3FeatureState::Absent | S3FeatureState::Broken => Outcome::Fails,
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Works,
    Unknown,
    Fails,
}

fn needed(judging: &mut Judging, seen: &S3Features, alternatives: &[S3FeatureId]) {
    let best = alternatives.iter().filter_map(|id| seen.get(*id)).min_by_key(|feature| weight(feature));
    let Some(best) = best else {
        let names: Vec<&str> = alternatives.iter().map(|id| id.label()).collect();
        judging.abort(Readings::Text, None, format!("{} to work", names.join(" or ")), "it was not tried");
        return;
    };
    let about = Resource::new("S3 feature", "", best.feature.label());
    match weight(best) {
        Outcome::Works => {}
        Outcome::Unknown => judging.abort(Readings::Text, about, best.feature.explanation(), shown(best)),
        Outcome::Fails => judging.fail(Readings::Text, about, best.feature.explanation(), shown(best)),
    }
}

fn shown(feature: &S3Feature) -> String {
    let id = feature.request_id.as_ref().map(|id| format!(" (request id {id})")).unwrap_or_default();
    format!("{}: {}{id}", feature.state, feature.detail)
}

/// The features that nothing demands, by how they stand.
fn others(judging: &mut Judging, seen: &S3Features) {
    let is_judged = |feature: &&S3Feature| NEEDED.iter().any(|row| row.contains(&feature.feature));
    for state in
        [S3FeatureState::Present, S3FeatureState::Absent, S3FeatureState::Broken, S3FeatureState::NotTried]
    {
        let names: Vec<&str> = seen
            .features
            .iter()
            .filter(|feature| feature.state == state)
            // A kind of listing that does not work is worth a word where the other one does.
            .filter(|feature| !is_judged(feature) || feature.feature == S3FeatureId::ListV1)
            .map(|feature| feature.feature.label())
            .collect();
        if !names.is_empty() {
            judging.note(Readings::Text, None, format!("{state}: {}", names.join(", ")));
        }
    }
}

#[cfg(test)]
mod tests {
    use assay_inventory::Unavailable;
    use assay_standards::Verdict::{self, Abort, Fail, Miss, Pass};

    use super::*;
    use crate::testing;

    fn feature(feature: S3FeatureId, state: S3FeatureState, status: Option<u16>) -> S3Feature {
        S3Feature {
            feature,
            state,
            detail: "so it was".into(),
            status,
            code: None,
            request_id: Some("tx1".into()),
        }
    }

    /// All features work but for these.
    fn seen(others: &[(S3FeatureId, S3FeatureState, Option<u16>)]) -> S3Features {
        let features = S3FeatureId::ALL
            .iter()
            .map(|id| match others.iter().find(|(other, ..)| other == id) {
                Some((id, state, status)) => feature(*id, *state, *status),
                None => feature(*id, S3FeatureState::Present, None),
            })
            .collect();
        S3Features {
            endpoint: "https://s3.example.com".into(),
            region: "RegionOne".into(),
            server: None,
            features,
            leftovers: Vec::new(),
        }
    }

    fn judged(features: Fact<S3Features>) -> Judgement {
        testing::judge("scs-0123-s3-works", |inventory| inventory.s3_features = features)
    }

    fn verdict(others: &[(S3FeatureId, S3FeatureState, Option<u16>)]) -> Verdict {
        judged(Fact::Known(seen(others))).text
    }

    #[test]
    fn what_is_needed_must_work() {
        use S3FeatureState::{Absent, Broken, NotTried};
        assert_eq!(verdict(&[]), Pass);
        for id in [S3FeatureId::BucketCrud, S3FeatureId::ObjectCrud, S3FeatureId::Multipart] {
            for (state, status, expected) in [
                (Absent, Some(501), Fail),
                (Broken, None, Fail),
                (Broken, Some(200), Fail),
                (Broken, Some(403), Fail),
                (Broken, Some(503), Abort),
                (Broken, Some(429), Abort),
                (NotTried, None, Abort),
            ] {
                assert_eq!(verdict(&[(id, state, status)]), expected, "{id} {state} {status:?}");
            }
        }
    }

    #[test]
    fn one_way_to_list_is_enough() {
        use S3FeatureState::{Absent, Broken, NotTried};
        let (v1, v2) = (S3FeatureId::ListV1, S3FeatureId::ListV2);
        assert_eq!(verdict(&[(v1, Absent, Some(501))]), Pass);
        assert_eq!(verdict(&[(v2, Broken, Some(200))]), Pass);
        assert_eq!(verdict(&[(v1, Absent, Some(501)), (v2, Broken, Some(200))]), Fail);
        assert_eq!(verdict(&[(v1, NotTried, None), (v2, Broken, Some(200))]), Abort);
    }

    #[test]
    fn other_features_are_told_and_change_nothing() {
        use S3FeatureState::{Absent, Broken};
        let judgement = judged(Fact::Known(seen(&[
            (S3FeatureId::ObjectLock, Absent, Some(501)),
            (S3FeatureId::SseC, Absent, Some(501)),
            (S3FeatureId::Cors, Broken, Some(200)),
        ])));
        assert_eq!(judgement.text, Pass);
        let found: Vec<&str> = judgement.findings.iter().map(|finding| finding.found.as_ref()).collect();
        assert_eq!(found[1..], ["absent: object lock, SSE-C", "broken: CORS"]);
        assert!(found[0].starts_with("present: path-style addressing, "), "{}", found[0]);
    }

    #[test]
    fn the_finding_says_what_was_tried_and_names_the_request() {
        let broken = [(S3FeatureId::Multipart, S3FeatureState::Broken, Some(200))];
        let judgement = judged(Fact::Known(seen(&broken)));
        let finding = &judgement.findings[0];
        assert_eq!(finding.resource.as_ref().unwrap().name, "multipart upload");
        assert_eq!(finding.found, "broken: so it was (request id tx1)");
    }

    #[test]
    fn without_s3_or_without_the_probe() {
        let lacking = |reason| Fact::Unavailable(Unavailable::new(reason, "so it is"));
        assert_eq!(judged(Fact::NotAsked).text, Miss);
        assert_eq!(judged(lacking(Reason::NotInCatalog)).text, Fail);
        assert_eq!(judged(lacking(Reason::NoEndpoint)).text, Fail);
        assert_eq!(judged(lacking(Reason::Journal)).text, Abort);
        assert_eq!(judged(Fact::Unavailable(testing::answered(403))).text, Abort, "no key was given");
        let nothing = S3Features { features: Vec::new(), ..seen(&[]) };
        assert_eq!(judged(Fact::Known(nothing)).text, Abort);
    }
}
