//! Signing with an ssh-agent: the real one, one with security keys made of software, and hostile ones.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use assay_signature::{Agent, AgentAnswer, AgentError, NotSigned, PublicKey, Signer, Wanted};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use proptest::prelude::*;
use tempfile::TempDir;

use crate::support::{KINDS, content, keygen, put, verified};

const PATIENCE: Duration = Duration::from_mins(1);

/// The real one, which ends with the test.
struct Real {
    folder: TempDir,
    child: Child,
}

impl Real {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new("ssh-agent")
            .arg("-D")
            .arg("-a")
            .arg(folder.path().join("agent"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // It says where it is as soon as it listens.
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.contains("SSH_AUTH_SOCK"), "{line}");
        Self { folder, child }
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("agent")
    }

    fn add(&self, path: &Path) {
        let added = Command::new("ssh-add").arg("-q").arg(path).env("SSH_AUTH_SOCK", self.socket()).status();
        assert!(added.unwrap().success());
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An agent that answers what it is told to, without lengths; it hangs up where nothing is to be said.
fn fake(answer: impl Fn(&[u8]) -> Option<Vec<u8>> + Send + 'static) -> (TempDir, Agent) {
    fake_bytes(move |request| {
        answer(request).map(|answer| {
            let mut framed = Vec::new();
            put(&mut framed, &answer);
            framed
        })
    })
}

/// The same, with lengths of its own.
fn fake_bytes(answer: impl Fn(&[u8]) -> Option<Vec<u8>> + Send + 'static) -> (TempDir, Agent) {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("agent");
    let listener = UnixListener::bind(&socket).unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map(Result::unwrap) {
            if let Some(answer) = answer(&read(&mut stream)) {
                // Who asked may have had enough.
                let _ = stream.write_all(&answer);
            }
        }
    });
    (folder, Agent::at(socket, PATIENCE))
}

fn read(stream: &mut UnixStream) -> Vec<u8> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).unwrap();
    let mut request = vec![0; usize::try_from(u32::from_be_bytes(length)).unwrap()];
    stream.read_exact(&mut request).unwrap();
    request
}

fn keys(keys: &[Vec<u8>]) -> Vec<u8> {
    let mut answer = vec![12];
    answer.extend(u32::try_from(keys.len()).unwrap().to_be_bytes());
    for key in keys {
        put(&mut answer, key);
        put(&mut answer, b"a comment");
    }
    answer
}

fn texts(parts: &[&[u8]]) -> Vec<u8> {
    let mut all = Vec::new();
    for part in parts {
        put(&mut all, part);
    }
    all
}

#[test]
fn the_real_agent_signs_with_keys_of_each_kind() {
    let agent = Real::start();
    let asked = Agent::at(agent.socket(), PATIENCE);
    assert_eq!(asked.keys(), Ok(Vec::new()));
    assert_eq!(asked.key(&Wanted::Only).unwrap_err(), AgentError::Empty);
    for (kind, number) in KINDS.into_iter().zip(1..) {
        let name = format!("key{number}");
        let path = keygen(agent.folder.path(), &name, &[kind, &["-N", ""]].concat());
        agent.add(&path);
        let line = std::fs::read_to_string(path.with_extension("pub")).unwrap();
        let public = PublicKey::read_line(&line).unwrap();
        assert_eq!(asked.keys().unwrap().len(), number);
        for wanted in [Wanted::Key(public.clone()), Wanted::Fingerprint(public.fingerprint())] {
            let signer = Signer::Agent(asked.key(&wanted).unwrap());
            assert_eq!(signer.public().to_string(), public.to_string());
            let armoured = signer.sign("report", &content(b"a report")).unwrap();
            assert!(verified(&public.to_string(), "report", &armoured, &content(b"a report")), "{kind:?}");
            assert!(!verified(&public.to_string(), "report", &armoured, &content(b"another")), "{kind:?}");
        }
        match asked.key(&Wanted::Only) {
            Ok(key) => assert_eq!((number, key.public().to_string()), (1, public.to_string())),
            Err(error) => assert!(matches!(error, AgentError::Several(keys) if keys.len() == number)),
        }
    }
    let other = Wanted::Fingerprint("SHA256:nobody".to_owned());
    let said = asked.key(&other).unwrap_err().to_string();
    assert!(said.starts_with("the ssh-agent does not have the key SHA256:nobody, but SHA256:"), "{said}");
    // A key that is gone when it has to sign.
    let first = PublicKey::read_line(&std::fs::read_to_string(agent.folder.path().join("key1.pub")).unwrap());
    let signer = Signer::Agent(asked.key(&Wanted::Key(first.unwrap())).unwrap());
    let emptied = Command::new("ssh-add").args(["-q", "-D"]).env("SSH_AUTH_SOCK", agent.socket()).status();
    assert!(emptied.unwrap().success());
    assert_eq!(signer.sign("report", b"content"), Err(NotSigned::Agent(AgentError::Refused)));
}

