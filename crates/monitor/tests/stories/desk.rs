use std::collections::BTreeSet;

use assay_monitor::Settings;
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response};
use serde_json::json;

use super::ground::{Answer, Ground, PASSWORD, Report};

const BASE_URL: &str = "https://compliance.example.com/";

/// A page that somebody got.
#[derive(Debug)]
struct Got {
    status: u16,
    location: String,
    cookie: String,
    text: String,
}

impl Got {
    async fn of(request: RequestBuilder) -> Self {
        let response: Response = request.send().await.unwrap();
        let header = |name: &str| {
            response.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
        };
        let (location, cookie) = (header("location").replace(BASE_URL, "/"), header("set-cookie"));
        Self { status: response.status().as_u16(), location, cookie, text: response.text().await.unwrap() }
    }

    /// What stands in an element that is known by its id.
    fn element(&self, id: &str) -> String {
        let (_, rest) = self.text.split_once(&format!("id=\"{id}\">")).unwrap();
        rest.split_once('<').unwrap().0.to_owned()
    }
}

/// A browser in which somebody is logged in, or nobody.
struct Browser<'g> {
    ground: &'g Ground,
    client: Client,
    cookie: String,
}

impl<'g> Browser<'g> {
    fn new(ground: &'g Ground) -> Self {
        let client = Client::builder().redirect(Policy::none()).build().unwrap();
        Self { ground, client, cookie: String::new() }
    }

    async fn of(ground: &'g Ground, name: &str) -> Self {
        let mut browser = Self::new(ground);
        assert_eq!(browser.log_in(name, PASSWORD, "").await.status, 303, "{name}");
        browser
    }

    async fn log_in(&mut self, name: &str, password: &str, to: &str) -> Got {
        let got = self.send("/login", &[("name", name), ("password", password), ("to", to)]).await;
        if got.status == 303 {
            got.cookie.split(';').next().unwrap().clone_into(&mut self.cookie);
        }
        got
    }

    async fn get(&self, path: &str) -> Got {
        Got::of(self.client.get(self.ground.url(path)).header("cookie", &self.cookie)).await
    }

    /// Sends a form as it is.
    async fn send(&self, path: &str, fields: &[(&str, &str)]) -> Got {
        Got::of(self.request(path, fields)).await
    }

    fn request(&self, path: &str, fields: &[(&str, &str)]) -> RequestBuilder {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.client.post(self.ground.url(path)).header("cookie", &self.cookie);
        request.header("content-type", "application/x-www-form-urlencoded").body(body)
    }

    async fn form_key(&self) -> String {
        let page = self.get("/desk").await.text;
        let (_, rest) = page.split_once("name=\"form_key\" value=\"").unwrap();
        rest.split_once('"').unwrap().0.to_owned()
    }

    /// Sends a form that a page of this session has.
    async fn fill_in(&self, path: &str, fields: &[(&str, &str)]) -> Got {
        let key = self.form_key().await;
        self.send(path, &[fields, &[("form_key", &key)]].concat()).await
    }
}

