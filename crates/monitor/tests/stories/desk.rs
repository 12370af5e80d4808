use std::collections::BTreeSet;

use assay_monitor::Settings;
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response};
use serde_json::json;

use super::ground::{Answer, Ground, PASSWORD, Report, routes};

/// What a form says that was asked for once more.
const SURE: &[(&str, &str)] = &[("sure", "yes")];
const BASE_URL: &str = "https://compliance.example.com/";

/// A page that somebody got.
#[derive(Debug)]
pub(super) struct Got {
    pub(super) status: u16,
    pub(super) location: String,
    pub(super) cookie: String,
    pub(super) text: String,
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
pub(super) struct Browser<'g> {
    ground: &'g Ground,
    client: Client,
    cookie: String,
}

impl<'g> Browser<'g> {
    fn new(ground: &'g Ground) -> Self {
        let client = Client::builder().redirect(Policy::none()).build().unwrap();
        Self { ground, client, cookie: String::new() }
    }

    pub(super) async fn of(ground: &'g Ground, name: &str) -> Self {
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

    pub(super) async fn get(&self, path: &str) -> Got {
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

    /// Sends a form that is final, is asked once more, and says so.
    async fn mean(&self, path: &str, fields: &[(&str, &str)]) -> Got {
        let asked = self.fill_in(path, fields).await;
        if asked.status != 200 {
            return asked;
        }
        assert!(asked.text.contains("name=\"sure\" value=\"yes\""), "{}", asked.text);
        self.fill_in(path, &[fields, SURE].concat()).await
    }

    /// Sends a form that a page of this session has.
    pub(super) async fn fill_in(&self, path: &str, fields: &[(&str, &str)]) -> Got {
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
        let fields = [("token_name", name), ("purpose", purpose), ("days", days)];
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
    let asked = browser.fill_in("/desk/account/tokens/remove", &[("token", &uuid)]).await;
    assert_eq!(asked.status, 200);
    assert!(
        asked.text.contains("Whatever uses the token “nightly &#60;b&#62;” is let in no more"),
        "{}",
        asked.text
    );
    let next = Report { uuid: uuid::Uuid::new_v4(), ..report.clone() };
    assert_eq!(hand_in(&reports, &next).await, 200, "nothing is done before somebody means it");
    assert_eq!(browser.mean("/desk/account/tokens/remove", &[("token", &uuid)]).await.status, 303);
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
        browser.fill_in("/desk/account/keys", &[("key_name", name), ("key", key)]).await.status
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
    let wanted = [("token_name", "script"), ("purpose", "all"), ("days", "1")];
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
    assert_eq!(admin.mean("/desk/accounts/new%20cloud/out", &[]).await.status, 303);
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
    let asked = admin.fill_in("/desk/accounts/new%20cloud/remove", &[]).await;
    assert!(asked.text.contains("The account new cloud goes"), "{}", asked.text);
    assert_eq!(somebody.get("/desk").await.status, 200, "nobody meant it yet");
    assert_eq!(admin.mean("/desk/accounts/new%20cloud/remove", &[]).await.status, 303);
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
    assert!(
        refused.text.contains("“Regions and configurations that the certificate is to cover” is missing")
            && refused.text.contains("see &#60;https")
    );
    let applied = apply("all regions").await;
    assert_eq!(applied.status, 303);
    let path = applied.location.strip_suffix("?done=applied").unwrap();
    assert!(subject.get(&applied.location).await.text.contains("The application is with the assessors now."));

    let assessor = Browser::of(&ground, "assessor").await;
    assert!(assessor.get("/desk").await.text.contains("1 application waits"));
    assert!(assessor.get("/desk/applications").await.text.contains("Somebody AG"));
    let go_on = async |who: &Browser<'_>, what: &str, more: &[(&str, &str)]| {
        who.mean(path, &[&[("move", what), ("text", "so be it")], more].concat()).await.status
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
    let asked = assessor.fill_in(&revoke, &[("reason", "no more")]).await;
    assert!(
        asked.text.contains("Certificate 1 of cloud-b is revoked, for the reason below."),
        "{}",
        asked.text
    );
    let listed = ground.read(None, "/certificates/revoked.json").await.body;
    assert_eq!(listed["revoked"], json!([]), "nobody meant it yet");
    assert_eq!(assessor.mean(&revoke, &[("reason", "no more")]).await.status, 303);
    assert_eq!(assessor.mean(&revoke, &[("reason", "no more")]).await.status, 409);
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

pub(crate) async fn nobody_approves_their_own_word(ground: Ground) {
    // An admin that is a subject, and one who hands in for another.
    let accounts = ground.accounts();
    let accounts = accounts
        .replace("{subject: cloud-b,", "{subject: cloud-b, roles: [approve, admin],")
        .replace("roles: [append_any]", "roles: [append_any, approve]");
    ground.take_accounts(&accounts).await;
    let hand_in = async |account: &str, key: &super::ground::Key, subject: &str, is_stated: bool| {
        let report = Report::new(subject, "2026-11-22 10:00:00", &[("node-distribution-check", 1)]);
        let mut text = report.yaml();
        if is_stated {
            text = text.replace("cmd: check", "cmd: 'assay declare: stated by people, not measured'");
        }
        assert_eq!(ground.hand_in(account, key, &text).await.status, 200);
        report.uuid.to_string()
    };
    let own = hand_in("cloud-b", &ground.own, "cloud-b", true).await;
    let for_another = hand_in("ci", &ground.ci, "cloud-a", true).await;
    let about_own = hand_in("ci", &ground.ci, "cloud-b", false).await;
    let measured = hand_in("ci", &ground.ci, "cloud-a", false).await;
    for (report, who, is_theirs) in [
        (&own, "cloud-b", false),
        (&about_own, "cloud-b", false),
        (&for_another, "ci", false),
        // Who runs a program says nothing by that.
        (&measured, "ci", true),
        (&own, "ci", true),
        (&for_another, "cloud-b", true),
    ] {
        let browser = Browser::of(&ground, who).await;
        let fields = [
            ("report", report.as_str()),
            ("scope", super::ground::KAAS),
            ("testcase", "node-distribution-check"),
        ];
        for word in ["no", "yes"] {
            let got =
                browser.fill_in("/desk/approvals", &[&fields[..], &[("approval", word)]].concat()).await;
            assert_eq!(got.status, if is_theirs { 303 } else { 403 }, "{word} by {who}: {}", got.text);
            // Programs of today know 401 for it, and hear why.
            let body = json!({
                "reportuuid": report, "scopeuuid": super::ground::KAAS, "check": "node-distribution-check",
                "approval": word == "yes",
            });
            let answer = ground.send(Some(who), "/results", &body).await;
            assert_eq!(answer.status, if is_theirs { 200 } else { 401 }, "{word} by {who}: {answer:?}");
            if !is_theirs {
                assert!(got.text.contains("for somebody else to approve"), "{}", got.text);
                assert!(answer.refusal().1.contains("for somebody else to approve"), "{answer:?}");
            }
        }
    }
    // The page offers nobody what they may not do.
    for (who, theirs, others) in [("cloud-b", "cloud-b", "cloud-a"), ("ci", "cloud-a", "cloud-b")] {
        let page = Browser::of(&ground, who).await.get("/desk/approvals").await.text;
        assert!(!page.contains(&format!("node-distribution-check of {theirs}\"")), "{page}");
        assert!(page.contains(&format!("node-distribution-check of {others}\"")), "{page}");
    }
}

pub(crate) async fn a_restore_lets_nobody_in_again(ground: Ground) {
    let browser = Browser::of(&ground, "cloud-b").await;
    let wanted = [("token_name", "script"), ("purpose", "all"), ("days", "1")];
    let token = browser.fill_in("/desk/account/tokens", &wanted).await.element("secret");
    let bearer = async || Answer::of(ground.get("/reports").bearer_auth(&token)).await.status;
    assert_eq!((bearer().await, browser.get("/desk").await.status), (200, 200));
    let mut file = Vec::new();
    let backup = ground.store.back_up(&mut file, "2026-11-22T12:00:00Z".parse().unwrap()).await.unwrap();
    let admin = Browser::of(&ground, "assessor").await;
    assert_eq!(admin.fill_in("/desk/accounts/cloud-b/out", SURE).await.status, 303);
    assert_eq!((bearer().await, browser.get("/desk").await.status), (401, 303));

    ground.empty().await;
    let restored = ground.store.restore(file.as_slice()).await.unwrap();
    assert_eq!((restored.rows, restored.left_out), (backup.rows - 2, 2), "the token and the session");
    assert_eq!((bearer().await, browser.get("/desk").await.status), (401, 303));
    // Who moves, and revoked nothing since, need not hand out others.
    ground.empty().await;
    let restored = ground.store.restore_with_tokens(file.as_slice()).await.unwrap();
    assert_eq!((restored.rows, restored.left_out), (backup.rows - 1, 1));
    assert_eq!((bearer().await, browser.get("/desk").await.status), (200, 303));
}

pub(crate) async fn all_changes_are_found_again(ground: Ground) {
    let admin = Browser::of(&ground, "assessor").await;
    let told = async |path: &str| admin.get(path).await.text;
    let first = told("/desk/changes?name=cloud-a").await;
    assert!(first.contains("put the account into the file, with the roles none"), "{first}");
    // What the file says again changes nothing; what it says otherwise is written down, but for secrets.
    ground.take_accounts(&ground.accounts()).await;
    let changed = ground
        .accounts()
        .replace("{subject: cloud-a, group: both,", "{subject: cloud-a, group: other, roles: [read_any],")
        .replace("- {subject: cloud-c}\n", "")
        .replace(
            "{subject: reader, roles: [read_any], api_keys: ['",
            "{subject: reader, roles: [read_any], api_keys: ['$2b$04$x', '",
        );
    ground.take_accounts(&changed).await;
    for (name, what) in [
        ("cloud-a", "changed the account in the file: roles read_any, group other"),
        ("cloud-c", "took the account out of the file"),
        ("reader", "changed the account in the file: passwords"),
    ] {
        let page = told(&format!("/desk/changes?name={name}")).await;
        assert!(page.contains(what), "{name}: {page}");
        assert_eq!(page.matches("<td data-label=\"Who\">").count(), 2, "{name}: {page}");
        assert!(page.contains("<bdi>the operator</bdi>") && !page.contains("$2b$"), "{name}: {page}");
    }
    let none = told("/desk/changes?name=nobody+%3Cb%3E").await;
    assert!(none.contains("Nothing was changed by <bdi>nobody &#60;b&#62;</bdi>"), "{none}");
    assert_eq!(admin.get("/desk/changes?name=%00").await.status, 200);

    for number in 0..110 {
        let title = format!("Title {number}");
        assert_eq!(admin.fill_in("/desk/subject/cloud-b", &[("title", &title)]).await.status, 303);
    }
    let (first, second) =
        (told("/desk/changes?name=cloud-b").await, told("/desk/changes?name=cloud-b&page=2").await);
    let rows = |page: &str| page.matches("<td data-label=\"Who\">").count();
    assert_eq!((rows(&first), rows(&second)), (100, 11));
    assert!(first.contains("href=\"?page=2&#38;name=cloud-b\""), "{first}");
    assert!(second.contains("put the account into the file"), "{second}");
}

pub(crate) async fn nobody_hides_what_waits(ground: Ground) {
    let apply = async |who: &str| {
        let application = json!({
            "subject": who, "scope": "scs-compatible-kaas", "version": super::certifying::version().name,
            "organisation": format!("Company of {who}"), "covers": "all", "contact": "c", "evidence": "e",
        });
        let answer = ground.send(Some(who), "/api/v1/applications", &application).await;
        (answer.status, answer.body["application"].as_str().unwrap_or_default().to_owned())
    };
    let (_, waiting) = apply("reader").await;
    // Many that were given up are newer.
    for _ in 0..105 {
        let (status, uuid) = apply("cloud-b").await;
        assert_eq!(status, 201);
        let withdraw = json!({"move": "withdraw", "text": "x"});
        let moves = format!("/api/v1/applications/{uuid}/moves");
        assert_eq!(ground.send(Some("cloud-b"), &moves, &withdraw).await.status, 200);
    }
    let listed = ground.read(Some("assessor"), "/api/v1/applications").await.body;
    assert_eq!(listed[0]["application"], json!(waiting));
    let assessor = Browser::of(&ground, "assessor").await;
    assert!(assessor.get("/desk").await.text.contains("1 application waits"));
    let first = assessor.get("/desk/applications").await.text;
    let (_, rows) = first.split_once("<tbody>").unwrap();
    assert!(rows.find("Company of reader") < rows.find("Company of cloud-b"), "{rows}");
    assert!(first.contains("1 to 100 of 106") && !first.contains("rel=\"prev\""), "{first}");
    let last = assessor.get("/desk/applications?page=2").await.text;
    assert_eq!(last.matches("<td data-label=\"State\">withdrawn").count(), 6, "{last}");
    // So many wait of one subject at most, whoever hands them in.
    let mut statuses = Vec::new();
    for _ in 0..21 {
        statuses.push(apply("cloud-b").await.0);
    }
    assert_eq!(statuses, [&[201; 20][..], &[409]].concat());
}

pub(crate) async fn integrators_are_certified_with_forms(mut ground: Ground) {
    ground.restart(Settings { base_url: BASE_URL.into(), ..Settings::default() }).await;
    let applicant = Browser::of(&ground, "ci").await;
    assert!(applicant.get("/desk/integrators/new").await.text.contains("Silver 4, Bronze 2"));
    let apply = async |layer: &str| {
        let fields = [
            ("layer", layer),
            ("tier", "Bronze"),
            ("organisation", "Bäuer & Co"),
            ("covers", "all of it"),
            ("contact", "Bea"),
            ("evidence", "see the references"),
            // It is not for an account to say that it is another one.
            ("applicant", "cloud-b"),
        ];
        applicant.fill_in("/desk/integrators", &fields).await
    };
    let refused = apply("PaaS").await;
    assert_eq!(refused.status, 422);
    assert!(refused.text.contains("“Integrator of”: IaaS or KaaS"), "{}", refused.text);
    let applied = apply("KaaS").await;
    assert_eq!(applied.status, 303);
    let path = applied.location.strip_suffix("?done=applied").unwrap();
    let references = format!("{path}/references");
    let add = async |environment: &str, from: &str, reports: &str| {
        let fields = [
            ("kind", "managed"),
            ("environment", environment),
            ("from", from),
            ("reports", reports),
            ("evidence", "https://example.com/letter\n\nhttps://example.com/another"),
            ("part", "the network"),
            ("proof", "a contract"),
        ];
        applicant.fill_in(&references, &fields).await
    };
    for (environment, from, reports, why) in [
        ("", "2025-01-01", "", "“Environment” is missing"),
        ("a", "", "", "“From” is missing"),
        ("a", "soon", "", "“From” is no day"),
        (
            "a",
            "2025-01-01",
            "x",
            "“Reports that prove it, each by its UUID, on a line of its own”: &#34;x&#34; is no UUID",
        ),
    ] {
        let refused = add(environment, from, reports).await;
        assert_eq!(refused.status, 422);
        assert!(
            refused.text.contains(why) && refused.text.contains("value=\"the network\""),
            "{why}: {}",
            refused.text
        );
    }
    let same = "0b5e0b5e-0b5e-4b5e-8b5e-0b5e0b5e0b5e";
    assert_eq!(add("a customer", "2025-01-01", same).await.status, 303);
    assert_eq!(add("another", "2025-01-01", same).await.status, 303);
    let assessor = Browser::of(&ground, "assessor").await;
    let page = assessor.get(path).await.text;
    for told in [
        "2 + 2 = 4",
        "https://example.com/another",
        "the network",
        "A grant would give nothing.",
        "also named by reference 2",
        "also named by reference 1",
    ] {
        assert!(page.contains(told), "{told}: {page}");
    }
    assert!(!page.contains("name=\"despite\""), "points are there or not");
    let say = async |who: &Browser<'_>, number: &str, word: &str, why: &str| {
        who.mean(&format!("{references}/{number}"), &[("word", word), ("said", why)]).await
    };
    assert_eq!(say(&applicant, "1", "accepted", "x").await.status, 403);
    let refused = say(&assessor, "2", "refused", "").await;
    assert_eq!(refused.status, 422);
    assert!(refused.text.contains("“Why” is missing"), "{}", refused.text);
    assert_eq!(say(&assessor, "1", "accepted", "seen").await.status, 303);
    assert_eq!(say(&assessor, "9", "accepted", "seen").await.status, 404);
    assert_eq!(say(&applicant, "2", "withdrawn", "a mistake").await.status, 303);
    assert_eq!(say(&assessor, "2", "accepted", "seen").await.status, 409);
    assert!(assessor.get(path).await.text.contains("A grant would give Bronze."));
    assert_eq!(assessor.mean(path, &[("move", "grant"), ("text", "fine")]).await.status, 303);
    assert!(assessor.get(path).await.text.contains("The certificate</a>"));
    assert!(ground.read(None, "/page/integrators").await.body.to_string().contains("Bäuer"));
    // What is decided stays.
    assert_eq!(add("a third", "2025-01-01", "").await.status, 409);
}

pub(crate) async fn auditors_write_down_what_they_found(ground: Ground) {
    let report = Report::new("cloud-b", "2026-11-22 10:00:00", &[("version-policy-check", 1)]);
    assert_eq!(ground.hand_in("cloud-b", &ground.own, &report.yaml()).await.status, 200);
    let view = "/desk/audit/cloud-b/scs-compatible-kaas";
    let subject = Browser::of(&ground, "cloud-b").await;
    assert!(subject.get("/desk").await.text.contains(&view[1..]), "the desk leads there");
    assert!(!subject.get(view).await.text.contains("Write down a finding"));
    assert_eq!(Browser::of(&ground, "ci").await.get(view).await.status, 403);
    let auditor = Browser::of(&ground, "approver").await;
    assert!(auditor.get(view).await.text.contains("Write down a finding"));
    let find = async |text: &str, seen_on: &str| {
        let fields = [
            ("testcase", "version-policy-check"),
            ("finding", "FAIL"),
            ("text", text),
            ("evidence", "https://example.com/photo"),
            ("seen_on", seen_on),
        ];
        auditor.fill_in(view, &fields).await
    };
    for (text, seen_on, why) in [
        ("", "", "“What was found” is missing"),
        ("x", "2026-11-23", "“Seen on”: 2026-11-23 has not come yet"),
        ("x", "lately", "“Seen on” is no day"),
    ] {
        let refused = find(text, seen_on).await;
        assert_eq!(refused.status, 422);
        assert!(
            refused.text.contains(why) && refused.text.contains("<option selected>FAIL"),
            "{}",
            refused.text
        );
        assert!(refused.text.contains("value=\"https://example.com/photo\""), "{}", refused.text);
    }
    let found = find("seen <b>on site</b>", "").await;
    assert_eq!((found.status, found.location.as_str()), (303, &*format!("{view}?done=finding")));
    let page = subject.get(view).await.text;
    assert!(
        page.contains("measured PASS on 2026-11-22, but found by an auditor FAIL on 2026-11-22"),
        "{page}"
    );
    assert!(page.contains("seen &#60;b&#62;on site"), "{page}");
}

pub(crate) async fn what_is_wrong_is_marked_and_nothing_is_lost(ground: Ground) {
    let browser = Browser::of(&ground, "cloud-b").await;
    let fields = [("token_name", "nightly"), ("purpose", "all"), ("days", "1000")];
    let refused = browser.fill_in("/desk/account/tokens", &fields).await;
    assert_eq!(refused.status, 422);
    for told in [
        "id=\"trouble\" role=\"alert\">“Days until it expires” is no number from 1 to 366<",
        "value=\"nightly\"",
        "value=\"all\" checked",
        "value=\"1000\" required aria-invalid=\"true\" aria-describedby=\"trouble\"",
    ] {
        assert!(refused.text.contains(told), "{told}: {}", refused.text);
    }
    assert_eq!(refused.text.matches("aria-invalid").count(), 1, "{}", refused.text);
    let key_form = refused.text.split_once("id=\"key_name\"").unwrap().1.split_once('>').unwrap().0;
    assert!(!key_form.contains("nightly"), "what one form said does not stand in another: {key_form}");
    let refused = browser.fill_in("/desk/account/keys", &[("key", "nonsense"), ("key_name", "mine")]).await;
    assert!(refused.text.contains("aria-describedby=\"trouble key-rule\""), "{}", refused.text);
    let password = [("password", PASSWORD), ("new_password", "very secret words"), ("again", "others")];
    let refused = browser.fill_in("/desk/account/password", &password).await;
    assert!(refused.text.contains("“The same again” is something else"), "{}", refused.text);
    assert!(!refused.text.contains("very secret"), "{}", refused.text);

    let admin = Browser::of(&ground, "assessor").await;
    assert_eq!(admin.fill_in("/desk/accounts", &[("name", "new"), ("group", "old group")]).await.status, 303);
    let long = "x".repeat(201);
    let refused = admin.fill_in("/desk/accounts/new", &[("group", &long), ("approve", "on")]).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text.contains("“Group” is longer than 200 characters"), "{}", refused.text);
    assert!(
        refused.text.contains(&long) && refused.text.contains("name=\"approve\" checked"),
        "{}",
        refused.text
    );
    // Programs hear of a field by the name that they know.
    let application = json!({
        "subject": "cloud-b", "scope": "x", "version": "v1", "organisation": "A", "covers": "all", "contact": "c",
        "evidence": "e",
    });
    let answer = ground.send(Some("cloud-b"), "/api/v1/applications", &application).await;
    assert_eq!(answer.refusal(), (422, "scope: there is none of that name"));
}

fn borrowed(fields: &[(String, String)]) -> Vec<(&str, &str)> {
    fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// The fields that a page has hidden, but for those of the session.
fn hidden(page: &str) -> Vec<(String, String)> {
    let value = |field: &str, name: &str| {
        let (_, rest) = field.split_once(&format!("{name}=\"")).unwrap();
        rest.split_once('"').unwrap().0.replace("&#60;", "<").replace("&#62;", ">").replace("&#38;", "&")
    };
    let fields = page.split("<input type=\"hidden\" ").skip(1);
    fields
        .map(|field| (value(field, "name"), value(field, "value")))
        .filter(|(name, _)| name != "form_key")
        .collect()
}

pub(crate) async fn what_somebody_wrote_outlives_a_session(ground: Ground) {
    let mut browser = Browser::of(&ground, "cloud-b").await;
    let path = "/desk/subject/cloud-b";
    let fields = [("title", "Cloud <B> & more"), ("description", "two\r\nregions"), ("nonsense", "x")];
    let key = browser.form_key().await;
    ground.set_clock("2026-11-23T00:00:00Z");
    let sent = [&fields[..], &[("form_key", &key)]].concat();
    let asked = browser.send(path, &sent).await;
    assert_eq!(asked.status, 403);
    assert!(asked.text.contains("Log in, and what you wrote is back."), "{}", asked.text);
    let kept = hidden(&asked.text);
    assert!(kept.contains(&("again.title".to_owned(), "Cloud <B> & more".to_owned())), "{kept:?}");
    assert!(kept.iter().all(|(name, _)| !name.contains("nonsense")), "{kept:?}");
    // A wrong password loses nothing, either.
    let log_in = |password: &str| {
        let mut fields = kept.clone();
        fields.extend(
            [("name", "cloud-b"), ("password", password)].map(|(name, value)| (name.into(), value.into())),
        );
        fields
    };
    let wrong = browser.send("/login", &borrowed(&log_in("guess"))).await;
    assert_eq!((wrong.status, hidden(&wrong.text)), (401, kept.clone()));
    let back = browser.send("/login", &borrowed(&log_in(PASSWORD))).await;
    assert_eq!(back.status, 200, "{}", back.text);
    back.cookie.split(';').next().unwrap().clone_into(&mut browser.cookie);
    for told in [
        "value=\"Cloud &#60;B&#62; &#38; more\"",
        ">two\nregions</textarea>",
        "action=\"/desk/subject/cloud-b\"",
    ] {
        assert!(back.text.contains(told), "{told}: {}", back.text);
    }
    assert!(
        !browser.get(path).await.text.contains("Cloud &#60;B&#62;"),
        "it is not sent before somebody sends it"
    );
    // Nor is it lost where another session was begun meanwhile.
    let other = browser.send(path, &sent).await;
    assert_eq!(other.status, 403);
    assert!(other.text.contains("value=\"Cloud &#60;B&#62; &#38; more\""), "{}", other.text);
    assert_eq!(browser.fill_in(path, &fields).await.status, 303);
    assert!(browser.get(path).await.text.contains("Cloud &#60;B&#62;"));

    // Nothing of a password is kept, nothing of what is no form of ours, and not too much.
    let nobody = Browser::new(&ground);
    let long = "x".repeat(70_000);
    for (path, fields) in [
        ("/desk/account/password", &[("password", "secret words"), ("new_password", "secret words")][..]),
        ("/desk/account/sessions", &[("text", "secret words")]),
        ("/desk/subject/cloud-b", &[("description", &long)]),
    ] {
        let asked = nobody.send(path, fields).await;
        assert_eq!((asked.status, hidden(&asked.text)), (403, vec![("to".into(), "/desk".into())]), "{path}");
        assert!(!asked.text.contains("secret words"), "{}", asked.text);
    }
    // Nobody is led elsewhere by what was kept.
    let elsewhere =
        [("name", "cloud-b"), ("password", PASSWORD), ("to", "//example.com/desk"), ("again.title", "x")];
    let came = Browser::new(&ground).send("/login", &elsewhere).await;
    assert_eq!((came.status, came.location.as_str()), (303, "/desk"));
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
    let report = Report::new("cloud-b", "2026-11-22 10:00:00", &[("version-policy-check", 1)]);
    assert_eq!(ground.hand_in("cloud-b", &ground.own, &report.yaml()).await.status, 200);
    let asked = [&asked[..], &[("layer", "KaaS"), ("tier", "Bronze")]].concat();
    let applied = subject.fill_in("/desk/integrators", &asked).await;
    let integrator = applied.location.strip_suffix("?done=applied").unwrap().to_owned();
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
        ("/desk/accounts/{name}/out", "/desk/accounts/ci/out".into(), None, Some(admins)),
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
        (
            "/desk/applications/{uuid}/references",
            format!("{integrator}/references"),
            None,
            Some([404, 422, 403, 422]),
        ),
        (
            "/desk/applications/{uuid}/references/{number}",
            format!("{integrator}/references/1"),
            None,
            Some([404, 422, 422, 422]),
        ),
        plain("/desk/integrators", None, Some([422; 4])),
        plain("/desk/integrators/new", Some(all), None),
        (
            "/desk/audit/{subject}/{scope}",
            "/desk/audit/cloud-b/scs-compatible-kaas".into(),
            Some(all),
            Some([403, 403, 422, 422]),
        ),
        plain("/desk/approvals", Some(assessors), Some([403, 403, 404, 404])),
        plain("/desk/notices", Some(admins), Some([403, 403, 403, 404])),
        plain("/desk/monitor", Some(admins), None),
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

pub(crate) async fn admins_see_how_the_monitor_is_set_up(ground: Ground) {
    let known = Report::new("cloud-b", "2026-11-22 10:00:00", &[("version-policy-check", 1)]);
    assert_eq!(ground.hand_in("cloud-b", &ground.own, &known.yaml()).await.status, 200);
    let mut unknown = Report::new("ci", "2026-11-22 10:30:00", &[("a", 1)]);
    unknown.scope = "of-tomorrow";
    assert_eq!(ground.hand_in("ci", &ground.ci, &unknown.yaml()).await.status, 200);
    let page = Browser::of(&ground, "assessor").await.get("/desk/monitor").await.text;
    let (scopes, unknown) = page.split_once("Scopes that are not known here").unwrap();
    for shown in [
        "<dd>2, handed in with 2 uploads</dd>",
        "kept for ever",
        "1 report about 1 subject, the newest of 2026-11-22 10:00:00 UTC",
        "/page/scope/scs-compatible-kaas",
        "nothing",
    ] {
        assert!(scopes.contains(shown), "{shown} is not in {scopes}");
    }
    assert!(!scopes.contains("of-tomorrow"));
    for shown in ["of-tomorrow", "1 report about 1 subject, the newest of 2026-11-22 10:30:00 UTC"] {
        assert!(unknown.contains(shown), "{shown} is not in {unknown}");
    }
    let home = Browser::of(&ground, "assessor").await.get("/desk").await.text;
    assert!(home.contains("href=\"/desk/monitor\""), "{home}");
}
