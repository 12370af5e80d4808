//! Images: from catalogues to a plan, and from a plan to images.

mod archive;
mod bundled;
mod definition;
mod edit;
mod export;
mod fetch;
mod file;
mod import;
mod mirror;
mod natural;
mod observe;
mod plan;
mod share;
mod step;
mod update;

pub use bundled::{CATALOGUE, bundled};
pub use definition::{Algorithm, Build, Checksum, Definition, Digest, OtherWord, Validity, Visibility};
pub use edit::{EditError, with_build};
pub use export::export;
pub use fetch::FetchError;
pub use file::{CatalogueError, ProblemKind, read};
pub(crate) use import::perform;
pub use import::{Attempt, ImportError, Importer, Importing, News, Way};
pub use mirror::{Depot, MirrorError, Mirrored};
pub use observe::{Observed, observe, observe_members, uses};
pub use plan::{Options, plan, undescribed};
pub(crate) use plan::{Patch, least_disk};
pub use share::{find, projects, share};
pub use step::{Import, Origin, Step};
pub use update::{NewBuild, UpdateError, Upstream, Upstreams};
