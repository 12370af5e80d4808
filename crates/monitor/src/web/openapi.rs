//! The interface for programs as an OpenAPI 3.1 document. Its schemas are made from the types that are read and written, so
//! that they cannot say anything else; which addresses there are is said once more here, and a test compares.

use std::sync::LazyLock;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::error::Refused;
use super::pages::{Before, Part, Search, Turn};
use super::{Shared, api, certificates, findings, integrators, reports, results, status};
use crate::status::StatusView;

const DESCRIPTION: &str = "Takes signed reports in, keeps them, and shows everybody what they come to. What is not a \
    success says why in `detail`. HEAD is answered wherever GET is. The desk (`/desk`, `/login`, `/invitation`) is for \
    people with browsers, and not described here; whoever is logged in there may read with that session, too.";

const JSON: &str = "application/json";
const HTML: &str = "text/html";
const MARKDOWN: &str = "text/markdown";
const PLAIN: &str = "text/plain";
const SIGNED: [&str; 2] = ["application/x-signed-yaml", "application/x-signed-json"];
/// What can happen at any address.
const ANYWHERE: [u16; 3] = [408, 500, 503];

/// What the server answers, and to what.
pub(super) async fn openapi(State(monitor): Shared) -> Response {
    let headers = [(header::CONTENT_TYPE, JSON), (header::CACHE_CONTROL, "public, max-age=3600")];
    let base = monitor.settings.base_url.trim_end_matches('/');
    let mut document = DOCUMENT.clone();
    if !base.is_empty() {
        document["servers"] = json!([{"url": base}]);
    }
    (headers, document.to_string()).into_response()
}

/// It is the same for all requests, and takes two generators to make.
static DOCUMENT: LazyLock<Value> = LazyLock::new(document);

/// The document, wherever the monitor is.
fn document() -> Value {
    let mut draft = Draft::new();
    reading(&mut draft);
    taking_in(&mut draft);
    certifying(&mut draft);
    integrating(&mut draft);
    looking(&mut draft);
    running(&mut draft);
    draft.finish()
}

fn reading(draft: &mut Draft) {
    draft.tag = "What subjects come to";
    draft
        .get("/status", "What the newest results of all subjects come to")
        .query::<status::Filter>()
        .json::<StatusView<'_>>(200)
        .refuses(&[406]);
    draft
        .get("/api/v1/scores", "What all subjects achieve, counting only what is certain")
        .json::<Vec<api::ListedScore<'_>>>(200);
    draft
        .get(
            "/api/v1/subjects/{subject}",
            "The state of each testcase of a subject now, or at the end of a day",
        )
        .query::<api::Span>()
        .json::<api::SubjectView<'_>>(200)
        .refuses(&[404]);
    draft
        .get(
            "/api/v1/subjects/{subject}/history",
            "The states of the testcases of a subject over the last days",
        )
        .query::<api::Span>()
        .json::<api::SubjectView<'_>>(200)
        .refuses(&[404]);
    draft
        .get(
            "/api/v1/subjects/{subject}/audit",
            "What the subject stated, what was measured and what auditors found",
        )
        .for_whom("The subject, `approve`, `read_any`.")
        .query::<findings::Wish>()
        .json::<findings::AuditView<'_>>(200)
        .refuses(&[403, 404]);
    draft
        .post("/api/v1/subjects/{subject}/findings", "Write down what an auditor found")
        .for_whom("`approve`, and not about themselves.")
        .sends::<findings::Found>()
        .json::<findings::WrittenDown<'_>>(201)
        .refuses(&[403, 404]);
    draft
        .get("/feed/{subject}/{scope}", "The changes of the last 90 days, as an Atom feed")
        .text(200, &["application/atom+xml"])
        .refuses(&[404]);
    let badge = "image/svg+xml";
    draft
        .get("/badge/{subject}/{scope}", "What a subject comes to, as a picture")
        .text(200, &[badge])
        .text(404, &[badge])
        .refuses(&[404]);
}

