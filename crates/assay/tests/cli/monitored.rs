//! `assay diff --monitor`: answers as a monitor gave them.

use wiremock::matchers::{method, path, query_param, query_param_is_missing};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::support::{Home, Ran, json};

const OCTOBER: &str = include_str!("../data/monitor/harbour-cloud-2026-10-01.json");
const NOVEMBER: &str = include_str!("../data/monitor/harbour-cloud-2026-11-10.json");
const SUBJECT: &str = "/below/api/v1/subjects/harbour-cloud";

async fn monitor() -> MockServer {
    let server = MockServer::start().await;
    let unknown =
        ResponseTemplate::new(404).set_body_raw(r#"{"detail":"subject not found"}"#, "application/json");
    for (day, text) in [("2026-10-01", Some(OCTOBER)), ("2026-11-10", Some(NOVEMBER)), ("2024-01-01", None)] {
        let answer = match text {
            Some(text) => ResponseTemplate::new(200).set_body_raw(text, "application/json"),
            None => unknown.clone(),
        };
        let asked = Mock::given(method("GET")).and(path(SUBJECT)).and(query_param("at", day));
        asked.respond_with(answer).mount(&server).await;
    }
    let now = ResponseTemplate::new(200).set_body_raw(NOVEMBER, "application/json");
    let asked = Mock::given(method("GET")).and(path(SUBJECT)).and(query_param_is_missing("at"));
    asked.respond_with(now).mount(&server).await;
    let nobody = Mock::given(path("/below/api/v1/subjects/a%2Fb"));
    nobody.respond_with(unknown).mount(&server).await;
    let ahead = ResponseTemplate::new(422)
        .set_body_raw(r#"{"detail":"at: 2027-01-01 has not come yet"}"#, "application/json");
    Mock::given(query_param("at", "2027-01-01")).respond_with(ahead).mount(&server).await;
    server
}

async fn diff(server: &MockServer, arguments: &[&str]) -> Ran {
    let url = format!("{}/below", server.uri());
    let arguments: Vec<String> = arguments.iter().map(|&text| text.to_owned()).collect();
    let ran = tokio::task::spawn_blocking(move || {
        let home = Home::new();
        let mut all = vec!["diff", "--monitor", url.as_str()];
        all.extend(arguments.iter().map(String::as_str));
        home.run(&all)
    });
    ran.await.unwrap()
}

#[tokio::test]
async fn two_days_of_a_monitor_are_compared() {
    let server = monitor().await;
    let days = ["--subject", "harbour-cloud", "2026-10-01", "2026-11-10"];
    let ran = diff(&server, &days).await;
    assert_eq!((ran.code, ran.stderr.as_str()), (1, ""));
    insta::assert_snapshot!(ran.stdout);
    let document = json(&diff(&server, &[&days[..], &["--format", "json"]].concat()).await.stdout);
    let scope = &document["subjects"][0]["scopes"][0];
    assert_eq!((&scope["before"]["state"], &scope["after"]["state"]), (&"PASS".into(), &"FAIL".into()));
    let results = scope["results"].as_array().unwrap();
    assert_eq!(results.len(), 2, "those that stand as before are left out");
    assert_eq!(results[0]["testcase"], "scs-0115-default-rules");
    assert!(results[0]["after"]["report"].is_string());

    let same = diff(&server, &["--subject", "harbour-cloud", "2026-11-10"]).await;
    assert_eq!(same.code, 0, "{}", same.stderr);
    assert!(same.stdout.contains("2026-11-10 → 2026-11-10T23:59:59"), "{}", same.stdout);
    let first = diff(&server, &["--subject", "harbour-cloud", "2024-01-01", "2026-10-01"]).await;
    assert_eq!(first.code, 1);
    assert!(
        first.stdout.contains("harbour-cloud  was checked on 2026-10-01, and not before"),
        "{}",
        first.stdout
    );
    assert!(first.stdout.contains("scs-0115-default-rules: no result → PASS"), "{}", first.stdout);
}

#[tokio::test]
async fn what_cannot_be_compared_is_told() {
    let server = monitor().await;
    for (arguments, code, words) in [
        (&["--subject", "a/b", "2026-10-01"][..], 2, "knows no subject \"a/b\""),
        (&["--subject", "harbour-cloud", "yesterday"], 2, "yesterday is no day"),
        (&["--subject", "harbour-cloud", "2026-11-10", "2026-10-01"], 2, "after the second"),
        (&["--subject", "harbour-cloud", "2026-11-10", "2027-01-01"], 2, "has not come yet"),
        (&["--subject", "other", "2026-11-10"], 3, "does not answer as a monitor of assay does"),
        (&["--subject", "harbour-cloud", "2026-11-10", "--reading", "text"], 2, "has judged already"),
        (&["2026-11-10"], 2, "--subject <NAME>"),
    ] {
        let ran = diff(&server, arguments).await;
        assert_eq!((ran.code, ran.stdout.as_str()), (code, ""), "{arguments:?}: {}", ran.stderr);
        let told = ran.stderr.replace('│', " ").split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(told.contains(words), "{told}");
    }
}
