//! The pages of the monitor in a browser, Chromium, that chromedriver drives.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

#[path = "stories/documented.rs"]
mod documented;
#[expect(dead_code, reason = "stories on other databases use all of it")]
#[path = "stories/ground.rs"]
mod ground;

use std::collections::{BTreeSet, VecDeque};
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::{env, fs};

use assay_monitor::{NoticeConfig, OidcConfig, Settings, Store};
use ground::{Ground, IAAS, PASSWORD, Report};
use jiff::Timestamp;
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;

/// What a strange report would like to run.
const SCRIPT: &str = "</script><script>window.hurt = 1</script><img src=x onerror='window.hurt = 1'>\"><svg onload=\"window.hurt = 1\">";

/// A browser, and what it needs to run. It is asked in the words of `WebDriver`, of the W3C.
struct Browser {
    http: Client,
    /// The address of its session.
    session: String,
    driver: Child,
    /// Where forms were sent whose buttons were pressed.
    pressed: Mutex<BTreeSet<String>>,
    _folder: TempDir,
}

/// By what an element is found.
#[derive(Clone, Copy)]
enum By<'b> {
    Css(&'b str),
    XPath(&'b str),
}

impl Browser {
    async fn start() -> Self {
        // It takes a free port of IPv4, and ends if somebody has that of IPv6.
        let (driver, port) = (0..5).find_map(|_| Self::drive()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let profile = format!("--user-data-dir={}", folder.path().display());
        let arguments = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-first-run",
            &profile,
        ];
        let options = json!({"args": arguments, "binary": "/usr/bin/chromium"});
        let wanted = json!({"capabilities": {"alwaysMatch": {"goog:chromeOptions": options}}});
        let (http, sessions) = (Client::new(), format!("http://127.0.0.1:{port}/session"));
        let begun = answer(http.post(&sessions).body(wanted.to_string())).await.unwrap();
        let session = format!("{sessions}/{}", begun["sessionId"].as_str().unwrap());
        Self { http, session, driver, pressed: Mutex::default(), _folder: folder }
    }

    fn drive() -> Option<(Child, String)> {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("chromedriver, of the package chromium-driver: {error}"));
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines().map_while(Result::ok);
        if let Some(started) = lines.find(|line| line.contains("successfully on port")) {
            let port = started.rsplit(' ').next().unwrap().trim_end_matches('.');
            return Some((driver, port.to_owned()));
        }
        driver.wait().unwrap();
        None
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        answer(self.http.post(format!("{}/{path}", self.session)).body(body.to_string())).await.unwrap()
    }

    async fn get(&self, path: &str) -> String {
        let told = answer(self.http.get(format!("{}/{path}", self.session))).await.unwrap();
        told.as_str().unwrap().to_owned()
    }

    async fn close(self) {
        answer(self.http.delete(&self.session)).await.unwrap();
    }

    async fn goto(&self, address: &str) {
        self.post("url", &json!({"url": address})).await;
    }

    async fn ask(&self, script: &str) -> Value {
        self.post("execute/sync", &json!({"script": script, "args": []})).await
    }

    async fn element(&self, by: By<'_>) -> String {
        let (using, value) = match by {
            By::Css(value) => ("css selector", value),
            By::XPath(value) => ("xpath", value),
        };
        let found = self.post("element", &json!({"using": using, "value": value})).await;
        found.as_object().unwrap().values().next().unwrap().as_str().unwrap().to_owned()
    }

    /// Whatever covers it, people could not press it.
    async fn click(&self, by: By<'_>) {
        let element = self.element(by).await;
        self.post(&format!("element/{element}/click"), &json!({})).await;
    }

    async fn text_of(&self, by: By<'_>) -> String {
        let element = self.element(by).await;
        self.get(&format!("element/{element}/text")).await
    }

    async fn text(&self) -> String {
        self.text_of(By::Css("body")).await
    }

    async fn fill(&self, id: &str, text: &str) {
        let element = self.element(By::Css(&format!("#{id}"))).await;
        self.post(&format!("element/{element}/clear"), &json!({})).await;
        self.post(&format!("element/{element}/value"), &json!({"text": text})).await;
    }

    /// Presses the button that says so, and looks at the next page.
    async fn press(&self, says: &str) {
        let button = format!("//button[normalize-space(.)='{says}' or @aria-label='{says}']");
        let path = self.ask(&FORM.replace("BUTTON", &button)).await;
        self.pressed.lock().unwrap().insert(path.as_str().unwrap().to_owned());
        self.click(By::XPath(&button)).await;
        self.is_whole(says).await;
    }

    /// The forms of the desk, by their addresses in the source, of which no button was pressed.
    fn unpressed(&self) -> Vec<&'static str> {
        let pressed = self.pressed.lock().unwrap();
        let is_at = |route: &str, path: &str| {
            let (mut route, mut path) = (route.split('/'), path.split('/'));
            loop {
                match (route.next(), path.next()) {
                    (None, None) => return true,
                    (Some(known), Some(sent)) if known == sent || known.starts_with('{') => {}
                    _ => return false,
                }
            }
        };
        // What is fixed is not also an example of what may be anything.
        let fixed = ["/desk/integrators", "/desk/applications"];
        let forms = ground::routes().into_iter().filter(|(_, _, takes)| *takes).map(|(route, ..)| route);
        let unpressed = forms.filter(|route| {
            !pressed
                .iter()
                .any(|path| is_at(route, path) && (*route == path || !fixed.contains(&path.as_str())))
        });
        unpressed.collect()
    }

    async fn log_in(&self, ground: &Ground, name: &str) {
        self.goto(&ground.url("/desk")).await;
        self.fill("name", name).await;
        self.fill("password", PASSWORD).await;
        self.press("Log in").await;
        assert_eq!(self.text_of(By::Css("h1")).await, format!("Desk of {name}"));
    }

    /// Makes sure that the page is one that people can use.
    async fn is_whole(&self, whence: &str) {
        assert_eq!(self.troubles().await, [""; 0], "after {whence}");
    }

    /// What is wrong with the page, on a small phone, at a desk or on a wall.
    async fn troubles(&self) -> Vec<String> {
        let address = self.get("url").await;
        let mut found = Vec::new();
        for (width, theme) in [(320, "dark"), (1280, "light"), (3840, "dark")] {
            let size = json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false});
            let command = json!({"cmd": "Emulation.setDeviceMetricsOverride", "params": size});
            self.post("goog/cdp/execute", &command).await;
            let features = json!([{"name": "prefers-color-scheme", "value": theme}]);
            let command = json!({"cmd": "Emulation.setEmulatedMedia", "params": {"features": features}});
            self.post("goog/cdp/execute", &command).await;
            let troubles = self.ask(TROUBLES).await;
            let told = |trouble: &Value| {
                format!("{address}, {theme}, {width} pixels: {}", trouble.as_str().unwrap())
            };
            found.extend(troubles.as_array().unwrap().iter().map(told));
        }
        found
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It takes the browser along.
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// Where the form of a button is sent.
const FORM: &str =
    "const found = document.evaluate(`BUTTON`, document, null, XPathResult.FIRST_ORDERED_NODE_TYPE, null);
