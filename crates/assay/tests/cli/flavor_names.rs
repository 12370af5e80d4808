//! `assay flavor-name`.

use crate::support::{Home, json, run};

#[test]
fn one_object_per_line_in_order_and_verbatim() {
    let names = "SCS-2V-4-20s\n m1.tiny \n\nSCS-4X-8\nSCS-2C:4:10n-bms-z3h\nSCS-2V-4 \n";
    let ran = Home::new().run_with(&["flavor-name", "parse", "-", "--format", "json"], names);
    assert_eq!(ran.code, 1, "there are errors");
    let lines: Vec<_> = ran.stdout.lines().map(json).collect();
    let kinds: Vec<_> =
        lines.iter().map(|line| (line["name"].as_str().unwrap(), line["kind"].as_str().unwrap())).collect();
    assert_eq!(
        kinds,
        [
            ("SCS-2V-4-20s", "ok"),
            (" m1.tiny ", "foreign"),
            ("", "foreign"),
            ("SCS-4X-8", "error"),
            ("SCS-2C:4:10n-bms-z3h", "ok"),
            ("SCS-2V-4 ", "error"),
        ]
    );
    assert_eq!(lines[4]["canonical"], "SCS-2C-4-10n_bms_z3h");
    assert_eq!(lines[4]["short"], "SCS-2C-4-10n");
    assert!(lines[3]["canonical"].is_null() && lines[3]["error"].is_string());
    for line in &lines {
        let keys: Vec<_> = line.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["canonical", "error", "kind", "name", "short"]);
    }
}

#[test]
fn good_and_foreign_names_end_well() {
    assert_eq!(run(&["flavor-name", "parse", "SCS-2V-4", "c1.tiny"]).code, 0);
    let nothing = Home::new().run_with(&["flavor-name", "parse", "-", "--format", "json"], "");
    assert_eq!((nothing.code, nothing.stdout.as_str()), (0, ""));
}

#[test]
fn an_error_points_at_the_character() {
    let ran = run(&["flavor-name", "parse", "SCS-4X-8"]);
    assert_eq!(ran.code, 1);
    insta::assert_snapshot!(ran.stdout);
}

#[test]
fn names_are_described_composed_and_converted() {
    let described = run(&["flavor-name", "describe", "SCS-16T-64-3x10s_bms_hwv_i3h_GNa-64_ib"]);
    assert!(
        described.stdout.contains("16 High Perf Intel Ice Lake SMT Threads with 64.0 GiB RAM"),
        "{}",
        described.stdout
    );
    let composed = run(&[
        "flavor-name",
        "compose",
        "--vcpus",
        "4",
        "--cpu-type",
        "shared-core",
        "--ram",
        "16",
        "--disk",
        "100",
        "--disk-type",
        "ssd",
        "--extensions",
        "kvm_z3",
    ]);
    assert_eq!((composed.code, composed.stdout.as_str()), (0, "SCS-4V-16-100s_kvm_z3\n"));
    let bad = run(&["flavor-name", "compose", "--vcpus", "4", "--cpu-type", "X", "--ram", "16"]);
    assert_eq!(bad.code, 2);
    let converted = run(&["flavor-name", "convert", "--to", "v1", "SCS-4V-16-100s_kvm"]);
    assert_eq!(converted.stdout, "SCS-4V:16:100s-kvm\n");
    let back = run(&["flavor-name", "convert", "SCS-4V:16:100s-kvm"]);
    assert_eq!(back.stdout, "SCS-4V-16-100s_kvm\n");
}
