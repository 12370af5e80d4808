//! Which of the URLs that a server hands out may be followed.

use url::Url;

/// Where to go for `link`, found in an answer to `current`; none if it leaves the endpoint.
///
/// A link stays below the endpoint if host and path prefix agree. Services behind a TLS proxy often hand out
/// `http://` links, so scheme and port are taken from the endpoint where the scheme differs; the request
/// goes to the endpoint's own authority in any case. Glance hands out paths as they would be without the
/// prefix of a proxy (`/v2/images?marker=...`); they are read as below the versioned endpoint.
pub(crate) fn follow(endpoint: &Url, current: &Url, link: &str) -> Option<Url> {
    let mut target = current.join(link).ok()?;
    if target.scheme() != endpoint.scheme()
        && matches!(target.scheme(), "http" | "https")
        && target.host() == endpoint.host()
    {
        target.set_scheme(endpoint.scheme()).ok()?;
        target.set_port(endpoint.port()).ok()?;
    }
    if below(endpoint, &target) {
        return Some(target);
    }
    let is_path = link.starts_with('/') && !link.starts_with("//") && !link.starts_with("/\\");
    if is_path && same_authority(endpoint, &target) {
        let prefix = endpoint.path().trim_end_matches('/');
        let (before, version) = prefix.rsplit_once('/')?;
        if version.is_empty() || !target.path().starts_with(&format!("/{version}/")) {
            return None;
        }
        let path = format!("{before}{}", target.path());
        target.set_path(&path);
        return below(endpoint, &target).then_some(target);
    }
    None
}

/// Whether a URL lies below an endpoint: same scheme, host and port, and the endpoint's path as prefix.
pub(crate) fn below(endpoint: &Url, target: &Url) -> bool {
    let prefix = endpoint.path().trim_end_matches('/');
    let path = target.path();
    same_authority(endpoint, target)
        && (path == prefix || path.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/')))
}

fn same_authority(a: &Url, b: &Url) -> bool {
    a.scheme() == b.scheme()
        && a.host() == b.host()
        && a.port_or_known_default() == b.port_or_known_default()
        && b.username().is_empty()
        && b.password().is_none()
}

/// The URL as it may be shown: without user and password.
pub(crate) fn public(url: &Url) -> String {
    let mut url = url.clone();
    // Both fail only for URLs that cannot have credentials at all.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_fragment(None);
    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn go(endpoint: &str, link: &str) -> Option<String> {
        let endpoint = Url::parse(endpoint).unwrap();
        let current = Url::parse(&format!("{endpoint}/images?limit=1000")).unwrap();
        follow(&endpoint, &current, link).map(String::from)
    }

    #[test]
    fn links_below_the_endpoint_are_followed() {
        let image = "https://api.example.com/image/v2";
        for (link, target) in [
            ("/image/v2/images?marker=1", "https://api.example.com/image/v2/images?marker=1"),
            ("/v2/images?marker=1", "https://api.example.com/image/v2/images?marker=1"),
            ("images?marker=1", "https://api.example.com/image/v2/images?marker=1"),
            ("?marker=1", "https://api.example.com/image/v2/images?marker=1"),
            ("https://api.example.com:443/image/v2/images", "https://api.example.com/image/v2/images"),
            ("http://api.example.com/image/v2/images", "https://api.example.com/image/v2/images"),
            ("http://api.example.com:9292/image/v2/images", "https://api.example.com/image/v2/images"),
        ] {
            assert_eq!(go(image, link).as_deref(), Some(target), "{link}");
        }
        assert_eq!(
            go("http://[::1]:9292/v2", "/v2/images?marker=1").as_deref(),
            Some("http://[::1]:9292/v2/images?marker=1")
        );
    }

    #[test]
    fn links_that_leave_the_endpoint_are_not_followed() {
        for link in [
            "https://evil.example.com/image/v2/images",
            "//evil.example.com/image/v2/images",
            "/\\evil.example.com/v2/images",
            "https://api.example.com.evil.com/image/v2/images",
            "https://api.example.com@evil.com/image/v2/images",
            "https://user:pw@api.example.com/image/v2/images",
            "https://api.example.com:8443/image/v2/images",
            "https://api.example.com/image/v2x/images",
            "https://api.example.com/image/v2/../v1/images",
            "https://api.example.com/image/v2/%2e%2e/%2e%2e/identity/v3",
            // A full URL names its place; only bare paths are read as below the prefix of a proxy.
            "https://api.example.com/v2/images",
            "/v2/../../identity",
            "/v3/images",
            "ftp://api.example.com/image/v2/images",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "https://",
        ] {
            let got = go("https://api.example.com/image/v2", link);
            assert_eq!(got, None, "{link}");
        }
    }

    #[test]
    fn credentials_in_urls_are_not_shown() {
        let url = Url::parse("https://user:secret@api.example.com/v3?x=1#y").unwrap();
        assert_eq!(public(&url), "https://api.example.com/v3?x=1");
    }
}
