//! The program from outside, without servers: arguments in, output and exit code out.

mod bad_input;
mod demo;
mod find;
mod flavor_names;
mod picture;
mod scope;
mod scripts;
mod support;
