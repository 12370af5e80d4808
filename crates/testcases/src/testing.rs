//! What the tests of all standards need: an inventory with some facts, and a testcase judged on it.

use assay_inventory::{
    CatalogEndpoint, CatalogService, Fact, Inventory, Reason, Step, StepId, Subject, Token, Transcript,
    Unavailable,
};
use assay_standards::Verdict;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{Evidence, Judgement, Registry};

pub(crate) const NOW: &str = "2026-11-22T00:00:00Z";

/// The judgement of a testcase at an instant, on an inventory with the facts that `fill` puts in.
pub(crate) fn judge_at(now: &str, id: &str, fill: impl FnOnce(&mut Inventory)) -> Judgement {
    let now: Timestamp = now.parse().unwrap();
    let mut inventory = Inventory::new(Subject::default(), now);
    fill(&mut inventory);
    let testcase = Registry::get().find(id).unwrap_or_else(|| panic!("no testcase {id}"));
    let judgement = testcase.judge(&Evidence::new(&inventory, now));
    assert!(
        !judgement.differs() || !judgement.differences.is_empty(),
        "a difference is explained: {judgement:?}"
    );
    assert_eq!(judgement.official.is_none(), testcase.own, "{id}");
    judgement
}

pub(crate) fn judge(id: &str, fill: impl FnOnce(&mut Inventory)) -> Judgement {
    judge_at(NOW, id, fill)
}

/// The official verdict and that of the text.
pub(crate) fn verdicts(id: &str, fill: impl FnOnce(&mut Inventory)) -> (Verdict, Verdict) {
    let judgement = judge(id, fill);
    (judgement.official.unwrap(), judgement.text)
}

/// Resources out of JSON as the API answers it.
pub(crate) fn known<T: DeserializeOwned>(items: Value) -> Fact<T> {
    Fact::Known(serde_json::from_value(items).unwrap())
}

/// A member's token with a catalog of services with one public endpoint each.
pub(crate) fn token(service_types: &[&str]) -> Token {
    let service = |service_type: &&str| CatalogService {
        service_type: (*service_type).into(),
        name: (*service_type).into(),
        endpoints: vec![CatalogEndpoint {
            interface: "public".into(),
            region: Some("RegionOne".into()),
            url: format!("https://{service_type}.example.com/v1"),
        }],
    };
    Token {
        user: "demo".into(),
        roles: vec!["member".into(), "reader".into()],
        catalog: service_types.iter().map(service).collect(),
        ..Token::default()
    }
}

/// The transcript of a probe that took these steps.
pub(crate) fn transcript(steps: &[(StepId, Option<Unavailable>)]) -> Transcript {
    let step = |(id, trouble): &(StepId, Option<Unavailable>)| Step {
        id: *id,
        resource: None,
        started_us: 0,
        duration_us: 0,
        trouble: trouble.clone(),
    };
    Transcript { steps: steps.iter().map(step).collect(), leftovers: Vec::new() }
}

/// The refusal or failure of a server.
pub(crate) fn answered(status: u16) -> Unavailable {
    let reason = match status {
        401 => Reason::Authentication,
        400..=499 => Reason::Refused,
        _ => Reason::ServerError,
    };
    Unavailable { status: Some(status), ..Unavailable::new(reason, "the server said so") }
}
