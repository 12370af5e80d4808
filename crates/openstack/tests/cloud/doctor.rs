use assay_inventory::Reason;
use assay_openstack::{Session, doctor};
use serde_json::json;
use wiremock::ResponseTemplate;

use crate::support::{FakeCloud, settings};

#[tokio::test]
async fn each_item_of_the_checkup_stands_for_itself() {
    let cloud = FakeCloud::start().await;
    let late = ResponseTemplate::new(200)
        .insert_header("Date", "Thu, 01 Jan 2026 00:00:00 GMT")
        .set_body_json(json!({}));
    cloud.answer("/identity/v3/", late).await;
    cloud
        .json(
            "/compute/v2.1/limits",
            json!({"limits": {"rate": [], "absolute": {"maxTotalCores": 20, "totalCoresUsed": 3}}}),
        )
        .await;
    cloud.json("/volume/v3/p1/limits", json!({"limits": []})).await;
    cloud.answer("/network/v2.0/quotas/p1", ResponseTemplate::new(403)).await;
    let session = Session::connect(&cloud.config(), &settings()).await.unwrap();
    let checkup = doctor(&session).await;
    let skew = checkup.clock_skew.unwrap();
    let expected = jiff::Timestamp::now().duration_since("2026-01-01T00:00:00Z".parse().unwrap());
    assert!((skew + expected).abs() < jiff::SignedDuration::from_secs(10), "{skew}");
    assert!(checkup.token_lifetime.unwrap() > jiff::SignedDuration::from_hours(24));
    assert_eq!(checkup.regions, ["RegionOne"]);
    assert_eq!(checkup.compute_limits.unwrap().integer("maxTotalCores").value(), Some(20));
    assert_eq!(checkup.volume_limits.unwrap_err().reason, Reason::Malformed);
    assert_eq!(checkup.network_quotas.unwrap_err().reason, Reason::Refused);
}