pub(crate) async fn somebody_comes_and_goes(mut ground: Ground) {
    let mut browser = Browser::new(&ground);
    let asked = browser.get("/desk/applications?x=1").await;
    assert_eq!((asked.status, asked.location.as_str()), (303, "/login?to=%2Fdesk%2Fapplications%3Fx%3D1"));
    for (name, password) in [("assessor", "wrong"), ("nobody", PASSWORD), ("cloud-c", ""), ("", "")] {
        let refused = browser.log_in(name, password, "").await;
        assert_eq!((refused.status, refused.cookie.as_str()), (401, ""), "{name}");
        assert!(refused.text.contains("There is no account with this name and password."));
    }
    // Nobody is led elsewhere, and a session that was brought along is not taken over.
    "assay=brought-along".clone_into(&mut browser.cookie);
    for (to, location) in [
        ("/desk/account", "/desk/account"),
        ("//example.com/desk", "/desk"),
        ("https://example.com", "/desk"),
    ] {
        let came = browser.log_in("assessor", PASSWORD, to).await;
        assert_eq!((came.status, came.location.as_str()), (303, location));
        let attributes: Vec<&str> = came.cookie.split("; ").skip(1).collect();
        assert_eq!(attributes, ["Path=/", "Max-Age=43200", "HttpOnly", "SameSite=Lax"]);
        assert!(!came.cookie.contains("brought-along"));
    }
    let desk = browser.get("/desk").await;
    assert_eq!(desk.status, 200);
    assert!(desk.text.contains("Desk of assessor"), "{}", desk.text);
    // Logs of reports are for whom they concern, whichever way they proved who they are.
    let report = Report::new("cloud-b", "2026-11-22 10:00:00", &[("version-policy-check", 1)]);
    assert_eq!(ground.hand_in("cloud-b", &ground.own, &report.yaml()).await.status, 200);
    let full = format!("/page/report_full/{}", report.uuid);
    assert_eq!(browser.get(&full).await.status, 200);
    assert_eq!(Browser::new(&ground).get(&full).await.status, 401);

    // Nothing is changed but by a form of this session, and no other page sends one.
    let key = browser.form_key().await;
    let other = Browser::of(&ground, "reader").await.form_key().await;
    let sent = |key: &str| browser.request("/desk/account/sessions", &[("form_key", key)]);
    assert_eq!(Got::of(sent(&other)).await.status, 403);
    assert_eq!(Got::of(sent("")).await.status, 403);
    for (name, value, status) in [
        ("sec-fetch-site", "cross-site", 403),
        ("sec-fetch-site", "same-site", 403),
        ("origin", "https://example.com", 403),
        ("origin", "null", 403),
        ("sec-fetch-site", "same-origin", 303),
    ] {
        assert_eq!(Got::of(sent(&key).header(name, value)).await.status, status, "{name} {value}");
    }
    assert_eq!(Got::of(sent(&key).header("origin", ground.url(""))).await.status, 303);
    let plain = browser.client.post(ground.url("/desk/account/sessions")).header("cookie", &browser.cookie);
    let plain = plain.header("content-type", "text/plain").body(format!("form_key={key}"));
    assert_eq!(Got::of(plain).await.status, 415);
    let from_elsewhere = browser.request("/login", &[("name", "assessor"), ("password", PASSWORD)]);
    assert_eq!(Got::of(from_elsewhere.header("sec-fetch-site", "cross-site")).await.status, 403);

    let gone = browser.fill_in("/logout", &[]).await;
    assert_eq!((gone.status, gone.location.as_str()), (303, "/page/table"));
    assert!(gone.cookie.starts_with("assay=; Path=/; Max-Age=0;"), "{}", gone.cookie);
    assert_eq!(browser.get("/desk").await.status, 303, "the session is over, not only forgotten");

    let late = Browser::of(&ground, "assessor").await.cookie;
    ground.set_clock("2026-11-22T23:59:59Z");
    assert_eq!(Browser { cookie: late.clone(), ..Browser::new(&ground) }.get("/desk").await.status, 200);
    ground.set_clock("2026-11-23T00:00:00Z");
    assert_eq!(Browser { cookie: late, ..Browser::new(&ground) }.get("/desk").await.status, 303);

    ground.restart(Settings { base_url: BASE_URL.into(), ..Settings::default() }).await;
    let came = Browser::new(&ground).log_in("assessor", PASSWORD, "").await;
    assert!(came.cookie.starts_with("__Host-assay=") && came.cookie.ends_with("; Secure"), "{}", came.cookie);
}