const form = found.singleNodeValue && found.singleNodeValue.form;
return form ? new URL(form.action).pathname : '';";

/// What is wrong with a page, as a list of sentences.
const TROUBLES: &str = r"
const troubles = [];
const all = (selector) => [...document.querySelectorAll(selector)];
if (window.hurt !== undefined) troubles.push('a script ran');
if (document.scripts.length > 0) troubles.push('it has scripts');
for (const element of all('*'))
  for (const name of element.getAttributeNames())
    if (name.startsWith('on') || name === 'style') troubles.push(`<${element.localName}> has ${name}`);
if (!document.title) troubles.push('it has no title');
if (!document.documentElement.lang) troubles.push('it has no language');
if (all('h1').length !== 1) troubles.push(`it has ${all('h1').length} main headings`);
let before = 1;
for (const heading of all('h1,h2,h3,h4,h5,h6')) {
  const level = Number(heading.localName[1]);
  if (level > before + 1) troubles.push(`${heading.textContent}: a level of headings is left out`);
  before = level;
}
const page = document.documentElement;
if (page.scrollWidth > page.clientWidth) {
  const wide = all('body *').filter((one) => one.getBoundingClientRect().right > page.clientWidth + 1);
  troubles.push(`it is ${page.scrollWidth} pixels wide: ${wide.slice(-1).map((one) => one.outerHTML.slice(0, 90))}`);
}
for (const image of all('img')) if (!image.alt || (image.complete && image.naturalWidth === 0))
  troubles.push(`${image.src}: no picture, or no words for it`);
