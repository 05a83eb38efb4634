//! The API as OpenAPI 3.1: made from the table of [`routes`](super::routes), with the schemas in `openapi/schemas.json`.
//!
//! `docs/openapi.json` is what this makes, and a test holds it to that; another asks a running host everything that stands
//! in it and holds the answers to the schemas.

use serde_json::{Map, Value, json};

use super::door::LINES;
use super::endpoint::{Content, Endpoint, Kind, Parameter};
use super::problem::Problem;
use super::routes::ENDPOINTS;

const SCHEMAS: &str = include_str!("openapi/schemas.json");

const ABOUT: &str = "What operators ask and change while events flow. Each answer that is not 2xx is a `Problem`. A token \
                     (`Authorization: Bearer hka_...`) has a role; each role may do what those before it may: read, tap, \
                     operate, admin. What changes something takes `dry_run=true` and is in the audit log.";

/// What any endpoint may answer instead.
const ALWAYS: [u16; 7] = [400, 408, 413, 421, 422, 500, 504];

/// The same of one that needs a token, and of one that takes a body.
const WITH_TOKEN: [u16; 3] = [401, 403, 503];
const WITH_BODY: u16 = 415;

/// The whole description.
pub fn document() -> Result<Value, serde_json::Error> {
    let schemas: Value = serde_json::from_str(SCHEMAS)?;
    let mut paths = Map::new();
    for endpoint in ENDPOINTS {
        let path = paths.entry(endpoint.path).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(methods) = path {
            methods.insert(endpoint.method.as_str().to_lowercase(), operation(endpoint));
        }
    }
    Ok(json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Hookaroon's admin API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "http://127.0.0.1:8650" }],
        "paths": paths,
        "components": {
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
            "schemas": schemas,
        },
    }))
}

fn operation(endpoint: &Endpoint) -> Value {
    let mut operation = json!({
        "operationId": endpoint.id,
        "summary": endpoint.summary,
        "parameters": parameters(endpoint),
        "responses": responses(endpoint),
        "security": [],
    });
    let Value::Object(members) = &mut operation else { return operation };
    if let Some(role) = endpoint.role() {
        members.insert("security".to_owned(), json!([{ "token": [] }]));
        members.insert("x-role".to_owned(), role.name().into());
    }
    if let Some(body) = endpoint.body {
        let content: Map<String, Value> =
            body.types.iter().map(|kind| ((*kind).to_owned(), json!({ "schema": {} }))).collect();
        let body = json!({ "description": body.doc, "required": true, "content": content });
        members.insert("requestBody".to_owned(), body);
    }
    operation
}

fn parameters(endpoint: &Endpoint) -> Vec<Value> {
    let in_path = endpoint.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let in_path = in_path
        .map(|name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }));
    let in_query = endpoint.parameters().into_iter().map(|Parameter { name, kind, doc }| {
        let schema = match kind {
            Kind::Text => json!({ "type": "string" }),
            Kind::Texts(most) => json!({ "type": "array", "items": { "type": "string" }, "maxItems": most }),
            Kind::Flag => json!({ "type": "boolean", "default": false }),
            Kind::Number(allowed, default) => json!({
                "type": "integer", "minimum": allowed.start(), "maximum": allowed.end(), "default": default,
            }),
        };
        json!({ "name": name, "in": "query", "description": doc, "schema": schema })
    });
    in_path.chain(in_query).collect()
}

fn responses(endpoint: &Endpoint) -> Value {
    let (kind, schema) = match endpoint.answer {
        Content::Json(name) => {
            ("application/json", json!({ "$ref": format!("#/components/schemas/{name}") }))
        }
        Content::Text(kind) => (kind, json!({ "type": "string" })),
        // OpenAPI 3.1 has no word for what each line of a stream is.
        Content::Lines(name) => {
            let line = json!({ "$ref": format!("#/components/schemas/{name}") });
            (LINES, json!({ "type": "string", "description": "JSON objects, a line each.", "x-line": line }))
        }
    };
    let mut responses = Map::new();
    let answer = json!({ "description": "What was asked for.", "content": { kind: { "schema": schema } } });
    responses.insert("200".to_owned(), answer);
    for status in statuses(endpoint) {
        let problem = json!({
            "description": Problem::meaning(status),
            "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
        });
        responses.insert(status.to_string(), problem);
    }
    Value::Object(responses)
}

/// How an endpoint may answer instead, in order.
fn statuses(endpoint: &Endpoint) -> Vec<u16> {
    let mut statuses = [&ALWAYS, endpoint.fails].concat();
    if endpoint.role().is_some() {
        statuses.extend(WITH_TOKEN);
    }
    if endpoint.body.is_some() {
        statuses.push(WITH_BODY);
    }
    statuses.sort_unstable();
    statuses.dedup();
    statuses
}

#[cfg(test)]
mod tests;
