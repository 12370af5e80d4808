//! What is read from a cloud is what was recorded.

use assay_inventory::{Fact, FactId, Inventory, Reason, S3Presence, Unavailable};
use assay_openstack::{Session, doctor};
use assay_simcloud::{Population, Settings, TokenLife, clouds_yaml};

use crate::{asking, config, config_of, gathered, gathered_as, plain, readable, recording, start};

/// All that was read, without where and when.
fn read(inventory: &Inventory) -> Vec<String> {
    let mut token = inventory.token.value().cloned().unwrap_or_default();
    token.expires_at = None;
    for endpoint in token.catalog.iter_mut().flat_map(|service| &mut service.endpoints) {
        endpoint.url.clear();
    }
    let s3 = match inventory.s3_presence.value() {
        Some(S3Presence::Answered { answer, .. }) => format!("{} {:?}", answer.status, answer.code),
        other => format!("{other:?}"),
    };
    vec![
        format!("{token:#?}"),
        format!("{:#?}", inventory.flavors),
        format!("{:#?}", inventory.images),
        format!("{:#?}", inventory.hidden_images),
        format!("{:#?}", inventory.volume_types),
        format!("{:#?}", inventory.default_security_group_rules),
        format!("{:#?}", inventory.external_networks),
        format!("{:#?}", inventory.subnet_pools),
        format!("{:?}", inventory.floating_ip_quota),
        s3,
    ]
}

#[tokio::test]
async fn every_fact_is_as_it_was_recorded_however_small_the_pages_are() {
    let expected = read(&recording());
    for page_size in [1000, 3, 1] {
        let cloud = start(Settings { page_size, ..plain() }).await;
        let inventory = gathered(&cloud, &readable(), &asking()).await;
        for (found, expected) in read(&inventory).iter().zip(&expected) {
            assert_eq!(found, expected, "pages of {page_size}");
        }
        let images = inventory.calls.iter().filter(|call| call.fact == FactId::Images).count();
        assert_eq!(images, recording().images.value().unwrap().len().div_ceil(page_size));
        assert_eq!(cloud.counts().calls, inventory.calls.len() as u64);
    }
}

#[tokio::test]
async fn a_list_with_one_id_twice_and_one_without_ends_all_the_same() {
    let mut inventory = recording();
    let Fact::Known(images) = &mut inventory.images else { unreachable!() };
    images.push(images[0].clone());
    for image in images.iter_mut().take(2) {
        image.0.remove("id");
    }
    let count = images.len();
    let cloud = start(Settings { page_size: 1, ..Settings::of(Population::of(&inventory).into()) }).await;
    let found = gathered(&cloud, &readable(), &asking()).await;
    assert_eq!(found.images.value().map(Vec::len), Some(count));
}

#[tokio::test]
async fn what_was_not_to_be_had_is_not_to_be_had_again() {
    let mut inventory = recording();
    let why = Unavailable {
        status: Some(404),
        ..Unavailable::new(Reason::Refused, "The resource default-security-group-rules could not be found.")
    };
    inventory.default_security_group_rules = Fact::Unavailable(why);
    inventory.images = Fact::NotAsked;
    let cloud = start(Settings::of(Population::of(&inventory).into())).await;
    let found = gathered(&cloud, &readable(), &asking()).await;
    let why = found.unavailable(FactId::DefaultSecurityGroupRules).unwrap();
    assert!(why.is_not_offered("default-security-group-rules"), "{why}");
    assert!(found.unavailable(FactId::Images).unwrap().message.contains("the recording holds no images"));
    assert!(found.is_known(FactId::Flavors));
}

#[tokio::test]
async fn a_token_that_ends_is_renewed() {
    let token = TokenLife { calls: Some(5), time: None };
    let cloud = start(Settings { token, ..plain() }).await;
    let found = gathered(&cloud, &readable(), &asking()).await;
    for fact in readable() {
        assert_eq!(found.unavailable(fact), None, "{fact}");
    }
    let counts = cloud.counts();
    assert!(counts.tokens == 2 && counts.refused > 0, "{counts:?}");
}

#[tokio::test]
async fn a_wrong_password_is_refused_and_a_cloud_that_is_gone_is_not_reached() {
    let cloud = start(plain()).await;
    let wrong = clouds_yaml([&cloud]).replace("\"simulated\"", "\"guessed\"");
    let found = gathered_as(&config_of(&wrong, cloud.name()), &readable(), &asking(), None).await;
    let why = found.unavailable(FactId::Images).unwrap();
    assert_eq!((why.reason, why.status), (Reason::Authentication, Some(401)), "{why}");

    let config = config(&cloud);
    drop(cloud);
    let found = gathered_as(&config, &readable(), &asking(), None).await;
    assert_eq!(found.unavailable(FactId::Images).unwrap().reason, Reason::Unreachable);
}

#[tokio::test]
async fn a_checkup_finds_what_it_looks_for() {
    let cloud = start(plain()).await;
    let session = Session::connect(&config(&cloud), &asking()).await.unwrap();
    let checkup = doctor(&session).await;
    assert!(checkup.clock_skew.unwrap().is_zero());
    assert!(checkup.token_lifetime.unwrap().is_positive());
    assert_eq!(checkup.regions, ["RegionOne"]);
    assert!(checkup.compute_limits.unwrap().integer("maxTotalCores").value().is_some());
    assert!(checkup.volume_limits.unwrap().integer("maxTotalVolumes").value().is_some());
    assert_eq!(checkup.network_quotas.unwrap().integer("floatingip").value(), Some(100));
}