for (const field of all('input:not([type=hidden]),textarea,select'))
  if (field.labels.length === 0 && !field.getAttribute('aria-label')) troubles.push(`${field.name}: no label`);
for (const thing of all('a[href],button'))
  if (!thing.textContent.trim() && !thing.getAttribute('aria-label') && !thing.querySelector('img[alt]'))
    troubles.push(`${thing.outerHTML}: no words`);
for (const cell of all('thead th')) if (!cell.hasAttribute('scope')) troubles.push('a heading of a table has no scope');
const ids = all('[id]').map((element) => element.id);
for (const id of new Set(ids)) if (ids.filter((other) => other === id).length > 1) troubles.push(`#${id} is there twice`);

// Contrast, as WCAG reckons it.
const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
  .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
  .reduce((sum, c, index) => sum + c * [0.2126, 0.7152, 0.0722][index], 0);
const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
const channels = (color) => {
  canvas.clearRect(0, 0, 1, 1);
  canvas.fillStyle = color;
  canvas.fillRect(0, 0, 1, 1);
  return [...canvas.getImageData(0, 0, 1, 1).data];
};
const ground = (element) => {
  for (let one = element; one; one = one.parentElement) {
    const color = channels(getComputedStyle(one).backgroundColor);
    if (color[3] === 255) return color;
  }
  return [255, 255, 255];
};
for (const element of all('body *')) {
  const says = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
  if (!says || !element.checkVisibility({opacityProperty: true, visibilityProperty: true})) continue;
  const style = getComputedStyle(element);
  const [a, b] = [light(channels(style.color)), light(ground(element))].sort((x, y) => y - x);
  const ratio = (a + 0.05) / (b + 0.05);
  if (ratio < 4.5) troubles.push(`${element.textContent.trim().slice(0, 30)}: a contrast of ${ratio.toFixed(1)}`);
}
return troubles;
";

/// What the driver says, or what hinders it.
async fn answer(request: RequestBuilder) -> Result<Value, Value> {
    let text = request.send().await.unwrap().text().await.unwrap();
    let mut told: Value = serde_json::from_str(&text).unwrap();
    let value = told["value"].take();
    if value.get("error").is_some() { Err(value) } else { Ok(value) }
}

async fn ground() -> Ground {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::in_folder(folder.path()).await.unwrap();
    let database = format!("sqlite://{}/monitor.sqlite", folder.path().display());
    let mut ground = Ground::on(store, database, folder).await;
    // Certificates say where they are found: here.
    let base_url = format!("http://{}/", ground.address);
    ground.restart(Settings { base_url, ..Settings::default() }).await;
    ground
}

/// All links of ours on the page.
const LINKS: &str = "return [...document.querySelectorAll('a[href]')].map((link) => link.href.split('#')[0])
    .filter((link) => new URL(link).origin === location.origin);";

