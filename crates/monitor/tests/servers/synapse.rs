use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use assay_monitor::NoticeConfig;
use reqwest::Client;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::{are_waiting, bed, ground};
use crate::stories::noticing::{PATIENCE, all_is_sent, hand_in, settings};

/// A room on a real server.
struct Room {
    url: String,
    id: String,
    sender: String,
    token: String,
    reader_token: String,
    client: Client,
    /// What had been said before.
    before: Vec<String>,
}

impl Room {
    async fn new(bed: &Value) -> Self {
        let text = |key: &str| bed[key].as_str().unwrap().to_owned();
        let mut room = Self {
            url: text("url"),
            id: text("room"),
            sender: text("sender"),
            token: text("token"),
            reader_token: text("reader_token"),
            client: Client::new(),
            before: Vec::new(),
        };
        room.before = room.all_said().await;
        room
    }

    /// A file of notices for it, at an address.
    fn config(&self, url: &str) -> NoticeConfig {
        let text = format!(
            "channels: [{{name: room, matrix: '{}'}}]
rules: [{{name: all, channels: [room], about: [result]}}]
matrix: {{url: '{url}', token_file: t}}
",
            self.id
        );
        NoticeConfig::read("notices", &text, &|_| Ok(self.token.clone())).unwrap()
    }

    /// The newest texts that the monitor has said, oldest first, as somebody reads them who is in the room.
    async fn all_said(&self) -> Vec<String> {
        let mut url: url::Url = self.url.parse().unwrap();
        url.path_segments_mut().unwrap().extend(["_matrix", "client", "v3", "rooms", &self.id, "messages"]);
        url.query_pairs_mut().extend_pairs([("dir", "b"), ("limit", "100")]);
        let request = self.client.get(url);
        let answer = request.bearer_auth(&self.reader_token).send().await.unwrap().text().await.unwrap();
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let events = answer["chunk"].as_array().unwrap_or_else(|| panic!("{answer}"));
        let is_ours = |event: &&Value| event["type"] == "m.room.message" && event["sender"] == self.sender;
        let texts =
            events.iter().filter(is_ours).map(|event| event["content"]["body"].as_str().unwrap().to_owned());
        let mut texts: Vec<String> = texts.collect();
        texts.reverse();
        texts
    }

    /// What has been said since, once it is so much.
    async fn said(&self, count: usize) -> Vec<String> {
        let begun = Instant::now();
        loop {
            let all = self.all_said().await;
            let said = all.strip_prefix(self.before.as_slice()).unwrap().to_vec();
            if said.len() >= count {
                assert_eq!(said.len(), count, "{said:#?}");
                return said;
            }
            assert!(begun.elapsed() < PATIENCE, "{said:#?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Starts or stops the server.
async fn server(action: &'static str) {
    let script = format!("{}/../../testbed/synapse/{action}", env!("CARGO_MANIFEST_DIR"));
    let run = tokio::task::spawn_blocking(move || Command::new(script).output().unwrap());
    let ran = run.await.unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
}

/// Hands requests on to a server, and keeps the first answer to itself, as a connection that breaks does.
async fn forgetful(server: SocketAddr) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, count) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.unwrap();
            let request = whole(&mut client).await;
            // So that the end of the answer is that of the connection.
            let request = request.replacen("\r\n", "\r\nconnection: close\r\n", 1);
            let mut other = TcpStream::connect(server).await.unwrap();
            other.write_all(request.as_bytes()).await.unwrap();
            let mut answer = String::new();
            other.read_to_string(&mut answer).await.unwrap();
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
            if counted.fetch_add(1, Ordering::SeqCst) > 0 {
                client.write_all(answer.as_bytes()).await.unwrap();
            }
        }
    });
    (address, count)
}

/// A request with its body.
async fn whole(stream: &mut TcpStream) -> String {
    let mut read = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&read).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            if body.len() >= length.parse().unwrap() {
                return text;
            }
        }
        assert_ne!(stream.read_buf(&mut read).await.unwrap(), 0, "{text}");
    }
}

#[tokio::test]
async fn a_room_of_synapse_is_told_once() {
    let Some(bed) = bed("ASSAY_TESTBED_SYNAPSE", "testbed/synapse/up") else { return };
    let room = Room::new(&bed).await;
    let mut ground = ground().await;
    ground.restart(settings()).await;
    ground.monitor.take_notices(room.config(&room.url));
    hand_in(&ground, "2026-11-22 08:00:00", 1).await;
    hand_in(&ground, "2026-11-22 09:00:00", -1).await;
    let said = room.said(1).await;
    for line in [
        "SCS compliance of cloud-b: 1 to look at",
        "https://compliance.example.com/page/subject/cloud-b",
        "version-policy-check: PASS → FAIL, since 2026-11-22 09:00 UTC",
    ] {
        assert!(said[0].contains(line), "{line}: {}", said[0]);
    }
    all_is_sent(&ground).await;

    // What is to be told while the server is away waits, and an instance that comes later tells it.
    server("down").await;
    hand_in(&ground, "2026-11-22 10:00:00", 1).await;
    are_waiting(&ground, 1).await;
    ground.restart(settings()).await;
    server("up").await;
    ground.set_clock("2026-11-22T15:00:00Z");
    ground.monitor.take_notices(room.config(&room.url));
    let said = room.said(2).await;
    assert!(said[1].contains("version-policy-check: FAIL → well again"), "{}", said[1]);
    all_is_sent(&ground).await;

    // What arrived without the monitor hearing of it is sent again, and told once.
    let address = room.url.strip_prefix("http://").unwrap().parse().unwrap();
    let (forgetful, count) = forgetful(address).await;
    ground.monitor.take_notices(room.config(&format!("http://{forgetful}")));
    hand_in(&ground, "2026-11-22 14:00:00", -1).await;
    room.said(3).await;
    are_waiting(&ground, 1).await;
    ground.set_clock("2026-11-22T20:00:00Z");
    all_is_sent(&ground).await;
    assert_eq!(count.load(Ordering::SeqCst), 2);
    room.said(3).await;
}
