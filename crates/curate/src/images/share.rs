use std::collections::BTreeSet;

use assay_inventory::{Image, Reason, Record, Unavailable};
use assay_openstack::Session;
use http::Method;
use serde_json::{Value, json};

/// The projects of that name or id, and those of a domain.
///
/// # Errors
/// There is no such project or domain, more than one, or keystone tells none.
pub async fn projects(
    session: &Session,
    projects: &[String],
    domains: &[String],
) -> Result<BTreeSet<String>, Unavailable> {
    let mut ids = BTreeSet::new();
    for project in projects {
        ids.insert(one(session, "projects", project).await?);
    }
    for domain in domains {
        let domain = one(session, "domains", domain).await?;
        let all = session.list_all("identity", &["projects"], &[("domain_id", &domain)], "projects").await?;
        ids.extend(all.iter().map(|project| project.id().to_owned()));
    }
    Ok(ids)
}

/// The id of what has that id, or bears that name.
async fn one(session: &Session, kind: &'static str, name: &str) -> Result<String, Unavailable> {
    let endpoint = session.endpoint("identity")?;
    // Somebody else may have given the id as a name to a thing of theirs.
    match session.query(&endpoint, &[kind, name], &[]).await {
        Ok(_) => return Ok(name.to_owned()),
        Err(why) if matches!(why.status, Some(403 | 404)) => {}
        Err(why) => return Err(why),
    }
    let found = session.list_all("identity", &[kind], &[("name", name)], kind).await?;
    Ok(only(found, kind, name)?.id().to_owned())
}

fn only(mut found: Vec<Record>, kind: &str, name: &str) -> Result<Record, Unavailable> {
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(Unavailable::new(
            Reason::Configuration,
            format!("there is nothing called {name:?} in {kind}"),
        )),
        several => {
            let what = format!("{several} {kind} are called {name:?}; give an id");
            Err(Unavailable::new(Reason::Configuration, what))
        }
    }
}

/// The image of that id or name.
///
/// # Errors
/// There is none, or more than one.
pub async fn find(session: &Session, name: &str) -> Result<Image, Unavailable> {
    let endpoint = session.endpoint("image")?;
    match session.query(&endpoint, &["images", name], &[]).await {
        Ok(image) => return Ok(Image(serde_json::from_value(image).unwrap_or_default())),
        Err(why) if matches!(why.status, Some(400 | 403 | 404)) => {}
        Err(why) => return Err(why),
    }
    let query = [("name", name), ("visibility", "all")];
    let found = session.list_all("image", &["images"], &query, "images").await?;
    Ok(Image(only(found, "images", name)?))
}

/// Lets a project use an image, and finds it for its users, or no longer. What is so already is well.
///
/// # Errors
/// Glance refuses it.
pub async fn share(session: &Session, image: &str, project: &str, with: bool) -> Result<(), Unavailable> {
    let endpoint = session.endpoint("image")?;
    let member = ["images", image, "members", project];
    if !with {
        return match session.send(&endpoint, Method::DELETE, &member, &[], None).await {
            Err(why) if why.status == Some(404) => Ok(()),
            other => other.map(|_| ()),
        };
    }
    let body = json!({"member": project});
    match session.send(&endpoint, Method::POST, &member[..3], &[], Some(&body)).await {
        Err(why) if why.status == Some(409) => {}
        other => drop(other?),
    }
    // Without it, users would have to know the id.
    let accepted: Value = json!({"status": "accepted"});
    session.send(&endpoint, Method::PUT, &member, &[], Some(&accepted)).await.map(|_| ())
}
