//! What a tester must be told about a cloud: which image, flavors and networks to use, and what there is.

mod account;
mod choice;

use std::collections::BTreeSet;

use assay_inventory::{
    CatalogService, FactId, Flavor, Image, Network, Reason, Record, TempestCatalogTypes, TempestCloud,
    Unavailable,
};
use serde_json::Value;
use url::Url;

use crate::Session;
use crate::endpoint::Endpoint;
use crate::listing::object;

pub use account::{PasswordAccount, password_account};

const FACT: Option<FactId> = Some(FactId::Tempest);

/// What was found out for a run of Tempest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovered {
    /// The cloud.
    pub cloud: TempestCloud,
    /// Whether the user has application credentials, which some tests count.
    pub has_application_credentials: bool,
}

/// Finds out what Tempest must be told about a cloud. It only reads.
///
/// A service that the catalog does not list is left out; one that does not answer is an error.
pub async fn discover(session: &Session) -> Result<Discovered, Unavailable> {
    let config = session.config();
    let catalog = &session.token().catalog;
    let catalog_types = TempestCatalogTypes {
        compute: listed(catalog, &["compute"]),
        image: listed(catalog, &["image"]),
        network: listed(catalog, &["network"]),
        volume: listed(catalog, &["block-storage", "volumev3", "block-store", "volume"]),
    };
    // The futures are large; on the heap they do not weigh down whoever awaits this one.
    let (images, flavors, networks, extensions, compute, volume, credentials) = futures::join!(
        Box::pin(list(session, "image", &["images"], &[("limit", "1000")], "images")),
        Box::pin(list(session, "compute", &["flavors", "detail"], &[], "flavors")),
        Box::pin(list(session, "network", &["networks"], &[], "networks")),
        Box::pin(list(session, "network", &["extensions"], &[], "extensions")),
        Box::pin(microversions(session, "compute")),
        Box::pin(microversions(session, "block-storage")),
        Box::pin(has_application_credentials(session)),
    );
    let images: Vec<Image> = images?.into_iter().map(Image).collect();
    let mut flavors: Vec<Flavor> = flavors?.into_iter().map(Flavor).collect();
    extra_specs(session, &mut flavors).await;
    let networks: Vec<Network> = networks?.into_iter().map(Network).collect();
    let extensions = extensions?;
    let aliases: BTreeSet<&str> = extensions.iter().filter_map(|item| item.text("alias").value()).collect();
    let machines = choice::machines(&images, &flavors);
    let project = session.project_id()?;
    let cloud = TempestCloud {
        identity_url: config.identity_url().to_string(),
        region: config.region().map(str::to_owned).or_else(|| only_region(catalog, config.interface())),
        interface: config.interface().to_owned(),
        verify: config.verifies_certificates(),
        ca_file: config.ca_file().map(|path| path.to_string_lossy().into_owned()),
        catalog_types,
        image: machines.image,
        other_image: machines.other_image,
        flavor: machines.flavor,
        other_flavor: machines.other_flavor,
        external_network: choice::external_network(&networks),
        fixed_network: choice::fixed_network(&networks, project),
        network_extensions: aliases.into_iter().map(str::to_owned).collect(),
        compute_microversions: compute,
        volume_microversions: volume,
    };
    Ok(Discovered { cloud, has_application_credentials: credentials })
}

/// The first of these types that the catalog lists.
fn listed(catalog: &[CatalogService], types: &[&str]) -> Option<String> {
    let is_listed = |name: &&&str| catalog.iter().any(|service| service.service_type == **name);
    types.iter().find(is_listed).map(|name| (*name).to_owned())
}

/// The region of the first endpoint of the interface; Tempest takes one that it makes up if it is told none.
fn only_region(catalog: &[CatalogService], interface: &str) -> Option<String> {
    catalog
        .iter()
        .flat_map(|service| &service.endpoints)
        .filter(|endpoint| endpoint.interface == interface)
        .find_map(|endpoint| endpoint.region.clone())
}

/// A whole list; an empty one where the cloud does not have the service.
async fn list(
    session: &Session,
    service: &'static str,
    path: &[&str],
    query: &[(&str, &str)],
    key: &str,
) -> Result<Vec<Record>, Unavailable> {
    match session.list_all(service, path, query, key).await {
        Err(why) if why.reason == Reason::NotInCatalog => Ok(Vec::new()),
        other => other,
    }
}

