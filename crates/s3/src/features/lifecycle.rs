//! Rules by which objects expire.

use aws_sdk_s3::types::{
    BucketLifecycleConfiguration, ExpirationStatus, LifecycleExpiration, LifecycleRule, LifecycleRuleFilter,
};

use crate::answer::{Finding, Outcome, Step as _, ensure};
use crate::attempt::Attempt;
use crate::client::with_md5;

const ID: &str = "assay-expiry";
const PREFIX: &str = "lifecycle/";
const DAYS: i32 = 3;

pub(super) async fn expiry(a: &Attempt) -> Outcome {
    let rule = LifecycleRule::builder()
        .id(ID)
        .status(ExpirationStatus::Enabled)
        .filter(LifecycleRuleFilter::builder().prefix(PREFIX).build())
        .expiration(LifecycleExpiration::builder().days(DAYS).build())
        .build()
        .map_err(|error| Finding::not_tried(error.to_string()))?;
    let rules = BucketLifecycleConfiguration::builder()
        .rules(rule)
        .build()
        .map_err(|error| Finding::not_tried(error.to_string()))?;
    let request = a.s3.put_bucket_lifecycle_configuration().bucket(&a.main).lifecycle_configuration(rules);
    let put = with_md5(request.customize()).send().await.step("put an expiry rule");
    let read = || a.s3.get_bucket_lifecycle_configuration().bucket(&a.main).send();
    a.known(put, "lifecycle", read()).await?;
    let got = read().await.step("read the expiry rule")?;
    let kept = got.rules().iter().any(|rule| {
        rule.id() == Some(ID)
            && *rule.status() == ExpirationStatus::Enabled
            && rule.expiration().and_then(LifecycleExpiration::days) == Some(DAYS)
            && prefix(rule) == Some(PREFIX)
    });
    ensure(kept && got.rules().len() == 1, || {
        Finding::broken("the expiry rule is not given back as it was put")
    })?;
    a.s3.delete_bucket_lifecycle().bucket(&a.main).send().await.step("remove the expiry rule")?;
    let gone = match read().await.told() {
        Ok(got) => got.rules().is_empty(),
        Err(trouble) => trouble.is_status(404),
    };
    ensure(gone, || Finding::broken("the removed expiry rule is still there"))?;
    Ok("a rule is kept as given, and removed; whether objects expire would take days to see".to_owned())
}

/// The prefix of a rule; some servers give it back in the older place.
fn prefix(rule: &LifecycleRule) -> Option<&str> {
    let older = || {
        #[expect(deprecated, reason = "servers still use it")]
        rule.prefix()
    };
    rule.filter().and_then(LifecycleRuleFilter::prefix).or_else(older)
}
