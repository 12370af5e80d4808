//! The command line of assay: arguments, terminal output, progress and exit codes. What is judged and how
//! lives in the libraries.

mod against;
#[expect(clippy::doc_markdown, reason = "clap shows these comments to users as they are")]
mod args;
mod commands;
mod failure;
mod gating;
mod human;
mod interrupt;
mod output;
mod progress;
mod scripts;
mod show;
mod signing;
mod state;

use std::process::ExitCode;

use clap::Parser as _;
use indicatif::ProgressDrawTarget;
use tracing_subscriber::filter::LevelFilter;

use crate::args::{Arguments, Colour, Command, Find};
use crate::commands::curate;
use crate::commands::curate::flavors::Flavors;
use crate::commands::curate::images::Images;
use crate::commands::fleet::Fleet;
use crate::commands::monitor::Monitoring;
use crate::commands::subject::Subject;
use crate::failure::Failure;
use crate::interrupt::{CURATED, PROBED, SERVED, awaited, awaited_to_the_end, served};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    prepare(&arguments);
    let outcome = run(&arguments);
    // What was cut short leaves no line behind.
    let _ = output::lines().clear();
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            output::note(&format!("{:?}", failure.report));
            ExitCode::from(failure.code)
        }
    }
}

fn prepare(arguments: &Arguments) {
    let global = &arguments.global;
    if global.quiet {
        output::lines().set_draw_target(ProgressDrawTarget::hidden());
    }
    match global.color {
        Colour::Auto => {}
        Colour::Always => anstream::ColorChoice::Always.write_global(),
        Colour::Never => anstream::ColorChoice::Never.write_global(),
    }
    let level = match global.verbose {
        // Whoever runs a server reads its log, not its answers.
        0 if matches!(arguments.command, Command::Monitor(_)) && !global.quiet => LevelFilter::INFO,
        0 => LevelFilter::OFF,
        1 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    if level != LevelFilter::OFF {
        let colours = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
        // Libraries below log what they like; only our own words have been looked through for secrets.
        let own = tracing_subscriber::EnvFilter::new(format!(
            "off,assay={level},assay_openstack={level},assay_monitor={level}"
        ));
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
        Command::Check(check) => {
            awaited_to_the_end(PROBED, |cancel| commands::check::run(check, global, cancel))
        }
        Command::Cleanup(cleanup) => awaited(commands::cleanup::run(cleanup, global)),
        Command::Tempest(tempest) => {
            awaited_to_the_end(PROBED, |cancel| commands::tempest::run(tempest, global, cancel))
        }
        // What it creates is in a simulated cloud, which ends with the program.
        Command::Demo(demo) if demo.live => awaited(commands::demo::live(demo, global)),
        Command::Demo(demo) => commands::demo::run(demo, global),
        Command::Report(stored) => commands::report::run(stored, global),
        Command::Diff(diff) => awaited(commands::diff::run(diff)),
        Command::Explain(explain) => commands::explain::run(explain),
        Command::List(list) => commands::list::run(list),
        Command::Scope(scope) => commands::scope::run(scope),
        Command::Coverage(coverage) => commands::coverage::run(coverage),
        Command::FlavorName(names) => commands::flavor_name::run(names),
        Command::Plan(planning) => awaited(curate::plan(planning)),
        Command::Apply(applying) => {
            awaited_to_the_end(CURATED, |cancel| curate::carry_out(applying, global, cancel))
        }
        Command::Questions(asked) => awaited(curate::questions(asked)),
        Command::Flavors(flavors) => match &**flavors {
            Flavors::Plan(planning) => awaited(curate::plan(planning)),
            Flavors::Apply(applying) => {
                awaited_to_the_end(CURATED, |cancel| curate::carry_out(applying, global, cancel))
            }
            Flavors::Export(export) => awaited(curate::flavors::export(export)),
            Flavors::Generate(generate) => awaited(curate::flavors::generate(generate)),
        },
        Command::Images(images) => match &**images {
            Images::Plan(planning) => awaited(curate::plan(planning)),
            Images::Apply(applying) => {
                awaited_to_the_end(CURATED, |cancel| curate::carry_out(applying, global, cancel))
            }
            Images::Update(update) => awaited(curate::images::update(update)),
            Images::Mirror(mirror) => {
                awaited_to_the_end(CURATED, |cancel| curate::images::mirror(mirror, global, cancel))
            }
            Images::Share(share) => awaited(curate::images::share(share)),
            Images::Export(export) => awaited(curate::images::export(export)),
            Images::Catalogue => output::print(assay_curate::images::CATALOGUE).map(|()| 0),
        },
        Command::Declare(declare) => commands::declare::run(declare, global),
        Command::Waivers(waiving) => commands::waivers::run(waiving),
        Command::S3(s3) => awaited_to_the_end(PROBED, |cancel| commands::s3::run(s3, global, cancel)),
        Command::Doctor(doctor) => awaited(commands::doctor::run(doctor)),
        Command::Find(Find::Flavor(find)) => awaited(commands::find::flavor(find, global)),
        Command::Find(Find::Image(find)) => awaited(commands::find::image(find, global)),
        Command::Fleet(fleet) => match &**fleet {
            Fleet::Run(run) => {
                awaited_to_the_end(PROBED, |cancel| commands::fleet::run::run(run, global, cancel))
            }
            Fleet::Daemon(daemon) => {
                served(PROBED, |cancel| commands::fleet::daemon::run(daemon, global, cancel))
            }
            Fleet::Flush(flush) => awaited(commands::fleet::flush::run(flush, global)),
            Fleet::Status(status) => commands::fleet::status::run(status),
            Fleet::Manifests(written) => commands::fleet::manifests::run(written, global),
        },
        Command::Subject(subject) => match &**subject {
            Subject::Add(add) => awaited(commands::subject::add::run(add, global)),
            Subject::Rotate(rotate) => awaited(commands::subject::rotate::run(rotate, global)),
            Subject::Check(check) => awaited(commands::subject::check::run(check)),
        },
        Command::Monitor(monitoring) => match &**monitoring {
            Monitoring::Serve(serve) => served(SERVED, |cancel| commands::monitor::serve(serve, cancel)),
            Monitoring::Invite(invite) => awaited(commands::monitor::invite_somebody(invite)),
            Monitoring::Backup(copy) => awaited(commands::monitor::backup(copy)),
            Monitoring::Restore(restore) => awaited(commands::monitor::restore(restore)),
            Monitoring::Import(import) => awaited(commands::monitor::import::import(import)),
            Monitoring::Export(export) => awaited(commands::monitor::export::export(export)),
            Monitoring::Verify(place) => awaited(commands::monitor::verify(place)),
            Monitoring::VerifyLog(verify) => awaited(commands::monitor::verify_log::verify_log(verify)),
            Monitoring::VerifyCertificate(verify) => {
                awaited(commands::monitor::verify_certificate::verify_certificate(verify))
            }
        },
        Command::Sign(sign) => awaited(commands::sign::run(sign, global)),
        Command::Verify(verify) => commands::verify::run(verify),
        Command::Completions { shell } => commands::shell::completions(*shell),
        Command::Man { subcommand } => commands::shell::man(subcommand),
    }
}
