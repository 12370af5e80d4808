//! Where a service answers, from the catalog of the token alone.

use std::collections::BTreeSet;

use assay_inventory::{CatalogService, Reason, Unavailable};
use thiserror::Error;
use url::Url;

/// Where one service answers, down to the version of its API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The official service type.
    pub service: &'static str,
    /// The base of all its resources, without a trailing slash.
    pub url: Url,
}

impl Endpoint {
    /// The URL of a resource below the endpoint, each part one encoded path segment.
    pub(crate) fn at(&self, parts: &[&str]) -> Url {
        let mut url = self.url.clone();
        // Endpoints are http(s) URLs (see `parse`), which always have path segments.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(parts);
        }
        url
    }
}

/// Why a service has no endpoint for us.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EndpointError {
    /// No entry of that type or of one of its aliases.
    #[error("the catalog has no service of type {0}")]
    NotInCatalog(&'static str),
    /// An entry, but not for this region and interface.
    #[error("the catalog has no {interface} endpoint of {service} in region {region} (it has: {known})")]
    NoEndpoint {
        /// The service type.
        service: &'static str,
        /// The interface that is wanted.
        interface: String,
        /// The region that is wanted, or "any".
        region: String,
        /// What there is instead.
        known: String,
    },
    /// An entry whose URL cannot be used.
    #[error("the endpoint of {service} is no http or https URL: {url:?}")]
    BadUrl {
        /// The service type.
        service: &'static str,
        /// The URL as the catalog has it.
        url: String,
    },
}

impl From<EndpointError> for Unavailable {
    fn from(error: EndpointError) -> Self {
        let reason = match error {
            EndpointError::NotInCatalog(_) => Reason::NotInCatalog,
            EndpointError::NoEndpoint { .. } => Reason::NoEndpoint,
            EndpointError::BadUrl { .. } => Reason::Malformed,
        };
        Unavailable::new(reason, error.to_string())
    }
}

/// Which endpoint of a service is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted<'a> {
    /// The region; without one, the first endpoint of the interface is taken.
    pub(crate) region: Option<&'a str>,
    /// `public`, `internal` or `admin`.
    pub(crate) interface: &'a str,
    /// The project of the token, for services that want it in the path.
    pub(crate) project: Option<&'a str>,
}

/// A service, its other names and how the path of its API begins.
struct Service {
    name: &'static str,
    aliases: &'static [&'static str],
    /// Appended to a URL without version; `None` where the URL is used as it is.
    version: Option<&'static str>,
    /// Versions that are replaced by the one above: older faces of the same server.
    replaces: &'static [&'static str],
    /// Whether the project follows an appended version.
    with_project: bool,
}

const PLAIN: Service = Service { name: "", aliases: &[], version: None, replaces: &[], with_project: false };

/// Types and aliases as of the Service Types Authority, for the services that are asked here.
const SERVICES: &[Service] = &[
    Service { name: "identity", version: Some("v3"), replaces: &["v2.0"], ..PLAIN },
    Service { name: "compute", version: Some("v2.1"), replaces: &["v2"], ..PLAIN },
    Service { name: "image", version: Some("v2"), replaces: &["v1"], ..PLAIN },
    Service { name: "network", version: Some("v2.0"), ..PLAIN },
    Service {
        name: "block-storage",
        aliases: &["volumev3", "volumev2", "volume", "block-store"],
        version: Some("v3"),
        with_project: true,
        ..PLAIN
    },
    Service { name: "key-manager", version: Some("v1"), ..PLAIN },
    Service { name: "load-balancer", version: Some("v2.0"), ..PLAIN },
    Service { name: "object-store", ..PLAIN },
    Service { name: "placement", ..PLAIN },
];

/// The official type for a type or alias, as it appears in names of options (`volume_endpoint_override`).
pub(crate) fn official(name: &str) -> Option<&'static str> {
    let name = name.replace('_', "-");
    SERVICES
        .iter()
        .find(|known| known.name == name || known.aliases.contains(&name.as_str()))
        .map(|known| known.name)
}

/// The endpoint of a service from the catalog, or from `override_url` if the user configured one.
pub(crate) fn resolve(
    catalog: &[CatalogService],
    service: &'static str,
    wanted: &Wanted<'_>,
    override_url: Option<&str>,
) -> Result<Endpoint, EndpointError> {
    let known = SERVICES.iter().find(|known| known.name == service).unwrap_or(&PLAIN);
    let raw = match override_url {
        Some(url) => url,
        None => catalog_url(catalog, service, known.aliases, wanted)?,
    };
    let mut url = parse(service, raw)?;
    if let Some(version) = known.version {
        versioned(&mut url, version, known, wanted.project);
    }
    Ok(Endpoint { service, url })
}

