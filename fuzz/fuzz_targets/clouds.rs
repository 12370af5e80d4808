//! Fuzzes `clouds.yaml`. What stands behind a NUL, if there is one, is `secure.yaml`.

#![no_main]

use std::fs;

use assay_openstack::{CloudConfig, ConfigError, ConfigFiles, Overrides};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let folder = tempfile::tempdir().expect("there is room for a folder");
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).expect("there is room for a file");
        Some(path)
    };
    let (clouds, secure) = text.split_once('\0').unwrap_or((text, ""));
    let files = ConfigFiles {
        clouds: file("clouds.yaml", clouds),
        secure: file("secure.yaml", secure),
        ..ConfigFiles::default()
    };
    for name in CloudConfig::names(&files).unwrap_or_default() {
        match CloudConfig::from_files(&files, &name, &Overrides::default()) {
            Ok(cloud) => {
                assert_eq!(cloud.name(), name);
                assert!(["public", "internal", "admin"].contains(&cloud.interface()));
                let url = cloud.auth_url();
                assert!(url.starts_with("http://") || url.starts_with("https://"), "{url}");
            }
            Err(ConfigError::UnknownCloud { .. }) => panic!("{name:?} is listed and not found"),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
});
