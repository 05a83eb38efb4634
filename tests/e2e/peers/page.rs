//! The status page in a real browser: what it shows follows the run, its buttons change the run, and without a token it does
//! nothing.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::browser::Browser;
use crate::admin::http::Host;
use crate::hooks::other_version;
use crate::support::{NO_BREAKER, hook, misbehave, numbered, wait_until};

/// A picture is no larger than this, because all of them are in the repository.
const MOST_PICTURE: usize = 200 << 10;

/// The cell of a hook's row, and of that of its candidate.
fn cell(hook: &str, place: usize) -> String {
    format!("[data-hook=\"{hook}\"] tr:first-child td:nth-child({place}) span")
}

fn tried(hook: &str, place: usize) -> String {
    format!("[data-hook=\"{hook}\"] tr.candidate td:nth-child({place}) span")
}

/// The second line of a cell: of the column Rows/s all rows, of Failing all failures.
fn all(cell: &str) -> String {
    format!("{cell}:nth-child(2)")
}

const STATE: usize = 2;
const SHARE: usize = 3;
const ROWS: usize = 4;
const FAILING: usize = 5;
const COST: usize = 6;

const PANEL: &str = "[data-hook=\"stamps\"] .operate-panel";

/// The button with this text among those of the hook `stamps`.
fn press(browser: &Browser, text: &str) {
    let buttons = format!("{PANEL} button");
    let marked = browser.script(&format!(
        "const all = [...document.querySelectorAll({buttons:?})].filter((one) => one.checkVisibility());\
         const found = all.filter((one) => one.textContent === {text:?});\
         document.querySelectorAll('[data-pressed]').forEach((one) => delete one.dataset.pressed);\
         found.forEach((one) => (one.dataset.pressed = 'yes'));\
         return found.length"
    ));
    assert_eq!(marked, 1, "{text}");
    browser.click("[data-pressed]");
}

/// What the server told about the last button, once it has told something.
fn told(browser: &Browser) -> String {
    let selector = format!("{PANEL} .told");
    wait_until(|| !["", "Under way"].contains(&browser.text(&selector).as_str()));
    browser.text(&selector)
}

fn look(browser: &Browser, token: &str) {
    browser.write("#token", token);
    browser.click("#entry button");
}