pub(crate) async fn programs_have_tokens(ground: Ground) {
    let browser = Browser::of(&ground, "cloud-b").await;
    let make = async |name: &str, purpose: &str, days: &str| {
        let fields = [("name", name), ("purpose", purpose), ("days", days)];
        browser.fill_in("/desk/account/tokens", &fields).await
    };
    assert_eq!(make("x", "reports", "0").await.status, 422);
    assert_eq!(make("x", "reports", "367").await.status, 422);
    assert_eq!(make("", "reports", "1").await.status, 422);
    let reports = make("nightly <b>", "reports", "30").await;
    assert_eq!(reports.status, 200);
    assert!(reports.text.contains("nightly &#60;b&#62;"), "{}", reports.text);
    let reports = reports.element("secret");
    let all = make("script", "all", "1").await.element("secret");
    assert!(reports.starts_with("assay_") && reports.len() == 49, "{reports}");
    assert!(!browser.get("/desk/account").await.text.contains(&reports), "it is shown once");

    let report = Report::new("cloud-b", "2026-11-22 10:00:00", &[("version-policy-check", 1)]);
    let hand_in = async |token: &str, report: &Report<'_>| {
        let body = format!("{}&{}", ground.own.sign("report", &report.yaml()), report.yaml());
        let request = ground.post("/reports").header("content-type", "application/x-signed-yaml");
        Answer::of(request.bearer_auth(token).body(body)).await.status
    };
    assert_eq!(hand_in("assay_unknown", &report).await, 401);
    assert_eq!(hand_in(&reports, &report).await, 200);
    let read = async |token: &str| Answer::of(ground.get("/reports").bearer_auth(token)).await.status;
    assert_eq!((read(&reports).await, read(&all).await), (403, 200));
    // The desk is for people.
    let desk = browser.client.get(ground.url("/desk")).bearer_auth(&all);
    assert_eq!(Got::of(desk).await.status, 303);
    assert!(
        browser.get("/desk/account").await.text.contains("2026-11-22</td>"),
        "the day of its use is told"
    );

    ground.set_clock("2026-11-23T12:00:00Z");
    assert_eq!(read(&all).await, 401, "its day is over");
    let browser = Browser::of(&ground, "cloud-b").await;
    let page = browser.get("/desk/account").await.text;
    let uuid_of = |name: &str| {
        let (before, _) = page.split_once(&format!("Revoke the token {name}")).unwrap();
        let (_, uuid) = before.rsplit_once("name=\"token\" value=\"").unwrap();
        uuid.split_once('"').unwrap().0.to_owned()
    };
    let uuid = uuid_of("nightly");
    // What belongs to others stays.
    let other = Browser::of(&ground, "reader").await;
    assert_eq!(other.fill_in("/desk/account/tokens/remove", &[("token", &uuid)]).await.status, 404);
    let next = Report { uuid: uuid::Uuid::new_v4(), ..report.clone() };
    assert_eq!(hand_in(&reports, &next).await, 200);
    assert_eq!(browser.fill_in("/desk/account/tokens/remove", &[("token", &uuid)]).await.status, 303);
    let last = Report { uuid: uuid::Uuid::new_v4(), ..report };
    assert_eq!(hand_in(&reports, &last).await, 401);
}

pub(crate) async fn keys_change_without_the_file(ground: Ground) {
    let browser = Browser::of(&ground, "cloud-b").await;
    let line = |key: &super::ground::Key| {
        std::fs::read_to_string(key.path.with_extension("pub")).unwrap().trim().to_owned()
    };
    let new = super::ground::Key::new(ground.folder.path(), "new");
    let report = |at| Report::new("cloud-b", at, &[("version-policy-check", 1)]).yaml();
    let unknown = ground.hand_in("cloud-b", &new, &report("2026-11-22 08:00:00")).await;
    assert_eq!(unknown.status, 401);
    let add = async |name: &str, key: &str| {
        browser.fill_in("/desk/account/keys", &[("name", name), ("key", key)]).await.status
    };
    let private = std::fs::read_to_string(&new.path).unwrap();
    for bad in ["", "ssh-ed25519", "ssh-ed25519 AAAA", "nonsense AAAA", &private] {
        assert_eq!(add("x", bad).await, 422, "{bad}");
    }
    assert_eq!(add("primary", &line(&new)).await, 409, "the operator's file has one of this name");
    assert_eq!(add("laptop", &line(&new)).await, 303);
    assert_eq!(ground.hand_in("cloud-b", &new, &report("2026-11-22 09:00:00")).await.status, 200);
    // The file says nothing about it.
    ground.take_accounts(&ground.accounts()).await;
    assert_eq!(ground.hand_in("cloud-b", &new, &report("2026-11-22 10:00:00")).await.status, 200);
    let remove =
        async |name: &str| browser.fill_in("/desk/account/keys/remove", &[("name", name)]).await.status;
    assert_eq!(remove("primary").await, 404, "that is the file's to say");
    assert_eq!(remove("laptop").await, 303);
    assert_eq!(ground.hand_in("cloud-b", &new, &report("2026-11-22 11:00:00")).await.status, 401);

    // Others hand in for whom they are let.
    let by_reader = async |at| {
        let text = Report::new("cloud-b", at, &[("version-policy-check", 1)]).yaml();
        ground.hand_in("reader", &new, &text).await.status
    };
    let reader = Browser::of(&ground, "reader").await;
    assert_eq!(reader.fill_in("/desk/account/keys", &[("key", &line(&new))]).await.status, 303);
    assert_eq!(by_reader("2026-11-22 08:01:00").await, 401);
    let delegate = async |path: &str, name: &str| browser.fill_in(path, &[("delegate", name)]).await.status;
    assert_eq!(delegate("/desk/account/delegates", "no such account").await, 422);
    assert_eq!(delegate("/desk/account/delegates", "reader").await, 303);
    assert_eq!(by_reader("2026-11-22 08:02:00").await, 401, "without the role it is no delegate");
    assert_eq!(delegate("/desk/account/delegates/remove", "ci").await, 404, "that is the file's to say");
    assert_eq!(delegate("/desk/account/delegates/remove", "reader").await, 303);
}