fn taking_in(draft: &mut Draft) {
    draft.tag = "Reports";
    draft
        .post("/reports", "Hand signed reports in: all are stored, or none")
        .for_whom("The subject; for others `append_any` and their trust (`delegates`). No session will do.")
        .describes(
            "The body is an armored SSHSIG signature of namespace `report`, `&`, and what was signed: a stream of YAML \
             documents, or JSON. The content type has no parameters.",
        )
        .sends_text(&SIGNED)
        .json::<()>(200)
        .header(200, "Not-Counted", "Results that are kept and do not count, and why; a line for each reason, five at most.")
        .refuses(&[403, 409, 429]);
    draft
        .get("/reports", "Whole reports, newest first; at most 100 and 16 MiB at once")
        .for_whom("The subject, `read_any`.")
        .query::<reports::Filter>()
        .json::<Vec<reports::KeptView<'_>>>(200)
        .refuses(&[403]);
    draft
        .get("/reports/{uuid}", "A whole report")
        .for_whom("The subject, `read_any`.")
        .json::<reports::KeptView<'_>>(200)
        .refuses(&[403, 404]);
    draft
        .get("/reports/{uuid}/signed", "What was signed, behind its signature, byte for byte")
        .for_whom("The subject, `read_any`.")
        .text(200, &SIGNED)
        .refuses(&[403, 404, 410]);
    draft
        .get("/results", "The results of the last seven days, oldest first")
        .for_whom("`read_any`.")
        .query::<results::Filter>()
        .json::<Vec<results::ResultView>>(200)
        .refuses(&[403]);
    draft
        .post("/results", "Approve results, or take that back: all of them, or none")
        .for_whom("`approve`.")
        .sends_some::<results::Approved>()
        .json::<()>(200)
        .refuses(&[403, 404]);
}

fn certifying(draft: &mut Draft) {
    draft.tag = "Certificates";
    draft
        .get("/api/v1/applications", "The applications that concern whoever asks")
        .for_whom("All who are known; `approve` and `admin` see those of all.")
        .json::<Vec<certificates::ApplicationView<'_>>>(200)
        .refuses(&[403]);
    draft
        .post("/api/v1/applications", "Apply for a certificate")
        .for_whom("The subject, `admin`.")
        .sends::<certificates::Asked>()
        .taken_in()
        .refuses(&[403, 409]);
    draft
        .get("/api/v1/applications/{uuid}", "An application, and all that was done with it")
        .for_whom("The applicant, `approve`, `admin`.")
        .json::<certificates::ApplicationView<'_>>(200)
        .refuses(&[403, 404]);
    draft
        .post("/api/v1/applications/{uuid}/moves", "Do something with an application")
        .for_whom("The applicant and `admin`: `evidence`, `withdraw`. `approve`: `ask`, `grant`, `reject`.")
        .sends::<certificates::Wanted>()
        .json::<certificates::ApplicationView<'_>>(200)
        .refuses(&[403, 404, 409]);
    draft
        .get("/api/v1/certificates", "All certificates that were ever granted")
        .query::<certificates::Filter>()
        .json::<Vec<certificates::CertificateView<'_>>>(200);
    draft
        .get("/api/v1/certificates/{uuid}", "What a certificate says, and what it comes to now")
        .json::<certificates::CertificateView<'_>>(200)
        .refuses(&[404]);
    draft
        .post("/api/v1/certificates/{uuid}/revocation", "Take a certificate back")
        .for_whom("`approve`.")
        .sends::<certificates::Revoked>()
        .json::<certificates::CertificateView<'_>>(200)
        .refuses(&[403, 404, 409]);
    draft
        .get("/certificates/revoked.json", "Which certificates were revoked, as a signed document")
        .json::<Map<String, Value>>(200);
    draft
        .get(
            "/certificates/{uuid}/credential.json",
            "A certificate as a signed document (Verifiable Credential)",
        )
        .text(200, &["application/vc"])
        .refuses(&[404]);
    draft
        .get("/certificates/{uuid}/certificate.pdf", "A certificate on paper")
        .text(200, &["application/pdf"])
        .refuses(&[404]);
}

fn integrating(draft: &mut Draft) {
    draft.tag = "Integrators";
    draft
        .get("/api/v1/integrators", "All certificates of integrators that were ever granted")
        .json::<Vec<certificates::CertificateView<'_>>>(200);
    draft
        .get("/api/v1/integrators/{uuid}", "A certificate of an integrator, and how it was reckoned")
        .json::<integrators::CertifiedView<'_>>(200)
        .refuses(&[404]);
    draft
        .post("/api/v1/integrators/applications", "Apply for a certificate")
        .for_whom("The applicant, `admin`.")
        .sends::<integrators::Asked>()
        .taken_in()
        .refuses(&[403, 409]);
    draft
        .get("/api/v1/integrators/applications/{uuid}", "An application with what its references come to now")
        .for_whom("The applicant, `approve`, `admin`.")
        .json::<integrators::IntegratorView<'_>>(200)
        .refuses(&[403, 404]);
    draft
        .post("/api/v1/integrators/applications/{uuid}/moves", "Do something with an application")
        .for_whom("The applicant and `admin`: `evidence`, `withdraw`. `approve`: `ask`, `grant`, `reject`.")
        .sends::<certificates::Wanted>()
        .json::<certificates::ApplicationView<'_>>(200)
        .refuses(&[403, 404, 409]);
    draft
        .post("/api/v1/integrators/applications/{uuid}/references", "Add a reference")
        .for_whom("The applicant, `admin`.")
        .sends::<assay_standards::integrators::Reference>()
        .json::<integrators::IntegratorView<'_>>(201)
        .refuses(&[403, 404, 409]);
    draft
        .post(
            "/api/v1/integrators/applications/{uuid}/references/{number}/word",
            "Say what to make of a reference",
        )
        .for_whom("`approve`: `accepted`, `refused`. The applicant and `admin`: `withdrawn`.")
        .sends::<integrators::Said>()
        .json::<integrators::IntegratorView<'_>>(200)
        .refuses(&[403, 404, 409]);
}

