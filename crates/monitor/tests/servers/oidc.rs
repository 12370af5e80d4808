use assay_monitor::{OidcConfig, Settings};
use jiff::Timestamp;
use serde_json::Value;

use super::{bed, ground};
use crate::stories::vouching::{Place, Traveller};

/// Says at the provider who somebody is, and comes back.
async fn through(browser: &mut Traveller, mut way: String, issuer: &str, name: &str) -> Place {
    for _ in 0..12 {
        let mut place = browser.go(&way).await;
        if !way.starts_with(issuer) {
            return place;
        }
        if place.status == 200 {
            // A form that asks who it is, or whether the monitor may know.
            let (_, action) = place.text.split_once("action=\"").unwrap();
            let action = action.split_once('"').unwrap().0.to_owned();
            let prompt = place.hidden("prompt");
            let fields = [("prompt", prompt.as_str()), ("login", name), ("password", "x")];
            place = browser.send(&action, &fields).await;
        }
        assert_eq!(place.status, 303, "{place:?}");
        way = match place.location.starts_with('/') {
            true => format!("{issuer}{}", place.location),
            false => place.location,
        };
    }
    panic!("it leads nowhere: {way}")
}

#[tokio::test]
async fn a_real_provider_says_who_somebody_is() {
    let Some(bed) = bed("ASSAY_TESTBED_OIDC", "testbed/oidc/up") else { return };
    let issuer = bed["issuer"].as_str().unwrap();
    let mut ground = ground().await;
    ground.set_clock(&Timestamp::now().to_string());
    let base_url = ground.url("/");
    ground.restart(Settings { base_url, ..Settings::default() }).await;
    // Each client gets signatures of another kind.
    for client in bed["clients"].as_array().unwrap().iter().map(|client| Value::as_str(client).unwrap()) {
        let text = format!("{{issuer: '{issuer}', client_id: {client}, client_secret_file: s}}");
        let secret = bed["secret"].as_str().unwrap();
        ground.monitor.take_oidc(OidcConfig::read("oidc", &text, &|_| Ok(secret.into())).unwrap()).unwrap();
        let mut browser = Traveller::new();
        let key = browser.log_in(&ground, "cloud-b").await;
        let page = browser.send(&ground.url("/desk/account/identities"), &[("form_key", &key)]).await;
        let (_, way) = page.text.split_once("id=\"way\" href=\"").unwrap();
        let way = way.split_once('"').unwrap().0.replace("&#38;", "&").replace("&amp;", "&");
        let name = format!("somebody-{client}");
        let back = through(&mut browser, way, issuer, &name).await;
        assert!(back.location.ends_with("/desk/account?done=identity"), "{back:?}");

        let mut browser = Traveller::new();
        let left = browser.go(&ground.url("/login/oidc?to=%2Fdesk%2Faccount")).await;
        let back = through(&mut browser, left.location, issuer, &name).await;
        assert!(back.location.ends_with("/desk/account"), "{back:?}");
        assert_eq!(browser.desk(&ground).await.as_deref(), Some("cloud-b"));
        // A stranger, whom the provider knows as well as anybody.
        let mut stranger = Traveller::new();
        let left = stranger.go(&ground.url("/login/oidc")).await;
        let refused = through(&mut stranger, left.location, issuer, "stranger").await;
        assert_eq!(refused.status, 403, "{refused:?}");
        assert!(refused.text.contains(&format!("it is stranger of {issuer}")), "{}", refused.text);
    }
}