pub(crate) async fn accounts_are_kept_here_too(ground: Ground) {
    let admin = Browser::of(&ground, "assessor").await;
    let add = async |fields: &[(&str, &str)]| admin.fill_in("/desk/accounts", fields).await;
    for (name, status) in
        [("cloud-b", 409), ("", 422), ("a/b", 422), ("..", 422), ("a:b", 422), ("group-x", 422)]
    {
        assert_eq!(add(&[("name", name)]).await.status, status, "{name}");
    }
    let made = add(&[("name", "new cloud"), ("group", "both"), ("append_any", "on")]).await;
    assert_eq!((made.status, made.location.as_str()), (303, "/desk/accounts/new%20cloud?done=person"));

    let invite =
        async || admin.fill_in("/desk/accounts/new%20cloud/invitation", &[]).await.element("invitation");
    let (old, address) = (invite().await, invite().await);
    let mut somebody = Browser::new(&ground);
    assert_eq!(somebody.get(&old).await.status, 404, "only the last invitation is good");
    assert!(somebody.get(&address).await.text.contains("<bdi>new cloud</bdi>"));
    let set = async |password: &str, again: &str| {
        Browser::new(&ground).send(&address, &[("new_password", password), ("again", again)]).await
    };
    assert_eq!(set("too short", "too short").await.status, 422);
    assert_eq!(set("long enough for it", "long enough for that").await.status, 422);
    let came = set("long enough for it", "long enough for it").await;
    assert_eq!((came.status, came.location.as_str()), (303, "/desk?done=password"));
    assert_eq!(somebody.get(&address).await.status, 404, "it is used up");
    assert_eq!(somebody.log_in("new cloud", "long enough for it", "").await.status, 303);

    // Another password ends what was begun with the old one, but not this session.
    let elsewhere = {
        let mut browser = Browser::new(&ground);
        browser.log_in("new cloud", "long enough for it", "").await;
        browser
    };
    let change = async |present: &str| {
        let new = "another that is long enough";
        somebody
            .fill_in(
                "/desk/account/password",
                &[("password", present), ("new_password", new), ("again", new)],
            )
            .await
            .status
    };
    assert_eq!(change("wrong").await, 422);
    assert_eq!(change("long enough for it").await, 303);
    assert_eq!((somebody.get("/desk").await.status, elsewhere.get("/desk").await.status), (200, 303));
    assert_eq!(Browser::new(&ground).log_in("new cloud", "long enough for it", "").await.status, 401);

    // The file does not take away what it never gave; what it gives, it alone changes.
    ground.take_accounts(&ground.accounts()).await;
    assert_eq!(somebody.get("/desk").await.status, 200);
    let of_file = Browser::of(&ground, "cloud-b").await;
    assert_eq!(admin.fill_in("/desk/accounts/cloud-b/remove", &[]).await.status, 409);
    assert_eq!(admin.fill_in("/desk/accounts/cloud-b", &[("admin", "on")]).await.status, 303);
    assert_eq!(of_file.get("/desk/accounts").await.status, 403, "its roles are the file's to say");
    assert_eq!(admin.fill_in("/desk/accounts/cloud-b", &[("blocked", "on")]).await.status, 303);
    ground.take_accounts(&ground.accounts()).await;
    assert_eq!(of_file.get("/desk").await.status, 303, "blocked it is, whatever the file says");
    assert_eq!(admin.fill_in("/desk/accounts/cloud-b", &[]).await.status, 303);
    for path in ["/desk/accounts/assessor", "/desk/accounts/assessor/remove"] {
        assert_eq!(admin.fill_in(path, &[("blocked", "on")]).await.status, 409, "{path}");
    }

    let invitation = invite().await;
    let wanted = [("name", "script"), ("purpose", "all"), ("days", "1")];
    let token = somebody.fill_in("/desk/account/tokens", &wanted).await.element("secret");
    assert_eq!(Answer::of(ground.get("/reports").bearer_auth(&token)).await.status, 200);
    assert_eq!(admin.fill_in("/desk/accounts/new%20cloud", &[("blocked", "on")]).await.status, 303);
    assert_eq!(somebody.get("/desk").await.status, 303);
    assert_eq!(Answer::of(ground.get("/reports").bearer_auth(&token)).await.status, 401);
    assert_eq!(somebody.get(&invitation).await.status, 404);
    assert_eq!(admin.fill_in("/desk/accounts/new%20cloud/invitation", &[]).await.status, 409);
    let again = Browser::new(&ground).log_in("new cloud", "another that is long enough", "").await;
    assert_eq!(again.status, 401);
    assert_eq!(admin.fill_in("/desk/accounts/new%20cloud", &[]).await.status, 303);
    assert_eq!(somebody.get(&invitation).await.status, 404, "it does not come back");
    assert_eq!(somebody.log_in("new cloud", "another that is long enough", "").await.status, 303);
    assert_eq!(Answer::of(ground.get("/reports").bearer_auth(&token)).await.status, 200);
    assert_eq!(admin.fill_in("/desk/accounts/new%20cloud/out", &[]).await.status, 303);
    assert_eq!(somebody.get("/desk").await.status, 303);
    assert_eq!(Answer::of(ground.get("/reports").bearer_auth(&token)).await.status, 401);
    assert_eq!(somebody.log_in("new cloud", "another that is long enough", "").await.status, 303);
    // Another password in the file puts out who came by the old one.
    let file = ground.accounts();
    let reader = Browser::of(&ground, "reader").await;
    ground.take_accounts(&file).await;
    assert_eq!(reader.get("/desk").await.status, 200);
    let without = file.lines().map(|line| match line.contains("subject: reader") {
        true => "- {subject: reader, roles: [read_any]}",
        false => line,
    });
    ground
        .take_accounts(&without.collect::<Vec<_>>().join(
            "
",
        ))
        .await;
    assert_eq!(reader.get("/desk").await.status, 303);
    assert_eq!(admin.fill_in("/desk/accounts/new%20cloud/remove", &[]).await.status, 303);
    assert_eq!(somebody.get("/desk").await.status, 303);

    let told = admin.get("/desk/changes").await.text;
    for what in
        ["made the account with the roles append_any", "set a password", "removed the account", ", blocked"]
    {
        assert!(told.contains(what), "{what}: {told}");
    }
}

