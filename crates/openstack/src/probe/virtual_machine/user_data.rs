//! What a guest is told to do: a cloud-config that makes it report on its console.

use std::fmt::Write as _;

/// Every line of a report begins so on the console.
pub(super) const MARK: &str = "_scs-test-";
/// The end of what the reference suite reads.
pub(super) const END: &str = "_scs-test-end";

const TELL: &str = include_str!("guest/tell.sh");
const FIPS: &str = include_str!("guest/fips.sh");
const REPORT: &str = include_str!("guest/report.sh");
const NETWORK: &str = include_str!("guest/network.sh");
const SECTIONS: &str = include_str!("guest/sections.sh");

/// Where distributions get their packages from, by the exact `os_distro`. The defaults of the images change
/// with time, and so would the verdicts.
fn mirrors(distro: Option<&str>) -> &'static str {
    match distro {
        Some("debian") => concat!(
            "apt:\n",
            "  primary: [{arches: [default], uri: \"https://mirror.plusserver.com/debian/debian/\"}]\n",
            "  security: [{arches: [default], uri: \"https://mirror.plusserver.com/debian/debian-security/\"}]\n",
        ),
        Some("ubuntu") => concat!(
            "apt:\n",
            "  primary: [{arches: [default], uri: \"http://az1.clouds.archive.ubuntu.com/ubuntu/\"}]\n",
        ),
        _ => "",
    }
}

/// The user data for a guest of a distribution whose network hands out default routes of these IP versions.
///
/// It reports twice: before any package is installed, which works without the internet, and then as the
/// reference suite has it, which needs the package rng-tools5. Many images have no network yet when they report
/// for the first time, so addresses and routes come with the second.
pub(super) fn user_data(distro: Option<&str>, ip_versions: &[u8]) -> String {
    let first = format!("{TELL}\n{FIPS}\n{REPORT}\nreport");
    let mut second = format!("{TELL}\n{NETWORK}\nnetwork");
    for version in ip_versions {
        // Writing to a string cannot fail.
        let _ = write!(second, " {version}");
    }
    format!(
        "#cloud-config\n\
         {mirrors}packages: [rng-tools5]\n\
         bootcmd:\n\
         # A login prompt would get between the lines.\n\
         - systemctl mask serial-getty@ttyS0.service\n\
         - |\n{first}\
         runcmd:\n\
         - |\n{second}\
         - |\n{sections}\
         final_message: {END}\n",
        mirrors = mirrors(distro),
        first = block(&first),
        second = block(&second),
        sections = block(SECTIONS),
    )
}

