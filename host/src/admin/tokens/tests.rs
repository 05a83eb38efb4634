use std::fs;

use tempfile::{TempDir, tempdir};

use super::*;

fn made() -> (TempDir, Tokens) {
    let dir = tempdir().unwrap();
    let tokens = Tokens::new(dir.path());
    assert!(tokens.make_first().unwrap());
    (dir, tokens)
}

fn admin_token(dir: &TempDir) -> String {
    fs::read_to_string(Tokens::admin_file(dir.path())).unwrap().trim().to_owned()
}

#[test]
fn the_first_tokens_are_one_for_each_role_and_are_made_once() {
    let (dir, tokens) = made();
    assert!(!tokens.make_first().unwrap());
    let all = tokens.all().unwrap();
    let named: Vec<_> = all.iter().map(|token| (token.name.as_str(), token.role)).collect();
    assert_eq!(named, Role::ALL.map(|role| (role.name(), role)));
    let caller = tokens.find(&admin_token(&dir)).unwrap();
    assert_eq!(caller, Some(Caller { token: "admin".to_owned(), role: Role::Admin }));
    for wrong in ["", "hka_", "admin", &admin_token(&dir)[1..]] {
        assert_eq!(tokens.find(wrong).unwrap(), None, "{wrong}");
    }
}

#[test]
fn a_token_that_is_made_later_is_kept_as_its_digest_and_gone_when_it_is_revoked() {
    let (dir, tokens) = made();
    let text = tokens.create("night-shift", Role::Operate).unwrap();
    let again = Tokens::new(dir.path());
    assert_eq!(again.find(&text).unwrap().unwrap().role, Role::Operate);
    assert!(!fs::read_to_string(tokens.file()).unwrap().contains(&text));
    let taken = tokens.create("night-shift", Role::Read).unwrap_err().to_string();
    assert!(taken.contains("there is a token \"night-shift\" already"), "{taken}");
    tokens.revoke("night-shift").unwrap();
    assert_eq!(again.find(&text).unwrap(), None);
    assert!(
        tokens.revoke("night-shift").unwrap_err().to_string().contains("there are read, tap, operate, admin")
    );
    assert!(again.find(&admin_token(&dir)).unwrap().is_some());
}

#[test]
fn a_file_that_is_wrong_lets_nobody_in_and_no_error_shows_a_token() {
    let (dir, tokens) = made();
    let admin = admin_token(&dir);
    let whole = fs::read_to_string(tokens.file()).unwrap();
    for (from, to, told) in [
        ("role = \"tap\"", "role = \"root\"", "line 12: unknown variant"),
        ("role = \"tap\"", "role = \"hka_\"", "line 12: a token stands where none belongs"),
        ("role = \"tap\"", "roles = \"tap\"", "unknown field `roles`"),
        ("name = \"tap\"", "name = \"read\"", "there are two of this name"),
        ("name = \"tap\"", "name = \"a b\"", "are allowed in a name"),
        ("\ntoken = \"hka_", "\ntoken = \"", "is not what `hookaroon token create` makes"),
        ("\ntoken = \"hka_", "\nsha256 = \"hka_", "sha256 is not 64 hex digits"),
    ] {
        private::write(&tokens.file(), &whole.replacen(from, to, 1)).unwrap();
        let error = tokens.find(&admin).unwrap_err().to_string();
        assert!(error.contains(told) && !error.contains("hka_"), "{error}");
    }
    private::write(&tokens.file(), &whole).unwrap();
    assert!(tokens.find(&admin).unwrap().is_some());
    fs::remove_file(tokens.file()).unwrap();
    assert!(matches!(tokens.find(&admin), Err(TokenError::Missing(_))));
}
