//! What a virtual machine shows of its randomness.

use std::borrow::Cow;

use assay_inventory::{FactId, StepId, VirtualMachine};
use assay_standards::Verdict;

use super::guest::{Fips, Guest};
use super::{NO_LONGER_DEMANDED, STANDARD, TOKEN, informational};
use crate::evidence::{Needed, probed};
use crate::finding::Resource;
use crate::registry::Registry;
use crate::rule::rule;
use crate::testcase::{Demand, Testcase};
use crate::{Evidence, Judgement, Judging, Readings, steps};

const FACTS: &[FactId] = &[FactId::Token, FactId::Flavors, FactId::Images, FactId::VirtualMachine];
/// What the kernel says of its entropy in the reference suite's test.
const ENOUGH: u64 = 256;
/// Kernels from here on need no helper.
const KERNEL: (u32, u32) = (5, 18);

const REMEDY: &str = "Let guests see RDRAND and RDSEED (RNDR on ARM): choose a CPU model in nova that has them. \
     In a guest, `grep -cE 'rdrand|rdseed' /proc/cpuinfo` counts the CPUs that do.";

const WHOLE_RUN: &str = "the reference suite aborts if anything goes wrong until the last command, such as a package that cannot be \
     installed without the internet; by the text what the virtual machine says before that is enough";
const EXACTLY: &str =
    "the reference suite wants exactly 256 bits, as new kernels say; by the text more is as good";
const INSTRUCTIONS: &str =
    "the reference suite does not look for the CPU's instructions, which are what the text demands";
const OTHER_SAMPLE: &str = "the reference suite has 1000 blocks judged by rngtest; by the text a sample counts that the virtual machine \
     judged without any package";

pub(super) fn register(registry: &mut Registry) {
    registry.add(Testcase {
        id: Cow::Borrowed("scs-0101-rngd"),
        standard: STANDARD,
        clause: "images (dropped with v1.1)",
        demand: Demand::May,
        title: Cow::Borrowed("Whether a virtual machine runs rngd"),
        explanation: "Before v1.1 the service rngd was recommended. Kernels from 5.18 on need no such helper.",
        remedy: Cow::Borrowed("Nothing to do."),
        official_facts: TOKEN,
        text_facts: &[FactId::VirtualMachine],
        own: false,
        judge: Box::new(rngd),
    });
    registry.add(Testcase {
        id: Cow::Borrowed("scs-0101-entropy-avail"),
        standard: STANDARD,
        clause: "compute nodes",
        demand: Demand::Must,
        title: Cow::Borrowed("A virtual machine has 256 bits of entropy at hand, and instructions for more"),
        explanation: "Keys that are made without enough randomness can be guessed. Compute nodes must have CPUs with entropy \
             instructions, and the hypervisor must let guests use them. A virtual machine is started and says what its kernel \
             and its CPU have.",
        remedy: Cow::Borrowed(REMEDY),
        official_facts: FACTS,
        text_facts: &[],
        own: false,
        judge: rule(entropy),
    });
    registry.add(Testcase {
        id: Cow::Borrowed("scs-0101-fips-test"),
        standard: STANDARD,
        clause: "compute nodes",
        demand: Demand::Must,
        title: Cow::Borrowed("Randomness in a virtual machine passes the FIPS 140-2 test"),
        explanation: "Random numbers that lean to one side can be guessed. A virtual machine judges a sample of its own by the tests of \
             FIPS 140-2: 1000 blocks of 20000 bits, of which 5 may fail.",
        remedy: Cow::Borrowed(REMEDY),
        official_facts: FACTS,
        text_facts: &[],
        own: false,
        judge: rule(fips),
    });
}

fn machine<'e>(evidence: &'e Evidence<'_>) -> Needed<&'e VirtualMachine> {
    probed(FactId::VirtualMachine, &evidence.inventory.virtual_machine)
}

pub(crate) fn resource(machine: &VirtualMachine) -> Option<Resource> {
    let image = machine.image.as_deref()?;
    let flavor = machine.flavor.as_deref().unwrap_or("any flavor");
    Some(Resource::new("server", "", format!("{image} on {flavor}")))
}

