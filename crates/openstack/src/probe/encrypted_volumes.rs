//! Volumes of the types that promise encryption (scs-0114): whether cinder says that they are encrypted.

use assay_inventory::{EncryptedVolume, EncryptedVolumes, FactId, Reason, StepId, Unavailable, VolumeType};
use assay_journal::Kind;
use serde_json::json;

use super::workshop::{Bench, New, Stop, Workshop};

/// Creates a volume of each of these types, and looks.
pub(crate) async fn encrypted_volumes(bench: Bench<'_>, types: &[&VolumeType]) -> EncryptedVolumes {
    let mut seen = EncryptedVolumes::default();
    // One after the other, so that a small quota does.
    for volume_type in types {
        let name = volume_type.name().unwrap_or_default();
        let workshop = Workshop::new(bench, FactId::EncryptedVolumes);
        let encrypted = look(&workshop, name).await.ok();
        let transcript = workshop.finish().await;
        let trouble = transcript.steps.iter().find_map(|step| step.trouble.clone());
        seen.leftovers.extend(transcript.leftovers);
        seen.volumes.push(EncryptedVolume {
            volume_type: name.to_owned(),
            encrypted: encrypted.flatten(),
            trouble: match encrypted {
                Some(None) => {
                    Some(Unavailable::new(Reason::Malformed, "cinder does not say whether it is encrypted"))
                }
                Some(Some(_)) => None,
                None => trouble,
            },
        });
    }
    seen
}

async fn look(workshop: &Workshop<'_>, volume_type: &str) -> Result<Option<bool>, Stop> {
    let new = New {
        kind: Kind::Volume,
        what: "encrypted-volume",
        path: &["volumes"],
        wrapper: "volume",
        fields: json!({"size": 1, "volume_type": volume_type}),
    };
    let volume = workshop.make(StepId::CreateVolume, new).await?;
    let place = ("block-storage", &["volumes", volume.id.as_str()][..], "volume");
    let volume =
        workshop.await_status(StepId::AwaitVolume, place, "available", workshop.budgets().volume).await?;
    Ok(volume.flag("encrypted").value())
}
