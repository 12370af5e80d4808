use assay_inventory::{Reason, SecurityGroupRule, Unavailable, VolumeType};
use assay_openstack::Session;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use http::Method;

use super::volume_types::SeenVolumeType;

/// What repairs look at beside flavors and images.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Observed {
    /// The volume types; none where there are no volumes.
    pub volume_types: Vec<SeenVolumeType>,
    /// The rules of new security groups; none where the cloud does not list them.
    pub default_rules: Option<Vec<SecurityGroupRule>>,
}

/// Looks at volume types and at the rules of new security groups.
///
/// # Errors
/// A service is there and gives no list.
pub async fn observe(session: &Session) -> Result<Observed, Unavailable> {
    let (volume_types, default_rules) = tokio::try_join!(volume_types(session), default_rules(session))?;
    Ok(Observed { volume_types, default_rules })
}

async fn volume_types(session: &Session) -> Result<Vec<SeenVolumeType>, Unavailable> {
    let types = match session.list_all("block-storage", &["types"], &[], "volume_types").await {
        Err(why) if why.reason == Reason::NotInCatalog => return Ok(Vec::new()),
        other => other?,
    };
    stream::iter(types.into_iter().map(VolumeType))
        .map(async |volume_type| {
            let encrypted = is_encrypted(session, &volume_type).await?;
            Ok(SeenVolumeType { volume_type, encrypted })
        })
        .buffered(session.concurrency())
        .try_collect()
        .await
}

/// Whether cinder encrypts the volumes of a type; only admins are told.
async fn is_encrypted(session: &Session, volume_type: &VolumeType) -> Result<Option<bool>, Unavailable> {
    if !crate::plan::is_addressable(volume_type.id()) {
        return Ok(None);
    }
    let endpoint = session.endpoint("block-storage")?;
    let path = ["types", volume_type.id(), "encryption"];
    match session.send(&endpoint, Method::GET, &path, &[], None).await {
        Ok(answer) => Ok(Some(
            answer.get("provider").and_then(serde_json::Value::as_str).is_some_and(|name| !name.is_empty()),
        )),
        Err(why) if matches!(why.status, Some(403 | 404)) => Ok(None),
        Err(why) => Err(why),
    }
}

async fn default_rules(session: &Session) -> Result<Option<Vec<SecurityGroupRule>>, Unavailable> {
    let path = ["default-security-group-rules"];
    match session.list_all("network", &path, &[], "default_security_group_rules").await {
        Ok(rules) => Ok(Some(rules.into_iter().map(SecurityGroupRule).collect())),
        // Older clouds do not have them; others show them to admins alone.
        Err(why) if why.reason == Reason::NotInCatalog || matches!(why.status, Some(403 | 404)) => Ok(None),
        Err(why) => Err(why),
    }
}