/// Any trouble on the way ends the reference suite's testcases. IPv6 and taking down only add to the probe.
fn abort_official(judging: &mut Judging, machine: &VirtualMachine) -> bool {
    let extra = [StepId::DrawSubnet, StepId::AddIpv6RouterInterface, StepId::TakeDown];
    let mut needed = machine.transcript.steps.iter().filter(|step| !extra.contains(&step.id));
    let Some(step) = needed.find(|step| step.trouble.is_some()) else {
        return false;
    };
    steps::abort(judging, Readings::Official, step);
    tell_console(judging, machine);
    true
}

/// The last lines of the console, where they may tell what went wrong.
fn tell_console(judging: &mut Judging, machine: &VirtualMachine) {
    for line in &machine.console_tail {
        judging.note(Readings::Both, None, format!("on the console: {line}"));
    }
}

/// Nothing can be said by the text either, for the reason that the official reading has.
fn abort_text(judging: &mut Judging, machine: &VirtualMachine, expected: &'static str) {
    let trouble = machine.transcript.steps.iter().find_map(|step| step.trouble.as_ref());
    let found = trouble.map_or_else(|| "it is not on the console".to_owned(), ToString::to_string);
    judging.abort(Readings::Text, resource(machine), expected, found);
}

fn entropy(evidence: &Evidence<'_>) -> Needed<Judgement> {
    const EXPECTED: &str = "256 bits of entropy";
    let machine = machine(evidence)?;
    let guest = Guest::of(machine);
    let mut judging = Judging::default();
    let aborted = abort_official(&mut judging, machine);
    let official = guest.section("entropy-avail").next();
    match official {
        _ if aborted => {}
        Some("256") => {}
        Some(other) => {
            judging.fail(
                Readings::Official,
                resource(machine),
                EXPECTED,
                format!("the kernel says {other:?}"),
            );
        }
        None => {
            judging.abort(Readings::Official, resource(machine), EXPECTED, "the virtual machine did not say");
            tell_console(&mut judging, machine);
        }
    }
    match guest.entropy() {
        Some(bits) if bits < ENOUGH => {
            judging.fail(Readings::Text, resource(machine), EXPECTED, format!("the kernel has {bits}"));
            judging.differ(WHOLE_RUN);
        }
        Some(bits) => {
            judging.note(Readings::Text, resource(machine), format!("the kernel has {bits} bits of entropy"));
        }
        None => abort_text(&mut judging, machine, EXPECTED),
    }
    if aborted || official.is_none() {
        judging.differ(WHOLE_RUN);
    } else if official != Some("256") {
        judging.differ(EXACTLY);
    }
    instructions(&mut judging, machine, &guest);
    kernel(&mut judging, &guest);
    Ok(judging.finish())
}

/// The instructions that the text demands: RDRAND or RDSEED on x86, RNDR on ARM.
fn instructions(judging: &mut Judging, machine: &VirtualMachine, guest: &Guest<'_>) {
    const X86: &[(&str, &str)] = &[("rdrand", "RDRAND"), ("rdseed", "RDSEED")];
    const ARM: &[(&str, &str)] = &[("rng", "RNDR")];
    let (expected, known) = match guest.machine() {
        Some("x86_64" | "i686" | "i386") => ("a CPU that offers RDRAND or RDSEED to guests", X86),
        Some("aarch64") => ("a CPU that offers RNDR to guests", ARM),
        Some(other) => {
            let found = format!("for {other} the text names no instruction for randomness");
            judging.note(Readings::Text, None, found);
            return;
        }
        None => ("a CPU that offers RDRAND, RDSEED or RNDR to guests", X86),
    };
    let Some(offered) = guest.instructions() else {
        abort_text(judging, machine, expected);
        judging.differ(INSTRUCTIONS);
        return;
    };
    let names: Vec<&str> =
        known.iter().filter(|(flag, _)| offered.contains(flag)).map(|(_, name)| *name).collect();
    match names.as_slice() {
        [] => {
            judging.fail(Readings::Text, resource(machine), expected, "it offers none");
            judging.differ(INSTRUCTIONS);
        }
        names => {
            let found = format!("the CPU offers {}", names.join(" and "));
            judging.note(Readings::Text, resource(machine), found);
        }
    }
}