/// What people look at.
fn looking(draft: &mut Draft) {
    draft.tag = "Pages";
    draft.get("/", "Leads to the overview").empty(307);
    draft.page("/{form}/table", "What each subject comes to").query::<Search>();
    draft.page("/{form}/table_full", "The same, with draft versions").query::<Search>();
    draft
        .page("/{form}/detail/{subject}/{scope}", "Each testcase of a subject, or of `group-NAME`")
        .refuses(&[404]);
    draft.page("/{form}/detail_full/{subject}/{scope}", "The same, with draft versions").refuses(&[404]);
    draft.page("/{form}/report/{uuid}", "Verdicts, warnings and errors of a report").refuses(&[404]);
    draft
        .page("/{form}/report_full/{uuid}", "A report with its whole logs")
        .for_whom("The subject, `read_any`.")
        .refuses(&[403, 404]);
    draft.page("/{form}/scope/{scope}", "Which module of a scope belongs to which version").refuses(&[404]);
    draft
        .page("/{form}/matrix/{scope}/{version}", "Who passes what of a version")
        .query::<Part>()
        .refuses(&[404]);
    draft
        .page("/{form}/subject/{subject}", "What each testcase of a subject was over the last days")
        .query::<api::Span>();
    draft.page("/{form}/testcases", "All testcases, by standard");
    draft.page("/{form}/testcase/{testcase}", "What a testcase demands, and who meets it").refuses(&[404]);
    draft.page("/{form}/log", "The newest entries of the log").query::<Before>();
    draft.page("/{form}/certificates", "All certificates that were granted").query::<Turn>();
    draft
        .page("/{form}/certificate/{uuid}", "What a certificate says, and how that fares now")
        .refuses(&[404]);
    draft.page("/{form}/integrators", "All integrators that were certified");
    draft.page("/{form}/integrator/{uuid}", "How the points of an integrator come together").refuses(&[404]);
    draft
        .page(
            "/{form}/audit/{subject}/{scope}",
            "What was stated, what was measured, and what auditors found",
        )
        .for_whom("The subject, `approve`, `read_any`.")
        .refuses(&[403, 404]);
    draft.get("/assets/monitor.css", "How the pages look").text(200, &["text/css"]);
}

fn running(draft: &mut Draft) {
    draft.tag = "Log";
    let bytes = "application/octet-stream";
    draft
        .get("/log/checkpoint", "How many entries there are and the root over them, signed")
        .text(200, &[PLAIN]);
    draft.get("/log/key", "The key that checkpoints are signed with").text(200, &[PLAIN]);
    draft
        .get("/log/proof/{uuid}", "What proves that a report or a certificate is in the log")
        .text(200, &[PLAIN])
        .refuses(&[404]);
    draft
        .get("/log/tile/{*path}", "Hashes or entries, as C2SP tlog-tiles has them")
        .text(200, &[bytes])
        .refuses(&[404]);
    draft.tag = "Running it";
    draft.get("/healthz", "Whether the database answers").empty(200);
    draft.get("/metrics", "For Prometheus").text(200, &[PLAIN]);
    draft.get("/api/v1/openapi.json", "This document").json::<Map<String, Value>>(200);
}

/// The document while it is made.
struct Draft {
    /// Schemas of what is sent, and of what is answered.
    sent: SchemaGenerator,
    answered: SchemaGenerator,
    paths: Value,
    /// Under which heading the next addresses are.
    tag: &'static str,
}

/// What somebody may ask for, on its way into the document.
struct Operation<'d> {
    draft: &'d mut Draft,
    path: String,
    method: &'static str,
}

impl Draft {
    fn new() -> Self {
        let settings = |settings: SchemaSettings| {
            let named =
                |settings: &mut SchemaSettings| settings.definitions_path = "/components/schemas".into();
            settings.with(named).into_generator()
        };
        let all = SchemaSettings::draft2020_12;
        Self {
            sent: settings(all().for_deserialize()),
            answered: settings(all().for_serialize()),
            paths: json!({}),
            tag: "",
        }
    }