pub(crate) async fn a_subject_tells_about_itself(ground: Ground) {
    let report = Report::new("cloud-b", "2026-11-22 10:00:00", &[("version-policy-check", 1)]);
    assert_eq!(ground.hand_in("cloud-b", &ground.own, &report.yaml()).await.status, 200);
    let browser = Browser::of(&ground, "cloud-b").await;
    let tell = async |website: &str| {
        let fields = [
            ("title", "Cloud <B>"),
            ("operator", "Somebody AG"),
            ("website", website),
            ("description", "two regions\nand a half"),
            ("contact", "secret@example.com"),
        ];
        browser.fill_in("/desk/subject/cloud-b", &fields).await
    };
    let refused = tell("javascript:alert(1)").await;
    assert_eq!(refused.status, 422);
    assert!(refused.text.contains("value=\"Somebody AG\""), "what was written is kept");
    assert_eq!(tell("https://b.example.com/").await.status, 303);
    let page = ground.read(None, "/page/subject/cloud-b").await.body;
    let page = page.as_str().unwrap();
    for told in ["Cloud &#60;B&#62;", "Somebody AG", "href=\"https://b.example.com/\"", "two regions"] {
        assert!(page.contains(told), "{told}: {page}");
    }
    assert!(!page.contains("secret@example.com"));
    for path in ["/page/table?group=both", "/page/table?group=both&q=somebody+ag"] {
        let table = ground.read(None, path).await.body.to_string();
        assert!(table.contains("Cloud &#60;B&#62;, Somebody AG"), "{path}: {table}");
    }
    let fragment = ground.read(None, "/fragment/table?group=both").await.body.to_string();
    assert!(!fragment.contains("Somebody AG"), "who builds pages of it knows its form");
    let assessor = Browser::of(&ground, "assessor").await;
    assert!(assessor.get("/desk/subject/cloud-b").await.text.contains("secret@example.com"));
    let other = Browser::of(&ground, "reader").await;
    assert_eq!(other.get("/desk/subject/cloud-b").await.status, 403);
    assert_eq!(other.fill_in("/desk/subject/cloud-b", &[("title", "x")]).await.status, 403);
}

