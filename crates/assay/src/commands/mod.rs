//! One file per subcommand.

pub(crate) mod check;
pub(crate) mod cleanup;
pub(crate) mod coverage;
pub(crate) mod curate;
pub(crate) mod declare;
pub(crate) mod demo;
pub(crate) mod diff;
pub(crate) mod doctor;
pub(crate) mod explain;
pub(crate) mod find;
pub(crate) mod flavor_name;
pub(crate) mod fleet;
pub(crate) mod list;
pub(crate) mod monitor;
pub(crate) mod report;
pub(crate) mod s3;
pub(crate) mod scope;
pub(crate) mod shell;
pub(crate) mod sign;
pub(crate) mod subject;
pub(crate) mod tempest;
pub(crate) mod verify;
pub(crate) mod waivers;
