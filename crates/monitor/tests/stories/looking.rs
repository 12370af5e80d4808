use assay_monitor::{Explained, Settings};

use super::ground::{Ground, KAAS, PASSWORD, Report};

const GREEN: &[(&str, i8)] =
    &[("cncf-k8s-conformance", 1), ("version-policy-check", 1), ("kaas-networking-check", 1)];

async fn page(ground: &Ground, path: &str) -> (u16, String) {
    let response = ground.get(path).send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

async fn hand_in(ground: &Ground, report: &Report<'_>) {
    assert_eq!(ground.hand_in("ci", &ground.ci, &report.yaml()).await.status, 200);
}

pub(crate) async fn everybody_sees_what_subjects_come_to(ground: Ground) {
    let (_, empty) = page(&ground, "/page/table").await;
    assert!(empty.contains("No report has come in yet."), "{empty}");
    let report = Report::new("ci", "2026-11-22 10:00:00", GREEN);
    hand_in(&ground, &report).await;
    let (_, table) = page(&ground, "/markdown/table").await;
    assert!(table.contains("## [SCS-compatible KaaS](/page/scope/scs-compatible-kaas)"), "{table}");
    let row = "| ci | [✅ v1](/page/detail/ci/scs-compatible-kaas) | 1 MISS, 3 PASS | 2026-11-22 |";
    assert!(table.contains(row), "{table}");
    for scope in ["scs-compatible-kaas", KAAS] {
        let (_, detail) = page(&ground, &format!("/markdown/detail/ci/{scope}")).await;
        let row = format!(
            "| ✅ [pass (2026-11-22)](/page/report/{}#version-policy-check) | X | Kubernetes is of a branch",
            report.uuid
        );
        assert!(detail.contains(&row), "{detail}");
        assert!(detail.contains("| ❓ MISSING |  | The nodes of the control plane"), "{detail}");
    }
    let (_, scope) = page(&ground, "/markdown/scope/scs-compatible-kaas").await;
    assert!(scope.contains("| Stabilized at | 2024-11-26 |"), "{scope}");
    for path in
        ["/table", "/table_full", "/detail/ci/scs-compatible-kaas", "/detail_full/ci/scs-compatible-kaas"]
    {
        let (status, fragment) = page(&ground, &format!("/fragment{path}")).await;
        assert_eq!(status, 200);
        let (_, whole) = page(&ground, &format!("/page{path}")).await;
        assert!(whole.starts_with("<!doctype html>"), "{path}");
        // A whole overview has a form and certificates, too.
        let is_within = whole.contains(&fragment) || path.starts_with("/table");
        assert!(is_within, "{path}");
        assert_eq!(page(&ground, &format!("/pdf{path}")).await.0, 422);
    }
    // A week later nothing counts any more; the subject is still there.
    ground.set_clock("2026-11-30T00:00:00Z");
    let (_, table) = page(&ground, "/markdown/table").await;
    assert!(table.contains("| ci | [🟧 v1]"), "{table}");
    ground.set_clock("2028-02-01T00:00:00Z");
    let (_, table) = page(&ground, "/markdown/table").await;
    assert!(table.contains("| ci | [🛑 –]"), "{table}");
    for subject in ["ci", "unheard-of"] {
        let (_, detail) = page(&ground, &format!("/markdown/detail/{subject}/scs-compatible-kaas")).await;
        assert!(
            detail.contains(&format!(
                "## {subject}: [SCS-compatible KaaS](/page/scope/scs-compatible-kaas) 🛑 –"
            ))
        );
        assert_eq!(detail.matches("❓ MISSING").count(), 4, "{detail}");
    }
    for path in ["/page/detail/ci/unknown", "/page/scope/unknown", "/page/report/unknown"] {
        assert_eq!(page(&ground, path).await.0, 404, "{path}");
    }
}

pub(crate) async fn subjects_are_found(ground: Ground) {
    const FAILS: &[(&str, i8)] = &[("version-policy-check", -1)];
    for (subject, results) in [("ci", GREEN), ("cloud-a", FAILS), ("cloud-b", GREEN)] {
        hand_in(&ground, &Report::new(subject, "2026-11-22 10:00:00", results)).await;
    }
    let found = async |query: &str| {
        let (status, table) = page(&ground, &format!("/markdown/table{query}")).await;
        assert_eq!(status, 200, "{query}: {table}");
        let rows = table.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| Subject"));
        rows.map(|row| row.split('|').nth(1).unwrap().trim().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(found("").await, ["both", "ci"]);
    assert_eq!(found("?q=&scope=&version=&state=&group=&sort=").await, ["both", "ci"]);
    assert_eq!(found("?q=CI").await, ["ci"]);
    assert_eq!(found("?q=cloud-b").await, ["both"], "it is a member");
    assert_eq!(found("?group=both").await, ["cloud-a", "cloud-b"]);
    assert_eq!(found("?group=both&state=failing").await, ["cloud-a"]);
    assert_eq!(found("?group=both&q=-b&version=v1").await, ["cloud-b"]);
    assert_eq!(found("?sort=state&utm=x").await, ["both", "ci"]);
    assert_eq!(found("?scope=scs-compatible-kaas&state=passing").await, ["ci"]);
    for nobody in ["?scope=scs-compatible-iaas", "?version=v9", "?state=certified", "?group=x", "?q=%00"] {
        assert_eq!(found(nobody).await, [""; 0], "{nobody}");
        let (_, whole) = page(&ground, &format!("/page/table{nobody}")).await;
        assert!(whole.contains("No subject is like that.") && whole.contains("<form"), "{whole}");
    }
    for wrong in ["?state=good", "?sort=colour", "?q=a&q=b"] {
        assert_eq!(page(&ground, &format!("/page/table{wrong}")).await.0, 422, "{wrong}");
    }
    let (_, whole) = page(&ground, "/page/table?q=c&group=both").await;
    let count = "<a href=\"?q=c&#38;group=both&#38;state=failing\"><b>1</b> failing</a>";
    assert!(whole.contains(count), "{whole}");
    assert!(whole.contains("<option selected>both</option>"), "{whole}");
    // What is found is that of now.
    hand_in(&ground, &Report::new("cloud-a", "2026-11-22 11:00:00", GREEN)).await;
    assert_eq!(found("?group=both&state=failing").await, [""; 0]);
    ground.set_clock("2028-02-01T00:00:00Z");
    assert_eq!(found("?group=both&state=missing").await, ["cloud-a", "cloud-b"]);
}

pub(crate) async fn who_passes_what_is_seen_at_once(ground: Ground) {
    let path = "/matrix/scs-compatible-kaas/v1";
    assert!(page(&ground, &format!("/page{path}")).await.1.contains("Nobody was checked yet."));
    hand_in(&ground, &Report::new("ci", "2026-11-22 10:00:00", GREEN)).await;
    hand_in(&ground, &Report::new("ci", "2026-11-22 10:00:01", &[("node-distribution-check", 1)])).await;
    hand_in(&ground, &Report::new("cloud-a", "2026-11-21 10:00:00", GREEN)).await;
    let results = [("version-policy-check", -1), ("kaas-networking-check", 0), ("of-old", -1)];
    hand_in(&ground, &Report::new("cloud-a", "2026-11-22 10:00:00", &results)).await;
    let (_, matrix) = page(&ground, &format!("/markdown{path}")).await;
    let lines: Vec<&str> = matrix.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(
        lines,
        [
            "| Subject | cncf-k8s-conformance | version-policy-check | node-distribution-check | kaas-networking-check |",
            "|---|---|---|---|---|",
            "| ci | PASS | PASS | PASS | PASS |",
            "| cloud-a | PASS | FAIL | MISS | TENTATIVE |",
        ]
    );
    let (_, troubles) = page(&ground, &format!("/markdown{path}?troubles=1&page=7")).await;
    assert!(troubles.contains("| cloud-a | FAIL | MISS |") && !troubles.contains("| ci |"), "{troubles}");
    let (_, whole) = page(&ground, &format!("/page{path}")).await;
    for told in [
        "<th scope=\"colgroup\" colspan=\"1\" title=\"Kubernetes version policy\">0210</th>",
        "<td class=\"fail\">✘</td><td class=\"miss\">–</td><td class=\"tentative\">≈</td>",
        "class=\"minor\"><a href=\"/page/testcase/node-distribution-check\"",
        "<td>2</td>",
    ] {
        assert!(whole.contains(told), "{told}: {whole}");
    }
    let (_, scope) = page(&ground, "/page/scope/scs-compatible-kaas").await;
    assert!(scope.contains("<a href=\"/page/matrix/scs-compatible-kaas/v1\""), "{scope}");
    for nothing in ["scs-compatible-kaas/v9", "unknown/v1"] {
        assert_eq!(page(&ground, &format!("/page/matrix/{nothing}")).await.0, 404, "{nothing}");
    }
    assert_eq!(page(&ground, &format!("/page{path}?page=x")).await.0, 422);
}

pub(crate) async fn long_lists_have_pages(ground: Ground) {
    let reports: Vec<Report> = (0..103).map(|_| Report::new("ci", "2026-11-22 10:00:00", GREEN)).collect();
    let all: String = reports.iter().map(Report::yaml).collect();
    assert_eq!(ground.hand_in("ci", &ground.ci, &all).await.status, 200);
    let places = async |query: &str| {
        let (_, text) = page(&ground, &format!("/page/log{query}")).await;
        let rows = text.split("<tr><td>").skip(1).map(|row| row.split('<').next().unwrap().parse().unwrap());
        (rows.collect::<Vec<u64>>(), text)
    };
    let (first, text) = places("").await;
    assert_eq!((first.len(), first[0], first[99]), (100, 102, 3));
    assert!(text.contains("<a href=\"?before=3\" rel=\"next\">") && !text.contains("rel=\"prev\""), "{text}");
    let (second, text) = places("?before=3").await;
    assert_eq!(second, [2, 1, 0]);
    assert!(text.contains("<a href=\"?\" rel=\"prev\">") && !text.contains("rel=\"next\""), "{text}");
    assert_eq!(places("?before=99999999999").await.0, first);
    assert_eq!(places("?before=0").await.0, [0; 0]);
    assert_eq!(page(&ground, "/page/log?before=-1").await.0, 422);
    assert_eq!(page(&ground, "/page/certificates?page=5").await.0, 200);
}

pub(crate) async fn a_testcase_says_what_it_wants_and_who_passes(mut ground: Ground) {
    const ID: &str = "version-policy-check";
    let text = |text: &str| text.to_owned();
    let explained = vec![Explained {
        testcase: ID.into(),
        standard: text("scs-0210-v2"),
        clause: text("Decision"),
        demand: text("must"),
        title: text("`kubectl version` <b>is</b> supported"),
        explanation: text("Old versions are attacked."),
        remedy: text("Upgrade."),
    }];
    ground.restart(Settings { explained, ..Settings::default() }).await;
    let path = format!("/page/testcase/{ID}");
    let (_, empty) = page(&ground, &path).await;
    assert!(empty.contains("Nobody was checked yet."), "{empty}");
    hand_in(&ground, &Report::new("ci", "2026-11-20 10:00:00", GREEN)).await;
    let newest = Report::new("ci", "2026-11-22 10:00:00", &[(ID, 1), ("of-old", -1)]);
    hand_in(&ground, &newest).await;
    hand_in(&ground, &Report::new("cloud-a", "2026-11-21 10:00:00", &[(ID, -1)])).await;
    hand_in(&ground, &Report::new("cloud-a", "2026-11-22 10:00:00", &[(ID, 0)])).await;
    hand_in(&ground, &Report::new("cloud-b", "2026-11-22 10:00:00", &[("kaas-networking-check", 1)])).await;
    let (_, whole) = page(&ground, &path).await;
    for told in [
        "<code>kubectl version</code> &#60;b&#62;is&#60;/b&#62; supported",
        "scs-0210-v2, Decision",
        "Old versions are attacked.",
        "Upgrade.",
        "for a week",
        "https://docs.scs.community/standards/scs-0210-v2-k8s-version-policy#decision",
        "<td>effective</td><td>main</td>",
        "1 of 3 subjects pass",
    ] {
        assert!(whole.contains(told), "{told}: {whole}");
    }
    let rows = async || {
        let (_, table) = page(&ground, &format!("/markdown/testcase/{ID}")).await;
        let rows = table.lines().filter(|line| line.starts_with("| c"));
        rows.map(str::to_owned).collect::<Vec<_>>()
    };
    let told = rows().await;
    let of_ci = format!("| ci | PASS | 2026-11-20 | [2026-11-22](/page/report/{}#{ID}) |", newest.uuid);
    assert_eq!(told[0], of_ci);
    assert!(told[1].starts_with("| cloud-a | FAIL | 2026-11-21 | [2026-11-22]"), "{told:?}");
    assert_eq!(told[2], "| cloud-b | MISS | ever | none |");
    ground.set_clock("2027-01-01T00:00:00Z");
    let told = rows().await;
    assert!(told[0].starts_with("| ci | MISS | 2026-11-30 | [2026-11-22]"), "{told:?}");
    // What no scope knows any more is shown for what it is.
    let (status, unknown) = page(&ground, "/page/testcase/of-old").await;
    assert_eq!(status, 200);
    assert!(
        unknown.contains("The scope does not know this testcase.") && unknown.contains("FAIL"),
        "{unknown}"
    );
    for nothing in ["unheard-of", "%00", "a%2Fb"] {
        assert_eq!(page(&ground, &format!("/page/testcase/{nothing}")).await.0, 404, "{nothing}");
    }
    let (_, all) = page(&ground, "/markdown/testcases").await;
    assert!(all.contains("## [scs-0210: Kubernetes version policy]("), "{all}");
    let row = "(/page/testcase/version-policy-check) | kubectl version &lt;b&gt;is&lt;/b&gt; supported | SCS-compatible KaaS v1 main |";
    assert!(all.contains(row), "{all}");
}

pub(crate) async fn a_group_is_as_good_as_its_worst_member(ground: Ground) {
    let summary = async || {
        let (_, table) = page(&ground, "/markdown/table").await;
        let row = table.lines().find(|line| line.starts_with("| both ")).unwrap_or_default().to_owned();
        row.split(['[', ']']).nth(1).unwrap_or_default().to_owned()
    };
    hand_in(&ground, &Report::new("cloud-a", "2026-11-22 10:00:00", GREEN)).await;
    assert_eq!(summary().await, "🛑 –", "one has no data");
    hand_in(&ground, &Report::new("cloud-b", "2026-11-22 10:00:00", GREEN)).await;
    assert_eq!(summary().await, "✅ v1");
    hand_in(&ground, &Report::new("cloud-b", "2026-11-22 11:00:00", &[("version-policy-check", 0)])).await;
    assert_eq!(summary().await, "✅* v1");
    hand_in(&ground, &Report::new("cloud-b", "2026-11-22 11:30:00", &[("version-policy-check", -1)])).await;
    assert_eq!(summary().await, "🛑 –");
    let (_, detail) = page(&ground, "/page/detail/group-both/scs-compatible-kaas").await;
    assert!(detail.contains("<h1>Details for group both</h1>"), "{detail}");
    assert!(detail.contains("<section id=\"cloud-a\">") && detail.contains("<section id=\"cloud-b\">"));
}

pub(crate) async fn nothing_of_a_report_is_markup(ground: Ground) {
    const BAD: &str = "<script>alert(1)</script>";
    let results = [("version-policy-check", -1)];
    let report = Report::new("ci", "2026-11-22 10:00:00", &results);
    let yaml = report
        .yaml()
        .replace("name: a scope", &format!("name: '{BAD}'"))
        .replace("cmd: check", &format!("cmd: '{BAD}'"))
        .replace("assignment: {}", &format!("assignment: {{'{BAD}': '{BAD}'}}"))
        .replace("version-policy-check: -1", &format!("version-policy-check: -1\n        '{BAD}': 1"))
        .replace("WARNING: look <b>here</b>", &format!("WARNING: {BAD}"))
        .replace("rc: 0", "rc: 7");
    assert_eq!(ground.hand_in("ci", &ground.ci, &yaml).await.status, 200);
    let uuid = report.uuid;
    for path in [
        format!("/report/{uuid}"),
        "/table".to_owned(),
        "/detail/ci/scs-compatible-kaas".to_owned(),
        "/detail/%3Cscript%3Ealert(1)%3C%2Fscript%3E/scs-compatible-kaas".to_owned(),
        "/detail/group-%3Cscript%3E/scs-compatible-kaas".to_owned(),
    ] {
        for form in ["page", "fragment", "markdown"] {
            let (status, text) = page(&ground, &format!("/{form}{path}")).await;
            assert_eq!(status, 200, "{form}{path}");
            // In Markdown, an indented block of code is no markup whatever stands in it.
            let is_code = |line: &&str| form == "markdown" && line.starts_with("    ");
            let mut lines = text.lines().filter(|line| !is_code(line));
            assert!(!lines.any(|line| line.to_lowercase().contains("<script")), "{form}{path}: {text}");
        }
    }
    let (_, text) = page(&ground, &format!("/page/report/{uuid}")).await;
    assert!(text.contains("&#60;script&#62;alert(1)") || text.contains("&lt;script&gt;alert(1)"), "{text}");
    assert!(text.contains("Return code 7"));
}

pub(crate) async fn whole_logs_are_for_whom_they_concern(ground: Ground) {
    let report = Report::new("cloud-b", "2026-11-22 10:00:00", &[("version-policy-check", -1)]);
    let yaml = report
        .yaml()
        .replace("stdout: []", "stdout: ['version-policy-check: FAIL', 'address 10.0.0.1']")
        .replace("stderr: [", "stderr: ['INFO: token x', 'CRITICAL: gone', 'ERROR: bad', ");
    assert_eq!(ground.hand_in("ci", &ground.ci, &yaml).await.status, 200);
    let (_, public) = page(&ground, &format!("/page/report/{}", report.uuid)).await;
    for shown in
        ["version-policy-check: FAIL", "CRITICAL: gone", "ERROR: bad", "WARNING: look", "1 more left out"]
    {
        assert!(public.contains(shown), "{shown}: {public}");
    }
    assert!(!public.contains("10.0.0.1") && !public.contains("token x"));
    assert!(public.contains("<li id=\"version-policy-check\" class=\"fail\">"), "{public}");
    let full = format!("/page/report_full/{}", report.uuid);
    assert_eq!(page(&ground, &full).await.0, 401);
    for (account, status) in [("ci", 401), ("cloud-b", 200), ("reader", 200)] {
        let response = ground.get(&full).basic_auth(account, Some(PASSWORD)).send().await.unwrap();
        assert_eq!(response.status(), status, "{account}");
        let text = response.text().await.unwrap();
        assert_eq!(text.contains("token x"), status == 200);
    }
}
