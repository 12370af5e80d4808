//! Trying all features: the order, the budget, and the removal in the end.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use assay_inventory::{Leftover, S3Feature, S3FeatureId, S3FeatureState, S3Features};
use assay_journal::{Journal, Kind};
use futures::{StreamExt as _, stream};
use tokio::time::{Instant, sleep, timeout_at};

use crate::answer::{Finding, Outcome, Step as _, Trouble, clean, element};
use crate::attempt::{Attempt, Target};
use crate::buckets::{Bucket, Buckets, Uncreated};
use crate::client::{Style, client};
use crate::features;
use crate::http::Http;
use crate::removal::remove;
use crate::{Access, Settings};

/// Codes by which servers refuse the key itself: nothing else can be tried then.
const KEY_REFUSED: [&str; 5] = [
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "RequestTimeTooSkewed",
    "InvalidToken",
    "AuthorizationHeaderMalformed",
];

/// How long a server may take to make a bucket after the request was given up.
const LATE: Duration = Duration::from_secs(2);

/// Tries every feature. It never fails: each feature has a result, and what could not be removed is named in
/// `leftovers`. `progress` hears what is being done, in words.
///
/// It takes no longer than [`Settings::budget`] and [`Settings::cleanup`] together. When `stop` comes to an end,
/// nothing more is tried, and what was made is removed. If the future is dropped before its end, the journal knows
/// what was made.
pub async fn probe(
    access: &Access,
    settings: &Settings,
    journal: &Journal,
    stop: impl Future<Output = ()>,
    progress: &(dyn Fn(&str) + Sync),
) -> S3Features {
    let interrupted = || Finding::not_tried("the run was interrupted".to_owned());
    let mut stop = pin!(stop);
    let deadline = Instant::now() + settings.budget;
    let endpoint = shown(access);
    let http = match Http::new(access, settings) {
        Ok(http) if is_web(access) => http,
        Ok(_) => {
            let why = crate::AccessError::Endpoint(endpoint.clone()).to_string();
            return nothing(access, endpoint, &Finding::not_tried(why));
        }
        Err(error) => return nothing(access, endpoint, &Finding::not_tried(error.to_string())),
    };
    progress("asking for the buckets");
    let greeting = tokio::select! {
        biased;
        () = &mut stop => return nothing(access, endpoint, &interrupted()),
        greeting = timeout_at(deadline, greet(access, &http)) => greeting,
    };
    let Ok(greeting) = greeting else {
        return nothing(access, endpoint, &out_of_time(settings));
    };
    let server =
        http.last().and_then(|reply| reply.header("server").map(clean)).filter(|name| !name.is_empty());
    if let Some(finding) = greeting.refusal {
        let nothing = nothing(access, endpoint, &finding);
        return S3Features { server, ..nothing };
    }

    let region = greeting.region;
    let target =
        Arc::new(Target { access: access.clone(), settings: settings.clone(), region: region.clone() });
    let buckets = Arc::new(Buckets::new(journal.clone(), endpoint.clone()));
    let results = tokio::select! {
        biased;
        () = &mut stop => all(&interrupted()),
        results = attempts(&target, &buckets, &http, deadline, progress) => results,
    };
    let leftovers = tidy(&target, &buckets, &http, progress).await;
    S3Features { endpoint, region, server, features: results, leftovers }
}

/// The endpoint without what does not belong into reports.
fn shown(access: &Access) -> String {
    let mut url = access.endpoint.clone();
    // These fail for addresses without a host only, which have neither.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    url.as_str().trim_end_matches('/').to_owned()
}

fn is_web(access: &Access) -> bool {
    matches!(access.endpoint.scheme(), "http" | "https") && access.endpoint.has_host()
}

fn out_of_time(settings: &Settings) -> Finding {
    Finding::not_tried(format!("the time for all attempts ({:?}) was over", settings.budget))
}

/// No feature could be tried.
fn nothing(access: &Access, endpoint: String, finding: &Finding) -> S3Features {
    let region = access.region.clone();
    S3Features { endpoint, region, server: None, features: all(finding), leftovers: Vec::new() }
}

/// The same finding for all features.
fn all(finding: &Finding) -> Vec<S3Feature> {
    S3FeatureId::ALL.map(|id| result(id, Err(finding.clone()))).into()
}

fn result(feature: S3FeatureId, outcome: Outcome) -> S3Feature {
    match outcome {
        // Many answers together show that it works; none of them stands out.
        Ok(detail) => S3Feature {
            feature,
            state: S3FeatureState::Present,
            detail,
            status: None,
            code: None,
            request_id: None,
        },
        Err(Finding { state, detail, answer }) => S3Feature {
            feature,
            state,
            detail,
            status: answer.as_ref().map(|answer| answer.status),
            code: answer.as_ref().and_then(|answer| answer.code.clone()),
            request_id: answer.and_then(|answer| answer.request_id),
        },
    }
}

