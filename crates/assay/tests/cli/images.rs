//! Catalogues that are brought up to date, and mirrored, from a server that publishes as upstreams do.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::thread;

use crate::support::{Home, Ran};

/// Serves files until the test ends; everything else is not found.
fn serve(files: BTreeMap<String, Vec<u8>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = String::new();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            reader.read_line(&mut request).unwrap();
            let mut line = String::new();
            while reader.read_line(&mut line).is_ok_and(|read| read > 2) {
                line.clear();
            }
            let path = request.split(' ').nth(1).unwrap_or_default().trim_start_matches('/');
            let (status, body) = match files.get(path) {
                Some(body) => ("200 OK", body.as_slice()),
                None => ("404 Not Found", &[][..]),
            };
            let head =
                format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            // A client that has seen enough may be gone.
            let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
        }
    });
    format!("http://{address}")
}

fn sha256(data: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, data);
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An upstream with a new build, and a catalogue that has the one before it.
fn upstream(folder: &Path) -> (String, std::path::PathBuf) {
    let (old, new) = (b"the old build".to_vec(), b"the new build".to_vec());
    let list = |data: &[u8]| format!("{} *x.img\n", sha256(data)).into_bytes();
    let uri = serve(BTreeMap::from([
        (
            "x/".to_owned(),
            b"<a href=\"20260101/\"></a><a href=\"20260201/\"></a><a href=\"current/\"></a>".to_vec(),
        ),
        ("x/current/SHA256SUMS".to_owned(), list(&new)),
        ("x/20260101/SHA256SUMS".to_owned(), list(&old)),
        ("x/20260201/SHA256SUMS".to_owned(), list(&new)),
        ("x/20260101/x.img".to_owned(), old.clone()),
        ("x/20260201/x.img".to_owned(), new),
    ]));
    let text = format!(
        "# Our images.\nimages:\n- name: X\n  format: raw\n  login: x\n  min_disk: 1\n  min_ram: 1\n  meta: {{}}\n  \
         latest_url: {uri}/x/current/x.img\n  latest_checksum_url: {uri}/x/current/SHA256SUMS\n  versions:\n  \
         - version: '20260101'\n    build_date: 2026-01-01\n    url: {uri}/x/20260101/x.img\n    \
         checksums_url: {uri}/x/20260101/SHA256SUMS\n"
    );
    let path = folder.join("images.yaml");
    fs::write(&path, text).unwrap();
    (uri, path)
}

fn ended(ran: &Ran, code: i32, stdout: &str) {
    assert_eq!((ran.code, ran.stdout.as_str()), (code, stdout), "{}", ran.stderr);
}

#[test]
fn an_update_writes_the_newest_build_above_the_others() {
    let home = Home::new();
    let (uri, path) = upstream(home.path());
    let file = path.to_str().unwrap();
    let before = fs::read_to_string(&path).unwrap();
    let told = format!("{file}: X: 20260201 at {uri}/x/20260201/x.img\n");
    ended(&home.run(&["images", "update", file, "--dry-run"]), 1, &told);
    assert_eq!(fs::read_to_string(&path).unwrap(), before, "nothing is written");
    ended(&home.run(&["images", "update", file]), 0, &told);
    let after = fs::read_to_string(&path).unwrap();
    let new = format!(
        "  - version: '20260201'\n    build_date: 2026-02-01\n    url: {uri}/x/20260201/x.img\n    checksum: sha256:{}\n",
        sha256(b"the new build")
    );
    assert_eq!(after, before.replace("  versions:\n", &format!("  versions:\n{new}")));
    ended(&home.run(&["images", "update", file]), 0, "");
}

#[test]
fn an_upstream_that_cannot_be_read_is_named_and_stops_no_other() {
    let home = Home::new();
    let (uri, path) = upstream(home.path());
    let text = fs::read_to_string(&path).unwrap();
    let gone = text
        .replace("images:\n", "")
        .replace("# Our images.\n", "")
        .replace("name: X", "name: Y")
        .replace("/x/current", "/y/current");
    fs::write(&path, format!("{text}{gone}")).unwrap();
    let ran = home.run(&["images", "update", path.to_str().unwrap()]);
    assert_eq!(ran.code, 3);
    assert!(ran.stderr.contains(&format!("Y: {uri}/y/current/SHA256SUMS: HTTP 404")), "{}", ran.stderr);
    assert!(
        fs::read_to_string(&path).unwrap().contains("version: '20260201'"),
        "the other one is up to date"
    );
}

#[test]
fn a_mirror_holds_verified_files_and_their_digests() {
    let home = Home::new();
    let (uri, path) = upstream(home.path());
    let file = path.to_str().unwrap();
    let mirror = home.path().join("mirror");
    let to = mirror.to_str().unwrap();
    fs::create_dir(&mirror).unwrap();
    fs::write(mirror.join("SHA256SUMS"), "00 *other.img\n").unwrap();
    let digest = sha256(b"the old build");
    let fetched = format!("x.img: fetched, sha256:{digest}\n");
    ended(&home.run(&["images", "mirror", to, "--images", file, "--require-checksum"]), 0, &fetched);
    assert_eq!(fs::read(mirror.join("x.img")).unwrap(), b"the old build");
    assert_eq!(
        fs::read_to_string(mirror.join("SHA256SUMS")).unwrap(),
        format!("00 *other.img\n{digest} *x.img\n")
    );
    let there = format!("x.img: is there, sha256:{digest}\n");
    ended(&home.run(&["images", "mirror", to, "--images", file]), 0, &there);

    // What was spoilt is fetched anew; what is wrong at its source is not put there.
    fs::write(mirror.join("x.img"), "spoilt").unwrap();
    ended(&home.run(&["images", "mirror", to, "--images", file]), 0, &fetched);
    let wrong = fs::read_to_string(&path).unwrap().replace(
        &format!("checksums_url: {uri}/x/20260101/SHA256SUMS"),
        &format!("checksum: sha256:{}", "0".repeat(64)),
    );
    fs::write(&path, wrong).unwrap();
    fs::remove_file(mirror.join("x.img")).unwrap();
    let ran = home.run(&["images", "mirror", to, "--images", file]);
    assert_eq!(ran.code, 3);
    assert!(ran.stderr.contains("is not what its digest says"), "{}", ran.stderr);
    let left: Vec<_> = fs::read_dir(&mirror).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["SHA256SUMS"]);
}

#[test]
fn the_catalogue_of_the_program_is_a_file_like_any_other() {
    let home = Home::new();
    let printed = home.run(&["images", "catalogue"]);
    let (definitions, notes) = assay_curate::images::read("own.yaml", &printed.stdout).unwrap();
    assert_eq!((printed.code, definitions.len(), notes), (0, 5, vec![]));
}
