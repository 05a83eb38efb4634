//! JSON Schema as docs/openapi.json has it. A keyword that is not known here is refused, so none is ignored by mistake; a
//! validator crate would bring fifty others along.

use serde_json::Value;

/// Fails unless the value is what the schema says; `document` is what its references are within.
#[track_caller]
pub fn holds(document: &Value, schema: &Value, value: &Value) {
    let mut wrong = Vec::new();
    check(document, schema, value, "$", &mut wrong);
    assert!(wrong.is_empty(), "{wrong:?} in\n{value:#}");
}

fn check(document: &Value, schema: &Value, value: &Value, at: &str, wrong: &mut Vec<String>) {
    for (keyword, rule) in schema.as_object().unwrap() {
        let fine = match keyword.as_str() {
            "description" | "default" => true,
            "$ref" => {
                let place = document.pointer(rule.as_str().unwrap().trim_start_matches('#')).unwrap();
                check(document, place, value, at, wrong);
                true
            }
            "type" => match rule.as_str().unwrap() {
                "object" => value.is_object(),
                "array" => value.is_array(),
                "string" => value.is_string(),
                "boolean" => value.is_boolean(),
                "integer" => value.is_u64() || value.is_i64(),
                "number" => value.is_number(),
                "null" => value.is_null(),
                other => panic!("type {other}"),
            },
            "properties" => {
                for (name, rule) in rule.as_object().unwrap() {
                    if let Some(value) = value.get(name) {
                        check(document, rule, value, &format!("{at}.{name}"), wrong);
                    }
                }
                true
            }
            "required" => {
                rule.as_array().unwrap().iter().all(|name| value.get(name.as_str().unwrap()).is_some())
            }
            "additionalProperties" => {
                let known = schema.get("properties").and_then(Value::as_object);
                let is_known = |name: &str| known.is_some_and(|known| known.contains_key(name));
                let others = value.as_object().into_iter().flatten().filter(|(name, _)| !is_known(name));
                for (name, value) in others {
                    match rule {
                        Value::Bool(allowed) if *allowed => {}
                        Value::Bool(_) => wrong.push(format!("{at}.{name} is not in the schema")),
                        rule => check(document, rule, value, &format!("{at}.{name}"), wrong),
                    }
                }
                true
            }
            "items" => {
                for (index, value) in value.as_array().into_iter().flatten().enumerate() {
                    check(document, rule, value, &format!("{at}[{index}]"), wrong);
                }
                true
            }
            "anyOf" => rule.as_array().unwrap().iter().any(|rule| {
                let mut wrong = Vec::new();
                check(document, rule, value, at, &mut wrong);
                wrong.is_empty()
            }),
            // What each line of a text is.
            "x-line" => {
                for line in value.as_str().unwrap_or_default().lines() {
                    check(document, rule, &serde_json::from_str(line).unwrap(), at, wrong);
                }
                true
            }
            "enum" => rule.as_array().unwrap().contains(value),
            "minimum" => value.as_i64().is_none_or(|number| number >= rule.as_i64().unwrap()),
            "pattern" => {
                assert_eq!(rule, "^[0-9a-f]{64}$");
                let text = value.as_str().unwrap_or_default();
                text.len() == 64 && text.bytes().all(|byte| b"0123456789abcdef".contains(&byte))
            }
            other => panic!("keyword {other}"),
        };
        if !fine {
            wrong.push(format!("{at}: {keyword} {rule}"));
        }
    }
}

#[test]
fn what_a_schema_does_not_say_is_wrong() {
    let schema = serde_json::json!({
        "type": "object", "properties": { "a": { "type": "integer", "minimum": 0 } }, "required": ["a"],
        "additionalProperties": false,
    });
    for (value, count) in
        [("{\"a\":1}", 0), ("{\"a\":-1}", 1), ("{}", 1), ("{\"a\":1,\"b\":2}", 1), ("[]", 2)]
    {
        let mut wrong = Vec::new();
        check(&Value::Null, &schema, &serde_json::from_str(value).unwrap(), "$", &mut wrong);
        assert_eq!(wrong.len(), count, "{value}: {wrong:?}");
    }
}
