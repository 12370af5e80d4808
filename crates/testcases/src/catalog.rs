//! Looking into the service catalog of a token.

use assay_inventory::{CatalogEndpoint, CatalogService, Token};

/// All entries of a type. A cloud may have several, for instance one per region.
pub(crate) fn services<'a>(token: &'a Token, service_type: &str) -> impl Iterator<Item = &'a CatalogService> {
    token.catalog.iter().filter(move |service| service.service_type == service_type)
}

/// Whether the catalog has an entry of a type, be it without an endpoint.
pub(crate) fn has(token: &Token, service_type: &str) -> bool {
    services(token, service_type).next().is_some()
}

/// Endpoints of all entries of a type.
pub(crate) fn endpoints<'a>(
    token: &'a Token,
    service_type: &str,
) -> impl Iterator<Item = &'a CatalogEndpoint> {
    services(token, service_type).flat_map(|service| &service.endpoints)
}
