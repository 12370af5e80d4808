//! A volume is backed up and restored (scs-0117), by the text also with its content and incrementally.

use assay_inventory::{FactId, Record, StepId, Unavailable, VolumeBackup};
use assay_journal::Kind;
use http::Method;
use serde_json::{Value, json};

use super::image_upload::{register, upload};
use super::workshop::{Bench, Made, New, Stop, Workshop, unwrapped};
use crate::janitor::is_id;
use crate::listing::Wish;
use crate::session::Wanting;

const FACT: FactId = FactId::VolumeBackup;
const SERVICE: &str = "block-storage";
/// What the volume begins with: lines that differ, so that bytes that moved are seen.
const PATTERN_LINES: usize = 4096;

/// Backs a volume up and restores it; with `content`, a volume that holds a pattern, which is read back.
pub(crate) async fn volume_backup(bench: Bench<'_>, content: bool) -> VolumeBackup {
    let workshop = Workshop::new(bench, FACT);
    let mut seen = VolumeBackup::default();
    // Where it stopped stands in the transcript.
    let _ = live(&workshop, content, &mut seen).await;
    seen.transcript = workshop.finish().await;
    seen
}

async fn live(workshop: &Workshop<'_>, content: bool, seen: &mut VolumeBackup) -> Result<(), Stop> {
    seen.nameless = workshop.step(StepId::ListBackups, None, nameless(workshop)).await?;
    let pattern = pattern();
    let patterned = match content {
        true => patterned_volume(workshop, &pattern).await.ok(),
        false => None,
    };
    let (volume, has_pattern) = match patterned {
        Some(volume) => (volume, true),
        // The reference uses an empty volume, so a cloud without images is still to be judged.
        None => (volume(workshop, "volume", &json!({"size": 1})).await?, false),
    };
    let backup = backup(workshop, &volume, false).await?;
    let restored = restore(workshop, &backup).await?;
    if content {
        let incremental = async {
            let second = self::backup(workshop, &volume, true).await?;
            Ok::<_, Stop>(second.record.flag("is_incremental").value())
        };
        let read = async {
            match has_pattern {
                true => read_back(workshop, &restored).await.map(Some),
                false => Ok(None),
            }
        };
        let (incremental, read) = futures::join!(incremental, read);
        seen.incremental = incremental.ok().flatten();
        seen.intact = read.ok().flatten().map(|bytes| bytes.starts_with(pattern.as_bytes()));
    }
    Ok(())
}

fn pattern() -> String {
    (0..PATTERN_LINES).map(|line| format!("assay {line:08}\n")).collect()
}

/// What is in the project without a name; the reference trips over it.
async fn nameless(workshop: &Workshop<'_>) -> Result<Vec<String>, Unavailable> {
    let (backups, volumes) = futures::try_join!(
        list(workshop, &["backups", "detail"], "backups", "backup_links"),
        list(workshop, &["volumes", "detail"], "volumes", "volumes_links"),
    )?;
    let of = |kind: &'static str, items: Vec<Record>| {
        let nameless = items.into_iter().filter(|item| item.get("name").is_none());
        nameless.map(|item| format!("{kind} {}", item.id())).collect::<Vec<_>>()
    };
    Ok([of("backup", backups), of("volume", volumes)].concat())
}

async fn list(
    workshop: &Workshop<'_>,
    path: &[&str],
    key: &str,
    links_key: &str,
) -> Result<Vec<Record>, Unavailable> {
    let endpoint = workshop.session().endpoint(SERVICE)?;
    let wish = Wish {
        fact: Some(FACT),
        endpoint: &endpoint,
        path,
        query: &[],
        headers: &[],
        key,
        links_key,
        progress: &|_| (),
    };
    Ok(workshop.session().list(&wish).await?.items)
}

async fn volume(workshop: &Workshop<'_>, what: &str, fields: &Value) -> Result<Made, Stop> {
    let new = New { kind: Kind::Volume, what, path: &["volumes"], wrapper: "volume", fields: fields.clone() };
    let volume = workshop.make(StepId::CreateVolume, new).await?;
    available(workshop, StepId::AwaitVolume, "volume", &volume.id).await?;
    Ok(volume)
}

/// Waits until a volume or a backup is available.
async fn available(workshop: &Workshop<'_>, step: StepId, wrapper: &str, id: &str) -> Result<Record, Stop> {
    let collection = if wrapper == "backup" { "backups" } else { "volumes" };
    let place = (SERVICE, &[collection, id][..], wrapper);
    workshop.await_status(step, place, "available", workshop.budgets().volume).await
}

