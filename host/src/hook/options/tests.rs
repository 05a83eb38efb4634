use serde_json::json;

use super::*;

fn messages(schema: Value, config: Value) -> Vec<String> {
    check(&schema, &config).iter().map(|wrong| wrong.message("config.", false)).collect()
}

fn of_a_hook() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["by"],
        "properties": {
            "by": {"type": "string", "description": "The field."},
            "patterns": {"type": "array", "items": {"type": "string"}},
            "mode": {"enum": ["observe", "drop_it"]},
            "burst": {"type": "integer", "minimum": 1, "maximum": 10},
            "set": {"type": "object", "additionalProperties": {"type": "string"}},
            "table": {"type": ["string", "array"], "items": {"type": "object"}},
            "x.y": {"type": "boolean"},
        },
    })
}

#[test]
fn everything_that_is_wrong_is_told_with_what_is_allowed() {
    let config = json!({
        "patern": [], "patterns": ["a", 7], "mode": "drop", "burst": 11, "set": {"a": 1}, "table": 5, "x.y": "yes",
    });
    let mut told = messages(of_a_hook(), config);
    told.sort();
    assert_eq!(
        told,
        [
            "config.\"x.y\" is \"yes\"; true or false is needed",
            "config.burst is 11; 10 is the most",
            "config.by: this is missing: The field.",
            "config.mode is \"drop\"; that is not known; allowed: observe, drop_it",
            "config.patern: unknown key; did you mean \"patterns\"? (allowed: burst, by, mode, patterns, set, table, x.y)",
            "config.patterns[1] is 7; a text is needed",
            "config.set.a is 1; a text is needed",
            "config.table is 5; a text or a list is needed",
        ]
        .map(|text| text.replace("burst, by, mode, patterns, set, table, x.y", &options(&of_a_hook()).join(", ")))
    );
}

#[test]
fn a_config_that_fits_has_nothing_wrong() {
    let config = json!({
        "by": "id", "patterns": [], "mode": "observe", "burst": 10, "set": {}, "table": [{"a": 1}], "x.y": true,
    });
    assert_eq!(check(&of_a_hook(), &config), []);
}

#[test]
fn a_secret_is_not_shown() {
    let wrong = check(&of_a_hook(), &json!({"by": "id", "burst": "hunter2"})).remove(0);
    assert_eq!(wrong.message("config.", false), "config.burst is \"hunter2\"; a whole number is needed");
    assert_eq!(wrong.message("config.", true), "config.burst: a whole number is needed");
}

#[test]
fn schemas_that_other_generators_write_are_understood() {
    let schema = json!({
        "$defs": {"Rate": {"anyOf": [{"type": "integer", "exclusiveMinimum": 0}, {"type": "string", "minLength": 2}]}},
        "type": "object",
        "properties": {
            "rate": {"$ref": "#/$defs/Rate"},
            "maybe": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "kind": {"oneOf": [{"const": "a"}, {"const": "b"}]},
            "both": {"allOf": [{"type": "number"}, {"maximum": 1.5}]},
            "none": false,
        },
    });
    let told = |config| messages(schema.clone(), config);
    assert_eq!(told(json!({"rate": 1, "maybe": "x", "kind": "b", "both": 1, "other": true})), [""; 0]);
    assert_eq!(told(json!({"rate": 0})), ["config.rate is 0; more than 0 is needed"]);
    assert_eq!(told(json!({"rate": "x"})), ["config.rate is \"x\"; at least 2 characters are needed"]);
    assert_eq!(told(json!({"rate": true})), ["config.rate is true; allowed: a whole number, a text"]);
    assert_eq!(told(json!({"kind": "c"})), ["config.kind is \"c\"; allowed: a, b"]);
    assert_eq!(told(json!({"both": 2})), ["config.both is 2; 1.5 is the most"]);
    assert_eq!(told(json!({"none": 1})), ["config.none: this is not allowed here"]);
}

#[test]
fn a_schema_that_turns_in_circles_or_branches_without_end_is_left() {
    let circle =
        json!({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}});
    assert_eq!(check(&circle, &json!({"x": 1})), []);
    let itself = json!({"allOf": [{"$ref": "#"}, {"$ref": "#"}, {"$ref": "#"}]});
    assert_eq!(check(&itself, &json!({})), []);
    assert_eq!(check(&json!({"type": 7, "enum": {}, "items": 3, "required": [1]}), &json!({"x": [1]})), []);
}

#[test]
fn what_a_stranger_wrote_steers_no_terminal() {
    let schema = json!({"properties": {"a": {"type": "string", "description": "\u{1b}[2Jx"}}});
    assert_eq!(messages(schema, json!({"a": 1})), ["config.a is 1; a text is needed: ?[2Jx"]);
}

#[test]
fn texts_of_the_command_line_become_what_the_schema_says() {
    let schema = of_a_hook();
    let value = |path: &[&str], text: &str| {
        let path: Vec<String> = path.iter().map(|key| (*key).to_owned()).collect();
        typed(&schema, &path, text)
    };
    assert_eq!(value(&["by"], "5"), json!("5"));
    assert_eq!(value(&["patterns"], "email, card,"), json!(["email", "card"]));
    assert_eq!(value(&["patterns"], "[\"a,b\"]"), json!(["a,b"]));
    assert_eq!(value(&["burst"], "5"), json!(5));
    assert_eq!(value(&["burst"], "five"), json!("five"));
    assert_eq!(value(&["x.y"], "true"), json!(true));
    assert_eq!(value(&["mode"], "observe"), json!("observe"));
    assert_eq!(value(&["set", "geo.city"], "7"), json!("7"));
    assert_eq!(value(&["table"], "a,b\n1,2"), json!("a,b\n1,2"));
    assert_eq!(value(&["table"], "[{\"a\":1}]"), json!([{"a": 1}]));
    assert_eq!(typed(&json!({}), &["n".to_owned()], "7"), json!(7));
    let either = json!({"properties": {"rate": {"anyOf": [{"type": "integer"}, {"type": "string"}]}}});
    assert_eq!(typed(&either, &["rate".to_owned()], "7/s"), json!("7/s"));
}
