//! An image is uploaded by a plain user (scs-0104).

use assay_inventory::{FactId, ImageUpload, StepId};
use assay_journal::Kind;
use serde_json::json;

use super::workshop::{Bench, Made, New, Stop, Workshop};
use crate::session::Wanting;

const FACT: FactId = FactId::ImageUpload;
/// What is uploaded, so often.
const LINE: &str = "assay uploads this text as an image, and nothing boots from it.\n";
const LINES: usize = 1024;

/// Registers a private image and uploads some data.
pub(crate) async fn image_upload(bench: Bench<'_>) -> ImageUpload {
    let workshop = Workshop::new(bench, FACT);
    let mut seen = ImageUpload::default();
    // Where it stopped stands in the transcript.
    let _ = live(&workshop, &mut seen).await;
    seen.transcript = workshop.finish().await;
    seen
}

async fn live(workshop: &Workshop<'_>, seen: &mut ImageUpload) -> Result<(), Stop> {
    let data = LINE.repeat(LINES);
    let size = i64::try_from(data.len()).unwrap_or_default();
    let image = register(workshop, "image").await?;
    upload(workshop, StepId::UploadImage, &image, data).await?;
    let place = ("image", &["images", image.id.as_str()][..], "");
    let image = workshop.await_status(StepId::AwaitImage, place, "active", workshop.budgets().image).await?;
    seen.visibility = image.text("visibility").value().map(str::to_owned);
    seen.intact = image.integer("size").value().map(|there| there == size);
    Ok(())
}

/// Registers a raw image without data, seen by the project alone.
pub(super) async fn register(workshop: &Workshop<'_>, what: &str) -> Result<Made, Stop> {
    let new = New {
        kind: Kind::Image,
        what,
        path: &["images"],
        wrapper: "",
        fields: json!({"disk_format": "raw", "container_format": "bare", "visibility": "private"}),
    };
    workshop.make(StepId::CreateImage, new).await
}

/// Uploads the data of an image.
pub(super) async fn upload(
    workshop: &Workshop<'_>,
    step: StepId,
    image: &Made,
    data: String,
) -> Result<(), Stop> {
    workshop
        .step(step, Some(&image.name), async {
            let endpoint = workshop.session().endpoint("image")?;
            let wanting = Wanting {
                method: http::Method::PUT,
                headers: &[("content-type", "application/octet-stream")],
                body: Some(data.into()),
                ..Wanting::get(Some(workshop.fact()), &endpoint, endpoint.at(&["images", &image.id, "file"]))
            };
            workshop.session().call(wanting).await.map(drop)
        })
        .await
}
