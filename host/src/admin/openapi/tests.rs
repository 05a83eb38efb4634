use std::collections::BTreeSet;

use super::*;

#[test]
fn the_file_in_docs_is_what_this_makes() {
    let made = format!("{}\n", serde_json::to_string_pretty(&document().unwrap()).unwrap());
    let kept = include_str!("../../../../docs/openapi.json");
    assert!(made == kept, "`make docs` makes docs/openapi.json anew");
}

#[test]
fn every_schema_is_used_and_every_one_that_is_used_is_there() {
    fn used(value: &Value, names: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => {
                let name =
                    members.get("$ref").and_then(|name| name.as_str()?.strip_prefix("#/components/schemas/"));
                names.extend(name.map(str::to_owned));
                members.values().for_each(|value| used(value, names));
            }
            Value::Array(list) => list.iter().for_each(|value| used(value, names)),
            _ => {}
        }
    }
    let document = document().unwrap();
    let mut names = BTreeSet::new();
    used(&document, &mut names);
    let there = document["components"]["schemas"].as_object().unwrap();
    assert_eq!(names, there.keys().cloned().collect());
}

#[test]
fn the_ids_which_the_audit_log_knows_are_unique_and_every_status_has_a_meaning() {
    let ids: BTreeSet<_> = ENDPOINTS.iter().map(|endpoint| endpoint.id).collect();
    assert_eq!(ids.len(), ENDPOINTS.len());
    for endpoint in ENDPOINTS {
        for status in statuses(endpoint) {
            assert_ne!(Problem::meaning(status), Problem::meaning(0), "{status} of {}", endpoint.id);
        }
    }
}
