//! Fuzzes what an ssh-agent answers. It may be anybody's program.

#![no_main]

use assay_signature::AgentAnswer;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|answer: &[u8]| {
    if let Ok(AgentAnswer::Keys(keys)) = AgentAnswer::read(answer) {
        // Each takes more than its length.
        assert!(keys.len() * 8 <= answer.len());
        for key in keys {
            assert!(key.fingerprint().starts_with("SHA256:"));
        }
    }
});
