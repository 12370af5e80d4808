use std::net::SocketAddr;

use assay_inventory::{TlsGap, TlsOutcome, TlsScan, TlsVersionScan};
use futures::future::{join, join_all, join4};
use jiff::Timestamp;
use tokio::net::lookup_host;
use tokio::time::timeout;

use crate::answer::{PROTOCOL_VERSION, Unreadable};
use crate::certificate::Trust;
use crate::connection::{connect, seconds};
use crate::enumeration::{Accepted, version_groups};
use crate::prober::{Prober, Tried};
use crate::protocol::Version;
use crate::suites::suites;
use crate::tls13::Keys;
use crate::{Settings, Target, groups, suites as suite_names};

/// Suites that are looked for at most: weak ones of TLS 1.2, rare ones of TLS 1.2, those of an older version
/// that no later version has.
const MAX_OLD: usize = 14;
const MAX_OTHERS: usize = 12;
const MAX_MORE: usize = 4;
/// Suites of a kind of which there are only so many.
const ALL: usize = usize::MAX;

/// Finds out what one server offers. Never fails: what could not be found out is said in the result.
pub async fn probe(target: &Target, settings: &Settings, now: Timestamp) -> TlsOutcome {
    let (trust, gaps) = Trust::new(settings);
    match reach(target, settings).await {
        Ok(address) => probe_at(address, target, settings, (&trust, &gaps), now).await,
        Err(message) => TlsOutcome::Unreachable { message },
    }
}

/// Probes a host at an address of it. The certification authorities come with what could not be read of them.
pub(crate) async fn probe_at(
    address: SocketAddr,
    target: &Target,
    settings: &Settings,
    (trust, gaps): (&Trust, &[TlsGap]),
    now: Timestamp,
) -> TlsOutcome {
    let prober = Prober::new(target, settings, address);
    let versions = match versions(&prober).await {
        Ok(versions) => versions,
        Err(outcome) => return outcome,
    };
    let mut scan = details(&prober, &versions).await;
    certificates(&prober, &versions, trust, now, &mut scan).await;
    scan.gaps.extend_from_slice(gaps);
    scan.handshakes = prober.handshakes();
    TlsOutcome::Scanned(scan)
}

/// The first address of the host that takes connections.
pub(crate) async fn reach(target: &Target, settings: &Settings) -> Result<SocketAddr, String> {
    let limit = settings.handshake_timeout;
    let found = timeout(limit, lookup_host((target.host.as_str(), target.port))).await;
    let addresses: Vec<_> = match found {
        Ok(Ok(addresses)) => addresses.collect(),
        Ok(Err(error)) => return Err(format!("{}: {error}", target.host)),
        Err(_) => {
            return Err(format!(
                "{}: no answer from the name service within {}",
                target.host,
                seconds(limit)
            ));
        }
    };
    let stream = connect(&addresses, limit).await?;
    stream.peer_addr().map_err(|error| error.to_string())
}

/// How a server took the first hello of a version.
#[derive(Debug)]
struct Seen {
    version: Version,
    accepted: Option<bool>,
    said: Option<String>,
    /// The suite that it chose.
    suite: Option<u16>,
    with_shares: bool,
}

impl Seen {
    fn new(version: Version, tried: &Tried, with_shares: bool, prober: &Prober<'_>) -> Self {
        let chosen = match tried {
            Tried::Chosen(hello, _) if hello.version == Some(version) => Some(hello.suite),
            _ => None,
        };
        let is_untried = matches!(tried, Tried::Untried(_));
        Seen {
            version,
            accepted: (!is_untried).then_some(chosen.is_some()),
            said: chosen.is_none().then(|| tried.said(prober.settings.handshake_timeout)),
            suite: chosen,
            with_shares,
        }
    }

    fn is_accepted(&self) -> bool {
        self.accepted == Some(true)
    }
}

