//! A secret is stored, found, read and deleted (scs-0116).

use assay_inventory::{FactId, SecretLifecycle, StepId};
use assay_journal::Kind;
use http::Method;
use serde_json::json;
use tokio::time::Instant;

use super::workshop::{Bench, New, Stop, Workshop};
use crate::janitor::Janitor;
use crate::listing::{Listing, Wish};
use crate::session::Wanting;

const FACT: FactId = FactId::SecretLifecycle;
const SERVICE: &str = "key-manager";
/// What is stored: worth nothing.
const PAYLOAD: &str = "foo";

/// Stores a secret that is worth nothing, and sees what becomes of it.
pub(crate) async fn secret_lifecycle(bench: Bench<'_>) -> SecretLifecycle {
    let workshop = Workshop::new(bench, FACT);
    let mut seen = SecretLifecycle::default();
    // Where it stopped stands in the transcript.
    let _ = live(&workshop, &mut seen).await;
    seen.transcript = workshop.finish().await;
    seen
}

async fn live(workshop: &Workshop<'_>, seen: &mut SecretLifecycle) -> Result<(), Stop> {
    seen.before = Some(workshop.step(StepId::ListSecrets, None, list(workshop)).await?.len());
    let new = New {
        kind: Kind::Secret,
        what: "secret",
        path: &["secrets"],
        wrapper: "",
        fields: json!({
            "payload": PAYLOAD, "payload_content_type": "text/plain", "secret_type": "opaque",
        }),
    };
    let secret = workshop.make(StepId::CreateSecret, new).await?;
    let listed = workshop.step(StepId::FindSecret, Some(&secret.name), list(workshop)).await;
    seen.found = listed.ok().map(|names| names.contains(&secret.name));
    let read = workshop.step(StepId::ReadSecret, Some(&secret.name), async {
        let endpoint = workshop.session().endpoint(SERVICE)?;
        let wanting = Wanting {
            headers: &[("accept", "text/plain")],
            ..Wanting::get(Some(FACT), &endpoint, endpoint.at(&["secrets", &secret.id, "payload"]))
        };
        workshop.session().call(wanting).await
    });
    seen.intact = read.await.ok().map(|reply| reply.body == PAYLOAD.as_bytes());
    workshop
        .step(StepId::DeleteSecret, Some(&secret.name), async {
            workshop.send(Method::DELETE, SERVICE, &["secrets", &secret.id], None).await?;
            let janitor =
                Janitor { session: workshop.session(), fact: Some(FACT), budget: workshop.budgets().removal };
            let until = Instant::now() + janitor.budget;
            janitor.remove(Kind::Secret, &secret.id, Some(&secret.name), until).await
        })
        .await
}

/// The names of all secrets, of however many pages.
async fn list(workshop: &Workshop<'_>) -> Result<Vec<String>, assay_inventory::Unavailable> {
    let endpoint = workshop.session().endpoint(SERVICE)?;
    let wish = Wish {
        fact: Some(FACT),
        endpoint: &endpoint,
        path: &["secrets"],
        query: &[("limit", "100")],
        headers: &[],
        key: "secrets",
        links_key: "secrets_links",
        progress: &|_| (),
    };
    let Listing { items, .. } = workshop.session().list(&wish).await?;
    Ok(items.iter().filter_map(|item| item.text("name").value().map(str::to_owned)).collect())
}
