//! A keystone with domain managers, as far as the matrix needs it, and with holes where a test wants them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use serde_json::{Map, Value, json};
use wiremock::{Request, Respond, ResponseTemplate};

pub(super) const PASSWORD: &str = "pa55word-of-a-manager";
/// Names of domains and their managers; ids are made of them.
pub(super) const DOMAINS: [&str; 3] = ["alpha", "beta", "gamma"];
const ROLES: [&str; 4] = ["admin", "manager", "member", "reader"];

/// Where the policy has a hole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hole {
    /// Nowhere.
    None,
    /// Users can be created in any domain.
    ForeignUser,
    /// The same, but the answer is a refusal.
    ForeignUserSecretly,
    /// Without a domain, things are created in that of the token.
    NoDomain,
    /// Every role can be given, admin too.
    AnyRole,
    /// Roles can be given across domains.
    ForeignGrant,
    /// Roles across domains are not given, but the answer is that they were.
    PolitelyNothing,
    /// Roles can be created and deleted.
    Roles,
    /// Roles can be created, and nobody can delete them.
    RolesForEver,
    /// Groups can be seen by everybody.
    OpenGroups,
    /// Everybody can delete everything.
    Deletion,
    /// Users cannot be deleted, not even by their manager.
    StickyUsers,
    /// The managers are admins as well.
    Admins,
}

#[derive(Debug, Default)]
struct State {
    made: u32,
    /// Users, groups and projects: list, and the fields by id.
    things: BTreeMap<String, (String, Map<String, Value>)>,
    roles: BTreeMap<String, String>,
    /// Scope, its id, actors, the id of one, and the role.
    grants: BTreeSet<[String; 5]>,
    members: BTreeSet<(String, String)>,
}

#[derive(Debug, Clone)]
pub(super) struct Keystone {
    hole: Hole,
    url: String,
    state: Arc<Mutex<State>>,
}

type Answer = (u16, Value);

const FORBIDDEN: u16 = 403;

impl Keystone {
    pub(super) fn new(url: &str, hole: Hole) -> Self {
        let mut state = State::default();
        for domain in DOMAINS {
            let fields = json!({"id": format!("m-{domain}"), "name": format!("manager-{domain}"), "domain_id": format!("d-{domain}")});
            let Value::Object(fields) = fields else { unreachable!() };
            state.things.insert(format!("m-{domain}"), ("users".into(), fields));
        }
        state.roles.extend(ROLES.map(|name| (format!("r-{name}"), name.to_owned())));
        Keystone { hole, url: url.to_owned(), state: Arc::new(Mutex::new(state)) }
    }

    /// The same keystone with another policy.
    pub(super) fn with(&self, hole: Hole) -> Self {
        Keystone { hole, ..self.clone() }
    }

    /// What is there beside what was there from the beginning.
    pub(super) fn remains(&self) -> Vec<String> {
        let state = self.state.lock().unwrap();
        let is_new = |id: &String| !id.starts_with("m-") && !ROLES.contains(&id.trim_start_matches("r-"));
        let things = state.things.keys().filter(|id| is_new(id)).cloned();
        let roles = state.roles.keys().filter(|id| is_new(id)).cloned();
        let grants = state.grants.iter().map(|grant| grant.join("/"));
        things.chain(roles).chain(grants).collect()
    }

    fn login(&self, body: &Value) -> (Answer, String) {
        let user = &body["auth"]["identity"]["password"]["user"];
        let domain = body["auth"]["scope"]["domain"]["name"].as_str().unwrap_or_default();
        if user["password"] != PASSWORD || user["name"] != format!("manager-{domain}") {
            return ((401, json!({"error": {"message": "wrong"}})), String::new());
        }
        let roles = match self.hole {
            Hole::Admins => json!([{"name": "manager"}, {"name": "admin"}]),
            _ => json!([{"name": "manager"}]),
        };
        let catalog = json!([{"type": "identity", "name": "keystone", "endpoints": [{"interface": "public", "region": "R", "url": self.url}]}]);
        let token = json!({"token": {
            "user": {"id": format!("m-{domain}"), "name": user["name"]},
            "roles": roles, "expires_at": "2099-01-01T00:00:00.000000Z", "catalog": catalog,
        }});
        ((201, token), format!("token-{domain}"))
    }