/// Which versions the server speaks, latest first.
async fn versions(prober: &Prober<'_>) -> Result<Vec<Seen>, TlsOutcome> {
    let ((tried_13, with_shares), tried_12) = join(first_13(prober), first_12(prober)).await;
    let both = [&tried_13, &tried_12];
    if both.iter().all(|tried| matches!(tried, Tried::Silent | Tried::Untried(_))) {
        let why = tried_12.said(prober.settings.handshake_timeout);
        let message = format!("the port is open, but a handshake comes to nothing: {why}");
        return Err(TlsOutcome::Unreachable { message });
    }
    let has_chosen = both.iter().any(|tried| matches!(tried, Tried::Chosen(..)));
    let foreign = both.iter().find(|tried| matches!(tried, Tried::Unreadable(Unreadable::NotTls(_))));
    if let (false, Some(foreign)) = (has_chosen, foreign) {
        return Err(TlsOutcome::NotTls { message: foreign.said(prober.settings.handshake_timeout) });
    }
    let mut versions = vec![
        Seen::new(Version::Tls13, &tried_13, with_shares, prober),
        Seen::new(Version::Tls12, &tried_12, false, prober),
    ];
    let mut all = vec![tried_13, tried_12];
    let older = [Version::Tls11, Version::Tls10, Version::Ssl3];
    let hellos = older.map(|version| prober.hello(version, &suites().old, &version_groups(version)));
    for (version, tried) in
        older.into_iter().zip(join_all(hellos.iter().map(|hello| prober.offer(hello))).await)
    {
        versions.push(Seen::new(version, &tried, false, prober));
        all.push(tried);
    }
    if all.iter().all(|tried| matches!(tried, Tried::Refused { alert: None })) {
        let message = "it takes connections and closes them on every ClientHello".into();
        return Err(TlsOutcome::NotTls { message });
    }
    Ok(versions)
}

/// The first hello of TLS 1.3, and whether it had to bring key shares.
async fn first_13(prober: &Prober<'_>) -> (Tried, bool) {
    let mut hello = prober.hello(Version::Tls13, &suites().tls13, &version_groups(Version::Tls13));
    let tried = prober.offer(&hello).await;
    if !is_open(&tried) {
        return (tried, false);
    }
    hello.with_shares = true;
    let again = prober.offer(&hello).await;
    if matches!(again, Tried::Chosen(..)) { (again, true) } else { (tried, false) }
}

async fn first_12(prober: &Prober<'_>) -> Tried {
    let groups = version_groups(Version::Tls12);
    let usual = [suites().old.as_slice(), &suites().modern].concat();
    let tried = prober.offer(&prober.hello(Version::Tls12, &usual, &groups)).await;
    if !is_open(&tried) {
        return tried;
    }
    let again = prober.offer(&prober.hello(Version::Tls12, &suites().others, &groups)).await;
    if matches!(again, Tried::Chosen(..)) { again } else { tried }
}

/// Whether a refusal may be about something else than the version.
fn is_open(tried: &Tried) -> bool {
    match tried {
        Tried::Refused { alert } => *alert != Some(PROTOCOL_VERSION),
        Tried::Unreadable(Unreadable::Broken(_)) => true,
        _ => false,
    }
}

/// Suites, groups and the rest of what hellos show.
async fn details(prober: &Prober<'_>, versions: &[Seen]) -> TlsScan {
    let (suites, suites_13, groups, fallback_refused) = join4(
        suites_up_to_12(prober, versions),
        suites_of_13(prober, versions),
        groups_of_all(prober, versions),
        fallback(prober, versions),
    )
    .await;
    let mut gaps = Vec::new();
    let mut scans = Vec::new();
    for seen in versions {
        let accepted = suites_13.iter().chain(&suites).find(|(version, _)| *version == seen.version);
        let mut scan = TlsVersionScan {
            version: seen.version.name().into(),
            accepted: seen.accepted,
            said: seen.said.clone(),
            ..TlsVersionScan::default()
        };
        if let Some((_, accepted)) = accepted {
            let numbers = seen.suite.iter().chain(&accepted.numbers);
            scan.suites = numbers.map(|suite| suite_names::name(*suite)).collect();
            scan.more_suites = accepted.gap.is_some();
            let what = format!("all cipher suites of {}", scan.version);
            gaps.extend(accepted.gap.iter().map(|why| TlsGap { what: what.clone(), why: why.clone() }));
        }
        scans.push(scan);
    }
    if let Some(why) = &groups.gap {
        gaps.push(TlsGap { what: "all groups".into(), why: why.clone() });
    }
    let seen = prober.seen();
    TlsScan {
        versions: scans,
        groups: groups.numbers.iter().map(|group| groups::name(*group)).collect(),
        more_groups: groups.gap.is_some(),
        dh_bits: seen.dh_bits,
        secure_renegotiation: seen.secure_renegotiation,
        extended_master_secret: seen.extended_master_secret,
        fallback_refused: fallback_refused.unwrap_or_else(|why| {
            gaps.push(TlsGap { what: "whether a fallback is refused".into(), why });
            None
        }),
        compression: seen.compression,
        gaps,
        ..TlsScan::default()
    }
}

type OfVersion = (Version, Accepted);

