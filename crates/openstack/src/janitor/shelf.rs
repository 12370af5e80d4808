//! Where each kind of thing stands in the APIs.

use assay_inventory::{FactId, Reason, Record, Unavailable};
use assay_journal::Kind;

use crate::endpoint::Endpoint;
use crate::listing::Wish;
use crate::{Session, links};

/// Where a kind stands.
pub(crate) struct Shelf<'a> {
    /// The collection; one of its members is at the collection and its id.
    pub(crate) path: Vec<&'a str>,
    /// What leads from the collection to the list of all, with details.
    details: Option<&'static str>,
    /// The key of the list in its answer.
    key: &'static str,
    /// The key of links to further pages.
    links_key: &'static str,
    /// The query parameter that asks for a name.
    by_name: Option<&'static str>,
    /// The field that bears the mark.
    pub(crate) marked: &'static str,
}

/// The shelf of a kind, as the user of a session sees it; none for what is found otherwise.
pub(crate) fn shelf(session: &Session, kind: Kind) -> Option<Shelf<'_>> {
    const DETAILS: Option<&str> = Some("detail");
    let plain = |path: &'static str, key, links_key| Shelf {
        path: vec![path],
        details: None,
        key,
        links_key,
        by_name: Some("name"),
        marked: "name",
    };
    Some(match kind {
        Kind::Server => Shelf { details: DETAILS, ..plain("servers", "servers", "servers_links") },
        Kind::FloatingIp => Shelf {
            by_name: Some("description"),
            marked: "description",
            ..plain("floatingips", "floatingips", "floatingips_links")
        },
        Kind::Port => plain("ports", "ports", "ports_links"),
        Kind::Router => plain("routers", "routers", "routers_links"),
        Kind::Subnet => plain("subnets", "subnets", "subnets_links"),
        Kind::Network => plain("networks", "networks", "networks_links"),
        Kind::SubnetPool => plain("subnetpools", "subnetpools", "subnetpools_links"),
        Kind::SecurityGroup => plain("security-groups", "security_groups", "security_groups_links"),
        Kind::Backup => {
            Shelf { details: DETAILS, by_name: None, ..plain("backups", "backups", "backup_links") }
        }
        Kind::VolumeSnapshot => {
            Shelf { details: DETAILS, by_name: None, ..plain("snapshots", "snapshots", "snapshots_links") }
        }
        Kind::Volume => {
            Shelf { details: DETAILS, by_name: None, ..plain("volumes", "volumes", "volumes_links") }
        }
        Kind::Image => plain("images", "images", "images_links"),
        Kind::Secret => plain("secrets", "secrets", "secrets_links"),
        Kind::Group => plain("groups", "groups", "links"),
        Kind::User => plain("users", "users", "links"),
        Kind::Project => plain("projects", "projects", "links"),
        // An RBAC policy has no name; it is found through what it shares, and goes with it.
        Kind::RbacPolicy => Shelf {
            by_name: Some("object_id"),
            marked: "object_id",
            ..plain("rbac-policies", "rbac_policies", "rbac_policies_links")
        },
        // A key pair is known by its name, and an EC2 credential by the access key that we choose.
        Kind::Ec2Credential => {
            Shelf { by_name: None, marked: "id", ..plain("credentials", "credentials", "links") }
        }
        Kind::ApplicationCredential => {
            const COLLECTION: &str = "application_credentials";
            let path = vec!["users", session.token().user_id.as_str(), COLLECTION];
            Shelf { path, ..plain(COLLECTION, COLLECTION, "links") }
        }
        Kind::KeyPair | Kind::Bucket | Kind::Grant | Kind::Role | Kind::Domain => return None,
    })
}

impl Shelf<'_> {
    /// Where the list of all is.
    pub(crate) fn list_path(&self) -> Vec<&str> {
        self.path.iter().copied().chain(self.details).collect()
    }

    /// All that stands there; with a name, at least all of that name.
    pub(crate) async fn list(
        &self,
        session: &Session,
        fact: Option<FactId>,
        endpoint: &Endpoint,
        name: Option<&str>,
        domain: Option<&str>,
    ) -> Result<Vec<Record>, Unavailable> {
        let mut query = Vec::new();
        if let (Some(parameter), Some(name)) = (self.by_name, name) {
            query.push((parameter, name));
        }
        if let Some(domain) = domain {
            query.push(("domain_id", domain));
        }
        let wish = Wish {
            fact,
            endpoint,
            path: &self.list_path(),
            query: &query,
            headers: &[],
            key: self.key,
            links_key: self.links_key,
            progress: &|_| (),
        };
        Ok(session.list(&wish).await?.items)
    }

    /// That the list does not tell what is in it.
    pub(crate) fn unreadable(&self, endpoint: &Endpoint) -> Unavailable {
        let request = Some(format!("GET {}", links::public(&endpoint.at(&self.list_path()))));
        let message = "the list holds something whose name or id cannot be read";
        Unavailable { request, ..Unavailable::new(Reason::Malformed, message) }
    }
}

/// The id of something in a list. Barbican gives a link instead; of it only the last part counts, wherever
/// the rest points.
pub(crate) fn id_of(record: &Record) -> Option<&str> {
    let id = match record.text("secret_ref").value() {
        Some(link) => link.trim_end_matches('/').rsplit('/').next().unwrap_or_default(),
        None => record.id(),
    };
    is_id(id).then_some(id)
}

/// Whether a text is an id, which names one member of a collection and leads nowhere else.
pub(crate) fn is_id(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !text.is_empty() && text.bytes().all(is_plain) && !text.bytes().all(|byte| byte == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_secret_is_the_end_of_its_link_wherever_that_points() {
        let record = |text| serde_json::from_str::<Record>(text).unwrap();
        assert_eq!(id_of(&record(r#"{"secret_ref":"http://evil.example.com/v1/secrets/abc"}"#)), Some("abc"));
        assert_eq!(id_of(&record(r#"{"secret_ref":"abc/"}"#)), Some("abc"));
        assert_eq!(id_of(&record(r#"{"id":"xyz"}"#)), Some("xyz"));
        for none in
            ["{}", r#"{"id":".."}"#, r#"{"id":"a/b"}"#, r#"{"id":"?x"}"#, r#"{"secret_ref":"http://x/.."}"#]
        {
            assert_eq!(id_of(&record(none)), None, "{none}");
        }
    }
}
