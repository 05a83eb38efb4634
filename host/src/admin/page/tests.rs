use super::*;

/// Each file, without what the names of SVG's elements need.
fn texts() -> Vec<(&'static str, String)> {
    FILES.iter().map(|file| (file.path, file.text.replace("http://www.w3.org/2000/svg", ""))).collect()
}

#[test]
fn no_file_names_another_origin_or_holds_anything_that_the_policy_would_stop() {
    for (path, text) in texts() {
        for outside in ["http:", "https:", "ws://", "wss://", "//cdn", "data:", "blob:", "@import"] {
            assert!(!text.contains(outside), "{path} has {outside}");
        }
        for inline in ["<style", " style=", " onclick=", " onload=", " onsubmit=", "javascript:"] {
            assert!(!text.contains(inline), "{path} has {inline}");
        }
        for makes_markup in
            ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"]
        {
            assert!(!text.contains(makes_markup), "{path} has {makes_markup}");
        }
        for kept in ["localStorage", "document.cookie", "indexedDB"] {
            assert!(!text.contains(kept), "{path} has {kept}");
        }
    }
}

#[test]
fn each_script_of_the_page_has_a_source_and_all_that_the_files_name_is_there() {
    let html = FILES[0].text;
    assert_eq!(html.matches("<script").count(), html.matches("<script type=\"module\" src=\"page/").count());
    let mut named = 0;
    for (path, text) in texts() {
        let folder = if path == "/" { "/" } else { "/page/" };
        for part in
            text.split('"').filter(|part| [".js", ".css", ".svg"].iter().any(|end| part.ends_with(end)))
        {
            let part = format!("{folder}{}", part.trim_start_matches("./"));
            assert!(FILES.iter().any(|file| file.path == part), "{path} names {part}");
            named += 1;
        }
    }
    assert!(named >= FILES.len() - 1, "{named}");
}
