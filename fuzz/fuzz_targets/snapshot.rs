//! Fuzzes snapshot files. What was read is written and read back.
//!
//! Most inputs end in the decompression; the target `inventory` goes behind it.

#![no_main]

use assay_inventory::{read_snapshot, write_snapshot};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(inventory) = read_snapshot(bytes) else { return };
    let written = write_snapshot(&inventory, "fuzz").expect("data from JSON can be written");
    assert_eq!(read_snapshot(&written).expect("it can be read back"), inventory);
});
