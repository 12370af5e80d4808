use assay_inventory::{FactId, Flavor, Record, Unavailable};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::Value;

use crate::Session;
use crate::client::Reply;
use crate::endpoint::Endpoint;
use crate::listing::{Listing, Wish, object};

const FACT: FactId = FactId::Flavors;
/// From compute microversion 2.61 on, the list of flavors holds their extra specs.
const WITH_EXTRA_SPECS: (u32, u32) = (2, 61);
const MICROVERSION: [(&str, &str); 2] =
    [("openstack-api-version", "compute 2.61"), ("x-openstack-nova-api-version", "2.61")];

/// All flavors that the project can see, private ones included, with their extra specs.
pub(crate) async fn flavors(
    session: &Session,
    progress: &(dyn Fn(usize) + Sync),
) -> Result<Vec<Flavor>, Unavailable> {
    let endpoint = session.endpoint("compute")?;
    let wish = Wish {
        fact: Some(FACT),
        endpoint: &endpoint,
        path: &["flavors", "detail"],
        query: &[("is_public", "None")],
        headers: &MICROVERSION,
        key: "flavors",
        links_key: "flavors_links",
        progress,
    };
    let Listing { mut items, first } = match session.list(&wish).await {
        // The server is older than the microversion.
        Err(why) if why.status == Some(406) => session.list(&Wish { headers: &[], ..wish }).await?,
        other => other?,
    };
    let delivered = served_version(&first).is_some_and(|version| version >= WITH_EXTRA_SPECS);
    let missing: Vec<usize> =
        (0..items.len()).filter(|index| lacks_extra_specs(&items[*index], delivered)).collect();
    let asked: Vec<(usize, Option<Value>)> = stream::iter(missing)
        .map(|index| {
            let id = items[index].id().to_owned();
            let (endpoint, first) = (&endpoint, &first);
            async move { Ok::<_, Unavailable>((index, extra_specs(session, endpoint, first, &id).await?)) }
        })
        .buffer_unordered(session.http().settings().concurrency.max(1))
        .try_collect()
        .await?;
    let mut gone = Vec::new();
    for (index, specs) in asked {
        match specs {
            Some(specs) => {
                items[index].set("extra_specs", specs);
            }
            None => gone.push(index),
        }
    }
    gone.sort_unstable();
    for index in gone.into_iter().rev() {
        items.remove(index);
    }
    for item in &mut items {
        item.remove("links");
    }
    Ok(items.into_iter().map(Flavor).collect())
}

/// Whether the extra specs must be asked for: an empty map says nothing if the list never holds any.
fn lacks_extra_specs(flavor: &Record, delivered: bool) -> bool {
    match flavor.get("extra_specs") {
        None => true,
        Some(Value::Object(specs)) => specs.is_empty() && !delivered,
        Some(_) => false,
    }
}

/// The extra specs of a flavor; nothing if somebody deleted it since it was listed.
async fn extra_specs(
    session: &Session,
    endpoint: &Endpoint,
    list: &Reply,
    id: &str,
) -> Result<Option<Value>, Unavailable> {
    if id.is_empty() {
        return Err(list.malformed("a flavor has no id"));
    }
    let url = endpoint.at(&["flavors", id, "os-extra_specs"]);
    let reply = match session.get(Some(FACT), endpoint, url, &[]).await {
        Err(why) if why.status == Some(404) => {
            // A verdict must not rest on one 404: a proxy may have said it. The flavor itself must be gone, too.
            let flavor = endpoint.at(&["flavors", id]);
            return match session.get(Some(FACT), endpoint, flavor, &[]).await {
                Err(also) if also.status == Some(404) => Ok(None),
                _ => Err(why),
            };
        }
        other => other?,
    };
    match object(&reply)?.remove("extra_specs") {
        Some(specs @ Value::Object(_)) => Ok(Some(specs)),
        _ => Err(reply.malformed("the answer holds no extra specs")),
    }
}

/// The microversion in which nova says that it answered.
fn served_version(reply: &Reply) -> Option<(u32, u32)> {
    let modern = reply.header("openstack-api-version").and_then(|value| value.strip_prefix("compute "));
    let version = modern.or_else(|| reply.header("x-openstack-nova-api-version"))?;
    let (major, minor) = version.trim().split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}