/// What a security key does: it signs digests, its flags and its counter (OpenSSH's PROTOCOL.u2f).
fn touched(request: &[u8], flags: u8, name: &[u8], sign: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    // A key and what to sign, each behind its length, and flags.
    let key_end = 5 + usize::try_from(u32::from_be_bytes(request[1..5].try_into().unwrap())).unwrap();
    let message = &request[key_end + 4..request.len() - 4];
    let trailer = [flags, 0, 0, 0, 9];
    let digests = [digest(&SHA256, b"ssh:"), digest(&SHA256, message)];
    let signed = [digests[0].as_ref(), &trailer, digests[1].as_ref()].concat();
    let signature = [texts(&[name, &sign(&signed)]), trailer.to_vec()].concat();
    [vec![14], texts(&[&signature])].concat()
}

#[test]
fn security_keys_sign_if_somebody_touches_them() {
    const ED25519: &[u8] = b"sk-ssh-ed25519@openssh.com";
    const ECDSA: &[u8] = b"sk-ecdsa-sha2-nistp256@openssh.com";
    for flags in [1, 0] {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let public = texts(&[ED25519, pair.public_key().as_ref(), b"ssh:"]);
        let ed25519 = fake(move |request| {
            Some(match request[0] {
                11 => keys(std::slice::from_ref(&public)),
                _ => touched(request, flags, ED25519, |signed| pair.sign(signed).as_ref().to_vec()),
            })
        });
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        let public = texts(&[ECDSA, b"nistp256", pair.public_key().as_ref(), b"ssh:"]);
        let ecdsa = fake(move |request| {
            let sign = |signed: &[u8]| {
                let fixed = pair.sign(&SystemRandom::new(), signed).unwrap();
                let number = |half: &[u8]| {
                    let zeros = half.iter().take_while(|byte| **byte == 0).count();
                    let sign = if half[zeros] < 0x80 { &[][..] } else { &[0] };
                    [sign, &half[zeros..]].concat()
                };
                let (r, s) = fixed.as_ref().split_at(32);
                texts(&[&number(r), &number(s)])
            };
            Some(match request[0] {
                11 => keys(std::slice::from_ref(&public)),
                _ => touched(request, flags, ECDSA, sign),
            })
        });
        for (_folder, agent) in [ed25519, ecdsa] {
            let key = Signer::Agent(agent.key(&Wanted::Only).unwrap());
            let signed = key.sign("report", &content(b"a report"));
            if flags == 0 {
                assert!(matches!(signed, Err(NotSigned::Agent(AgentError::Nonsense(_)))), "{signed:?}");
                continue;
            }
            let (line, armoured) = (key.public().to_string(), signed.unwrap());
            assert!(verified(&line, "report", &armoured, &content(b"a report")), "{line}");
            assert!(!verified(&line, "report", &armoured, &content(b"another")), "{line}");
        }
    }
}