/// The URL of a service of exactly this type or one of its aliases, as the catalog has it.
pub(crate) fn catalog_url<'a>(
    catalog: &'a [CatalogService],
    service: &'static str,
    aliases: &[&str],
    wanted: &Wanted<'_>,
) -> Result<&'a str, EndpointError> {
    let mut found = BTreeSet::new();
    let mut listed = false;
    for name in std::iter::once(&service).chain(aliases) {
        for endpoint in catalog.iter().filter(|entry| entry.service_type == **name).flat_map(|entry| {
            listed = true;
            &entry.endpoints
        }) {
            let region = endpoint.region.as_deref();
            if endpoint.interface == wanted.interface && (wanted.region.is_none() || wanted.region == region)
            {
                return Ok(&endpoint.url);
            }
            found.insert(format!("{} in {}", endpoint.interface, region.unwrap_or("no region")));
        }
    }
    if !listed {
        return Err(EndpointError::NotInCatalog(service));
    }
    let known: Vec<String> = found.into_iter().collect();
    Err(EndpointError::NoEndpoint {
        service,
        interface: wanted.interface.into(),
        region: wanted.region.unwrap_or("any").into(),
        known: if known.is_empty() { "no endpoints at all".into() } else { known.join(", ") },
    })
}

fn parse(service: &'static str, raw: &str) -> Result<Url, EndpointError> {
    let bad = || EndpointError::BadUrl {
        service,
        // What cannot be parsed could hide credentials anywhere, so only what is safe is shown.
        url: raw.rsplit('@').next().unwrap_or_default().chars().take(200).collect(),
    };
    let mut url = Url::parse(raw.trim()).map_err(|_| bad())?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err(bad());
    }
    url.set_query(None);
    url.set_fragment(None);
    // Credentials in an endpoint are nobody's business and would be sent as basic authentication.
    url.set_username("").map_err(|()| bad())?;
    url.set_password(None).map_err(|()| bad())?;
    Ok(url)
}

fn versioned(url: &mut Url, version: &str, known: &Service, project: Option<&str>) {
    let mut segments: Vec<String> = url
        .path_segments()
        .into_iter()
        .flatten()
        .filter(|part| !part.is_empty())
        .map(str::to_owned)
        .collect();
    // The version stands last, or before the project; further up, it is the proxy's.
    if let Some(present) = segments.iter_mut().rev().take(2).find(|part| is_version(part)) {
        if known.replaces.contains(&present.as_str()) {
            version.clone_into(present);
        }
    } else {
        segments.push(version.to_owned());
        segments.extend(project.filter(|_| known.with_project).map(str::to_owned));
    }
    // Segments come from a parsed URL and are encoded already.
    url.set_path(&segments.join("/"));
}

/// `v2`, `v2.1` and the like.
fn is_version(segment: &str) -> bool {
    segment.strip_prefix('v').is_some_and(|number| {
        number.starts_with(|c: char| c.is_ascii_digit())
            && number.len() <= 5
            && number.chars().all(|c| c.is_ascii_digit() || c == '.')
    })
}

/// The identity endpoint for an `auth_url`, which users write with and without the version.
pub(crate) fn identity(auth_url: &str) -> Result<Endpoint, EndpointError> {
    resolve(&[], "identity", &Wanted { region: None, interface: "public", project: None }, Some(auth_url))
}

#[cfg(test)]
mod tests {
    use assay_inventory::CatalogEndpoint;

    use super::*;

    const ANYWHERE: Wanted<'static> = Wanted { region: None, interface: "public", project: Some("p1") };

    fn entry(service_type: &str, endpoints: &[(&str, Option<&str>, &str)]) -> CatalogService {
        CatalogService {
            service_type: service_type.into(),
            name: String::new(),
            endpoints: endpoints
                .iter()
                .map(|(interface, region, url)| CatalogEndpoint {
                    interface: (*interface).into(),
                    region: region.map(Into::into),
                    url: (*url).into(),
                })
                .collect(),
        }
    }

