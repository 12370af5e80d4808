//! `openssl s_server` on a port of its own.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::{fs, thread};

use crate::authority::{Authority, Identity};

pub(crate) struct Server {
    pub(crate) port: u16,
    child: Child,
}

/// What a server needs to meet Mozilla's profile.
pub(crate) const INTERMEDIATE: &[&str] = &[
    "-no_tls1",
    "-no_tls1_1",
    "-cipher",
    "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20:!aDSS:!aNULL",
    "-groups",
    "X25519:P-256:P-384",
];

impl Server {
    /// A server with a certificate and further arguments.
    pub(crate) fn start(identity: &Identity, arguments: &[&str]) -> Self {
        let mut command = Command::new("openssl");
        command.args(["s_server", "-www", "-accept", "127.0.0.1:0", "-cert"]).arg(&identity.certificate);
        command.arg("-key").arg(&identity.key).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| {
            panic!("these tests need the program openssl: {error}; install it with `apt-get install openssl`")
        });
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines
            .by_ref()
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("ACCEPT")?.rsplit_once(':')?.1.trim().parse().ok());
        let Some(port) = port else {
            let output = child.wait_with_output().unwrap();
            panic!("openssl s_server {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        };
        // Whatever it goes on to print must not fill the pipes.
        thread::spawn(move || lines.for_each(drop));
        let errors = BufReader::new(child.stderr.take().unwrap());
        thread::spawn(move || errors.lines().for_each(drop));
        Server { port, child }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A certificate that signed itself, as `openssl req` makes it.
pub(crate) fn self_signed(authority: &Authority, key: &str, days: u32) -> (Identity, String) {
    let (certificate, private) = (authority.folder().join("self.crt"), authority.folder().join("self.key"));
    let output = Command::new("openssl")
        .args(["req", "-x509", "-nodes", "-newkey", key, "-subj", "/CN=localhost"])
        .args(["-addext", "subjectAltName=DNS:localhost", "-days", &days.to_string()])
        .arg("-keyout")
        .arg(&private)
        .arg("-out")
        .arg(&certificate)
        .output()
        .expect("these tests need the program openssl; install it with `apt-get install openssl`");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let certificate_pem = fs::read_to_string(&certificate).unwrap();
    let key_pair = rcgen::KeyPair::generate().unwrap();
    let identity = Identity { certificate, key: private, certificate_pem: certificate_pem.clone(), key_pair };
    (identity, certificate_pem)
}