fn kernel(judging: &mut Judging, guest: &Guest<'_>) {
    let Some(release) = guest.kernel() else {
        return;
    };
    let mut numbers = release.split(|one: char| !one.is_ascii_digit()).map(str::parse::<u32>);
    if let (Some(Ok(major)), Some(Ok(minor))) = (numbers.next(), numbers.next())
        && (major, minor) < KERNEL
    {
        let found = format!(
            "the image has Linux {release}; 5.18 or newer is recommended, which needs no helper for entropy"
        );
        judging.note(Readings::Text, None, found);
    }
}

fn fips(evidence: &Evidence<'_>) -> Needed<Judgement> {
    const EXPECTED: &str = "at most 5 of 1000 blocks that fail a test of FIPS 140-2";
    const STRICT: u64 = 3;
    const LENIENT: u64 = 5;
    let machine = machine(evidence)?;
    let guest = Guest::of(machine);
    let mut judging = Judging::default();
    let aborted = abort_official(&mut judging, machine);
    let official = guest.rngtest_failures();
    match official {
        _ if aborted => {}
        Some(failures) if failures > LENIENT => {
            judging.fail(
                Readings::Official,
                resource(machine),
                EXPECTED,
                format!("{failures} fail, by rngtest"),
            );
        }
        Some(failures) => {
            let note = match failures > STRICT {
                true => format!("{failures} of 1000 blocks fail, by rngtest; more than 3 are unusual"),
                false => format!("{failures} of 1000 blocks fail, by rngtest"),
            };
            judging.note(Readings::Official, resource(machine), note);
        }
        None => {
            let found = match guest.has("fips-test") {
                true => "rngtest did not say how many blocks fail",
                false => "the virtual machine did not say",
            };
            judging.abort(Readings::Official, resource(machine), EXPECTED, found);
            tell_console(&mut judging, machine);
        }
    }
    let rngtest = official.map(|failures| Fips { blocks: 1000, failures });
    let sample = guest.own_fips().or(rngtest);
    match sample {
        Some(sample) => {
            let Fips { blocks, failures } = sample;
            let found = format!("{failures} of {blocks} blocks fail, as the virtual machine found by itself");
            match sample.passes() {
                true => judging.note(Readings::Text, resource(machine), found),
                false => judging.fail(Readings::Text, resource(machine), EXPECTED, found),
            }
        }
        None => abort_text(&mut judging, machine, EXPECTED),
    }
    match official {
        None => judging.differ(WHOLE_RUN),
        Some(_) if aborted => judging.differ(WHOLE_RUN),
        Some(failures) if sample.is_some_and(|sample| sample.passes() != (failures <= LENIENT)) => {
            judging.differ(OTHER_SAMPLE);
        }
        Some(_) => {}
    }
    Ok(judging.finish())
}

