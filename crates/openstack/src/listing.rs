//! Lists of resources, page by page.

use std::collections::HashSet;
use std::fmt;
use std::num::NonZero;
use std::sync::LazyLock;
use std::thread::available_parallelism;

use assay_inventory::{FactId, Reason, Record, Seen, Unavailable};
use serde::Deserializer;
use serde::de::{self, DeserializeSeed, MapAccess, Visitor};
use serde_json::{Map, Value};
use tokio::sync::Semaphore;

use crate::client::Reply;
use crate::endpoint::Endpoint;
use crate::{Session, links};

const MOST_PAGES: usize = 1000;

/// Whose turn it is to read an answer, one for each core, whatever the cloud. The lists of a hundred clouds come at the
/// same time: read side by side, all of them would be in memory at once, as text and as records.
static TURNS: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(available_parallelism().map_or(1, NonZero::get)));

/// Which list is wanted.
#[derive(Clone, Copy)]
pub(crate) struct Wish<'a> {
    /// The fact that the list serves; without one the calls are not recorded.
    pub(crate) fact: Option<FactId>,
    /// The service.
    pub(crate) endpoint: &'a Endpoint,
    /// The path of the list below the endpoint.
    pub(crate) path: &'a [&'a str],
    /// The query of the first page.
    pub(crate) query: &'a [(&'a str, &'a str)],
    /// Headers of every page.
    pub(crate) headers: &'a [(&'static str, &'static str)],
    /// Under which key the items stand.
    pub(crate) key: &'a str,
    /// Under which key the links to further pages stand, for services that do not write a plain `next`.
    pub(crate) links_key: &'a str,
    /// Told how many items there are so far, after each page.
    pub(crate) progress: &'a (dyn Fn(usize) + Sync),
}

/// A whole list, and the answer that its first page came in (without its body).
#[derive(Debug)]
pub(crate) struct Listing {
    /// The items of all pages.
    pub(crate) items: Vec<Record>,
    /// The first answer.
    pub(crate) first: Reply,
}

impl Session {
    /// Gets all pages of a list.
    pub(crate) async fn list(&self, wish: &Wish<'_>) -> Result<Listing, Unavailable> {
        let mut url = wish.endpoint.at(wish.path);
        if !wish.query.is_empty() {
            url.query_pairs_mut().extend_pairs(wish.query);
        }
        let mut items = Vec::new();
        let mut seen = HashSet::new();
        let mut first = None;
        loop {
            seen.insert(url.clone());
            let mut reply = self.get(wish.fact, wish.endpoint, url.clone(), wish.headers).await?;
            let next = {
                // The semaphore is never closed, so a failure to get a permit would only lift the limit.
                let _turn = TURNS.acquire().await.ok();
                let Page { items: mut more, rest: body } = page(&reply, wish.key)?;
                items.append(&mut more);
                let next = next_link(&reply, &body, wish.links_key)?;
                reply.body = Vec::new();
                next
            };
            (wish.progress)(items.len());
            if let Some(link) = next {
                url = links::follow(&wish.endpoint.url, &reply.url, &link).ok_or_else(|| {
                    reply.because(
                        Reason::ForeignLink,
                        format!("the next page is said to be at {link:?}, outside {}", wish.endpoint.url),
                    )
                })?;
                if seen.contains(&url) {
                    return Err(reply.because(Reason::Malformed, "the pages of the list go in circles"));
                }
                if seen.len() >= MOST_PAGES {
                    let what = format!("the list has more than {MOST_PAGES} pages");
                    return Err(reply.because(Reason::TooLarge, what));
                }
                first.get_or_insert(reply);
            } else {
                return Ok(Listing { items, first: first.unwrap_or(reply) });
            }
        }
    }
}

impl Session {
    /// All resources of a list, whatever its pages.
    ///
    /// # Errors
    /// There is no such service, or it gives no list.
    pub async fn list_all(
        &self,
        service: &'static str,
        path: &[&str],
        query: &[(&str, &str)],
        key: &str,
    ) -> Result<Vec<Record>, Unavailable> {
        let endpoint = self.endpoint(service)?;
        let links_key = format!("{key}_links");
        let wish = Wish {
            fact: None,
            endpoint: &endpoint,
            path,
            query,
            headers: &[],
            key,
            links_key: &links_key,
            progress: &|_| (),
        };
        Ok(self.list(&wish).await?.items)
    }
}

/// The body of an answer, which must be a JSON object.
pub(crate) fn object(reply: &Reply) -> Result<Map<String, Value>, Unavailable> {
    match serde_json::from_slice(&reply.body) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(reply.malformed("the answer is no JSON object")),
        Err(error) if error.is_eof() && !reply.body.is_empty() => {
            Err(reply.malformed(format!("the answer is JSON that ends too early: {error}")))
        }
        Err(_) => Err(reply.malformed("the answer is no JSON")),
    }
}