/// A volume from an image that holds the pattern.
async fn patterned_volume(workshop: &Workshop<'_>, pattern: &str) -> Result<Made, Stop> {
    let image = register(workshop, "pattern").await?;
    upload(workshop, StepId::UploadPattern, &image, pattern.to_owned()).await?;
    let place = ("image", &["images", image.id.as_str()][..], "");
    workshop.await_status(StepId::AwaitImage, place, "active", workshop.budgets().image).await?;
    volume(workshop, "pattern-volume", &json!({"size": 1, "imageRef": image.id})).await
}

async fn backup(workshop: &Workshop<'_>, volume: &Made, incremental: bool) -> Result<Made, Stop> {
    let (create, wait, what) = match incremental {
        true => (StepId::CreateIncremental, StepId::AwaitIncremental, "incremental-backup"),
        false => (StepId::CreateBackup, StepId::AwaitBackup, "backup"),
    };
    let new = New {
        kind: Kind::Backup,
        what,
        path: &["backups"],
        wrapper: "backup",
        fields: match incremental {
            true => json!({"volume_id": volume.id, "incremental": true}),
            false => json!({"volume_id": volume.id}),
        },
    };
    let made = workshop.make(create, new).await?;
    let record = available(workshop, wait, "backup", &made.id).await?;
    Ok(Made { record, ..made })
}

/// Restores a backup to a new volume.
async fn restore(workshop: &Workshop<'_>, backup: &Made) -> Result<Made, Stop> {
    let name = workshop.name("restored-volume");
    let new = Replying {
        kind: Kind::Volume,
        name: &name,
        path: &["backups", &backup.id, "restore"],
        body: json!({"restore": {"name": name}}),
        wrapper: "restore",
        id_field: "volume_id",
    };
    let id = new.send(workshop, StepId::RestoreBackup).await?;
    let record = available(workshop, StepId::AwaitRestored, "volume", &id).await?;
    Ok(Made { id, name, record })
}

/// The beginning of a volume, read through an image of it.
async fn read_back(workshop: &Workshop<'_>, volume: &Made) -> Result<Vec<u8>, Stop> {
    let name = workshop.name("restored-image");
    let new = Replying {
        kind: Kind::Image,
        name: &name,
        path: &["volumes", &volume.id, "action"],
        body: json!({"os-volume_upload_image": {
            "image_name": name, "disk_format": "raw", "container_format": "bare",
        }}),
        wrapper: "os-volume_upload_image",
        id_field: "image_id",
    };
    let image = new.send(workshop, StepId::ExportRestored).await?;
    let place = ("image", &["images", image.as_str()][..], "");
    workshop.await_status(StepId::AwaitImage, place, "active", workshop.budgets().image).await?;
    let read = workshop.step(StepId::ReadPattern, Some(&name), async {
        let endpoint = workshop.session().endpoint("image")?;
        let wanting = Wanting {
            headers: &[("range", "bytes=0-65535"), ("accept", "application/octet-stream")],
            ..Wanting::get(Some(FACT), &endpoint, endpoint.at(&["images", &image, "file"]))
        };
        workshop.session().call(wanting).await
    });
    Ok(read.await?.body)
}

/// A call that makes something of a name, and gives the id in a field of its own.
struct Replying<'a> {
    kind: Kind,
    name: &'a str,
    path: &'a [&'a str],
    body: Value,
    wrapper: &'a str,
    id_field: &'a str,
}

impl Replying<'_> {
    async fn send(self, workshop: &Workshop<'_>, step: StepId) -> Result<String, Stop> {
        workshop
            .making_step(step, Some(self.name), async {
                let (position, entry) = workshop.intend(self.kind, self.name, None)?;
                match workshop.send(Method::POST, SERVICE, self.path, Some(&self.body)).await {
                    Err(why) => {
                        workshop.not_made(position, &entry, &why);
                        Err(why)
                    }
                    Ok(reply) => {
                        let record = unwrapped(&reply, self.wrapper)?;
                        let id = record.text(self.id_field).value().unwrap_or_default();
                        if !is_id(id) {
                            let what = format!("the answer holds no {:?}", self.id_field);
                            return Err(reply.malformed(what));
                        }
                        workshop.was_made(position, &entry, id);
                        Ok(id.to_owned())
                    }
                }
            })
            .await
    }
}
