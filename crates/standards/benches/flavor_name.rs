//! How many flavor names a core reads and writes per second.

use std::hint::black_box;

use assay_standards::flavor_name::FlavorName;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// What clouds have: mostly standard flavors, some of their own, foreign names, v1 aliases and slips.
const NAMES: &[&str] = &[
    "SCS-1V-4",
    "SCS-2V-8",
    "SCS-4V-16-50",
    "SCS-16V-32-100",
    "SCS-2V-4-20s",
    "SCS-4V-16-100s",
    "SCS-1L-1-5",
    "SCS-1L-0.5",
    "SCS-2C-4-10n",
    "SCS-4C-16-2x200p_a1",
    "SCS-8C-32-100p_kvm_hwv_z3h",
    "SCS-16T-64-3x10s_bms_hwv_i3h_GNa-64_ib",
    "SCS-16C-64_GNa-108h-80h",
    "SCS-8V-32_GA3.1-96-48_ib",
    "m1.large",
    "bm.compute.xl",
];

const V1_NAMES: &[&str] = &["SCS-2V:4:20s", "SCS-1V:4", "SCS-2C:4:10n-bms-z3h-GNa:64:24-ib"];

const WRONG_NAMES: &[&str] = &["SCS-2c-4", "SCS-2C-4_GNa_ib", "SCS-2V-4-10_i_z", "SCS-4V-16-100s_ib_i"];

fn names_per_second(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("flavor_name");
    for (label, names) in [("mix", NAMES), ("v1", V1_NAMES), ("wrong", WRONG_NAMES)] {
        group.throughput(Throughput::Elements(names.len() as u64));
        group.bench_function(format!("parse_tolerant/{label}"), |bencher| {
            bencher.iter(|| {
                for name in names {
                    let _ = black_box(FlavorName::parse_tolerant(black_box(name)));
                }
            });
        });
    }
    group.throughput(Throughput::Elements(NAMES.len() as u64));
    group.bench_function("parse_text/mix", |bencher| {
        bencher.iter(|| {
            for name in NAMES {
                let _ = black_box(FlavorName::parse_text(black_box(name)));
            }
        });
    });
    let flavors: Vec<_> = NAMES.iter().filter_map(|name| FlavorName::parse(name).ok().flatten()).collect();
    group.throughput(Throughput::Elements(flavors.len() as u64));
    group.bench_function("canonical/mix", |bencher| {
        bencher.iter(|| {
            for flavor in &flavors {
                black_box(black_box(flavor).to_string());
            }
        });
    });
    group.finish();
}

criterion_group!(benches, names_per_second);
criterion_main!(benches);
