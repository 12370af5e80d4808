//! `assay completions` and `assay man`.

use clap::{Command, CommandFactory as _};
use clap_complete::Shell;

use crate::args::Arguments;
use crate::failure::Failure;
use crate::output::print;

pub(crate) fn completions(shell: Shell) -> Result<u8, Failure> {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "assay", &mut text);
    print(&String::from_utf8_lossy(&text))?;
    Ok(0)
}

/// The manual page of the program, or of one of its subcommands.
pub(crate) fn man(path: &[String]) -> Result<u8, Failure> {
    let mut command = Arguments::command();
    command.build();
    let mut page: &Command = &command;
    for word in path {
        page = page.find_subcommand(word).ok_or_else(|| {
            Failure::usage(format!("there is no subcommand {}", path.join(" ")), "`assay --help` lists them")
        })?;
    }
    let name = std::iter::once("assay").chain(path.iter().map(String::as_str)).collect::<Vec<_>>().join("-");
    let mut text = Vec::new();
    clap_mangen::Man::new(page.clone().name(name))
        .render(&mut text)
        .map_err(|error| Failure::usage(error, "this is a defect of assay; please report it"))?;
    print(&String::from_utf8_lossy(&text))?;
    Ok(0)
}