/// A script as a block of YAML, without the comments that stand alone on their lines.
fn block(script: &str) -> String {
    let lines = script.lines().filter(|line| !line.trim_start().starts_with('#') && !line.trim().is_empty());
    lines.fold(String::new(), |mut block, line| {
        block.push_str("  ");
        block.push_str(line);
        block.push('\n');
        block
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::{Command, Stdio};

    use serde_json::{Value, json};

    use super::*;

    /// Nova takes 65535 bytes of base64.
    const MOST_BYTES: usize = 65535 / 4 * 3;

    fn parsed(distro: Option<&str>) -> Value {
        let text = user_data(distro, &[4]);
        assert!(text.starts_with("#cloud-config\n") && text.len() < MOST_BYTES, "{} bytes", text.len());
        serde_saphyr::from_str(&text).unwrap()
    }

    #[test]
    fn it_is_a_cloud_config_that_reports_before_packages_are_installed() {
        let config = parsed(Some("fedora"));
        assert_eq!(config["packages"], json!(["rng-tools5"]));
        assert_eq!(config["final_message"], END);
        assert_eq!(config["bootcmd"][0], "systemctl mask serial-getty@ttyS0.service");
        assert!(config["bootcmd"][1].as_str().unwrap().ends_with("\nreport\n"));
        assert!(config["runcmd"][0].as_str().unwrap().ends_with("\nnetwork 4\n"));
        assert!(config["runcmd"][1].as_str().unwrap().ends_with("\necho _scs-test-end\n"));
        assert!(config.get("apt").is_none());
    }

    #[test]
    fn mirrors_are_set_for_the_exact_name_alone() {
        let debian = parsed(Some("debian"));
        assert_eq!(debian["apt"]["primary"][0]["uri"], "https://mirror.plusserver.com/debian/debian/");
        assert_eq!(
            debian["apt"]["security"][0]["uri"],
            "https://mirror.plusserver.com/debian/debian-security/"
        );
        let ubuntu = parsed(Some("ubuntu"));
        assert_eq!(ubuntu["apt"]["primary"][0]["uri"], "http://az1.clouds.archive.ubuntu.com/ubuntu/");
        assert!(ubuntu["apt"].get("security").is_none());
        assert!(parsed(Some("Debian")).get("apt").is_none());
        assert!(parsed(None).get("apt").is_none());
    }

    /// Runs a script of the user data, with something on its standard input.
    fn shell(script: &str, input: &[u8]) -> String {
        let mut child = Command::new("sh")
            .args(["-c", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // The script reads no more than it needs, so the rest may find nobody.
        let _ = child.stdin.take().unwrap().write_all(input);
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn the_report_of_this_very_machine_is_whole() {
        if !std::path::Path::new("/proc/sys/kernel/random/entropy_avail").exists() {
            return;
        }
        let config = parsed(None);
        let script = |value: &Value| value.as_str().unwrap().to_owned();
        let said = shell(&script(&config["bootcmd"][1]), b"");
        let begins = |said: &str, what: &str| {
            said.lines().any(|line| line.starts_with(&format!("{MARK}own-{what}: ")))
        };
        for what in ["entropy-avail", "kernel", "machine", "cpu-flags", "fips"] {
            assert!(begins(&said, what), "{what} in {said}");
        }
        assert!(said.ends_with("\n_scs-test-own-end\n"), "{said}");
        assert!(!said.contains(END), "the ends are not to be taken for each other");
        // Without waiting for routes.
        let said = shell(&script(&config["runcmd"][0]).replace("network 4", "network"), b"");
        for what in ["address4", "address6", "route4", "route6"] {
            assert!(begins(&said, what), "{what} in {said}");
        }
    }

    const BLOCK: usize = 2500;
    const BLOCKS: usize = 20;

    /// Bytes that pass, as splitmix64 makes them, for a number of blocks and the 4 bytes before them.
    fn good() -> Vec<u8> {
        let mut state: u64 = 0x5c5_0101;
        let mut bytes = Vec::new();
        while bytes.len() < 4 + BLOCKS * BLOCK {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = state;
            mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            bytes.extend((mixed ^ (mixed >> 31)).to_le_bytes());
        }
        bytes.truncate(4 + BLOCKS * BLOCK);
        bytes
    }

    /// Good bytes, with something written into each block at a place.
    fn with(what: &[u8], place: usize) -> Vec<u8> {
        let mut bytes = good();
        for block in 0..BLOCKS {
            let at = 4 + block * BLOCK + place;
            bytes[at..at + what.len()].copy_from_slice(what);
        }
        bytes
    }

    /// Good bytes, of which every so many have a bit set: always the same, or each time the next.
    fn biased(every: usize, bit: Option<u8>) -> Vec<u8> {
        let mut bytes = good();
        for (turn, byte) in bytes.iter_mut().step_by(every).enumerate() {
            *byte |= 1 << bit.map_or(turn % 8, usize::from);
        }
        bytes
    }

    /// Good bytes, in which a word is that before it, at a place of every other block.
    fn repeating(place: usize) -> Vec<u8> {
        let mut bytes = good();
        for block in (0..BLOCKS).step_by(2) {
            let at = 4 + block * BLOCK + place;
            bytes.copy_within(at - 4..at, at);
        }
        bytes
    }

    /// Failures in 20 blocks: in all, monobit, poker, runs, long run, continuous run.
    fn vectors() -> Vec<(&'static str, Vec<u8>, [u32; 6])> {
        let all = 4 + BLOCKS * BLOCK;
        vec![
            ("good", good(), [0, 0, 0, 0, 0, 0]),
            ("zeros", vec![0; all], [20, 20, 20, 20, 20, 20]),
            ("ones", vec![0xff; all], [20, 20, 20, 20, 20, 20]),
            ("alternating", vec![0x55; all], [20, 0, 20, 20, 0, 20]),
            (
                "text",
                b"0123456789abcdef!".iter().copied().cycle().take(all).collect(),
                [20, 20, 20, 20, 0, 0],
            ),
            // A run of 25 is fine, one of 26 is not; bits before and after end it.
            ("run of 25", with(&[0b1000_0000, 0, 0, 0b0010_1010], 1000), [0, 0, 0, 0, 0, 0]),
            ("run of 26", with(&[0b1000_0000, 0, 0, 0b0001_0101], 1001), [20, 0, 0, 0, 20, 0]),
            ("run of 26 ones", with(&[0b0111_1111, 0xff, 0xff, 0b1110_1010], 1001), [20, 0, 0, 0, 20, 0]),
            ("run at the end", with(&[0b1000_0000, 0, 0, 0], BLOCK - 4), [20, 0, 0, 0, 20, 0]),
            ("repeated word", repeating(400), [10, 0, 0, 0, 0, 10]),
            ("repeated word between blocks", repeating(0), [10, 0, 0, 0, 0, 10]),
            ("word at odd place", with(&[1, 2, 3, 4, 1, 2, 3, 4], 402), [0, 0, 0, 0, 0, 0]),
            ("a third has one bit more", biased(3, None), [19, 19, 14, 3, 0, 0]),
            ("a fifth has one bit more", biased(5, None), [3, 3, 0, 0, 0, 0]),
            ("the lowest bit leans", biased(7, Some(0)), [7, 0, 7, 0, 0, 0]),
            ("the highest bit leans", biased(4, Some(7)), [20, 16, 20, 1, 0, 0]),
        ]
    }

    /// The figures are those that rngtest 5 of rng-tools gives for the same bytes.
    #[test]
    fn the_shell_judges_random_numbers_as_rngtest_does() {
        for (name, bytes, [failures, monobit, poker, runs, long, continuous]) in vectors() {
            if let Some(folder) = std::env::var_os("ASSAY_FIPS_VECTORS") {
                std::fs::write(std::path::Path::new(&folder).join(name), &bytes).unwrap();
            }
            let said = shell(&format!("{FIPS}\nfips {BLOCKS}"), &bytes);
            assert_eq!(
                said,
                format!(
                    "blocks={BLOCKS} failures={failures} monobit={monobit} poker={poker} runs={runs} \
                     long-run={long} continuous-run={continuous}\n"
                ),
                "{name}"
            );
        }
    }

    #[test]
    fn less_than_a_block_is_not_judged() {
        let bytes = good();
        for (length, blocks) in [(0, 0), (3, 0), (4, 0), (2503, 0), (2504, 1), (5000, 1), (5004, 2)] {
            let said = shell(&format!("{FIPS}\nfips {BLOCKS}"), &bytes[..length]);
            assert!(said.starts_with(&format!("blocks={blocks} failures=0 ")), "{length}: {said}");
        }
    }
}
