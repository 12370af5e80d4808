use std::collections::{BTreeMap, BTreeSet};

use assay_inventory::{Image, Reason, Record, Unavailable};
use assay_openstack::Session;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::Value;

use super::definition::Definition;
use super::share::projects;
use crate::plan::is_addressable;

/// The images of a cloud.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Observed {
    /// The public ones, and all that bear the tag, hidden ones included.
    pub images: Vec<Image>,
    /// The id of our project.
    pub project: String,
    /// Which projects may use a shared one, by the id of the image.
    pub members: BTreeMap<String, BTreeSet<String>>,
    /// How many servers and volumes use an image, by its id; as far as they can be seen.
    pub uses: BTreeMap<String, usize>,
}

/// Looks at the public images of a cloud and at those that bear a tag.
///
/// # Errors
/// There is no image service, or it gives no list.
pub async fn observe(session: &Session, tag: &str) -> Result<Observed, Unavailable> {
    let page = ("limit", "1000");
    let public = [("visibility", "public"), page];
    let ours = [("tag", tag), ("visibility", "all"), page];
    let hidden = [("tag", tag), ("visibility", "all"), ("os_hidden", "true"), page];
    let list = async |query: &[(&str, &str)]| session.list_all("image", &["images"], query, "images").await;
    let (public, ours, hidden) = tokio::try_join!(list(&public), list(&ours), list(&hidden))?;
    let mut seen = BTreeSet::new();
    let images = public.into_iter().chain(ours).chain(hidden);
    let images = images.filter(|image| seen.insert(image.id().to_owned())).map(Image).collect();
    let project = session.token().project.as_ref().map(|project| project.id.clone()).unwrap_or_default();
    Ok(Observed { images, project, members: BTreeMap::new(), uses: BTreeMap::new() })
}

/// Looks who may use the shared images that definitions are about, if any says who should. Names of projects become ids.
///
/// # Errors
/// There is no project of such a name, or glance gives no list.
pub async fn observe_members(
    session: &Session,
    definitions: &mut [Definition],
    observed: &mut Observed,
) -> Result<(), Unavailable> {
    let wanting = definitions.iter_mut().filter_map(|definition| definition.members.as_mut());
    let mut is_wanted = false;
    for members in wanting {
        let named: Vec<String> = members.iter().cloned().collect();
        *members = projects(session, &named, &[]).await?;
        is_wanted = true;
    }
    if !is_wanted {
        return Ok(());
    }
    let shared = |image: &&Image| image.visibility() == Some("shared") && is_addressable(image.id());
    let shared: Vec<String> =
        observed.images.iter().filter(shared).map(|image| image.id().to_owned()).collect();
    let endpoint = session.endpoint("image")?;
    let endpoint = &endpoint;
    let looks = stream::iter(shared).map(async |id| {
        let answer = session.query(endpoint, &["images", &id, "members"], &[]).await?;
        let members = answer["members"].as_array().into_iter().flatten();
        let ids = members.filter_map(|member| member["member_id"].as_str()).map(str::to_owned).collect();
        Ok::<_, Unavailable>((id.clone(), ids))
    });
    observed.members = looks.buffer_unordered(session.concurrency()).try_collect().await?;
    Ok(())
}

/// How many servers and volumes use some images. Those of other projects are seen by admins only.
///
/// # Errors
/// A service fails: then nobody knows what is in use.
pub async fn uses(
    session: &Session,
    images: &BTreeSet<String>,
) -> Result<BTreeMap<String, usize>, Unavailable> {
    let (servers, volumes) = tokio::try_join!(
        everywhere(session, "compute", &["servers", "detail"], "servers"),
        everywhere(session, "block-storage", &["volumes", "detail"], "volumes"),
    )?;
    let of_servers = servers.iter().filter_map(|server| server.map("image").value()?.get("id")?.as_str());
    let of_volumes = volumes.iter().filter_map(|volume| {
        volume.map("volume_image_metadata").value()?.get("image_id").and_then(Value::as_str)
    });
    let mut uses = BTreeMap::new();
    for id in of_servers.chain(of_volumes).filter(|id| images.contains(*id)) {
        *uses.entry(id.to_owned()).or_default() += 1;
    }
    Ok(uses)
}

/// Of all projects, or of our own where no more may be seen; nothing where there is no such service.
async fn everywhere(
    session: &Session,
    service: &'static str,
    path: &[&str],
    key: &str,
) -> Result<Vec<Record>, Unavailable> {
    match session.list_all(service, path, &[("all_tenants", "1")], key).await {
        Err(why) if why.reason == Reason::NotInCatalog => Ok(Vec::new()),
        Err(why) if why.status == Some(403) => session.list_all(service, path, &[], key).await,
        other => other,
    }
}
