use assay_inventory::{Record, Unavailable};
use assay_journal::{Kind, RunId};
use futures::future::join_all;

use serde_json::Value;

use super::remove::KEY_PAIRS;
use super::shelf::{id_of, is_id, shelf};
use crate::Session;
use crate::listing::Wish;

/// Which marks are looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Marks {
    /// Whether our own marks are looked for.
    pub ours: bool,
    /// Of these, only those of this run.
    pub run: Option<RunId>,
    /// Also names that begin so: what the reference suite leaves behind.
    pub prefixes: Vec<String>,
}

impl Marks {
    fn fits(&self, name: &str) -> bool {
        let ours = self.ours
            && RunId::of_name(name).is_some_and(|run| self.run.as_ref().is_none_or(|only| *only == run));
        ours || self.prefixes.iter().any(|prefix| !prefix.is_empty() && name.starts_with(prefix))
    }
}

/// Something in the cloud that bears a mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What it is.
    pub kind: Kind,
    /// Its id.
    pub id: String,
    /// Its name, or for a floating IP its description.
    pub name: String,
    /// When it was created, as the service says it.
    pub created_at: Option<String>,
}

impl Found {
    /// The run that made it; none for what was found by a prefix.
    pub fn run(&self) -> Option<RunId> {
        RunId::of_name(&self.name)
    }
}

/// What can be found by a mark with the token of a project: kinds that bear a name of ours.
const MARKED: [Kind; 15] = [
    Kind::Server,
    Kind::KeyPair,
    Kind::FloatingIp,
    Kind::Port,
    Kind::Router,
    Kind::Subnet,
    Kind::Network,
    Kind::SubnetPool,
    Kind::SecurityGroup,
    Kind::Backup,
    Kind::VolumeSnapshot,
    Kind::Volume,
    Kind::Image,
    Kind::Secret,
    Kind::ApplicationCredential,
];

/// Looks through the project for what bears a mark, in the order in which it can be taken down. Services that
/// do not answer are named; those that the cloud does not have are passed over.
pub async fn find_marked(session: &Session, marks: &Marks) -> (Vec<Found>, Vec<(Kind, Unavailable)>) {
    let looked = join_all(MARKED.map(|kind| async move { (kind, look(session, kind, marks).await) })).await;
    let mut found = Vec::new();
    let mut troubles = Vec::new();
    for (kind, outcome) in looked {
        match outcome {
            Ok(items) => found.extend(items),
            Err(why) if why.reason == assay_inventory::Reason::NotInCatalog => {}
            Err(why) => troubles.push((kind, why)),
        }
    }
    (found, troubles)
}

async fn look(session: &Session, kind: Kind, marks: &Marks) -> Result<Vec<Found>, Unavailable> {
    let Some(shelf) = shelf(session, kind) else {
        return marked_key_pairs(session, marks).await;
    };
    let endpoint = session.endpoint(kind.service())?;
    let items = match shelf.list(session, None, &endpoint, None, None).await {
        // Where users have no business with application credentials, nobody made one for them either.
        Err(why) if kind == Kind::ApplicationCredential && matches!(why.status, Some(403 | 404)) => {
            Vec::new()
        }
        listed => listed?,
    };
    let project = session.project_id()?;
    let mut found = Vec::new();
    for item in items.iter().filter(|item| is_of_project(item, project)) {
        let Some(name) = item.text(shelf.marked).value().filter(|name| marks.fits(name)) else {
            continue;
        };
        let created = ["created_at", "created"].iter().find_map(|field| item.text(field).value());
        found.push(Found {
            kind,
            id: id_of(item).ok_or_else(|| shelf.unreadable(&endpoint))?.to_owned(),
            name: name.to_owned(),
            created_at: created.map(str::to_owned),
        });
    }
    Ok(found)
}

/// Key pairs have no id, and each stands in a wrapper of its own.
async fn marked_key_pairs(session: &Session, marks: &Marks) -> Result<Vec<Found>, Unavailable> {
    let endpoint = session.endpoint(Kind::KeyPair.service())?;
    let wish = Wish {
        fact: None,
        endpoint: &endpoint,
        path: &[KEY_PAIRS],
        query: &[],
        headers: &[],
        key: "keypairs",
        links_key: "keypairs_links",
        progress: &|_| (),
    };
    let items = session.list(&wish).await?.items;
    let names = items.iter().filter_map(|item| {
        item.map("keypair").value().and_then(|pair| pair.get("name")).and_then(Value::as_str)
    });
    // Only names that lead nowhere else are ours.
    Ok(names
        .filter(|name| is_id(name) && marks.fits(name))
        .map(|name| Found {
            kind: Kind::KeyPair,
            id: name.to_owned(),
            name: name.to_owned(),
            created_at: None,
        })
        .collect())
}

/// Lists hold what others share too; that is never ours. Services that list the project's own alone do not
/// say whose it is.
fn is_of_project(item: &Record, project: &str) -> bool {
    ["project_id", "tenant_id", "owner", "os-vol-tenant-attr:tenant_id"]
        .iter()
        .find_map(|field| item.text(field).value())
        .is_none_or(|owner| owner == project)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_marks_fit() {
        let run = RunId::new();
        let any = Marks { ours: true, ..Marks::default() };
        assert!(any.fits(&run.name("volume")));
        for name in ["", "assay", "assay-notes", "assay-volume-1", "_scs-0101-net", "my-assay-12345678-x"] {
            assert!(!any.fits(name), "{name}");
        }
        let one = Marks { run: Some(run.clone()), ..any };
        assert!(!Marks::default().fits(&run.name("volume")));
        assert!(one.fits(&run.name("volume")) && !one.fits(&RunId::new().name("volume")));
        let legacy = Marks { prefixes: vec!["_scs-".into(), String::new()], ..Marks::default() };
        assert!(
            legacy.fits("_scs-0101-net") && !legacy.fits("scs-test-volume"),
            "an empty prefix fits nothing"
        );
    }

    #[test]
    fn what_others_share_is_never_ours() {
        let item = |text| serde_json::from_str::<Record>(text).unwrap();
        assert!(is_of_project(&item(r#"{"project_id":"p1"}"#), "p1"));
        assert!(is_of_project(&item("{}"), "p1"));
        for foreign in [r#"{"project_id":"p2"}"#, r#"{"owner":"p2"}"#, r#"{"tenant_id":"p2"}"#] {
            assert!(!is_of_project(&item(foreign), "p1"), "{foreign}");
        }
    }
}
