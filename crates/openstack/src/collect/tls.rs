use assay_inventory::{TlsEndpoint, Unavailable};
use jiff::Timestamp;

use super::Request;
use crate::{Budgets, Session};

/// What TLS each endpoint of the catalog offers, keystone's among them.
pub(super) async fn endpoints(
    session: &Session,
    request: &Request<'_>,
    progress: &(dyn Fn(usize) + Sync),
) -> Result<Vec<TlsEndpoint>, Unavailable> {
    let budget = request.probes.map_or(Budgets::default().tls, |probes| probes.budgets.tls);
    let settings = assay_tls::Settings {
        total_timeout: budget,
        extra_roots: session.config().authorities(),
        ..assay_tls::Settings::default()
    };
    let catalog = &session.token().catalog;
    let auth_url = session.config().auth_url();
    // Certificates end in real time, whatever instant the run is dated with.
    Ok(assay_tls::scan_catalog(catalog, Some(auth_url.as_str()), &settings, Timestamp::now(), progress).await)
}
