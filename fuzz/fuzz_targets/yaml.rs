//! Fuzzes the reading of YAML: all that is read has a place in the text, and no more comes of it than the
//! limits allow.

#![no_main]

use assay_fuzz::within;
use assay_yaml::{Limits, Node, Trouble, Value, read};
use libfuzzer_sys::fuzz_target;

const LIMITS: Limits = Limits { bytes: 64 << 10, nodes: 4_000 };

fuzz_target!(|text: &str| match read(text, &LIMITS) {
    Ok(root) => {
        let (nodes, bytes) = size(text, &root);
        // A number can be longer in the text than its value; a limit that does not hold fails by far.
        let is_small = nodes <= 2 * LIMITS.nodes && bytes <= 16 * LIMITS.bytes;
        assert!(is_small, "{nodes} nodes, {bytes} bytes");
    }
    Err(Trouble::Syntax { place, .. }) => within(text, place),
    Err(Trouble::TooLarge { bytes, most }) => assert!(bytes > most && bytes == text.len()),
});

/// The number of nodes from here on, and the size of their scalars in bytes.
fn size(text: &str, node: &Node) -> (usize, usize) {
    within(text, node.place);
    let below: Vec<&Node> = match &node.value {
        Value::Null => Vec::new(),
        Value::Text(scalar) => return (1, scalar.len()),
        Value::List(items) => items.iter().collect(),
        Value::Map(entries) => entries.iter().flat_map(|(key, value)| [key, value]).collect(),
    };
    let sizes = below.into_iter().map(|node| size(text, node));
    sizes.fold((1, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
}