#[test]
fn keys_that_cannot_be_read_hide_no_others() {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let good = texts(&[b"ssh-ed25519", pair.public_key().as_ref()]);
    let all = [
        texts(&[b"ssh-ed25519-cert-v01@openssh.com", b"whatever"]),
        texts(&[b"ssh-of-tomorrow", b"whatever"]),
        good,
        Vec::new(),
    ];
    let (_folder, agent) = fake(move |_| Some(keys(&all)));
    assert_eq!(agent.key(&Wanted::Only).unwrap().public().key_type(), "ssh-ed25519");
}

#[test]
fn agents_that_lie_are_not_believed() {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let public = texts(&[b"ssh-ed25519", pair.public_key().as_ref()]);
    let of_another = pair.sign(b"something else").as_ref().to_vec();
    let wrong = [vec![14], texts(&[&texts(&[b"ssh-ed25519", &of_another])])].concat();
    let sha1 = [vec![14], texts(&[&texts(&[b"ssh-rsa", &of_another])])].concat();
    let longer = [vec![14], texts(&[&[texts(&[b"ssh-ed25519", &of_another]), vec![0]].concat()])].concat();
    for answer in [wrong, sha1, longer, vec![14, 0, 0, 0, 0], vec![14], vec![12, 0, 0, 0, 0], vec![], vec![6]]
    {
        let (public, said) = (public.clone(), answer.clone());
        let (_folder, agent) = fake(move |request| {
            Some(if request[0] == 11 { keys(std::slice::from_ref(&public)) } else { said.clone() })
        });
        let signed = Signer::Agent(agent.key(&Wanted::Only).unwrap()).sign("report", b"content");
        assert!(matches!(signed, Err(NotSigned::Agent(AgentError::Nonsense(_)))), "{answer:?}: {signed:?}");
    }
    for answer in [
        vec![0xff; 4],
        [&[0, 0, 0, 5, 12][..], &[0xff; 4]].concat(),
        [&[0, 0, 0, 9, 12, 0, 0, 0, 1][..], &[0xff; 4]].concat(),
        [&[0, 0, 0, 6, 12][..], &[0; 5]].concat(),
    ] {
        let said = answer.clone();
        let (_folder, agent) = fake_bytes(move |_| Some(said.clone()));
        let keys = agent.keys();
        assert!(matches!(keys, Err(AgentError::Nonsense(_))), "{answer:?}: {keys:?}");
    }
    let (_folder, agent) = fake(|_| Some(vec![5]));
    assert_eq!(agent.keys(), Err(AgentError::Refused));
}

#[test]
fn agents_that_are_away_or_slow_are_told_from_those_that_refuse() {
    let (folder, agent) = fake(|_| None);
    assert!(matches!(agent.keys(), Err(AgentError::Away { .. })));
    let nowhere = Agent::at(folder.path().join("nowhere"), PATIENCE);
    let said = nowhere.keys().unwrap_err().to_string();
    assert!(said.contains("nowhere cannot be asked: No such file"), "{said}");
    // One that never answers, and one that never comes to an end.
    let socket = folder.path().join("silent");
    let listener = UnixListener::bind(&socket).unwrap();
    let budget = Duration::from_millis(50);
    assert_eq!(Agent::at(&socket, budget).keys(), Err(AgentError::TooSlow(budget)));
    drop(listener);
    let socket = folder.path().join("trickling");
    let listener = UnixListener::bind(&socket).unwrap();
    let trickling = std::thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        stream.write_all(&[0, 1, 0, 0]).unwrap();
        // Until whoever asked hangs up.
        while stream.write_all(&[12]).is_ok() {
            std::thread::sleep(Duration::from_millis(5));
        }
    });
    assert_eq!(Agent::at(&socket, budget).keys(), Err(AgentError::TooSlow(budget)));
    trickling.join().unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn answers_of_any_bytes_are_read_or_refused(kind in prop_oneof![Just(12_u8), Just(14), any::<u8>()], rest in proptest::collection::vec(any::<u8>(), 0..200)) {
        let answer = [vec![kind], rest].concat();
        if let Ok(AgentAnswer::Keys(keys)) = AgentAnswer::read(&answer) {
            prop_assert!(keys.len() <= answer.len());
        }
    }
}