async fn suites_up_to_12(prober: &Prober<'_>, versions: &[Seen]) -> Vec<OfVersion> {
    let mut known: Vec<u16> = Vec::new();
    let mut all = Vec::new();
    let all_suites = suites();
    for seen in versions.iter().filter(|seen| seen.is_accepted() && seen.version < Version::Tls13) {
        known.extend(seen.suite);
        let old = if all.is_empty() { MAX_OLD } else { MAX_MORE };
        let portions: &[(&[u16], usize)] = match seen.version {
            Version::Tls12 => {
                &[(&all_suites.old, MAX_OLD), (&all_suites.others, MAX_OTHERS), (&all_suites.modern, ALL)]
            }
            _ => &[(&all_suites.old, old)],
        };
        let accepted = prober.suites(seen.version, false, &known, portions).await;
        known.extend(&accepted.numbers);
        all.push((seen.version, accepted));
    }
    all
}

async fn suites_of_13(prober: &Prober<'_>, versions: &[Seen]) -> Option<OfVersion> {
    let seen = versions.iter().find(|seen| seen.version == Version::Tls13 && seen.is_accepted())?;
    let known: Vec<u16> = seen.suite.into_iter().collect();
    let portions: &[(&[u16], usize)] = &[(&suites().tls13, ALL)];
    Some((Version::Tls13, prober.suites(Version::Tls13, seen.with_shares, &known, portions).await))
}

/// Groups of TLS 1.3, and those of the latest other version that are not among them.
async fn groups_of_all(prober: &Prober<'_>, versions: &[Seen]) -> Accepted {
    let mut all = Accepted::default();
    for (position, seen) in versions.iter().filter(|seen| seen.is_accepted()).enumerate() {
        let more = match seen.version {
            Version::Tls13 => prober.groups_13(seen.with_shares).await,
            Version::Ssl3 => break,
            _ if all.gap.is_some() => break,
            version => prober.curves(version, &all.numbers, key_curve(prober)).await,
        };
        let new: Vec<u16> = more.numbers.into_iter().filter(|group| !all.numbers.contains(group)).collect();
        all.numbers.extend(new);
        all.gap = more.gap;
        if seen.version < Version::Tls13 || position > 0 {
            break;
        }
    }
    all
}

/// The curve of the server's ECDSA key, if it has one.
fn key_curve(prober: &Prober<'_>) -> Option<u16> {
    let seen = prober.seen();
    seen.chains.keys().find_map(|leaf| crate::certificate::curve(leaf)).and_then(|name| groups::curve(&name))
}

/// Whether a client that claims to have fallen back to an old version is sent away. TLS 1.3 tells of a downgrade
/// to TLS 1.2 by other means, so that only older versions are looked at.
async fn fallback(prober: &Prober<'_>, versions: &[Seen]) -> Result<Option<bool>, String> {
    let accepted: Vec<&Seen> = versions.iter().filter(|seen| seen.is_accepted()).collect();
    let (Some(lowest), true) = (accepted.last(), accepted.len() > 1) else {
        return Ok(None);
    };
    if lowest.version >= Version::Tls12 {
        return Ok(None);
    }
    let mut hello = prober.hello(lowest.version, &suites().old, &version_groups(lowest.version));
    hello.is_fallback = true;
    match prober.offer(&hello).await {
        Tried::Chosen(..) => Ok(Some(false)),
        Tried::Refused { .. } => Ok(Some(true)),
        trouble => Err(trouble.said(prober.settings.handshake_timeout)),
    }
}

/// Describes the certificates. A server that speaks TLS 1.3 alone, or was only seen to do that, is asked for
/// them, once for each type of key.
async fn certificates(
    prober: &Prober<'_>,
    versions: &[Seen],
    trust: &Trust,
    now: Timestamp,
    scan: &mut TlsScan,
) {
    let chains = || -> Vec<Vec<Vec<u8>>> { prober.seen().chains.values().cloned().collect() };
    let speaks_13 = versions.iter().any(|seen| seen.version == Version::Tls13 && seen.is_accepted());
    let describe =
        |chain: &[Vec<u8>], scan: &mut TlsScan| match trust.describe(chain, &prober.target.host, now) {
            Ok(certificate) => scan.certificates.push(certificate),
            Err(why) => scan.gaps.push(TlsGap { what: "a certificate".into(), why }),
        };
    if chains().is_empty() && speaks_13 {
        match prober.certificates_13(Keys::Any).await {
            Ok(chain) => {
                prober.seen().note_chain(&chain);
                let is_rsa = chain.first().is_some_and(|leaf| crate::certificate::is_rsa(leaf));
                let other = if is_rsa { Keys::Others } else { Keys::Rsa };
                // A server with one type of key refuses, which is as it should be.
                if let Ok(chain) = prober.certificates_13(other).await {
                    prober.seen().note_chain(&chain);
                }
            }
            Err(why) => scan.gaps.push(TlsGap { what: "the certificate".into(), why }),
        }
    }
    for chain in chains() {
        describe(&chain, scan);
    }
}