    fn get(&mut self, path: &str, summary: &str) -> Operation<'_> {
        self.add("get", path, summary)
    }

    fn post(&mut self, path: &str, summary: &str) -> Operation<'_> {
        self.add("post", path, summary)
    }

    /// Something that people look at, in three forms.
    fn page(&mut self, path: &str, summary: &str) -> Operation<'_> {
        self.get(path, summary).text(200, &[HTML, MARKDOWN])
    }

    fn add(&mut self, method: &'static str, path: &str, summary: &str) -> Operation<'_> {
        let path = path.replace("{*", "{");
        let names = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        let parts: Vec<Value> = names.map(|name| part(&path, name)).collect();
        let words = path.split(['/', '.']).map(|word| word.trim_matches(['{', '}']));
        let words = words.filter(|word| !matches!(*word, "" | "api" | "v1"));
        let id = std::iter::once(method).chain(words).collect::<Vec<_>>().join("_");
        let has_parts = !parts.is_empty();
        self.paths[&path][method] = json!({
            "operationId": id, "tags": [self.tag], "summary": summary, "parameters": parts, "responses": {},
        });
        let operation = Operation { draft: self, path, method }.refuses(&ANYWHERE);
        // No address is UTF-8 by itself.
        if has_parts { operation.refuses(&[422]) } else { operation }
    }

    fn finish(mut self) -> Value {
        let refused = self.answered.subschema_for::<Refused>();
        let codes = [401, 403, 404, 406, 408, 409, 410, 413, 415, 422, 429, 500, 503];
        let responses = codes.map(|code| {
            let mut response = json!({"description": reason(code)});
            // Who takes too long may not listen any more.
            if code != 408 {
                response["content"] = json!({JSON: {"schema": refused}});
            }
            if code == 429 {
                let seconds = json!({"schema": {"type": "integer"}, "description": "In seconds."});
                response["headers"] = json!({"Retry-After": seconds});
            }
            (code.to_string(), response)
        });
        let mut schemas = self.sent.take_definitions(true);
        schemas.extend(self.answered.take_definitions(true));
        json!({
            "openapi": "3.1.0",
            "info": {
                "title": "Compliance monitor",
                "description": DESCRIPTION,
                "version": "1",
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            },
            "paths": self.paths,
            "components": {
                "securitySchemes": {
                    "password": {"type": "http", "scheme": "basic", "description": "Name and password of an account."},
                    "token": {
                        "type": "http", "scheme": "bearer",
                        "description": "A token of an account. Some are for handing reports in, and nothing else.",
                    },
                },
                "responses": Map::from_iter(responses),
                "schemas": schemas,
            },
        })
    }
}