pub(crate) async fn certificates_are_applied_for_with_forms(mut ground: Ground) {
    // A certificate says where it is found.
    ground.restart(Settings { base_url: BASE_URL.into(), ..Settings::default() }).await;
    let subject = Browser::of(&ground, "cloud-b").await;
    let form = subject.get("/desk/applications/new").await.text;
    let (_, wish) = form.split_once("<option value=\"").unwrap();
    let wish = wish.split_once('"').unwrap().0;
    let apply = async |covers: &str| {
        let fields = [
            ("what", wish),
            ("organisation", "Somebody AG"),
            ("covers", covers),
            ("contact", "somebody@example.com"),
            ("evidence", "see <https://example.com>"),
            // It is not for a subject to say that it is another one.
            ("subject", "cloud-a"),
        ];
        subject.fill_in("/desk/applications", &fields).await
    };
    let refused = apply("").await;
    assert_eq!(refused.status, 422);
    assert!(refused.text.contains("covers is missing") && refused.text.contains("see &#60;https"));
    let applied = apply("all regions").await;
    assert_eq!(applied.status, 303);
    let path = applied.location.strip_suffix("?done=applied").unwrap();
    assert!(subject.get(&applied.location).await.text.contains("The application is with the assessors now."));

    let assessor = Browser::of(&ground, "assessor").await;
    assert!(assessor.get("/desk").await.text.contains("1 application waits"));
    assert!(assessor.get("/desk/applications").await.text.contains("Somebody AG"));
    let go_on = async |who: &Browser<'_>, what: &str, more: &[(&str, &str)]| {
        who.fill_in(path, &[&[("move", what), ("text", "so be it")], more].concat()).await.status
    };
    assert_eq!(go_on(&subject, "grant", &[]).await, 403);
    assert_eq!(go_on(&assessor, "ask", &[]).await, 303);
    assert!(subject.get("/desk").await.text.contains("The assessors asked for more"));
    assert_eq!(go_on(&subject, "evidence", &[]).await, 303);
    assert_eq!(go_on(&assessor, "grant", &[]).await, 409, "its tests do not pass");
    assert_eq!(go_on(&assessor, "grant", &[("valid_from", "soon")]).await, 422);
    assert_eq!(go_on(&assessor, "grant", &[("despite", "on"), ("valid_from", "2026-12-01")]).await, 303);
    assert_eq!(go_on(&assessor, "reject", &[]).await, 409);
    let granted = assessor.get(path).await.text;
    assert!(granted.contains("The certificate</a>") && granted.contains("Revoke the certificate"));
    let revoke = format!("{path}/revocation");
    assert_eq!(subject.fill_in(&revoke, &[("reason", "x")]).await.status, 403);
    assert_eq!(assessor.fill_in(&revoke, &[("reason", "")]).await.status, 422);
    assert_eq!(assessor.fill_in(&revoke, &[("reason", "no more")]).await.status, 303);
    assert_eq!(assessor.fill_in(&revoke, &[("reason", "no more")]).await.status, 409);
    let listed = ground.read(None, "/certificates/revoked.json").await.body;
    assert_eq!(listed["revoked"].as_array().map(Vec::len), Some(1), "{listed}");
    // What nobody may see does not exist.
    assert_eq!(Browser::of(&ground, "reader").await.get(path).await.status, 404);
}

