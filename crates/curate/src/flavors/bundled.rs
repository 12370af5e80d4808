use assay_standards::requirements::{StandardFlavor, StandardFlavors, Status};

use super::definition::{Definition, Level};
use super::file::{FlavorFileError, read};

/// Definitions that are part of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bundled {
    /// The standard flavors of scs-0103-v1.
    Scs,
    /// The flavors that OSISM clouds get by default.
    Osism,
}

impl Bundled {
    /// The definitions.
    ///
    /// # Errors
    /// None with the data that are part of the program, which a test makes sure of.
    pub fn definitions(self) -> Result<Vec<Definition>, FlavorFileError> {
        match self {
            Bundled::Scs => Ok(StandardFlavors::get().flavors.iter().filter_map(standard).collect()),
            Bundled::Osism => {
                let text = include_str!("../../data/flavors/osism.yaml");
                read("flavors of OSISM", text).map(|(definitions, _)| definitions)
            }
        }
    }
}

fn standard(flavor: &StandardFlavor) -> Option<Definition> {
    let table = StandardFlavors::get();
    let level = match flavor.status {
        Status::Mandatory => Level::Mandatory,
        Status::Recommended => Level::Recommended,
        Status::Optional => return None,
    };
    let clause = format!("{}, {}", table.standard, flavor.name);
    // A standard name says all there is to say.
    let definition = Definition::of_name(&flavor.name, level, "scs-0103").ok()?;
    Some(Definition { clause: Some(clause), ..definition })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_has_thirty_one_flavors_and_osism_thirty() {
        let scs = Bundled::Scs.definitions().unwrap();
        assert_eq!(scs.len(), 31);
        assert_eq!(scs.iter().filter(|definition| definition.level == Level::Mandatory).count(), 15);
        let osism = Bundled::Osism.definitions().unwrap();
        assert_eq!(osism.len(), 30);
        assert!(osism.iter().all(|flavor| flavor.extra_specs["hw_rng:allowed"] == "true"));
        for definition in scs.iter().chain(&osism) {
            assert_eq!(definition.contradictions(), Vec::<String>::new(), "{}", definition.name);
        }
    }
}
