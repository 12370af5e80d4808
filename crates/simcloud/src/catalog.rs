//! The catalog: that of the recording, with the services behind a path prefix each, on the port of the cloud.

use assay_inventory::CatalogService;
use serde_json::{Value, json};
use url::Url;

use crate::Service;

/// The first part of the path of everything that keystone answers.
pub(crate) const IDENTITY: &str = "identity";

/// The URL of an endpoint on this host. One that is no URL stays as nonsensical as it was, and what had no path, which
/// means something for S3, has none here.
pub(crate) fn moved(service_type: &str, raw: &str, base: &str) -> String {
    let Ok(url) = Url::parse(raw.trim()) else { return raw.to_owned() };
    let has_path = raw.split_once("://").is_some_and(|(_, rest)| rest.contains('/'));
    let is_store = Service::of_type(service_type) == Some(Service::ObjectStore);
    match (is_store, has_path) {
        (true, false) => base.to_owned(),
        (_, false) => format!("{base}/{service_type}"),
        _ => format!("{base}/{service_type}{}", url.path()),
    }
}

/// The catalog in the answer of keystone.
pub(crate) fn catalog(services: &[CatalogService], base: &str) -> Value {
    let entries = services.iter().enumerate().map(|(number, service)| {
        let endpoints = service.endpoints.iter().enumerate().map(|(at, endpoint)| {
            json!({
                "id": format!("{number:016x}{at:016x}"),
                "interface": endpoint.interface,
                "region": endpoint.region,
                "region_id": endpoint.region,
                "url": moved(&service.service_type, &endpoint.url, base),
            })
        });
        json!({
            "id": format!("{number:032x}"),
            "type": service.service_type,
            "name": service.name,
            "endpoints": endpoints.collect::<Vec<_>>(),
        })
    });
    entries.collect()
}

/// Whether a part of a path is a version: `v2`, `v2.1`.
pub(crate) fn is_version(part: &str) -> bool {
    part.strip_prefix('v').is_some_and(|number| {
        number.starts_with(|c: char| c.is_ascii_digit())
            && number.chars().all(|c| c.is_ascii_digit() || c == '.')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_move_with_their_paths() {
        for (kind, raw, expected) in [
            ("compute", "https://c.example.com:8774/v2.1", "http://h:1/compute/v2.1"),
            ("image", "https://api.example.com", "http://h:1/image"),
            ("image", "https://api.example.com/", "http://h:1/image/"),
            ("volumev3", "https://api.example.com/volume/v3/p1", "http://h:1/volumev3/volume/v3/p1"),
            ("object-store", "https://s.example.com/v1/AUTH_p1", "http://h:1/object-store/v1/AUTH_p1"),
            ("object-store", "https://s.example.com", "http://h:1"),
            ("image", "nonsense", "nonsense"),
        ] {
            assert_eq!(moved(kind, raw, "http://h:1"), expected, "{kind} {raw}");
        }
    }
}
