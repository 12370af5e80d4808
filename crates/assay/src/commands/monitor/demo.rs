//! `assay monitor serve --demo`: a monitor to look at.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use assay_monitor::{Demo, Settings, Store};
use assay_transparency::Signer;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::{Serve, explained, listen};
use crate::failure::Failure;
use crate::output::note;

/// Serves samples until it is told to end; then they are gone. There are no files to read again: whoever closes the
/// terminal is done with it.
pub(super) async fn serve(arguments: &Serve, cancel: CancellationToken) -> Result<u8, Failure> {
    if let Ok(mut hangup) = signal(SignalKind::hangup()) {
        let cancel = cancel.clone();
        tokio::spawn(async move {
            hangup.recv().await;
            cancel.cancel();
        });
    }
    let failed = |error: &dyn std::fmt::Display| {
        Failure::undetermined(
            format!("the samples cannot be made: {error}"),
            "the temporary folder needs 50 MB",
        )
    };
    let (listener, address) = listen(arguments).await?;
    // Certificates bear the address.
    let here = format!("http://{}/", reached_here(address));
    let is_named = arguments.base_url.contains("://");
    let base_url = if is_named { arguments.base_url.clone() } else { here.clone() };
    if address.ip().is_unspecified() && !is_named {
        note("its links lead to this machine; --base-url names the address under which others reach it");
    }
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
    note(&format!("the monitor is at {here}"));
    Arc::clone(&demo.monitor).serve(listener, async move { cancel.cancelled().await }).await?;
    Ok(0)
}

/// The address at which this machine reaches what listens on all of its addresses.
fn reached_here(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}