/// What the first request shows.
struct Greeting {
    /// The region that the server wants.
    region: String,
    /// Why nothing can be tried.
    refusal: Option<Finding>,
}

/// The region that the server wants, as far as it says so.
pub(crate) async fn region(access: &Access, http: &Http) -> String {
    greet(access, http).await.region
}

/// Lists the buckets, a second time if the server names another region.
async fn greet(access: &Access, http: &Http) -> Greeting {
    let ask = async |region: &str| {
        let s3 = client(access, region, &access.endpoint, Style::Path, http);
        s3.list_buckets().send().await.told()
    };
    let mut region = access.region.clone();
    let mut listed = ask(&region).await;
    if listed.is_err()
        && let Some(named) = named_region(http)
        && named != region
    {
        region = named;
        listed = ask(&region).await;
    }
    let refusal = match listed {
        Err(trouble) if KEY_REFUSED.iter().any(|code| trouble.is_code(code)) => {
            let detail = format!("the server refuses the key: {trouble}");
            Some(Finding::settled(S3FeatureState::NotTried, detail, &trouble))
        }
        Err(Trouble::Silence(why)) => Some(Finding::not_tried(format!("the server does not answer: {why}"))),
        // A key may be good for making buckets without being good for listing them.
        Ok(_) | Err(_) => None,
    };
    Greeting { region, refusal }
}

/// The region that the last answer names: in the error, or in the header that Amazon has for it.
fn named_region(http: &Http) -> Option<String> {
    let reply = http.last()?;
    let is_error = reply.answer().code.is_some();
    let named = reply
        .header("x-amz-bucket-region")
        .map(str::to_owned)
        .or_else(|| element(&String::from_utf8_lossy(&reply.body), "Region").filter(|_| is_error))?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (!named.is_empty() && named.len() <= 64 && named.chars().all(is_name)).then_some(named)
}

/// All features, some at a time.
async fn attempts(
    target: &Arc<Target>,
    buckets: &Arc<Buckets>,
    http: &Http,
    deadline: Instant,
    progress: &(dyn Fn(&str) + Sync),
) -> Vec<S3Feature> {
    progress("making a bucket");
    let attempt = |main: String| Attempt::new(target.clone(), buckets.clone(), http, main);
    let first = attempt(String::new());
    let main = match timeout_at(deadline, buckets.create(&first, "main", false)).await {
        Ok(Ok(main)) => main,
        failed => {
            // Making buckets is a feature itself; for all others its failure is a reason not to try.
            let (of_buckets, of_others) = match failed {
                Ok(Err(Uncreated::Server(trouble))) => (
                    Finding::failed("make a bucket", &trouble),
                    Finding::settled(
                        S3FeatureState::NotTried,
                        format!("no bucket can be made: {trouble}"),
                        &trouble,
                    ),
                ),
                Ok(Err(journal)) => {
                    let finding = journal.finding();
                    (finding.clone(), finding)
                }
                _ => (out_of_time(&target.settings), out_of_time(&target.settings)),
            };
            return S3FeatureId::ALL
                .map(|id| {
                    let finding = if id == S3FeatureId::BucketCrud { &of_buckets } else { &of_others };
                    result(id, Err(finding.clone()))
                })
                .into();
        }
    };
    stream::iter(S3FeatureId::ALL)
        .map(|id| {
            let attempt = attempt(main.clone());
            async move {
                if Instant::now() >= deadline {
                    return result(id, Err(out_of_time(&target.settings)));
                }
                progress(id.label());
                let outcome = timeout_at(deadline, features::attempt(id, &attempt))
                    .await
                    .unwrap_or_else(|_| Err(out_of_time(&target.settings)));
                result(id, outcome)
            }
        })
        .buffered(target.settings.concurrency.max(1))
        .collect()
        .await
}

/// Removes all buckets; what stays is told.
async fn tidy(
    target: &Target,
    buckets: &Buckets,
    http: &Http,
    progress: &(dyn Fn(&str) + Sync),
) -> Vec<Leftover> {
    progress("removing the buckets");
    let deadline = Instant::now() + target.settings.cleanup;
    let s3 = client(&target.access, &target.region, &target.access.endpoint, Style::Path, &http.apart());
    let s3 = &s3;
    let removed = stream::iter(buckets.all()).map(|bucket: Bucket| async move {
        let mut result = remove(s3, &bucket.name, deadline).await;
        if result.is_ok() && !bucket.is_sure {
            // The request that should make it was given up; the server may still be at it.
            sleep(LATE).await;
            result = remove(s3, &bucket.name, deadline).await;
        }
        match result {
            Ok(_) => {
                buckets.gone(&bucket);
                None
            }
            Err(error) => Some(Leftover {
                kind: Kind::Bucket.label().to_owned(),
                name: bucket.name,
                id: None,
                why: error.to_string(),
            }),
        }
    });
    removed.buffered(target.settings.concurrency.max(1)).filter_map(std::future::ready).collect().await
}
