//! Each fault does to the collector what it should, and no rule does more than it says.

use std::time::Duration;

use assay_inventory::{FactId, Reason};
use assay_openstack::Settings as Asking;
use assay_simcloud::{Fault, HUGE, Rule, Running, Service, Settings, When};
use futures::future::join_all;

use crate::{asking, gathered, plain, readable, start};

fn images(fault: Fault) -> Rule {
    Rule::always(fault).of(Service::Image).at("GET", "images")
}

async fn with(rules: Vec<Rule>) -> Running {
    start(Settings { rules, ..plain() }).await
}

#[tokio::test]
async fn each_fault_is_told_as_what_it_is_and_touches_nothing_else() {
    let impatient = Asking { timeout: Duration::from_secs(3), body_limit: HUGE as u64 - 1, ..asking() };
    let cases = [
        (Fault::Silence, Reason::Timeout, None),
        (Fault::SilenceAfter, Reason::Timeout, None),
        (Fault::Reset, Reason::Unreachable, None),
        (Fault::ResetAfter, Reason::Unreachable, None),
        (Fault::Refused(403), Reason::Refused, Some(403)),
        (Fault::Refused(404), Reason::Refused, Some(404)),
        (Fault::Refused(409), Reason::Refused, Some(409)),
        (Fault::Busy(90), Reason::Refused, Some(429)),
        (Fault::Failed(500), Reason::ServerError, Some(500)),
        (Fault::Failed(503), Reason::ServerError, Some(503)),
        (Fault::FailedAfter(504), Reason::ServerError, Some(504)),
        (Fault::Truncated, Reason::Malformed, Some(200)),
        (Fault::Torn, Reason::Unreachable, None),
        (Fault::WrongTypes, Reason::Malformed, Some(200)),
        (Fault::WrongShape, Reason::Malformed, Some(200)),
        (Fault::Huge, Reason::TooLarge, None),
        (Fault::Redirect, Reason::ForeignLink, Some(302)),
        (Fault::Drip, Reason::Timeout, None),
        (Fault::Garbage, Reason::Malformed, Some(200)),
        (Fault::ForeignNext, Reason::ForeignLink, Some(200)),
        (Fault::CircularNext, Reason::Malformed, Some(200)),
    ];
    let asked = cases.map(|(fault, reason, status)| {
        let impatient = &impatient;
        async move {
            let cloud = with(vec![images(fault)]).await;
            let found = gathered(&cloud, &readable(), impatient).await;
            (fault, (reason, status), cloud, found)
        }
    });
    for (fault, expected, cloud, found) in join_all(asked).await {
        let why = found.unavailable(FactId::Images).unwrap_or_else(|| panic!("{fault:?} is not noticed"));
        assert_eq!((why.reason, why.status), expected, "{fault:?}: {why}");
        for fact in
            readable().into_iter().filter(|fact| !matches!(fact, FactId::Images | FactId::HiddenImages))
        {
            assert_eq!(found.unavailable(fact), None, "{fault:?}: {fact}");
        }
        assert_eq!(cloud.counts().faults, 2, "{fault:?}: both lists of images");
    }
}

#[tokio::test]
async fn what_passes_is_made_up_for() {
    let patient = Asking { attempts: 3, ..asking() };
    for fault in [Fault::Busy(0), Fault::Failed(503), Fault::Reset, Fault::Torn, Fault::Refused(401)] {
        let cloud = with(vec![images(fault).when(When::First(1))]).await;
        let found = gathered(&cloud, &readable(), &patient).await;
        assert_eq!(found.unavailable(FactId::Images), None, "{fault:?}");
        assert_eq!(cloud.counts().faults, 1);
    }
}

#[tokio::test]
async fn a_cloud_whose_keystone_is_out_of_order_gives_nothing() {
    for fault in [Fault::Failed(503), Fault::WrongShape, Fault::Reset] {
        let cloud = with(vec![Rule::always(fault).of(Service::Identity)]).await;
        let found = gathered(&cloud, &readable(), &asking()).await;
        assert!(readable().iter().all(|fact| found.unavailable(*fact).is_some()), "{fault:?}");
        assert_eq!(cloud.counts().tokens, u64::from(fault == Fault::WrongShape));
    }
}

#[tokio::test]
async fn a_cloud_breaks_and_comes_back() {
    let cloud = with(Vec::new()).await;
    for (rules, is_known) in [(vec![], true), (vec![Rule::always(Fault::Reset)], false), (vec![], true)] {
        cloud.rule(&rules);
        let found = gathered(&cloud, &readable(), &asking()).await;
        assert_eq!(found.is_known(FactId::Images), is_known);
    }
}

#[tokio::test]
async fn the_same_seed_goes_wrong_in_the_same_way() {
    async fn struck(seed: u64) -> Vec<u16> {
        let rule = Rule::always(Fault::Failed(500)).of(Service::Image).when(When::Share(0.5));
        let cloud = start(Settings { seed, rules: vec![rule], ..plain() }).await;
        let client = reqwest::Client::new();
        let mut statuses = Vec::new();
        for _ in 0..40 {
            // Without a token all else is refused.
            let answer = client.get(format!("{}/image/v2/images", cloud.url())).send().await.unwrap();
            statuses.push(answer.status().as_u16());
        }
        statuses
    }
    let first = struck(7).await;
    assert_eq!(first, struck(7).await);
    assert_ne!(first, struck(8).await);
    assert!(first.contains(&500) && first.contains(&401), "{first:?}");
}
