//! Images: from catalogues to a plan, and from a plan to images.

mod bundled;
mod definition;
mod fetch;
mod file;
mod import;
mod natural;
mod observe;
mod plan;
mod step;

pub use bundled::bundled;
pub use definition::{Algorithm, Build, Checksum, Definition, Digest, OtherWord, Validity, Visibility};
pub use fetch::FetchError;
pub use file::{CatalogueError, ProblemKind, read};
pub(crate) use import::perform;
pub use import::{Attempt, ImportError, Importer, Importing, News, Way};
pub use observe::{Observed, observe, uses};
pub use plan::{Options, plan};
pub use step::{Import, Step};
