//! Tests of the spec as a whole: the published files and our own data, and what happens to bad files.

mod bad_files;
mod hostile;
mod published;
