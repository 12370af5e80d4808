use super::definition::Definition;
use super::file::{CatalogueError, read};

/// The catalogue that is part of the program, as a file.
pub const CATALOGUE: &str = include_str!("../../data/images/scs.yaml");

/// The catalogue that is part of the program: what scs-0104 requires and recommends.
///
/// # Errors
/// None with the data that are part of the program, which a test makes sure of.
pub fn bundled() -> Result<Vec<Definition>, CatalogueError> {
    read("images of scs-0104", CATALOGUE).map(|(definitions, _)| definitions)
}