impl Operation<'_> {
    fn entry(&mut self) -> &mut Value {
        &mut self.draft.paths[&self.path][self.method]
    }

    fn describes(mut self, more: &str) -> Self {
        let entry = &mut self.entry()["description"];
        *entry = match entry.as_str() {
            Some(before) => format!("{before}\n\n{more}").into(),
            None => more.into(),
        };
        self
    }

    /// Who may ask for it, which others are told.
    fn for_whom(mut self, who: &str) -> Self {
        self.entry()["security"] = json!([{"password": []}, {"token": []}]);
        self.describes(&format!("For whom: {who}")).refuses(&[401])
    }

    fn query<T: JsonSchema>(mut self) -> Self {
        let schema = T::json_schema(&mut self.draft.sent);
        let required: Vec<String> = schema.get("required").map(strings).unwrap_or_default();
        let fields = schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
        for (name, mut field) in fields {
            let description = field.as_object_mut().and_then(|field| field.remove("description"));
            // Nobody can say that nothing is null in an address.
            if let Some(kinds) = field.get("type").map(strings).filter(|kinds| !kinds.is_empty()) {
                field["type"] = kinds.into_iter().find(|kind| kind != "null").into();
            }
            let mut parameter =
                json!({"name": name, "in": "query", "required": required.contains(&name), "schema": field});
            if let Some(description) = description {
                parameter["description"] = description;
            }
            if let Some(parameters) = self.entry()["parameters"].as_array_mut() {
                parameters.push(parameter);
            }
        }
        self.refuses(&[422])
    }

    fn sends<T: JsonSchema>(mut self) -> Self {
        let schema = self.draft.sent.subschema_for::<T>();
        self.entry()["requestBody"] = json!({"required": true, "content": {JSON: {"schema": schema}}});
        self.refuses(&[413, 415, 422])
    }

    /// One, or several.
    fn sends_some<T: JsonSchema>(self) -> Self {
        let mut this = self.sends::<T>();
        let content = &mut this.entry()["requestBody"]["content"][JSON];
        let one = content["schema"].take();
        content["schema"] = json!({"oneOf": [one, {"type": "array", "items": one}]});
        this
    }

    fn sends_text(mut self, types: &[&str]) -> Self {
        self.entry()["requestBody"] = json!({"required": true, "content": texts(types)});
        self.refuses(&[413, 415, 422])
    }

    fn json<T: JsonSchema>(mut self, code: u16) -> Self {
        let schema = self.draft.answered.subschema_for::<T>();
        self.entry()["responses"][code.to_string()] =
            json!({"description": reason(code), "content": {JSON: {"schema": schema}}});
        self
    }

    /// An application was taken in.
    fn taken_in(self) -> Self {
        self.json::<certificates::TakenIn<'_>>(201).header(201, "Location", "Where the application is.")
    }

    fn header(mut self, code: u16, name: &str, description: &str) -> Self {
        self.entry()["responses"][code.to_string()]["headers"][name] =
            json!({"schema": {"type": "string"}, "description": description});
        self
    }

    fn text(mut self, code: u16, types: &[&str]) -> Self {
        self.entry()["responses"][code.to_string()] =
            json!({"description": reason(code), "content": texts(types)});
        self
    }

    fn empty(mut self, code: u16) -> Self {
        self.entry()["responses"][code.to_string()] = json!({"description": reason(code)});
        self
    }

    fn refuses(mut self, codes: &[u16]) -> Self {
        for code in codes {
            let known = &mut self.entry()["responses"][code.to_string()];
            match known.get_mut("content") {
                // It may be a picture, or say why there is none.
                Some(content) => content[JSON] = json!({"schema": {"$ref": "#/components/schemas/Refused"}}),
                None => *known = json!({"$ref": format!("#/components/responses/{code}")}),
            }
        }
        self
    }
}

/// A part of an address.
fn part(path: &str, name: &str) -> Value {
    let text = json!({"type": "string"});
    let (description, schema) = match name {
        "form" => {
            let words = json!({"type": "string", "enum": ["page", "fragment", "markdown"]});
            ("A whole page, the HTML within it, or Markdown.", words)
        }
        "scope" if path.starts_with("/feed/") => ("A scope by UUID or name, and `.atom`.", text),
        "scope" if path.starts_with("/badge/") => ("A scope by UUID or name, and `.svg`.", text),
        "scope" => ("A scope by UUID or name, such as `scs-compatible-iaas`.", text),
        "subject" => ("The name of a subject.", text),
        "version" => ("A version of the scope.", text),
        "testcase" => ("The id of a testcase.", text),
        "number" => ("Which of the references, from 1 on.", json!({"type": "integer", "format": "int64"})),
        "path" => ("Level and index of a tile, such as `0/x001/234`; its slashes are not encoded.", text),
        _ => ("Of a report, an application or a certificate.", json!({"type": "string", "format": "uuid"})),
    };
    json!({"name": name, "in": "path", "required": true, "description": description, "schema": schema})
}

fn reason(code: u16) -> &'static str {
    StatusCode::from_u16(code).ok().and_then(|code| code.canonical_reason()).unwrap_or_default()
}

fn strings(values: &Value) -> Vec<String> {
    values.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn texts(types: &[&str]) -> Value {
    let schema = || Schema::from(Map::from_iter([("type".to_owned(), json!("string"))]));
    types.iter().map(|name| ((*name).to_owned(), json!({"schema": schema()}))).collect::<Map<_, _>>().into()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn the_schema_in_the_docs_is_this_one() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema/monitor-v1.openapi.json");
        let text = serde_json::to_string_pretty(&document()).unwrap() + "\n";
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            fs::write(&path, &text).unwrap();
        }
        assert!(
            fs::read_to_string(&path).unwrap_or_default() == text,
            "docs/schema/monitor-v1.openapi.json does not match the code; run the tests with UPDATE_SCHEMA=1 and \
             look at what changed"
        );
    }

    #[test]
    fn what_is_sent_and_what_is_answered_do_not_share_a_name() {
        let mut draft = Draft::new();
        reading(&mut draft);
        taking_in(&mut draft);
        certifying(&mut draft);
        integrating(&mut draft);
        let answered = draft.answered.definitions();
        for (name, schema) in draft.sent.definitions() {
            assert!(answered.get(name).is_none_or(|other| other == schema), "{name}");
        }
    }
}