/// A page of a list, and what its answer says beside it.
struct Page {
    items: Vec<Record>,
    rest: Map<String, Value>,
}

/// Reads a page.
fn page(reply: &Reply, key: &str) -> Result<Page, Unavailable> {
    // Hundreds of images at a time, in a hundred clouds: what is as it should be is read without a tree of all of it
    // in between, which takes several times the memory of the records.
    let mut json = serde_json::Deserializer::from_slice(&reply.body);
    if let Ok(page) = Keyed(key).deserialize(&mut json).and_then(|page| json.end().map(|()| page))
        && page.items.iter().all(|item| !matches!(item.text("id"), Seen::Odd(_)))
    {
        return Ok(page);
    }
    let mut rest = object(reply)?;
    Ok(Page { items: records(reply, &mut rest, key)?, rest })
}

/// Reads a page whose list stands under this key.
struct Keyed<'k>(&'k str);

impl<'de> DeserializeSeed<'de> for Keyed<'_> {
    type Value = Page;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Page, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Keyed<'_> {
    type Value = Page;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with a list")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Page, A::Error> {
        let (mut items, mut rest) = (None, Map::new());
        while let Some(name) = map.next_key::<String>()? {
            if name == self.0 {
                items = Some(map.next_value()?);
            } else {
                rest.insert(name, map.next_value()?);
            }
        }
        let items = items.ok_or_else(|| de::Error::custom("no list"))?;
        Ok(Page { items, rest })
    }
}

/// The list under a key, whose items must be JSON objects.
fn records(reply: &Reply, body: &mut Map<String, Value>, key: &str) -> Result<Vec<Record>, Unavailable> {
    let items = match body.remove(key) {
        Some(Value::Array(items)) => items,
        Some(_) => return Err(reply.malformed(format!("{key:?} in the answer is no list"))),
        None => {
            let keys: Vec<&str> = body.keys().map(String::as_str).take(5).collect();
            return Err(reply.malformed(format!("the answer has no {key:?}, but has [{}]", keys.join(", "))));
        }
    };
    items
        .into_iter()
        .enumerate()
        .map(|(index, item)| match item {
            // Whatever else is odd about an item, by its id others are asked for.
            Value::Object(fields) if fields.get("id").is_some_and(|id| !id.is_string() && !id.is_null()) => {
                Err(reply.malformed(format!("the id of item {index} of {key:?} is no text")))
            }
            Value::Object(fields) => Ok(fields.into_iter().collect()),
            _ => Err(reply.malformed(format!("item {index} of {key:?} is no JSON object"))),
        })
        .collect()
}

/// Where the next page is: `next` as glance writes it, or a link of the relation `next`.
fn next_link(
    reply: &Reply,
    body: &Map<String, Value>,
    links_key: &str,
) -> Result<Option<String>, Unavailable> {
    let found = match body.get("next") {
        None | Some(Value::Null) => body
            .get(links_key)
            .and_then(Value::as_array)
            .and_then(|all| all.iter().find(|link| link.get("rel").and_then(Value::as_str) == Some("next")))
            .and_then(|link| link.get("href")),
        next => next,
    };
    match found {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(link)) => Ok(Some(link.clone())),
        Some(_) => Err(reply.malformed("the link to the next page is no text")),
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, Method, StatusCode};
    use serde_json::json;

    use super::*;

    fn reply(body: &str) -> Reply {
        Reply {
            method: Method::GET,
            url: "http://cloud.example.com/v2/images".parse().unwrap(),
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: body.as_bytes().to_vec(),
        }
    }

    #[test]
    fn a_page_is_its_items_and_what_else_there_is() {
        let body = r#"{"schema": "/s", "images": [{"id": "a", "x": [1]}, {"id": null}], "next": "/v2/images?marker=a"}"#;
        let Page { items, rest } = page(&reply(body), "images").unwrap();
        assert_eq!(items[0].get("x"), Some(&json!([1])));
        assert_eq!(items.len(), 2);
        assert_eq!(rest, *json!({"schema": "/s", "next": "/v2/images?marker=a"}).as_object().unwrap());
    }

    #[test]
    fn what_is_wrong_with_a_page_is_told() {
        for (body, words) in [
            (r#"{"images": [{"id": "a"}, 7]}"#, "item 1 of \"images\" is no JSON object"),
            (r#"{"images": [{"id": "a"}, {"id": 7}]}"#, "the id of item 1 of \"images\" is no text"),
            (r#"{"images": {"id": "a"}}"#, "\"images\" in the answer is no list"),
            (r#"{"image": []}"#, "the answer has no \"images\", but has [image]"),
            (r#"{"images": [{"id": "a"}"#, "the answer is JSON that ends too early"),
            (r#"{"images": []} more"#, "the answer is no JSON"),
            ("[]", "the answer is no JSON object"),
        ] {
            let why = page(&reply(body), "images").err().unwrap();
            assert!(why.message.contains(words), "{body}: {why}");
        }
    }
}
