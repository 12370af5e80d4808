use std::collections::{BTreeMap, BTreeSet};

use assay_inventory::{Flavor, Unavailable};
use assay_openstack::Session;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use http::Method;
use serde_json::Value;

use super::definition::Definition;

/// The flavors of a cloud.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Observed {
    /// All that can be seen, private ones included.
    pub flavors: Vec<Flavor>,
    /// Which projects may use the private ones, by id of the flavor.
    pub access: BTreeMap<String, BTreeSet<String>>,
}

/// Looks at the flavors of a cloud. Who may use a private one is asked only if a definition says who should.
pub async fn observe(session: &Session, definitions: &mut [Definition]) -> Result<Observed, Unavailable> {
    let (mut flavors, ()) = tokio::try_join!(session.flavors(), resolve(session, definitions))?;
    let mut access = BTreeMap::new();
    if definitions.iter().any(|definition| definition.access.is_some()) {
        let is_private = |flavor: &&Flavor| flavor.flag("os-flavor-access:is_public").value() == Some(false);
        let ids: Vec<String> =
            flavors.iter().filter(is_private).map(|flavor| flavor.id().to_owned()).collect();
        let answers: Vec<(String, Option<BTreeSet<String>>)> = stream::iter(ids)
            .map(async |id| Ok::<_, Unavailable>((id.clone(), allowed(session, &id).await?)))
            .buffer_unordered(session.concurrency())
            .try_collect()
            .await?;
        let gone: BTreeSet<String> =
            answers.iter().filter(|(_, projects)| projects.is_none()).map(|(id, _)| id.clone()).collect();
        flavors.retain(|flavor| !gone.contains(flavor.id()));
        access = answers.into_iter().filter_map(|(id, projects)| Some((id, projects?))).collect();
    }
    Ok(Observed { flavors, access })
}

/// The projects that may use a private flavor; nothing if somebody deleted it since it was listed.
async fn allowed(session: &Session, flavor: &str) -> Result<Option<BTreeSet<String>>, Unavailable> {
    let endpoint = session.endpoint("compute")?;
    let path = ["flavors", flavor, "os-flavor-access"];
    let answer = match session.send(&endpoint, Method::GET, &path, &[], None).await {
        Err(why) if why.status == Some(404) => return Ok(None),
        // What nova says when the flavor goes between its own two looks: the flavor first, then its projects.
        Err(why) if why.status == Some(500) => {
            return match session.send(&endpoint, Method::GET, &path[..2], &[], None).await {
                Err(now) if now.status == Some(404) => Ok(None),
                _ => Err(why),
            };
        }
        other => other?,
    };
    let entries = answer["flavor_access"].as_array().into_iter().flatten();
    Ok(Some(entries.filter_map(|entry| entry["tenant_id"].as_str()).map(str::to_owned).collect()))
}

/// Puts ids in the place of names of projects. What is no name is left as it is: nova refuses what is no id either.
async fn resolve(session: &Session, definitions: &mut [Definition]) -> Result<(), Unavailable> {
    let named: BTreeSet<String> =
        definitions.iter().filter_map(|definition| definition.access.clone()).flatten().collect();
    let mut ids: BTreeMap<String, String> = BTreeMap::new();
    for name in named {
        let endpoint = session.endpoint("identity")?;
        let query = [("name", name.as_str())];
        let answer = session.query(&endpoint, &["projects"], &query).await?;
        if let [project] = answer["projects"].as_array().map(Vec::as_slice).unwrap_or_default()
            && let Some(id) = project.get("id").and_then(Value::as_str)
        {
            ids.insert(name, id.to_owned());
        }
    }
    for projects in definitions.iter_mut().filter_map(|definition| definition.access.as_mut()) {
        *projects = projects.iter().map(|name| ids.get(name).unwrap_or(name).clone()).collect();
    }
    Ok(())
}