#[tokio::test]
async fn every_page_is_text_whatever_reports_say() {
    let ground = ground().await;
    let strange = format!("cloud {SCRIPT}");
    let file = format!(
        "{}- {{subject: {}, delegates: [ci], group: {}}}\n",
        ground.accounts(),
        json!(strange),
        json!(format!("group {SCRIPT}"))
    );
    ground.take_accounts(&file).await;
    let quoted = json!(SCRIPT).to_string();
    for (subject, testcase) in
        [("cloud-b", "version-policy-check"), (strange.as_str(), "cncf-k8s-conformance")]
    {
        for (checked_at, code) in [("2026-11-20 10:00:00", 1), ("2026-11-22 10:00:00", -1)] {
            let text = Report::new("SUBJECT", checked_at, &[(testcase, code), ("TESTCASE", 1)]).yaml();
            let text = text
                .replace("SUBJECT", &json!(subject).to_string())
                .replace("TESTCASE", &quoted)
                .replace("name: a scope", &format!("name: {quoted}"))
                .replace("https://example.com", &json!(format!("javascript:{SCRIPT}")).to_string())
                .replace("cmd: check", &format!("cmd: {quoted}"))
                .replace("assignment: {}", &format!("assignment: {{{quoted}: {quoted}}}"))
                .replace("'WARNING: look <b>here</b>'", &json!(format!("ERROR: {SCRIPT}")).to_string());
            let answer = ground.hand_in("ci", &ground.ci, &text).await;
            assert_eq!(answer.status, 200, "{:?} {text}", answer.body);
        }
    }
    let browser = Browser::start().await;
    let mut waiting: VecDeque<String> = [
        "/page/table",
        "/page/table_full",
        &format!("/page/subject/{}?days=550", url_of(SCRIPT)),
        &format!("/page/detail/{}/scs-compatible-iaas", url_of(SCRIPT)),
        &format!("/login?to={}", url_of(SCRIPT)),
        "/fragment/table",
    ]
    .into_iter()
    .map(|path| ground.url(path))
    .collect();
    let (mut seen, mut troubles) = (BTreeSet::new(), Vec::new());
    while let Some(address) = waiting.pop_front() {
        let is_page = ["/page/", "/fragment/", "/login", "/desk"].iter().any(|part| address.contains(part));
        // Whole logs are for whom they concern.
        if !is_page || address.contains("/report_full/") || !seen.insert(address.clone()) {
            continue;
        }
        browser.goto(&address).await;
        if address.contains("/fragment/") {
            assert_eq!(browser.ask("return window.hurt === undefined").await, json!(true), "{address}");
            continue;
        }
        troubles.extend(browser.troubles().await);
        let links = browser.ask(LINKS).await;
        let links = links.as_array().unwrap().iter().map(|link| link.as_str().unwrap().to_owned());
        // Of many a report each is like the other.
        waiting.extend(links.filter(|_| seen.len() < 60));
    }
    assert_eq!(troubles, [""; 0]);
    for part in [
        "/page/table",
        "/page/detail/",
        "/page/subject/",
        "/page/report/",
        "/page/scope/",
        "/page/log",
        "/page/testcases",
        "/page/testcase/",
        "/page/matrix/",
        "/page/certificates",
        "/page/integrators",
        "/login",
    ] {
        assert!(seen.iter().any(|address| address.contains(part)), "{part} is among {seen:?}");
    }
    assert!(
        seen.iter().any(|address| address.contains("subject/cloud%20%3C")),
        "the strange one, too: {seen:?}"
    );
    browser.close().await;
}

