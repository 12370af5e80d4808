//! The command line of assay: arguments, terminal output, progress and exit codes. What is judged and how
//! lives in the libraries.

mod against;
#[expect(clippy::doc_markdown, reason = "clap shows these comments to users as they are")]
mod args;
mod commands;
mod failure;
mod human;
mod output;
mod progress;
mod scripts;
mod show;

use std::process::ExitCode;

use clap::Parser as _;
use tokio::runtime::Builder;
use tracing_subscriber::filter::LevelFilter;

use crate::args::{Arguments, Colour, Command, Find, Global};
use crate::failure::Failure;

/// As shells know an end by Ctrl-C.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    prepare(&arguments.global);
    match run(&arguments) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            output::note(&format!("{:?}", failure.report));
            ExitCode::from(failure.code)
        }
    }
}

fn prepare(global: &Global) {
    match global.color {
        Colour::Auto => {}
        Colour::Always => anstream::ColorChoice::Always.write_global(),
        Colour::Never => anstream::ColorChoice::Never.write_global(),
    }
    let level = match global.verbose {
        0 => LevelFilter::OFF,
        1 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    if level != LevelFilter::OFF {
        let colours = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
        // Libraries below log what they like; only our own words have been looked through for secrets.
        let own = tracing_subscriber::EnvFilter::new(format!("off,assay={level},assay_openstack={level}"));
        tracing_subscriber::fmt()
            .with_env_filter(own)
            .with_writer(std::io::stderr)
            .with_ansi(colours)
            .without_time()
            .init();
    }
}

fn run(arguments: &Arguments) -> Result<u8, Failure> {
    let global = &arguments.global;
    match &arguments.command {
        Command::Check(check) => awaited(commands::check::run(check, global)),
        Command::Demo(demo) => commands::demo::run(demo, global),
        Command::Explain(explain) => commands::explain::run(explain),
        Command::List(list) => commands::list::run(list),
        Command::Scope(scope) => commands::scope::run(scope),
        Command::Coverage(coverage) => commands::coverage::run(coverage),
        Command::FlavorName(names) => commands::flavor_name::run(names),
        Command::Doctor(doctor) => awaited(commands::doctor::run(doctor)),
        Command::Find(Find::Flavor(find)) => awaited(commands::find::flavor(find, global)),
        Command::Find(Find::Image(find)) => awaited(commands::find::image(find, global)),
        Command::Completions { shell } => commands::shell::completions(*shell),
        Command::Man { subcommand } => commands::shell::man(subcommand),
    }
}

/// Runs what talks to clouds, until it is done or the user has had enough.
fn awaited(work: impl Future<Output = Result<u8, Failure>>) -> Result<u8, Failure> {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Failure::undetermined(format!("no threads can be started: {error}"), ""))?;
    let outcome = runtime.block_on(async {
        tokio::select! {
            outcome = work => outcome,
            _ = tokio::signal::ctrl_c() => Ok(INTERRUPTED),
        }
    });
    // A server that hangs must not keep the program from ending.
    runtime.shutdown_background();
    outcome
}
