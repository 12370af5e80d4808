use assay_inventory::{FactId, Unavailable, VolumeType};

use crate::Session;
use crate::listing::Wish;

/// The volume types that the project can use.
pub(super) async fn volume_types(
    session: &Session,
    progress: &(dyn Fn(usize) + Sync),
) -> Result<Vec<VolumeType>, Unavailable> {
    let endpoint = session.endpoint("block-storage")?;
    let wish = Wish {
        fact: Some(FactId::VolumeTypes),
        endpoint: &endpoint,
        path: &["types"],
        query: &[],
        headers: &[],
        key: "volume_types",
        links_key: "volume_type_links",
        progress,
    };
    Ok(session.list(&wish).await?.items.into_iter().map(VolumeType).collect())
}
