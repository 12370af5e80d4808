use assay_inventory::{FactId, Image, Unavailable};

use crate::Session;
use crate::listing::Wish;

/// Where the data of an image lies, and links: nobody's business in a report.
const DROPPED: [&str; 6] = ["locations", "direct_url", "file", "self", "schema", "links"];
/// The largest page that glance serves by default.
const PAGE: (&str, &str) = ("limit", "1000");

/// All images that the project can see, shared ones included whether or not it accepted them.
pub(super) async fn images(
    session: &Session,
    progress: &(dyn Fn(usize) + Sync),
) -> Result<Vec<Image>, Unavailable> {
    list(session, FactId::Images, &[("member_status", "all"), PAGE], progress).await
}

/// The images that glance leaves out of plain lists.
pub(super) async fn hidden_images(
    session: &Session,
    progress: &(dyn Fn(usize) + Sync),
) -> Result<Vec<Image>, Unavailable> {
    let query = [("os_hidden", "true"), ("member_status", "all"), PAGE];
    list(session, FactId::HiddenImages, &query, progress).await
}

async fn list(
    session: &Session,
    fact: FactId,
    query: &[(&str, &str)],
    progress: &(dyn Fn(usize) + Sync),
) -> Result<Vec<Image>, Unavailable> {
    let endpoint = session.endpoint("image")?;
    let wish = Wish {
        fact: Some(fact),
        endpoint: &endpoint,
        path: &["images"],
        query,
        headers: &[],
        key: "images",
        links_key: "images_links",
        progress,
    };
    let mut items = session.list(&wish).await?.items;
    for item in &mut items {
        for field in DROPPED {
            item.remove(field);
        }
    }
    Ok(items.into_iter().map(Image).collect())
}
