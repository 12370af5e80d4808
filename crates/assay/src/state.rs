//! Where the program keeps what must outlive a run.

use std::env;
use std::path::PathBuf;

/// The folder of the journals, which tell what runs created in clouds.
pub(crate) fn journals() -> PathBuf {
    folder().join("journal")
}

/// The folder of the monitor's database.
pub(crate) fn monitor() -> PathBuf {
    folder().join("monitor")
}

/// The folder of what is remembered of logs that were verified.
pub(crate) fn logs() -> PathBuf {
    folder().join("logs")
}

/// The folder of what a fleet needs to outlive a run.
pub(crate) fn fleet() -> PathBuf {
    folder().join("fleet")
}

/// `$ASSAY_STATE_DIR`, or what the XDG specification says.
fn folder() -> PathBuf {
    let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let in_home = || set("HOME").map(|home| home.join(".local/state/assay"));
    set("ASSAY_STATE_DIR")
        .or_else(|| set("XDG_STATE_HOME").map(|state| state.join("assay")))
        .or_else(in_home)
        .unwrap_or_else(|| env::temp_dir().join("assay-state"))
}
