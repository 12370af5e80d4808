//! The endpoints of a catalog, each host and port once.

use std::sync::Mutex;
use std::time::Duration;

use assay_inventory::{CatalogEndpoint, CatalogService, TlsOutcome};
use assay_tls::{Settings, scan_catalog};

use crate::authority::{Authority, Wanted};
use crate::now;
use crate::openssl::{INTERMEDIATE, Server};

fn service(service_type: &str, interface: &str, url: String) -> CatalogService {
    CatalogService {
        service_type: service_type.into(),
        name: service_type.into(),
        endpoints: vec![CatalogEndpoint { interface: interface.into(), region: None, url }],
    }
}

/// A scan may be moved between the threads of a runtime.
fn on_any_thread<F: Future + Send>(scan: F) -> F {
    scan
}

#[tokio::test]
async fn a_catalog_with_all_kinds_of_endpoints() {
    let authority = Authority::new();
    let server = Server::start(&authority.issue(&Wanted::default()), INTERMEDIATE);
    let port = server.port;
    let catalog = [
        service("compute", "public", format!("https://localhost:{port}/v2.1")),
        service("image", "internal", format!("https://127.0.0.1:{port}")),
        service("network", "public", "http://localhost:9/".into()),
        service("identity", "public", format!("https://LOCALHOST:{port}/v3")),
        service("dns", "admin", "not a url".into()),
        service("volumev3", "internal", "https://[::1]:9/v3".into()),
    ];
    let settings = Settings {
        handshake_timeout: Duration::from_secs(5),
        extra_roots: vec![authority.pem().into_bytes()],
        native_roots: false,
        ..Settings::default()
    };
    let steps = Mutex::new(Vec::new());
    let progress = |done: usize| steps.lock().unwrap().push(done);
    let auth_url = format!("https://localhost:{port}");
    let endpoints = on_any_thread(scan_catalog(&catalog, Some(&auth_url), &settings, now(), &progress)).await;
    let places: Vec<String> = endpoints.iter().map(assay_inventory::TlsEndpoint::authority).collect();
    let expected =
        [&format!("localhost:{port}"), &format!("127.0.0.1:{port}"), "localhost:9", "not a url", "[::1]:9"];
    assert_eq!(places, expected);
    assert_eq!(*steps.lock().unwrap(), [1, 2, 3, 4, 5]);
    let types: Vec<&str> =
        endpoints[0].services.iter().map(|service| service.service_type.as_str()).collect();
    assert_eq!(types, ["compute", "identity", "identity"]);
    assert_eq!(endpoints[0].services[2].interface, "auth_url");
    for endpoint in &endpoints[..2] {
        let TlsOutcome::Scanned(scan) = &endpoint.outcome else { panic!("{endpoint:?}") };
        assert_eq!(scan.certificates[0].name_problem, None, "a name and an address");
        assert!(scan.version("TLSv1.2").is_some_and(|version| version.accepted == Some(true)));
    }
    assert_eq!(endpoints[2].outcome, TlsOutcome::Plain);
    for endpoint in &endpoints[3..] {
        assert!(matches!(endpoint.outcome, TlsOutcome::Unreachable { .. }), "{endpoint:?}");
    }
}