pub(crate) async fn what_people_state_is_approved_at_the_desk(ground: Ground) {
    let report = Report::new("cloud-b", "2026-11-22 10:00:00", &[("node-distribution-check", 1)]);
    let stated = report.yaml().replace("cmd: check", "cmd: 'assay declare: stated by people, not measured'");
    assert_eq!(ground.hand_in("cloud-b", &ground.own, &stated).await.status, 200);
    let measured = Report::new("cloud-b", "2026-11-22 11:00:00", &[("version-policy-check", 1)]);
    assert_eq!(ground.hand_in("cloud-b", &ground.own, &measured.yaml()).await.status, 200);
    let approver = Browser::of(&ground, "approver").await;
    let page = approver.get("/desk/approvals").await.text;
    assert!(page.contains("Take back the approval of node-distribution-check of cloud-b"), "{page}");
    assert!(!page.contains("version-policy-check"), "what is measured needs nobody's word");
    let uuid = report.uuid.to_string();
    let approve = async |testcase: &str, word: &str| {
        let fields =
            [("report", uuid.as_str()), ("scope", report.scope), ("testcase", testcase), ("approval", word)];
        approver.fill_in("/desk/approvals", &fields).await.status
    };
    assert_eq!(approve("no-such-check", "yes").await, 404);
    assert_eq!(approve("node-distribution-check", "no").await, 303);
    let results = ground.read(Some("reader"), "/results?approved=false").await.body;
    assert_eq!(results[0]["check"], json!("node-distribution-check"), "{results}");
    assert!(
        approver.get("/desk/approvals").await.text.contains("Approve node-distribution-check of cloud-b")
    );
    assert_eq!(approve("node-distribution-check", "yes").await, 303);
    let results = ground.read(Some("reader"), "/results?approved=false").await.body;
    assert_eq!(results, json!([]));
}

/// The addresses of the desk, as its source has them, with whether they show and whether they take something.
fn routes() -> BTreeSet<(&'static str, bool, bool)> {
    const SOURCE: &str = include_str!("../../src/web/desk.rs");
    let routes = SOURCE.split(".route(").skip(1).map(|route| {
        let handlers = route.split('\n').next().unwrap();
        (route.split('"').nth(1).unwrap(), handlers.contains("get("), handlers.contains("post("))
    });
    routes.collect()
}

/// An address of the desk, how it is asked for, and what each hears who asks for it or sends nothing to it: that fails
/// where somebody may send something.
type Row<'r> = (&'r str, String, Option<[u16; 4]>, Option<[u16; 4]>);