/// Adds the extra specs, which the plain list does not have, to the flavors that may be chosen. Where they
/// cannot be had, a flavor is taken for a plain one.
async fn extra_specs(session: &Session, flavors: &mut [Flavor]) {
    const LOOKED_AT: usize = 12;
    choice::sort_by_size(flavors);
    let Ok(endpoint) = session.endpoint("compute") else {
        return;
    };
    let endpoint = &endpoint;
    let specs = futures::future::join_all(flavors.iter().take(LOOKED_AT).map(|flavor| async move {
        let url = endpoint.at(&["flavors", flavor.id(), "os-extra_specs"]);
        let reply = session.get(FACT, endpoint, url, &[]).await.ok()?;
        object(&reply).ok()?.remove("extra_specs")
    }))
    .await;
    for (flavor, specs) in flavors.iter_mut().zip(specs) {
        if let Some(specs) = specs {
            flavor.0.set("extra_specs", specs);
        }
    }
}

/// The lowest and the highest microversion, if the service has any and says so.
async fn microversions(session: &Session, service: &'static str) -> Option<(String, String)> {
    let endpoint = session.endpoint(service).ok()?;
    let url = version_document(&endpoint)?;
    let reply = session.get(FACT, &endpoint, url, &[]).await.ok()?;
    let body = object(&reply).ok()?;
    let one = body.get("version").or_else(|| body.get("versions")?.as_array()?.first())?;
    let text = |key: &str| one.get(key).and_then(Value::as_str).filter(|text| !text.is_empty());
    Some((text("min_version")?.to_owned(), text("version")?.to_owned()))
}

/// The URL of an endpoint up to its version, with the slash that services want there.
fn version_document(endpoint: &Endpoint) -> Option<Url> {
    let is_version = |part: &str| {
        part.strip_prefix('v')
            .is_some_and(|number| number.starts_with(|letter: char| letter.is_ascii_digit()))
    };
    let parts: Vec<&str> = endpoint.url.path_segments()?.filter(|part| !part.is_empty()).collect();
    let last = parts.iter().rposition(|part| is_version(part))?;
    let mut url = endpoint.url.clone();
    // Segments come from a parsed URL and are encoded already.
    url.set_path(&format!("{}/", parts.get(..=last)?.join("/")));
    Some(url)
}

async fn has_application_credentials(session: &Session) -> bool {
    let Ok(endpoint) = identity(session) else {
        return false;
    };
    let url = endpoint.at(&["users", &session.token().user_id, "application_credentials"]);
    let Ok(reply) = session.get(FACT, &endpoint, url, &[]).await else {
        return false;
    };
    let list = object(&reply).ok().and_then(|mut body| body.remove("application_credentials"));
    list.and_then(|list| list.as_array().map(|list| !list.is_empty())).unwrap_or(false)
}

/// Keystone, where the configuration has it.
fn identity(session: &Session) -> Result<Endpoint, Unavailable> {
    let url = session.config().identity_url().clone();
    if url.cannot_be_a_base() {
        return Err(Unavailable::new(Reason::Configuration, "auth_url is no URL that has a path"));
    }
    Ok(Endpoint { service: "identity", url })
}

#[cfg(test)]
mod tests {
    use assay_inventory::CatalogEndpoint;

    use super::*;

    fn service(service_type: &str, region: Option<&str>) -> CatalogService {
        let endpoint = CatalogEndpoint {
            interface: "public".into(),
            region: region.map(Into::into),
            url: "http://x".into(),
        };
        CatalogService { service_type: service_type.into(), name: String::new(), endpoints: vec![endpoint] }
    }

    #[test]
    fn a_service_is_known_by_the_type_that_the_catalog_has() {
        let catalog = [service("volumev3", None), service("volume", None), service("compute", Some("one"))];
        assert_eq!(
            listed(&catalog, &["block-storage", "volumev3", "volume"]).as_deref(),
            Some("volumev3"),
            "the order of the names decides"
        );
        assert_eq!(listed(&catalog, &["image"]), None);
        assert_eq!(only_region(&catalog, "public").as_deref(), Some("one"));
        assert_eq!(only_region(&catalog, "internal"), None);
    }

    #[test]
    fn the_version_document_lies_above_the_project() {
        for (url, expected) in [
            ("http://c:8776/v3/0123", Some("http://c:8776/v3/")),
            ("https://api.example.com/compute/v2.1", Some("https://api.example.com/compute/v2.1/")),
            ("https://api.example.com/v1/compute/v2.1/", Some("https://api.example.com/v1/compute/v2.1/")),
            ("https://api.example.com/volume", None),
        ] {
            let endpoint = Endpoint { service: "compute", url: url.parse().unwrap() };
            assert_eq!(version_document(&endpoint).map(String::from).as_deref(), expected, "{url}");
        }
    }
}
