//! A cloud of absurd size: 10,000 images and 2,000 flavors, loaded from a snapshot and judged by every testcase.

#![expect(clippy::unwrap_used, reason = "a benchmark may end where it cannot go on")]

use std::hint::black_box;

use assay_inventory::{Fact, Inventory, Subject, Token, read_snapshot, write_snapshot};
use assay_testcases::{Registry, judge};
use criterion::{Criterion, criterion_group, criterion_main};
use jiff::Timestamp;
use serde_json::{Value, json};

const IMAGES: usize = 10_000;
const FLAVORS: usize = 2_000;

/// Mostly proper images; every tenth breaks a rule or two.
fn image(index: usize) -> Value {
    let mut image = json!({
        "id": format!("{index:08x}-0000-4000-8000-000000000000"), "name": format!("Ubuntu 24.04 build {index}"),
        "visibility": "public", "status": "active", "os_hidden": false, "protected": false, "disk_format": "qcow2",
        "container_format": "bare", "checksum": "d41d8cd98f00b204e9800998ecf8427e", "owner": "0123456789abcdef",
        "created_at": "2026-11-10T10:00:00Z", "updated_at": "2026-11-10T10:00:00Z", "min_disk": 8, "min_ram": 512,
        "size": 600_000_000, "virtual_size": 8_000_000_000_i64, "tags": ["os:ubuntu"], "architecture": "x86_64",
        "os_distro": "ubuntu", "os_version": "24.04", "os_purpose": "custom", "hw_disk_bus": "scsi",
        "hw_scsi_model": "virtio-scsi", "hypervisor_type": "qemu", "hw_rng_model": "virtio", "os_hash_algo": "sha512",
        "os_hash_value": "0123456789abcdef".repeat(8), "image_build_date": "2026-11-09",
        "image_original_user": "ubuntu", "image_description": "https://ubuntu.com", "replace_frequency": "monthly",
        "image_source": "https://cloud-images.ubuntu.com/noble/x.img", "provided_until": "2029-05-31",
        "uuid_validity": "last-3", "hotfix_hours": "0", "patchlevel": "1", "internal_version": index.to_string(),
    });
    if index.is_multiple_of(10) {
        image["image_build_date"] = "2023-01-01".into();
        image["architecture"] = "riscv64".into();
    }
    image
}

fn flavor(index: usize) -> Value {
    let (cpus, disk) = (1 + index % 64, 10 * (index % 20));
    let name = if disk == 0 {
        format!("SCS-{cpus}V-{}", cpus * 4)
    } else {
        format!("SCS-{cpus}V-{}-{disk}s_kvm_z3", cpus * 4)
    };
    json!({
        "id": format!("flavor-{index}"), "name": name, "vcpus": cpus, "ram": cpus * 4096, "disk": disk, "swap": 0,
        "OS-FLV-EXT-DATA:ephemeral": 0, "os-flavor-access:is_public": true, "rxtx_factor": 1.0, "description": null,
        "extra_specs": {"scs:cpu-type": "shared-core", "scs:name-v2": name, "hw_rng:allowed": "True"},
    })
}

fn inventory(now: Timestamp) -> Inventory {
    let mut inventory = Inventory::new(Subject::default(), now);
    inventory.token = Fact::Known(Token { roles: vec!["member".into()], ..Token::default() });
    let images = (0..IMAGES).map(image).collect();
    let flavors = (0..FLAVORS).map(flavor).collect();
    inventory.images = Fact::Known(serde_json::from_value(Value::Array(images)).unwrap());
    inventory.hidden_images = Fact::Known(Vec::new());
    inventory.flavors = Fact::Known(serde_json::from_value(Value::Array(flavors)).unwrap());
    inventory.volume_types = Fact::Known(Vec::new());
    inventory
}

fn bench(criterion: &mut Criterion) {
    let now: Timestamp = "2026-11-22T00:00:00Z".parse().unwrap();
    let inventory = inventory(now);
    let snapshot = write_snapshot(&inventory, "bench").unwrap();
    let ids: Vec<&str> = Registry::get().testcases().map(|testcase| testcase.id.as_ref()).collect();
    let mut group = criterion.benchmark_group("10,000 images and 2,000 flavors");
    group.sample_size(20);
    group.bench_function("load the snapshot", |bencher| {
        bencher.iter(|| read_snapshot(black_box(&snapshot)).unwrap());
    });
    group.bench_function("judge all testcases", |bencher| {
        bencher.iter(|| judge(black_box(&inventory), ids.iter().copied(), now));
    });
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
