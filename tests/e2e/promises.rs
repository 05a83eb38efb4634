//! What docs/security.md promises names the tests that hold it to that.

use std::fs;
use std::path::Path;

#[test]
fn every_test_that_the_page_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let page = fs::read_to_string(root.join("docs/security.md")).unwrap();
    let mut found = 0;
    for name in page.split('`').skip(1).step_by(2) {
        let Some((file, test)) = name.split_once("::").filter(|_| name != "file::test") else { continue };
        let is_there = |code: String| code.contains(&format!("#[test]\nfn {test}()"));
        let code = fs::read_to_string(root.join(format!("tests/e2e/{file}.rs")));
        assert!(code.is_ok_and(is_there), "docs/security.md names {name}, which is not there");
        found += 1;
    }
    assert!(found > 15, "{found}");
}
