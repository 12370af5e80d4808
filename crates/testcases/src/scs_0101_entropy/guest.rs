//! What the virtual machine said about itself on its console.

use std::net::IpAddr;

use assay_inventory::VirtualMachine;

const MARK: &str = "_scs-test-";

/// The report of a guest, section by section.
pub(crate) struct Guest<'a> {
    lines: Vec<(&'a str, &'a str)>,
}

/// How a sample of random numbers did in the tests of FIPS 140-2.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Fips {
    /// Number of blocks of 20000 bits that were judged.
    pub(super) blocks: u64,
    /// Number of them that failed one test at least.
    pub(super) failures: u64,
}

/// How many blocks of 1000 may fail. Of good random numbers, about 0.8 do.
const MOST_OF_1000: u64 = 5;
/// How many of a small sample may fail: chance alone makes more of them fail less than once in 500 runs.
const MOST_OF_FEW: u64 = 3;

impl Fips {
    /// Whether there are no more failures than good random numbers may have.
    pub(super) fn passes(self) -> bool {
        self.failures <= MOST_OF_FEW.max(self.blocks.saturating_mul(MOST_OF_1000) / 1000)
    }
}

impl<'a> Guest<'a> {
    /// Reads the lines that bear the mark: the section up to the colon, then what it says.
    pub(crate) fn of(machine: &'a VirtualMachine) -> Self {
        let read = |line: &'a String| {
            let line = line.get(line.find(MARK)? + MARK.len()..)?;
            let (section, said) = line.split_once(':')?;
            Some((section, said.trim()))
        };
        Guest { lines: machine.console.iter().filter_map(read).collect() }
    }

    /// The lines of a section.
    pub(super) fn section(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.lines.iter().filter(move |(section, _)| *section == name).map(|(_, said)| *said)
    }

    fn first(&self, name: &str) -> Option<&'a str> {
        self.section(name).next()
    }

    /// The entropy that the kernel has at hand, in bits: as it was before anything was installed, or else as
    /// the reference suite reads it.
    pub(super) fn entropy(&self) -> Option<u64> {
        let number = |section| self.section(section).find_map(|said| said.parse().ok());
        number("own-entropy-avail").or_else(|| number("entropy-avail"))
    }

    /// The instructions for randomness that the CPU offers to the guest; none if the guest did not say.
    pub(super) fn instructions(&self) -> Option<Vec<&'a str>> {
        let said = self.first("own-cpu-flags")?;
        Some(said.split_whitespace().filter(|flag| *flag != "none").collect())
    }

    /// The kind of machine, such as `x86_64`.
    pub(super) fn machine(&self) -> Option<&'a str> {
        self.first("own-machine")
    }

    /// The release of its kernel.
    pub(super) fn kernel(&self) -> Option<&'a str> {
        self.first("own-kernel")
    }

    /// The sample that the guest judged by itself.
    pub(super) fn own_fips(&self) -> Option<Fips> {
        let said = self.first("own-fips")?;
        let figure = |name: &str| {
            said.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
        };
        let fips = Fips { blocks: figure("blocks")?, failures: figure("failures")? };
        (fips.blocks > 0 && fips.failures <= fips.blocks).then_some(fips)
    }

    /// Whether a section of the reference suite is there at all.
    pub(super) fn has(&self, section: &str) -> bool {
        self.first(section).is_some()
    }

    /// How many of 1000 blocks failed, as the reference suite reads it from rngtest: the first `failures:` with
    /// one white space and digits behind it.
    pub(super) fn rngtest_failures(&self) -> Option<u64> {
        let text = self.section("fips-test").collect::<Vec<_>>().join("\n");
        text.split("failures:").skip(1).find_map(|rest| {
            let number = rest.strip_prefix(char::is_whitespace)?;
            let digits = number.find(|one: char| !one.is_ascii_digit()).unwrap_or(number.len());
            (digits > 0).then(|| number[..digits].parse().unwrap_or(u64::MAX))
        })
    }

    /// The addresses that it has.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.section("own-address4")
            .chain(self.section("own-address6"))
            .filter_map(|said| said.split_whitespace().nth(1)?.split('/').next()?.parse().ok())
    }

    /// Its default routes of a version of IP; none if the guest did not say.
    pub(crate) fn default_routes(&self, version: u8) -> Option<Vec<&'a str>> {
        let section = format!("own-route{version}");
        self.has(&section).then(|| self.section(&section).filter(|said| *said != "none").collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(lines: &[&str]) -> VirtualMachine {
        VirtualMachine {
            console: lines.iter().map(|line| (*line).to_owned()).collect(),
            ..VirtualMachine::default()
        }
    }

    #[test]
    fn lines_without_colon_say_nothing_and_noise_before_the_mark_is_skipped() {
        let machine = machine(&[
            "[ 1.5] cloud-init[9]: _scs-test-entropy-avail:  256 ",
            "_scs-test-entropy-avail: 3",
            "_scs-test-rngd",
            "_scs-test-end",
            "no mark: 4",
            "_scs-test-rngd: a: b",
        ]);
        let guest = Guest::of(&machine);
        assert_eq!(guest.section("entropy-avail").collect::<Vec<_>>(), ["256", "3"]);
        assert_eq!(guest.section("rngd").collect::<Vec<_>>(), ["a: b"]);
        assert!(!guest.has("end") && guest.section("no mark").next().is_none());
    }

    #[test]
    fn failures_are_found_as_the_reference_suite_finds_them() {
        for (lines, expected) in [
            (&["_scs-test-fips-test: rngtest: FIPS 140-2 failures: 12"][..], Some(12)),
            (&["_scs-test-fips-test: failures:", "_scs-test-fips-test: 7 of them"], Some(7)),
            (&["_scs-test-fips-test: failures: many", "_scs-test-fips-test: failures:\t4."], Some(4)),
            (&["_scs-test-fips-test: failures:  4"], None),
            (&["_scs-test-fips-test: failures:4"], None),
            (&["_scs-test-fips-test: failures: 99999999999999999999999"], Some(u64::MAX)),
            (&["_scs-test-fips-test: sh: 1: rngtest: not found"], None),
            (&["_scs-test-rngd: failures: 3"], None),
            (&[], None),
        ] {
            assert_eq!(Guest::of(&machine(lines)).rngtest_failures(), expected, "{lines:?}");
        }
    }

    #[test]
    fn a_sample_needs_figures_that_can_be() {
        let fips = |said: &str| Guest::of(&machine(&[&format!("_scs-test-own-fips: {said}")])).own_fips();
        assert_eq!(
            fips("blocks=150 failures=1 monobit=1 source=/dev/random"),
            Some(Fips { blocks: 150, failures: 1 })
        );
        for broken in
            ["source=/dev/random", "blocks=0 failures=0", "blocks=x failures=0", "blocks=1 failures=2", ""]
        {
            assert_eq!(fips(broken), None, "{broken}");
        }
    }

    #[test]
    fn large_samples_tolerate_what_the_reference_suite_tolerates() {
        for (blocks, most) in [(50, 3), (150, 3), (799, 3), (800, 4), (1000, 5)] {
            assert!(
                Fips { blocks, failures: most }.passes() && !Fips { blocks, failures: most + 1 }.passes()
            );
        }
        assert!(Fips { blocks: u64::MAX, failures: 1 }.passes());
    }

    #[test]
    fn addresses_and_routes() {
        let machine = machine(&[
            "_scs-test-own-address4: eth0 10.1.0.105/24",
            "_scs-test-own-address6: eth0 2001:db8::5/64",
            "_scs-test-own-address6: eth1 broken",
            "_scs-test-own-route4: default via 10.1.0.1 dev eth0",
            "_scs-test-own-route6: none",
        ]);
        let guest = Guest::of(&machine);
        let addresses: Vec<String> = guest.addresses().map(|address| address.to_string()).collect();
        assert_eq!(addresses, ["10.1.0.105", "2001:db8::5"]);
        assert_eq!(guest.default_routes(4).unwrap(), ["default via 10.1.0.1 dev eth0"]);
        assert_eq!(guest.default_routes(6).unwrap(), [""; 0]);
        assert_eq!(Guest::of(&VirtualMachine::default()).default_routes(4), None);
    }
}