    #[test]
    fn the_version_is_appended_only_where_it_lacks() {
        for (service, url, expected) in [
            ("compute", "http://c:8774/v2.1", "http://c:8774/v2.1"),
            ("compute", "https://api.example.com/compute/v2.1/", "https://api.example.com/compute/v2.1"),
            ("compute", "https://c:8774/v2.1/p1", "https://c:8774/v2.1/p1"),
            ("compute", "https://c:8774/v2/p1", "https://c:8774/v2.1/p1"),
            ("compute", "https://c:8774", "https://c:8774/v2.1"),
            ("image", "https://api.example.com/image", "https://api.example.com/image/v2"),
            ("image", "https://api.example.com/image/v2/", "https://api.example.com/image/v2"),
            ("image", "http://i:9292/", "http://i:9292/v2"),
            ("network", "http://n:9696", "http://n:9696/v2.0"),
            ("network", "http://n:9696//", "http://n:9696/v2.0"),
            ("network", "http://n:9696/networking/v2.0", "http://n:9696/networking/v2.0"),
            ("block-storage", "http://b:8776/v3/p1", "http://b:8776/v3/p1"),
            ("block-storage", "http://b:8776/", "http://b:8776/v3/p1"),
            ("block-storage", "http://b/volume/v3", "http://b/volume/v3"),
            ("key-manager", "https://k:9311", "https://k:9311/v1"),
            ("object-store", "https://s/swift/v1/AUTH_p1", "https://s/swift/v1/AUTH_p1"),
            ("placement", "https://p/placement", "https://p/placement"),
            ("image", "https://user:pw@i/x%20y?q=1#f", "https://i/x%20y/v2"),
            ("image", "https://vault.example.com/vms", "https://vault.example.com/vms/v2"),
        ] {
            let catalog = [entry(service, &[("public", Some("R"), url)])];
            let endpoint = resolve(&catalog, service, &ANYWHERE, None).unwrap();
            assert_eq!(endpoint.url.as_str(), expected, "{service} {url}");
        }
    }

    #[test]
    fn region_and_interface_choose_among_endpoints() {
        let catalog = [entry(
            "image",
            &[
                ("admin", Some("A"), "http://admin-a"),
                ("public", Some("A"), "http://public-a"),
                ("public", Some("B"), "http://public-b"),
                ("internal", None, "http://internal"),
            ],
        )];
        let url = |region, interface| {
            resolve(&catalog, "image", &Wanted { region, interface, project: None }, None)
                .map(|endpoint| endpoint.url.host_str().unwrap().to_owned())
        };
        assert_eq!(url(None, "public").unwrap(), "public-a");
        assert_eq!(url(Some("B"), "public").unwrap(), "public-b");
        assert_eq!(url(None, "internal").unwrap(), "internal");
        let error = url(Some("C"), "public").unwrap_err();
        assert_eq!(
            error.to_string(),
            "the catalog has no public endpoint of image in region C \
             (it has: admin in A, internal in no region, public in A, public in B)"
        );
        assert_eq!(Unavailable::from(error).reason, Reason::NoEndpoint);
    }

    #[test]
    fn aliases_stand_in_for_the_official_type_in_order() {
        let catalog = [
            entry("volumev2", &[("public", None, "http://two/v2/p1")]),
            entry("volumev3", &[("public", None, "http://three/v3/p1")]),
        ];
        let host = |catalog: &[CatalogService]| {
            resolve(catalog, "block-storage", &ANYWHERE, None).unwrap().url.host_str().unwrap().to_owned()
        };
        assert_eq!(host(&catalog), "three");
        assert_eq!(host(&catalog[..1]), "two");
        assert_eq!(official("volume"), Some("block-storage"));
        assert_eq!(official("block_storage"), Some("block-storage"));
        assert_eq!(official("no-such"), None);
        assert_eq!(resolve(&catalog, "image", &ANYWHERE, None), Err(EndpointError::NotInCatalog("image")));
    }

    #[test]
    fn a_service_without_endpoints_is_listed_but_unusable() {
        let error = resolve(&[entry("image", &[])], "image", &ANYWHERE, None).unwrap_err();
        assert!(matches!(error, EndpointError::NoEndpoint { .. }), "{error}");
    }

    #[test]
    fn an_override_wins_over_the_catalog() {
        let catalog = [entry("image", &[("public", None, "http://catalog")])];
        let endpoint = resolve(&catalog, "image", &ANYWHERE, Some("http://mine/image/")).unwrap();
        assert_eq!(endpoint.url.as_str(), "http://mine/image/v2");
        assert!(resolve(&[], "image", &ANYWHERE, Some("http://mine")).is_ok());
    }

    #[test]
    fn nonsense_urls_are_refused_and_not_shown_with_credentials() {
        for url in ["", "image.example.com", "ftp://x/y", "file:///etc/passwd", "http://", "user:secret@host"]
        {
            let error =
                resolve(&[entry("image", &[("public", None, url)])], "image", &ANYWHERE, None).unwrap_err();
            assert!(matches!(error, EndpointError::BadUrl { .. }), "{url}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }

    #[test]
    fn parts_of_a_path_are_encoded() {
        let endpoint = identity("https://id.example.com").unwrap();
        assert_eq!(endpoint.url.as_str(), "https://id.example.com/v3");
        assert_eq!(endpoint.at(&["a/../b?c", "d"]).as_str(), "https://id.example.com/v3/a%2F..%2Fb%3Fc/d");
        assert_eq!(
            identity("https://h:5000/identity/v2.0/").unwrap().url.as_str(),
            "https://h:5000/identity/v3"
        );
    }
}
