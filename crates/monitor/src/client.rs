use std::future::Future;
use std::net::{IpAddr, Ipv6Addr};

use axum::http::HeaderMap;
use tokio::task_local;

task_local! {
    static CURRENT: Client;
}

/// Who is at the other end, as far as it can be told from outside: an address. Of IPv6 it is the network, since whoever
/// has one address of it has all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Client(IpAddr);

impl Client {
    pub(crate) fn new(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Self(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into())
            }
            address @ IpAddr::V4(_) => Self(address),
        }
    }

    /// Who sent a request. What a proxy adds stands last; whatever stands before, somebody else may have made up.
    pub(crate) fn of(peer: IpAddr, headers: &HeaderMap, is_proxied: bool) -> Self {
        let forwarded = || {
            let last = headers.get_all("x-forwarded-for").iter().next_back()?;
            last.to_str().ok()?.rsplit(',').next()?.trim().parse().ok()
        };
        Self::new(if is_proxied { forwarded().unwrap_or(peer) } else { peer })
    }

    /// Does what this one asked for.
    pub(crate) fn asking<F: Future>(self, work: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self, work)
    }

    /// Whose request is being answered; none if it is nobody's.
    pub(crate) fn current() -> Option<Self> {
        CURRENT.try_with(|client| *client).ok()
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_the_proxy_says_who_it_is() {
        let peer: IpAddr = "10.0.0.1".parse().unwrap();
        for (lines, is_proxied, expected) in [
            (&[][..], true, "10.0.0.1"),
            (&["192.0.2.1"], true, "192.0.2.1"),
            (&["192.0.2.1"], false, "10.0.0.1"),
            (&["made up, 198.51.100.7, 192.0.2.1"], true, "192.0.2.1"),
            (&["198.51.100.7", "192.0.2.1"], true, "192.0.2.1"),
            (&["unknown"], true, "10.0.0.1"),
            (&["2001:db8:1:2:3:4:5:6"], true, "2001:db8:1:2::"),
            (&["::ffff:192.0.2.1"], true, "192.0.2.1"),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append("x-forwarded-for", HeaderValue::from_static(line));
            }
            let expected = Client(expected.parse().unwrap());
            assert_eq!(Client::of(peer, &headers, is_proxied), expected, "{lines:?}");
        }
    }
}