    /// What a manager of this domain gets.
    fn answer(
        &self,
        d: &str,
        method: &str,
        path: &[&str],
        query: &BTreeMap<String, String>,
        body: &Value,
    ) -> Answer {
        let mut state = self.state.lock().unwrap();
        let state = &mut *state;
        let name = |item: &Value| query.get("name").is_none_or(|name| item["name"] == *name);
        match (method, path) {
            ("GET", ["domains"] | ["auth", "domains"]) => {
                let own = json!({"id": d, "name": d.trim_start_matches("d-")});
                (200, json!({"domains": Vec::from_iter(Some(own).filter(name))}))
            }
            ("GET", ["roles"]) => {
                let roles = state.roles.iter().map(|(id, name)| json!({"id": id, "name": name}));
                (200, json!({"roles": roles.filter(name).collect::<Vec<_>>()}))
            }
            ("POST", ["roles"]) if matches!(self.hole, Hole::Roles | Hole::RolesForEver) => {
                state.made += 1;
                let id = format!("new-role-{}", state.made);
                state.roles.insert(id.clone(), body["role"]["name"].as_str().unwrap().to_owned());
                (201, json!({"role": {"id": id}}))
            }
            ("GET", ["roles", id]) if matches!(self.hole, Hole::Roles | Hole::RolesForEver) => {
                (if state.roles.contains_key(*id) { 200 } else { 404 }, json!({}))
            }
            ("DELETE", ["roles", id]) if self.hole == Hole::Roles => {
                (if state.roles.remove(*id).is_some() { 204 } else { 404 }, Value::Null)
            }
            ("GET", ["role_assignments"]) => {
                let wanted = |keys: &[&str]| keys.iter().find_map(|key| query.get(*key).cloned()).unwrap();
                let (scope, actor) =
                    (wanted(&["scope.domain.id", "scope.project.id"]), wanted(&["user.id", "group.id"]));
                let found = state.grants.iter().filter(|grant| {
                    grant[1] == scope
                        && grant[3] == actor
                        && state.domain(&scope) == d
                        && grant[4] == query["role.id"]
                });
                (
                    200,
                    json!({"role_assignments": found.map(|grant| json!({"role": {"id": grant[4]}})).collect::<Vec<_>>()}),
                )
            }
            (
                _,
                [
                    scopes @ ("domains" | "projects"),
                    scope,
                    actors @ ("users" | "groups"),
                    actor,
                    "roles",
                    role,
                ],
            ) => self.grant(state, d, method, [scopes, scope, actors, actor, role]),
            ("GET", ["users", user, "projects"]) => {
                if state.domain(user) != d {
                    return (FORBIDDEN, Value::Null);
                }
                let found = state.grants.iter().filter(|grant| grant[0] == "projects" && grant[3] == *user);
                (200, json!({"projects": found.map(|grant| json!({"id": grant[1]})).collect::<Vec<_>>()}))
            }
            ("GET", ["groups", group, "users"]) => {
                if state.domain(group) != d {
                    return (FORBIDDEN, Value::Null);
                }
                let found = state.members.iter().filter(|(of, _)| of == group);
                (200, json!({"users": found.map(|(_, user)| json!({"id": user})).collect::<Vec<_>>()}))
            }
            (_, ["groups", group, "users", user]) => {
                if state.domain(group) != d || state.domain(user) != d {
                    return (FORBIDDEN, Value::Null);
                }
                let member = ((*group).to_owned(), (*user).to_owned());
                let is_there = match method {
                    "PUT" => {
                        state.members.insert(member);
                        true
                    }
                    "DELETE" => state.members.remove(&member),
                    _ => state.members.contains(&member),
                };
                (if is_there { 204 } else { 404 }, Value::Null)
            }
            (_, [list @ ("users" | "groups" | "projects"), rest @ ..]) => {
                self.thing(state, d, method, (list, rest), query, body)
            }
            _ => (FORBIDDEN, json!({"error": {"message": "not authorized"}})),
        }
    }

    fn grant(&self, state: &mut State, d: &str, method: &str, parts: [&str; 5]) -> Answer {
        let [_, scope, _, actor, role] = parts;
        let is_inside = state.domain(scope) == d && state.domain(actor) == d;
        let is_managed = role != "r-admin" || self.hole == Hole::AnyRole;
        let grant = parts.map(str::to_owned);
        if method == "HEAD" && is_inside {
            return (if state.grants.contains(&grant) { 204 } else { 404 }, Value::Null);
        }
        if self.hole == Hole::PolitelyNothing && !is_inside && method != "HEAD" {
            return (204, Value::Null);
        }
        if !(is_managed && (is_inside || self.hole == Hole::ForeignGrant)) || method == "HEAD" {
            return (FORBIDDEN, json!({"error": {"message": "not authorized"}}));
        }
        let is_done = match method {
            "PUT" => {
                state.grants.insert(grant);
                true
            }
            _ => state.grants.remove(&grant),
        };
        (if is_done { 204 } else { 404 }, Value::Null)
    }

