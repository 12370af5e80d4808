//! The table `leases`: what runners of several machines share, so that two never test one project at once.

use assay_yaml::{Context, Fields};
use url::Url;

use super::{FleetProblem, Lines};
use crate::lease::LeaseKeeper;
use std::path::Path;

const LEASES: Context = Context { name: "the leases", keys: &["postgres", "password_file"], open: false };

pub(super) fn leases(reader: &mut Lines, fields: &Fields<'_>, folder: &Path) -> LeaseKeeper {
    let Some(fields) = fields.get("leases").and_then(|node| reader.fields(node, "leases", &LEASES)) else {
        return LeaseKeeper::default();
    };
    let password_file = reader.optional_text(&fields, "password_file").map(|path| folder.join(path));
    match reader.optional(&fields, "postgres", database) {
        Ok(Some(url)) => LeaseKeeper::Postgres { url, password_file },
        _ => LeaseKeeper::default(),
    }
}

/// The address of a database; whoever may read the configuration need not know its password.
fn database(text: &str) -> Result<Url, FleetProblem> {
    let url: Url = text.parse().map_err(|_| FleetProblem::NoDatabase)?;
    if url.password().is_some() || url.query_pairs().any(|(name, _)| name == "password") {
        return Err(FleetProblem::SecretDatabase);
    }
    match url.scheme() {
        "postgres" | "postgresql" => Ok(url),
        _ => Err(FleetProblem::NoDatabase),
    }
}