fn url_of(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// Somebody applies as an integrator, and is decided about.
async fn integrate(browser: &Browser, ground: &Ground) {
    browser.goto(&ground.url("/desk/integrators/new")).await;
    browser.fill("applicant", "cloud-b").await;
    for field in ["organisation", "covers", "contact", "evidence"] {
        browser.fill(field, "words about it").await;
    }
    browser.press("Apply").await;
    for environment in ["a customer", "another customer", "nobody"] {
        browser.fill("environment", environment).await;
        // As browsers take a day that is typed, whatever the language: by its value.
        browser.ask("document.getElementById('from').value = '2025-01-01'").await;
        browser.fill("evidence", "https://example.com/letter").await;
        browser.press("Add the reference").await;
        assert!(browser.text().await.contains("The reference is added."));
    }
    browser.fill("said-3", "a mistake").await;
    browser.press("Withdraw reference 3").await;
    browser.press("Withdraw it").await;
    assert!(browser.text().await.contains("What you said of the reference is written down."));
    // Somebody else decides.
    let application = browser.get("url").await;
    assert!(!browser.text().await.contains("Accept"), "{application}");
    browser.press("Log out").await;
    browser.log_in(ground, "approver").await;
    browser.goto(&application).await;
    browser.fill("said-1", "agreed by phone").await;
    browser.press("Accept reference 1").await;
    browser.fill("said-2", "nobody knows").await;
    browser.press("Refuse reference 2").await;
    browser.fill("text", "not enough").await;
    browser.press("Reject").await;
    browser.press("Reject it").await;
    browser.press("Log out").await;
    browser.log_in(ground, "assessor").await;
}

#[tokio::test]
async fn every_form_does_what_it_says() {
    let ground = ground().await;
    let report = Report::new("cloud-b", "2026-11-22 10:00:00", &[("version-policy-check", 1)]).yaml();
    assert_eq!(ground.hand_in("cloud-b", &ground.own, &report).await.status, 200);
    let stated = Report::new("cloud-b", "2026-11-22 10:00:00", &[("availability-zones-check", 1)]);
    let stated = Report { scope: IAAS, ..stated }.yaml();
    let stated = stated.replace("cmd: check", "cmd: 'assay declare: stated by people, not measured'");
    assert_eq!(ground.hand_in("cloud-b", &ground.own, &stated).await.status, 200);
    let notices = "channels: [{name: hook, webhook: 'http://127.0.0.1:9/', secret_file: s}]\nrules: []\n";
    let secret = |_: &str| Ok("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".to_owned());
    ground.monitor.take_notices(NoticeConfig::read("notices", notices, &secret).unwrap());
    let browser = Browser::start().await;
    browser.goto(&ground.url("/login")).await;
    browser.is_whole("nowhere").await;
    browser.fill("name", "cloud-b").await;
    browser.fill("password", "guess").await;
    browser.press("Log in").await;
    assert!(browser.text().await.contains("There is no account with this name and password."));

    browser.log_in(&ground, "cloud-b").await;
    // A session that somebody left open elsewhere.
    answer(browser.http.delete(format!("{}/cookie", browser.session))).await.unwrap();
    browser.log_in(&ground, "cloud-b").await;
    browser.goto(&ground.url("/desk/subject/cloud-b")).await;
    browser.fill("title", "Cloud B").await;
    browser.fill("operator", "Somebody AG").await;
    browser.fill("website", "https://b.example.com/").await;
    browser.fill("description", "two regions").await;
    browser.press("Save").await;
    assert!(browser.text().await.contains("What is told about the subject is saved."));
    browser.goto(&ground.url("/page/subject/cloud-b")).await;
    browser.is_whole("the profile").await;
    assert!(browser.text().await.contains("Cloud B operated by Somebody AG"));

    browser.goto(&ground.url("/desk/account")).await;
    let key = std::fs::read_to_string(ground.ci.path.with_extension("pub")).unwrap();
    browser.fill("key", key.trim()).await;
    browser.press("Add the key").await;
    assert!(browser.text().await.contains("The key is added."));
    let name = key.split_whitespace().nth(2).unwrap_or("key").to_owned();
    browser.press(&format!("Remove the key {name}")).await;
    browser.fill("token_name", "nightly").await;
    browser.press("Make the token").await;
    let secret = browser.text_of(By::Css("#secret")).await;
    assert!(secret.starts_with("assay_"), "{secret}");
    browser.press("Revoke the token nightly").await;
    assert!(browser.text().await.contains("Whatever uses the token “nightly” is let in no more"));
    browser.press("Revoke it").await;
    browser.press("End all others").await;
    browser.fill("delegate", "reader").await;
    browser.press("Let it hand in").await;
    browser.press("Let reader hand in no more").await;
    browser.fill("password", PASSWORD).await;
    browser.fill("new_password", "long enough for it").await;
    browser.fill("again", "long enough for it").await;
    browser.press("Set the password").await;
    assert!(browser.text().await.contains("The password is set"));

    browser.goto(&ground.url("/desk/applications/new")).await;
    for field in ["organisation", "covers", "contact", "evidence"] {
        browser.fill(field, "words about it").await;
    }
    browser.press("Apply").await;
    let application = browser.get("url").await;
    browser.fill("text", "something more").await;
    browser.press("Add this").await;
    browser.press("Log out").await;

    browser.log_in(&ground, "assessor").await;
    browser.goto(application.as_str()).await;
    browser.fill("text", "who says so?").await;
    browser.press("Ask for this").await;
    browser.fill("text", "looked at").await;
    browser.press("Grant").await;
    browser.press("Grant it").await;
    let alert = browser.text_of(By::Css("[role=alert]")).await;
    assert!(alert.starts_with("something speaks against it: ") && alert.contains(" is MISS"), "{alert}");
    browser.click(By::Css("[name=despite]")).await;
    browser.press("Grant").await;
    browser.press("Grant it").await;
    browser.click(By::XPath("//a[.='The certificate']")).await;
    browser.is_whole("the application").await;
    browser.post("back", &json!({})).await;
    browser.fill("reason", "no more").await;
    browser.press("Revoke the certificate").await;
    browser.press("Revoke it").await;
    assert!(browser.text().await.contains("The certificate is revoked."));
    browser.goto(&ground.url("/page/certificates")).await;
    browser.is_whole("the address").await;

    browser.goto(&ground.url("/page/audit/cloud-b/scs-compatible-kaas")).await;
    browser.is_whole("the address").await;
    browser.goto(&ground.url("/desk/audit/cloud-b/scs-compatible-kaas")).await;
    browser.is_whole("the address").await;
    browser.fill("text", "seen on site").await;
    browser.press("Write it down").await;
    assert!(browser.text().await.contains("The finding is written down"));
    integrate(&browser, &ground).await;
    browser.goto(&ground.url("/desk/accounts")).await;
    browser.fill("name", "new cloud").await;
    browser.click(By::Css("[name=read_any]")).await;
    browser.press("Make the account").await;
    assert!(browser.text().await.contains("The account is saved."));
    browser.press("Invite").await;
    let address = browser.text_of(By::Css("#invitation")).await;
    browser.press("Remove the account").await;
    browser.press("Remove it").await;
    browser.goto(&ground.url("/desk/accounts")).await;
    browser.fill("name", "somebody").await;
    browser.press("Make the account").await;
    browser.fill("group", "others").await;
    browser.press("Save").await;
    browser.press("Invite").await;
    let invitation = browser.text_of(By::Css("#invitation")).await;
    browser.goto(&ground.url("/desk/approvals")).await;
    browser.press("Take back the approval of availability-zones-check of cloud-b").await;
    browser.press("Approve availability-zones-check of cloud-b").await;
    browser.goto(&ground.url("/desk/notices")).await;
    browser.press("Send a test to hook").await;
    browser.goto(&ground.url("/desk/accounts/cloud-c")).await;
    browser.press("Put everybody out").await;
    browser.press("Put them out").await;
    assert!(browser.text().await.contains("Its sessions, tokens and invitations have ended."));
    for path in [
        "/desk/changes?name=cloud-b",
        "/desk/approvals",
        "/desk/applications",
        "/desk/notices",
        "/desk/monitor",
    ] {
        browser.goto(&ground.url(path)).await;
        browser.is_whole("the address").await;
    }
    // A session ends while somebody writes.
    browser.goto(&ground.url("/desk/subject/cloud-c")).await;
    browser.fill("description", "two regions\nand a half").await;
    ground.set_clock("2026-11-23T12:00:00Z");
    browser.press("Save").await;
    browser.fill("name", "assessor").await;
    browser.fill("password", PASSWORD).await;
    browser.press("Log in").await;
    assert!(browser.text().await.contains("Nothing was changed"));
    browser.press("Send it").await;
    assert!(browser.text().await.contains("What is told about the subject is saved."));
    browser.goto(&address).await;
    browser.is_whole("an old invitation").await;
    assert!(browser.text().await.contains("the invitation was used, or is too old"));
    browser.goto(&ground.url("/desk")).await;
    browser.press("Log out").await;
    browser.goto(&invitation).await;
    browser.fill("new_password", "long enough for it").await;
    browser.fill("again", "long enough for it").await;
    browser.press("Set the password").await;
    assert_eq!(browser.text_of(By::Css("h1")).await, "Desk of somebody");
    let unpressed = browser.unpressed();
    // Those that need a provider are pressed below.
    assert!(unpressed.iter().all(|route| route.contains("/identities")), "{unpressed:?}");
    browser.close().await;
}

/// What the provider of the testbed wrote down about itself; none, with a word to whoever runs the tests, if it is not there.
#[expect(clippy::print_stderr, reason = "whoever runs the tests has to know that one did not")]
fn provider() -> Option<Value> {
    let Ok(file) = env::var("ASSAY_TESTBED_OIDC") else {
        eprintln!("skipped: ASSAY_TESTBED_OIDC is not set; `export ASSAY_TESTBED_OIDC=$(testbed/oidc/up)`");
        return None;
    };
    Some(serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap())
}

#[tokio::test]
async fn people_log_in_with_a_provider() {
    let Some(bed) = provider() else { return };
    let ground = ground().await;
    ground.set_clock(&Timestamp::now().to_string());
    let text = format!(
        "{{issuer: '{}', client_id: es256, client_secret_file: s, name: Example ID}}",
        bed["issuer"].as_str().unwrap()
    );
    let secret = |_: &str| Ok(bed["secret"].as_str().unwrap().to_owned());
    ground.monitor.take_oidc(OidcConfig::read("oidc", &text, &secret).unwrap()).unwrap();
    let browser = Browser::start().await;
    browser.log_in(&ground, "assessor").await;
    browser.goto(&ground.url("/desk/account")).await;
    browser.press("Connect who you are at Example ID").await;
    browser.click(By::XPath("//a[.='Go to Example ID']")).await;
    // Two forms of the provider: who it is, and whether the monitor may know.
    let element = browser.element(By::Css("[name=login]")).await;
    browser.post(&format!("element/{element}/value"), &json!({"text": "somebody in a browser"})).await;
    let element = browser.element(By::Css("[name=password]")).await;
    browser.post(&format!("element/{element}/value"), &json!({"text": "x"})).await;
    browser.click(By::Css("[type=submit]")).await;
    browser.click(By::Css("[type=submit]")).await;
    browser.is_whole("the provider").await;
    assert!(browser.text().await.contains("The identity is connected"));
    browser.press("Log out").await;
    // The provider knows this browser by now.
    browser.goto(&ground.url("/login?to=%2Fdesk%2Faccount")).await;
    browser.is_whole("the address").await;
    browser.click(By::XPath("//a[.='Log in with Example ID']")).await;
    if browser.get("url").await.contains("/interaction/") {
        browser.click(By::Css("[type=submit]")).await;
    }
    browser.is_whole("the provider").await;
    assert_eq!(browser.text_of(By::Css("h1")).await, "Account assessor");
    browser.goto(&ground.url("/desk/accounts/assessor")).await;
    browser.is_whole("the address").await;
    browser.press("Disconnect somebody in a browser").await;
    assert!(browser.text().await.contains("The identity is disconnected."));
    browser.close().await;
}
