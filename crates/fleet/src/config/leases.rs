//! The table `leases`: what runners of several machines share, so that two never test one project at once.

use assay_yaml::{Context, Fields};
use url::Url;

use super::{FleetProblem, Lines};
use crate::lease::LeaseKeeper;
use crate::manifests::namespace_name;
use std::path::Path;

const LEASES: Context =
    Context { name: "the leases", keys: &["postgres", "password_file", "kubernetes"], open: false };
const KUBERNETES: Context = Context { name: "the leases of Kubernetes", keys: &["namespace"], open: false };

pub(super) fn leases(reader: &mut Lines, fields: &Fields<'_>, folder: &Path) -> LeaseKeeper {
    let Some(fields) = fields.get("leases").and_then(|node| reader.fields(node, "leases", &LEASES)) else {
        return LeaseKeeper::default();
    };
    if let Some(node) = fields.get("kubernetes") {
        if let Some((other, _)) =
            ["postgres", "password_file"].iter().find_map(|key| Some((key, fields.get(key)?)))
        {
            reader.report(
                reader.spot(node.place, fields.path_of("kubernetes")),
                FleetProblem::TwoKeepers(other),
            );
        }
        let path = fields.path_of("kubernetes");
        let Some(fields) = reader.fields(node, &path, &KUBERNETES) else { return LeaseKeeper::default() };
        let namespace = reader.optional(&fields, "namespace", namespace).ok().flatten();
        return LeaseKeeper::Kubernetes { namespace };
    }
    let password_file = reader.optional_text(&fields, "password_file").map(|path| folder.join(path));
    match reader.optional(&fields, "postgres", database) {
        Ok(Some(url)) => LeaseKeeper::Postgres { url, password_file },
        _ => LeaseKeeper::default(),
    }
}

fn namespace(text: &str) -> Result<String, FleetProblem> {
    namespace_name(text).map_err(|_| FleetProblem::Namespace(text.to_owned()))
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
