//! Listing objects, in both versions.

use std::collections::BTreeSet;

use crate::answer::{Finding, Outcome, Step as _, ensure};
use crate::attempt::Attempt;

/// More than there can be, so that a listing that never ends does.
const PAGES: usize = 10;
const PAGE: i32 = 2;
/// What is written below a prefix. The second has what URLs and XML treat in ways of their own.
const NAMES: [&str; 5] = ["a", "b c+&<ü%41", "dir/x", "dir/y", "z"];

/// One page of a listing.
struct Page {
    keys: Vec<String>,
    prefixes: Vec<String>,
    /// What to ask for the next page with.
    next: Option<String>,
}

pub(super) async fn first(a: &Attempt) -> Outcome {
    let list = async |prefix: &str, delimiter: Option<&str>, size: Option<i32>, marker: Option<String>| {
        let page =
            a.s3.list_objects()
                .bucket(&a.main)
                .prefix(prefix)
                .set_delimiter(delimiter.map(str::to_owned))
                .set_max_keys(size)
                .set_marker(marker)
                .send()
                .await
                .step("list the objects")?;
        let keys: Vec<String> =
            page.contents().iter().filter_map(|object| object.key().map(str::to_owned)).collect();
        let prefixes =
            page.common_prefixes().iter().filter_map(|common| common.prefix().map(str::to_owned)).collect();
        // Without a delimiter servers need not name the marker: it is the last key.
        let marker = page.next_marker().map(str::to_owned).or_else(|| keys.last().cloned());
        let next = marker.filter(|_| page.is_truncated() == Some(true));
        Ok(Page { keys, prefixes, next })
    };
    tried(a, "list-v1/", list).await
}

pub(super) async fn second(a: &Attempt) -> Outcome {
    let prefix = "list-v2/";
    let list = async |prefix: &str, delimiter: Option<&str>, size: Option<i32>, token: Option<String>| {
        let page =
            a.s3.list_objects_v2()
                .bucket(&a.main)
                .prefix(prefix)
                .set_delimiter(delimiter.map(str::to_owned))
                .set_max_keys(size)
                .set_continuation_token(token)
                .send()
                .await
                .step("list the objects")?;
        let keys: Vec<String> =
            page.contents().iter().filter_map(|object| object.key().map(str::to_owned)).collect();
        let prefixes: Vec<String> =
            page.common_prefixes().iter().filter_map(|common| common.prefix().map(str::to_owned)).collect();
        let counted = page.key_count();
        // A server that knows the first version only ignores `list-type` and counts nothing.
        ensure(counted.is_some(), || {
            Finding::absent("the server answers with the first version of listing")
        })?;
        ensure(
            counted.and_then(|count| usize::try_from(count).ok()) == Some(keys.len() + prefixes.len()),
            || Finding::broken(format!("KeyCount is {counted:?} for {} keys", keys.len() + prefixes.len())),
        )?;
        let next = page.next_continuation_token().map(str::to_owned);
        let next = next.filter(|_| page.is_truncated() == Some(true));
        Ok(Page { keys, prefixes, next })
    };
    let detail = tried(a, prefix, list).await?;
    let after =
        a.s3.list_objects_v2()
            .bucket(&a.main)
            .prefix(prefix)
            .start_after(format!("{prefix}dir/x"))
            .send()
            .await
            .step("list the objects after a key")?;
    let after: Vec<&str> = after.contents().iter().filter_map(|object| object.key()).collect();
    ensure(after == [format!("{prefix}dir/y"), format!("{prefix}z")], || {
        Finding::broken(format!("start-after: {} keys are listed instead of 2", after.len()))
    })?;
    Ok(detail)
}

/// Lists in small pages and with a delimiter.
async fn tried(
    a: &Attempt,
    prefix: &str,
    list: impl AsyncFn(&str, Option<&str>, Option<i32>, Option<String>) -> Result<Page, Finding>,
) -> Outcome {
    for name in NAMES {
        a.put(&a.main, &format!("{prefix}{name}"), name.as_bytes()).await?;
    }
    let wanted: Vec<String> = NAMES.iter().map(|name| format!("{prefix}{name}")).collect();
    let mut found = Vec::new();
    let mut next = None;
    let mut pages = 0;
    loop {
        let page = list(prefix, None, Some(PAGE), next).await?;
        ensure(page.keys.len() <= 2, || {
            Finding::broken(format!("a page of at most {PAGE} keys has {}", page.keys.len()))
        })?;
        pages += 1;
        found.extend(page.keys);
        next = page.next;
        if next.is_none() || pages == PAGES {
            break;
        }
    }
    ensure(found == wanted, || {
        let got: BTreeSet<&String> = found.iter().collect();
        let missing = wanted.iter().filter(|key| !got.contains(key)).count();
        Finding::broken(format!(
            "listed in pages, {missing} of {} keys are missing, and {} came in all",
            wanted.len(),
            found.len()
        ))
    })?;
    let page = list(prefix, Some("/"), None, None).await?;
    ensure(page.keys.len() == 3 && page.prefixes == [format!("{prefix}dir/")], || {
        Finding::broken(format!(
            "with a delimiter, {} keys and {} prefixes are listed instead of 3 and 1",
            page.keys.len(),
            page.prefixes.len()
        ))
    })?;
    Ok(format!("{} keys in {pages} pages, {} below one prefix", wanted.len(), 2))
}