fn rngd(evidence: &Evidence<'_>) -> Judgement {
    let machine = match machine(evidence) {
        Ok(machine) => machine,
        Err(mut judgement) => {
            if judgement.text == Verdict::Miss {
                judgement.official = Some(Verdict::Abort);
                judgement.differences.push(Cow::Borrowed(NO_LONGER_DEMANDED));
            }
            return *judgement;
        }
    };
    let guest = Guest::of(machine);
    let active = guest.section("rngd").find(|said| said.starts_with("Active:"));
    informational(match (active, guest.has("rngd")) {
        (Some(active), _) => format!("rngd in the virtual machine: {active}"),
        (None, true) => "the virtual machine has no rngd".to_owned(),
        (None, false) => "the virtual machine did not say whether it has rngd".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use assay_inventory::{Fact, Reason, Unavailable};
    use assay_standards::Verdict::{self, Abort, Fail, Miss, Pass};

    use super::*;
    use crate::testing;

    /// The lines that matter of a recorded guest, with changes: a section and what it says instead, or nothing.
    fn guest(changes: &[(&str, Option<&str>)]) -> VirtualMachine {
        let mut sections = vec![
            ("own-entropy-avail", "256"),
            ("own-kernel", "6.1.0-42-cloud-amd64"),
            ("own-machine", "x86_64"),
            ("own-cpu-flags", "rdrand rdseed"),
            ("own-fips", "blocks=1000 failures=1 monobit=0 poker=1 source=/dev/random"),
            ("entropy-avail", "256"),
            ("fips-test", "rngtest: FIPS 140-2 failures: 0"),
            ("rngd", "Active: active (running)"),
        ];
        for (section, said) in changes {
            match said {
                None => sections.retain(|(name, _)| name != section),
                Some(said) => sections.iter_mut().find(|(name, _)| name == section).unwrap().1 = said,
            }
        }
        VirtualMachine {
            transcript: testing::transcript(&[
                (StepId::ChooseImage, None),
                (StepId::DrawSubnet, Some(testing::answered(404))),
                (StepId::AwaitServer, None),
                (StepId::ReadConsole, None),
                (StepId::TakeDown, Some(testing::answered(500))),
            ]),
            image: Some("Debian 12".into()),
            flavor: Some("SCS-1V-1".into()),
            addresses: Vec::new(),
            console: sections.iter().map(|(section, said)| format!("_scs-test-{section}: {said}")).collect(),
            console_tail: Vec::new(),
        }
    }

    fn judge(what: &str, machine: VirtualMachine) -> Judgement {
        testing::judge(&format!("scs-0101-{what}"), |inventory| {
            inventory.virtual_machine = Fact::Known(machine);
        })
    }

    fn verdicts(what: &str, machine: VirtualMachine) -> (Verdict, Verdict) {
        let judgement = judge(what, machine);
        (judgement.official.unwrap(), judgement.text)
    }

    fn finds(judgement: &Judgement, text: &str) -> bool {
        judgement.findings.iter().any(|finding| finding.found.contains(text))
    }

    #[test]
    fn a_healthy_guest_passes() {
        assert_eq!(verdicts("entropy-avail", guest(&[])), (Pass, Pass));
        assert_eq!(verdicts("fips-test", guest(&[])), (Pass, Pass));
        let rngd = judge("rngd", guest(&[]));
        assert_eq!((rngd.official, rngd.text), (Some(Abort), Pass));
        assert!(finds(&rngd, "active (running)"));
    }

    #[test]
    fn the_kernels_entropy() {
        for (said, official, text) in [
            ("256", Pass, Pass),
            ("255", Fail, Fail),
            ("4096", Fail, Pass),
            ("0256", Fail, Pass),
            ("256 ", Pass, Pass),
            ("", Fail, Abort),
            ("cat: no such file", Fail, Abort),
        ] {
            let changes = [("entropy-avail", Some(said)), ("own-entropy-avail", Some(said))];
            assert_eq!(verdicts("entropy-avail", guest(&changes)), (official, text), "{said:?}");
        }
        let early = [("own-entropy-avail", Some("12"))];
        assert_eq!(verdicts("entropy-avail", guest(&early)), (Pass, Fail), "what counts is the first moment");
        let missing = [("entropy-avail", None)];
        assert_eq!(verdicts("entropy-avail", guest(&missing)), (Abort, Pass));
        let missing = [("entropy-avail", None), ("own-entropy-avail", None)];
        assert_eq!(verdicts("entropy-avail", guest(&missing)), (Abort, Abort));
    }

    #[test]
    fn instructions_for_randomness() {
        for (machine, flags, text) in [
            ("x86_64", Some("rdrand rdseed"), Pass),
            ("x86_64", Some("rdrand"), Pass),
            ("x86_64", Some("none"), Fail),
            ("x86_64", Some("rng"), Fail),
            ("x86_64", None, Abort),
            ("aarch64", Some("rng"), Pass),
            ("aarch64", Some("none"), Fail),
            ("riscv64", Some("none"), Pass),
        ] {
            let changes = [("own-machine", Some(machine)), ("own-cpu-flags", flags)];
            assert_eq!(verdicts("entropy-avail", guest(&changes)), (Pass, text), "{machine} {flags:?}");
            assert_eq!(verdicts("fips-test", guest(&changes)), (Pass, Pass));
        }
        assert!(finds(&judge("entropy-avail", guest(&[])), "RDRAND and RDSEED"));
    }

    #[test]
    fn old_kernels_are_mentioned() {
        for (release, is_old) in [
            ("5.17.9", true),
            ("4.19.0-27-amd64", true),
            ("5.18.0", false),
            ("6.1.0-42-cloud-amd64", false),
            ("rolling", false),
        ] {
            let judgement = judge("entropy-avail", guest(&[("own-kernel", Some(release))]));
            assert_eq!(finds(&judgement, "5.18 or newer"), is_old, "{release}");
            assert_eq!(judgement.text, Pass, "it is a recommendation");
        }
    }

    #[test]
    fn failures_of_rngtest() {
        for (failures, official) in [(0, Pass), (3, Pass), (4, Pass), (5, Pass), (6, Fail), (1000, Fail)] {
            let said = format!("rngtest: FIPS 140-2 failures: {failures}");
            let judgement = judge("fips-test", guest(&[("fips-test", Some(&said))]));
            assert_eq!((judgement.official, judgement.text), (Some(official), Pass), "{failures}");
            assert_eq!(finds(&judgement, "unusual"), (4..=5).contains(&failures));
            let alone = guest(&[("fips-test", Some(&said)), ("own-fips", None)]);
            assert_eq!(
                verdicts("fips-test", alone),
                (official, official),
                "rngtest counts if there is no other"
            );
        }
        let silent = guest(&[("fips-test", Some("sh: 1: rngtest: not found"))]);
        assert_eq!(verdicts("fips-test", silent), (Abort, Pass));
        assert_eq!(verdicts("fips-test", guest(&[("fips-test", None)])), (Abort, Pass));
    }

    #[test]
    fn failures_of_the_guests_own_sample() {
        for (figures, text) in [
            ("blocks=1000 failures=5", Pass),
            ("blocks=1000 failures=6", Fail),
            ("blocks=150 failures=3", Pass),
            ("blocks=150 failures=4", Fail),
            ("blocks=50 failures=50", Fail),
            // Without a block of its own, rngtest's figures count.
            ("blocks=0 failures=0", Pass),
        ] {
            assert_eq!(
                verdicts("fips-test", guest(&[("own-fips", Some(figures))])),
                (Pass, text),
                "{figures}"
            );
        }
    }

    #[test]
    fn trouble_on_the_way_aborts_the_official_reading_and_leaves_what_was_said() {
        let stopped = |step, whole: bool| {
            let mut machine = guest(&[("entropy-avail", None), ("fips-test", None), ("rngd", None)]);
            let why = Unavailable::new(Reason::Budget, "it took too long");
            machine.transcript = testing::transcript(&[(StepId::ChooseImage, None), (step, Some(why))]);
            machine.console_tail = vec!["E: Unable to locate package rng-tools5".into()];
            if !whole {
                machine.console.clear();
            }
            machine
        };
        for what in ["entropy-avail", "fips-test"] {
            let judgement = judge(what, stopped(StepId::ReadConsole, true));
            assert_eq!((judgement.official, judgement.text), (Some(Abort), Pass), "{what}");
            assert!(finds(&judgement, "Unable to locate package"));
            for step in [StepId::FindExternalNetwork, StepId::AwaitServer, StepId::ReadConsole] {
                let judgement = judge(what, stopped(step, false));
                assert_eq!((judgement.official, judgement.text), (Some(Abort), Abort), "{what} {step}");
                assert!(finds(&judgement, "it took too long"));
            }
        }
    }

    #[test]
    fn without_a_virtual_machine() {
        for what in ["entropy-avail", "fips-test"] {
            let id = format!("scs-0101-{what}");
            let judgement = testing::judge(&id, |_| {});
            assert_eq!((judgement.official, judgement.text), (Some(Miss), Miss), "{what}");
            assert!(finds(&judgement, "section heavy"));
            let why = Unavailable::new(Reason::Preflight, "no");
            let aborted =
                testing::verdicts(&id, |inventory| inventory.virtual_machine = Fact::Unavailable(why));
            assert_eq!(aborted, (Abort, Abort), "{what}");
        }
        assert_eq!(testing::verdicts("scs-0101-rngd", |_| {}), (Abort, Miss));
    }
}