pub(crate) async fn every_page_of_the_desk_is_for_whom_it_is_meant(ground: Ground) {
    let subject = Browser::of(&ground, "cloud-b").await;
    let form = subject.get("/desk/applications/new").await.text;
    let wish = form.split_once("<option value=\"").unwrap().1.split_once('"').unwrap().0;
    let asked = ["organisation", "covers", "contact", "evidence"].map(|name| (name, "x"));
    let applied = subject.fill_in("/desk/applications", &[&asked[..], &[("what", wish)]].concat()).await;
    let application = applied.location.strip_suffix("?done=applied").unwrap().to_owned();
    // Who reads all, the subject itself, who approves, who does all of it.
    let who = ["reader", "cloud-b", "approver", "assessor"];
    let (all, admins, assessors) = ([200; 4], [403, 403, 403, 200], [403, 403, 200, 200]);
    let plain = |path: &'static str, shown, sent| -> Row<'_> { (path, path.to_owned(), shown, sent) };
    let matrix: Vec<Row<'_>> = vec![
        plain("/login", Some(all), Some([401; 4])),
        plain("/desk", Some(all), None),
        plain("/desk/account", Some(all), None),
        plain("/desk/account/password", None, Some([422; 4])),
        plain("/desk/account/sessions", None, Some([303; 4])),
        plain("/desk/account/tokens", None, Some([422; 4])),
        plain("/desk/account/tokens/remove", None, Some([404; 4])),
        plain("/desk/account/keys", None, Some([422; 4])),
        plain("/desk/account/keys/remove", None, Some([404; 4])),
        plain("/desk/account/identities", None, Some([404; 4])),
        plain("/desk/account/identities/remove", None, Some([404; 4])),
        plain("/desk/account/delegates", None, Some([422; 4])),
        plain("/desk/account/delegates/remove", None, Some([404; 4])),
        (
            "/desk/subject/{subject}",
            "/desk/subject/cloud-b".into(),
            Some([403, 200, 200, 200]),
            Some([403, 303, 403, 303]),
        ),
        plain("/desk/accounts", Some(admins), Some([403, 403, 403, 422])),
        ("/desk/accounts/{name}", "/desk/accounts/ci".into(), Some(admins), Some([403, 403, 403, 303])),
        ("/desk/accounts/{name}/invitation", "/desk/accounts/ci/invitation".into(), None, Some(admins)),
        ("/desk/accounts/{name}/out", "/desk/accounts/ci/out".into(), None, Some([403, 403, 403, 303])),
        ("/desk/accounts/{name}/remove", "/desk/accounts/ci/remove".into(), None, Some([403, 403, 403, 409])),
        (
            "/desk/accounts/{name}/identities",
            "/desk/accounts/ci/identities".into(),
            None,
            Some([403, 403, 403, 404]),
        ),
        (
            "/desk/accounts/{name}/identities/remove",
            "/desk/accounts/ci/identities/remove".into(),
            None,
            Some([403, 403, 403, 404]),
        ),
        plain("/login/oidc", Some([404; 4]), None),
        plain("/login/oidc/back", Some([404; 4]), None),
        plain("/desk/changes", Some(admins), None),
        plain("/desk/applications", Some(all), Some([422; 4])),
        plain("/desk/applications/new", Some(all), None),
        (
            "/desk/applications/{uuid}",
            application.clone(),
            Some([404, 200, 200, 200]),
            Some([404, 422, 422, 422]),
        ),
        ("/desk/applications/{uuid}/revocation", format!("{application}/revocation"), None, Some([404; 4])),
        plain("/desk/approvals", Some(assessors), Some([403, 403, 404, 404])),
        ("/invitation/{secret}", "/invitation/guessed".into(), Some([404; 4]), Some([404; 4])),
        plain("/logout", None, Some([303; 4])),
    ];
    let mut known = BTreeSet::new();
    for (route, path, shown, sent) in &matrix {
        known.insert((*route, shown.is_some(), sent.is_some()));
        let is_open = ["/login", "/login/oidc", "/login/oidc/back", "/invitation/{secret}"].contains(route);
        let nobody = Browser::new(&ground);
        for (index, name) in who.into_iter().enumerate() {
            if let Some(shown) = shown {
                let browser = Browser::of(&ground, name).await;
                assert_eq!(browser.get(path).await.status, shown[index], "GET {path} by {name}");
            }
            if let Some(sent) = sent {
                let browser = Browser::of(&ground, name).await;
                assert_eq!(browser.fill_in(path, &[]).await.status, sent[index], "POST {path} by {name}");
                if !is_open {
                    assert_eq!(browser.send(path, &[]).await.status, 403, "POST {path} without its key");
                }
            }
        }
        if !is_open && shown.is_some() {
            assert_eq!(nobody.get(path).await.status, 303, "GET {path} by nobody");
        }
        if !is_open && sent.is_some() {
            assert_eq!(nobody.send(path, &[]).await.status, 403, "POST {path} by nobody");
        }
    }
    assert_eq!(known, routes(), "every address is in the matrix");
}
