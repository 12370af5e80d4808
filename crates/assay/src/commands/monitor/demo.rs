//! `assay monitor serve --demo`: a monitor to look at.

use std::sync::Arc;

use assay_monitor::{Demo, Settings, Store};
use assay_transparency::Signer;
use tokio_util::sync::CancellationToken;

use super::{Serve, explained, listen};
use crate::failure::Failure;
use crate::output::note;

/// Serves samples until it is told to end; then they are gone.
pub(super) async fn serve(arguments: &Serve, cancel: CancellationToken) -> Result<u8, Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::undetermined(
            format!("the samples cannot be made: {error}"),
            "the temporary folder needs 50 MB",
        )
    };
    let (listener, address) = listen(arguments).await?;
    // Certificates bear the address.
    let base_url = match arguments.base_url.contains("://") {
        true => arguments.base_url.clone(),
        false => format!("http://{address}/"),
    };
    let settings = Settings { base_url, explained: explained(), ..Settings::default() };
    let folder = tempfile::tempdir().map_err(|error| failed(&error))?;
    let store = Store::in_folder(folder.path()).await.map_err(|error| failed(&error))?;
    let key = Signer::generate().map_err(|error| failed(&error))?;
    note("eighteen months of samples are handed in; this takes some seconds");
    let demo = tokio::select! {
        demo = Demo::open(store, settings, &key) => demo.map_err(|error| failed(&error))?,
        () = cancel.cancelled() => return Ok(0),
    };
    let accounts: Vec<&str> = Demo::accounts().collect();
    note(&format!("{} and each subject have the password {}", accounts.join(", "), demo.password));
    note(&format!("the monitor is at http://{address}/"));
    Arc::clone(&demo.monitor).serve(listener, async move { cancel.cancelled().await }).await?;
    Ok(0)
}