    fn thing(
        &self,
        state: &mut State,
        d: &str,
        method: &str,
        (list, rest): (&str, &[&str]),
        query: &BTreeMap<String, String>,
        body: &Value,
    ) -> Answer {
        let wrapper = list.trim_end_matches('s');
        let sees_all = self.hole == Hole::OpenGroups && list == "groups";
        let deletes_all = self.hole == Hole::Deletion && method == "DELETE";
        let Some(id) = rest.first().copied() else {
            if method == "POST" {
                return self.create(state, d, list, &body[wrapper]);
            }
            let asked = |fields: &Map<String, Value>, key: &str| {
                query.get(key).is_none_or(|value| fields[key] == *value)
            };
            let found = state.things.values().filter(|(of, fields)| {
                of == list
                    && (fields["domain_id"] == d || sees_all)
                    && asked(fields, "name")
                    && asked(fields, "domain_id")
            });
            return (200, json!({list: found.map(|(_, fields)| fields.clone()).collect::<Vec<_>>()}));
        };
        let is_open = (sees_all && method == "GET") || deletes_all;
        if state.domain(id) != d && !(is_open && state.things.contains_key(id)) {
            return (FORBIDDEN, json!({"error": {"message": "not authorized"}}));
        }
        match method {
            "GET" => (200, json!({wrapper: state.things[id].1})),
            "PATCH" => {
                let Value::Object(fields) = body[wrapper].clone() else { return (400, Value::Null) };
                state.things.get_mut(id).unwrap().1.extend(fields);
                (200, json!({wrapper: state.things[id].1}))
            }
            _ if self.hole == Hole::StickyUsers && list == "users" => (FORBIDDEN, Value::Null),
            _ => {
                state.things.remove(id);
                state.grants.retain(|grant| grant[1] != id && grant[3] != id);
                state.members.retain(|(group, user)| group != id && user != id);
                (204, Value::Null)
            }
        }
    }

    fn create(&self, state: &mut State, d: &str, list: &str, fields: &Value) -> Answer {
        let Value::Object(mut fields) = fields.clone() else { return (400, Value::Null) };
        let domain = match fields.get("domain_id").and_then(Value::as_str) {
            Some(domain) => domain.to_owned(),
            None if self.hole == Hole::NoDomain && !fields.contains_key("is_domain") => d.to_owned(),
            None => String::new(),
        };
        let is_open = matches!(self.hole, Hole::ForeignUser | Hole::ForeignUserSecretly)
            && list == "users"
            && !domain.is_empty();
        if domain != d && !is_open {
            return (FORBIDDEN, json!({"error": {"message": "not authorized"}}));
        }
        if fields.get("parent_id").is_some() {
            return (400, json!({"error": {"message": "the parent is in another domain"}}));
        }
        state.made += 1;
        let id = format!("new-{}", state.made);
        fields.insert("domain_id".into(), domain.clone().into());
        fields.insert("id".into(), id.clone().into());
        state.things.insert(id.clone(), (list.to_owned(), fields));
        match self.hole == Hole::ForeignUserSecretly && domain != d {
            true => (FORBIDDEN, Value::Null),
            false => (201, json!({list.trim_end_matches('s'): {"id": id}})),
        }
    }
}

impl State {
    /// The domain that something is in; a domain is in itself.
    fn domain(&self, id: &str) -> String {
        match self.things.get(id) {
            Some((_, fields)) => fields["domain_id"].as_str().unwrap_or_default().to_owned(),
            None if id.starts_with("d-") => id.to_owned(),
            None => String::new(),
        }
    }
}

impl Respond for Keystone {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let path: Vec<&str> = request.url.path_segments().unwrap().skip(1).collect();
        if path == ["auth", "tokens"] {
            let ((status, answer), token) = self.login(&body);
            return ResponseTemplate::new(status)
                .insert_header("X-Subject-Token", token)
                .set_body_json(answer);
        }
        let token = request.headers["x-auth-token"].to_str().unwrap();
        let domain = token.replace("token-", "d-");
        let query: BTreeMap<String, String> = request.url.query_pairs().into_owned().collect();
        let (status, answer) = self.answer(&domain, request.method.as_str(), &path, &query, &body);
        match answer {
            Value::Null => ResponseTemplate::new(status),
            answer => ResponseTemplate::new(status).set_body_json(answer),
        }
    }
}