/// What the API says about the hook `stamps`.
fn hook_of(host: &Host) -> Value {
    let answer = host.get("/api/v1/hooks/stamps", Some(&host.token("read")));
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

/// A hook that stamps, and one that fails on what has a cause.
pub fn hooks() -> String {
    let stamps = hook("stamps", "", "set", "write = [\"stamp\"]\ntext = \"x\"");
    stamps + &hook("fails", NO_BREAKER, "nothing", "read = [\"cause\"]\npoison = \"poison\"")
}

#[test]
fn without_a_token_the_page_shows_nothing_and_does_nothing() {
    let host = Host::start("", &hooks());
    let browser = Browser::start(&host.trial);
    browser.open(&host.url());
    wait_until(|| browser.text("#entry label") == "Token");
    assert_eq!(browser.text("#main"), "");
    look(&browser, "hka_wrong");
    browser.wait_for("#refused", "The run does not know this token.");
    assert_eq!(browser.text("#main"), "");
    assert_eq!(browser.script("return sessionStorage.length + localStorage.length"), 0);
    // Two requests were refused, and nothing else is to be complained about.
    for (source, message) in browser.complaints() {
        assert!(source == "network" && message.contains("401"), "{source}: {message}");
    }
    // What its buttons ask is refused to who has no token.
    let asked =
        "return fetch('api/v1/hooks/stamps/pause', { method: 'POST' }).then((answer) => answer.status)";
    assert_eq!(browser.script(asked), 401);
    assert_eq!(hook_of(&host)["state"], "at_work");
    // Nor does the browser let anything in that is not the page's own.
    let inline = "const script = document.createElement('script');\
                  try { script.text = 'window.let_in = 1' } catch { return 'refused' }\
                  document.head.append(script); return window.let_in ?? 'refused'";
    assert_eq!(browser.script(inline), "refused");
    drop(browser);
    host.end();
}

#[test]
fn figures_follow_the_flow_and_buttons_change_the_run() {
    let mut host = Host::start("", &hooks());
    let browser = Browser::start(&host.trial);
    browser.open(&host.url());
    look(&browser, &host.token("operate"));
    wait_until(|| browser.text(&cell("stamps", STATE)) == "at work");
    assert_eq!(browser.text(&cell("stamps", FAILING)), "–", "it had no rows");
    host.send(&numbered(1000));
    browser.wait_for(&all(&cell("stamps", ROWS)), "1,000");
    wait_until(|| browser.text(&cell("stamps", FAILING)) == "0 %");
    assert!(browser.text(&cell("stamps", COST)).ends_with('s'));
    host.send("{\"cause\":\"poison\"}\n");
    browser.wait_for(&all(&cell("fails", FAILING)), "1");
    browser.wait_for(&all(&cell("stamps", ROWS)), "1,001");
    browser.wait_for("#sources td:nth-child(4) span", "1,001");

    // What was typed stays while figures change.
    browser.click("[data-hook=\"stamps\"] .more");
    press(&browser, "Pause");
    assert!(told(&browser).contains("stamps is changed"), "{}", told(&browser));
    browser.wait_for(&cell("stamps", STATE), "paused");
    assert_eq!(hook_of(&host)["state"], "paused");
    press(&browser, "Resume");
    browser.wait_for(&cell("stamps", STATE), "at work");

    // A candidate, as the command line begins it, then given more and taken over through the page.
    host.trial.write("other.wasm", other_version());
    let swap = host.ask(
        "PUT",
        "/api/v1/hooks/stamps/plugin?share=5%25",
        Some(&host.token("admin")),
        &[("Content-Type", "application/wasm")],
        &other_version(),
    );
    assert_eq!(swap.status, 200, "{}", swap.body);
    browser.wait_for(&tried("stamps", SHARE), "5 %");
    browser.write(&format!("{PANEL} form:nth-of-type(2) input"), "12.34");
    browser.click(&format!("{PANEL} form:nth-of-type(2) button"));
    browser.wait_for(&tried("stamps", SHARE), "12.34 %");
    press(&browser, "Promote");
    assert!(told(&browser).contains("stamps is "), "{}", told(&browser));
    browser.wait_for(&tried("stamps", SHARE), "");
    let version = hook_of(&host)["version"].as_str().unwrap().to_owned();
    browser.wait_for(&all(&cell("stamps", 1)), &version);
    press(&browser, "Roll back");
    wait_until(|| hook_of(&host)["version"] != version.as_str());

    // Who thinks better of it changes nothing.
    press(&browser, "Unload…");
    browser.wait_for("#sure h2", "Unload stamps?");
    browser.click("#sure-no");
    press(&browser, "Unload…");
    browser.click("#sure-yes");
    browser.wait_for(&cell("stamps", STATE), "unloaded");
    assert_eq!(hook_of(&host)["state"], "unloaded");
    let audited: Vec<Value> = host.audit().iter().map(|entry| entry["action"].clone()).collect();
    for action in
        ["pauseHook", "resumeHook", "putPlugin", "setHook", "promoteHook", "rollbackHook", "unloadHook"]
    {
        assert_eq!(audited.iter().filter(|audited| *audited == action).count(), 1, "{action}");
    }
    assert_eq!(browser.complaints(), []);

    // The end of the run is seen.
    host.end();
    wait_until(|| browser.text("#link").starts_with("No connection since "));
}

#[test]
fn what_a_token_may_not_do_is_said_where_it_was_asked() {
    let host = Host::start("", &hooks());
    let browser = Browser::start(&host.trial);
    browser.open(&host.url());
    look(&browser, &host.token("read"));
    wait_until(|| browser.text(&cell("stamps", STATE)) == "at work");
    browser.click("[data-hook=\"stamps\"] .more");
    press(&browser, "Pause");
    let said = told(&browser);
    assert!(said.starts_with("this needs the role operate, and the token has the role read"), "{said}");
    assert_eq!(hook_of(&host)["state"], "at_work");
    browser.click("#tap-button");
    wait_until(|| browser.text("#tap-told").starts_with("this needs the role tap"));
    // Somebody else who sits down here sees nothing of it.
    browser.click("#forget");
    assert_eq!(browser.text("#main"), "");
    assert_eq!(browser.script("return sessionStorage.length"), 0);
    browser.open(&host.url());
    assert_eq!(browser.text("#main"), "");
    drop(browser);
    host.end();
}

#[test]
fn events_are_looked_at_as_they_pass_and_only_while_the_page_is_seen() {
    let mut host = Host::start("", &hooks());
    let browser = Browser::start(&host.trial);
    browser.open(&host.url());
    look(&browser, &host.token("tap"));
    wait_until(|| browser.text("#tap-hook").contains("hook stamps"));
    browser.script("document.getElementById('tap-hook').value = 'stamps'");
    browser.click("#tap-button");
    browser.wait_for("#tap-told", "Waiting for events");
    let mut sent = 0;
    wait_until(|| {
        host.send(&format!("{{\"n\":{sent},\"mark\":\"<b>bold</b>\"}}\n"));
        sent += 1;
        browser.text("#tap-lines li ins") == "\"x\""
    });
    assert!(browser.text("#tap-lines li code").ends_with("\"mark\":\"<b>bold</b>\"}"));
    browser.click("#tap-button");
    browser.wait_for("#tap-told", "Stopped.");
    assert_eq!(browser.complaints(), []);
    drop(browser);
    host.end();
}

/// A run with a bit of everything: a candidate that fails, a throttle that drops, a hook that fails and one that is not enabled.
fn demonstration() -> String {
    let standard = |name: &str, plugin: &str, more: &str| {
        format!("[[hook]]\nname = {name:?}\nplugin = {plugin:?}\n{more}\n")
    };
    let level = "[hook.grant]\nread = [\"level\", \"severity\", \"logger\", \"%source\"]\ndrop = true\n[hook.config]\nmin = \"info\"";
    let redact = format!(
        "[hook.grant]\nread = [\"message\"]\nwrite = [\"message\"]\nimports = [\"log\"]\n[hook.config]\npatterns = [\"email\"]\n\
         [hook.candidate]\nplugin = {:?}\nshare = \"10%\"\nby = [\"user\"]\nfailures = \"50%\"\ndrops = \"100%\"\ncost = 100\n\
         [hook.candidate.config]\nread = [\"message\"]\ndo = \"nothing\"\npoison = \"oops\"",
        misbehave()
    );
    let throttle = "[hook.grant]\nread = [\"service\"]\ndrop = true\nemit = true\n[hook.config]\nrate = \"400/s\"\nby = [\"service\"]";
    let count = "[hook.grant]\nread = [\"service\"]\nemit = true\n[hook.config]\nby = [\"service\"]";
    [
        standard("level", "level", level),
        standard("redact", "redact", &redact),
        standard("limit-noisy-services", "throttle", throttle),
        hook("geo", NO_BREAKER, "echo", "read = [\"message\"]\nwrite = [\"geo\"]\npoison = \"oops\""),
        standard("count", "count", count),
        hook("trace", "enabled = false", "nothing", ""),
    ]
    .concat()
}

#[test]
fn it_looks_well_in_light_and_dark_and_on_a_phone() {
    let mut host = Host::start("", &demonstration());
    let browser = Browser::start(&host.trial);
    browser.open(&host.url());
    look(&browser, &host.token("operate"));
    let mut sent = 0_u32;
    // So long that every figure is known.
    wait_until(|| {
        let events = (sent..sent + 40).map(|n| {
            let level = ["info", "warn", "info", "debug", "error"][n as usize % 5];
            let message = if n % 1000 == 7 { "oops" } else { "order paid by bob@example.com" };
            let service = ["checkout", "search", "mail"][n as usize % 3];
            format!(
                "{{\"level\":{level:?},\"service\":{service:?},\"user\":{},\"message\":\"{message} {n}\"}}\n",
                n % 997
            )
        });
        host.send(&events.collect::<String>());
        sent += 40;
        let up = browser.text("#run");
        let seconds = up.split("up ").nth(1).and_then(|rest| rest.split(' ').next()?.parse::<u32>().ok());
        seconds.is_some_and(|seconds| seconds >= 24)
    });
    // Whoever makes the pictures for the documentation says where they go.
    let made = std::env::var_os("HOOKAROON_IMAGES").map_or_else(|| host.trial.path("images"), Into::into);
    fs::create_dir_all(&made).unwrap();
    let show = |name: &str, size, colours| {
        let picture = browser.picture(size, colours);
        assert!(picture.len() < MOST_PICTURE, "{name}: {} bytes", picture.len());
        fs::write(Path::new(&made).join(name), picture).unwrap();
        let width = browser.script("return document.documentElement.scrollWidth");
        assert_eq!(width, size.0, "{name}: it has to be moved sideways");
    };
    browser.click("[data-hook=\"redact\"] .more");
    browser.script("document.activeElement.blur(); window.scrollTo(0, 0)");
    show("status-light.png", (1200, 820), "light");
    show("status-dark.png", (1200, 820), "dark");
    browser.click("[data-hook=\"redact\"] .more");
    browser.script("document.activeElement.blur(); window.scrollTo(0, 0)");
    show("status-phone.png", (360, 780), "light");
    assert_eq!(browser.complaints(), []);
    drop(browser);
    host.end();
}
