//! The tutorial, run as its reader would: every block of `docs/tutorial.md`, in order, with the real binary and cargo.
//!
//! What the fence of a block says is what is done with it:
//! - `sh`: run by `sh -e` where the block before left off; it must succeed. `sh exit=3`: it must end with 3.
//! - `LANGUAGE FILE`, such as `rust src/lib.rs`: written to that file.
//! - `text`: what the block before said on standard output, line by line. `…` in a line stands for anything, a line
//!   that is only `…` for any number of lines.
//!
//! Any other block fails the test, so none is left out.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::author::offline;
use crate::support::{BINARY, Trial};

struct Block {
    line: usize,
    fence: String,
    content: String,
}

fn blocks(markdown: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut inside = false;
    for (index, line) in markdown.lines().enumerate() {
        match (line.strip_prefix("```"), inside) {
            (Some(fence), false) => {
                blocks.push(Block {
                    line: index + 1,
                    fence: fence.trim().to_owned(),
                    content: String::new(),
                });
                inside = true;
            }
            (Some(_), true) => inside = false,
            (None, true) => {
                let block = blocks.last_mut().unwrap();
                block.content.push_str(line);
                block.content.push('\n');
            }
            (None, false) => {}
        }
    }
    assert!(!inside, "the last block ends");
    blocks
}

/// Whether what was said is what was expected, wildcards and all.
fn agrees(expected: &[&str], said: &[&str]) -> bool {
    match (expected, said) {
        ([], said) => said.is_empty(),
        (["…", rest @ ..], said) => (0..=said.len()).any(|skipped| agrees(rest, &said[skipped..])),
        ([line, rest @ ..], [first, others @ ..]) => line_agrees(line, first) && agrees(rest, others),
        (_, []) => false,
    }
}

fn line_agrees(expected: &str, said: &str) -> bool {
    let mut parts = expected.split('…');
    let Some(mut said) = said.strip_prefix(parts.next().unwrap()) else { return false };
    let Some(last) = expected.contains('…').then(|| expected.rsplit('…').next().unwrap()) else {
        return said.is_empty();
    };
    let middle: Vec<&str> = parts.collect();
    for part in &middle[..middle.len() - 1] {
        let Some(at) = said.find(part) else { return false };
        said = &said[at + part.len()..];
    }
    said.ends_with(last)
}

/// A reader: where they are, and what the last command said.
struct Reader {
    trial: Trial,
    folder: PathBuf,
    said: String,
}

impl Reader {
    fn run(&mut self, block: &Block, code: i32) {
        let place = self.trial.path("place");
        let script = format!("{}\npwd > '{}'\n", block.content, place.display());
        let mut command = Command::new("sh");
        let binaries = Path::new(BINARY).parent().unwrap().display().to_string();
        let path = format!("{binaries}:{}", std::env::var("PATH").unwrap());
        offline(&mut command).args(["-e", "-c", &script]).current_dir(&self.folder).env("PATH", path);
        let output = command.env_remove("STATE_DIRECTORY").output().unwrap();
        self.said = String::from_utf8(output.stdout).unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(
            output.status.code(),
            Some(code),
            "line {}: {}\n{}\n{stderr}",
            block.line,
            block.content,
            self.said
        );
        if code == 0 {
            self.folder = PathBuf::from(fs::read_to_string(&place).unwrap().trim());
        }
    }

    fn read(&mut self, block: &Block) {
        match block.fence.split_whitespace().collect::<Vec<_>>()[..] {
            ["sh"] => self.run(block, 0),
            ["sh", code] => self.run(block, code.strip_prefix("exit=").unwrap().parse().unwrap()),
            ["text"] => {
                let expected: Vec<&str> = block.content.lines().collect();
                let said: Vec<&str> = self.said.lines().collect();
                assert!(agrees(&expected, &said), "line {}: it said\n{}", block.line, self.said);
            }
            [_, file] => {
                let path = self.folder.join(file);
                assert!(path.starts_with(self.trial.dir.path()), "{file} stays in the trial");
                fs::write(path, &block.content).unwrap();
            }
            _ => panic!("line {}: nothing is known to be done with ```{}", block.line, block.fence),
        }
    }
}

#[test]
fn whoever_follows_the_tutorial_gets_what_it_says() {
    let markdown = include_str!("../../docs/tutorial.md");
    let blocks = blocks(markdown);
    assert!(blocks.len() > 8);
    let trial = Trial::new();
    let folder = trial.dir.path().canonicalize().unwrap();
    let mut reader = Reader { trial, folder, said: String::new() };
    for block in &blocks {
        reader.read(block);
    }
}

#[test]
fn the_wildcards_of_the_tutorial_let_through_what_they_stand_for_and_no_more() {
    assert!(line_agrees("size … kB", "size 12.3 kB") && !line_agrees("size … kB", "size 12.3 MB"));
    assert!(line_agrees("a…b…c", "a1b2c") && !line_agrees("a…b…c", "a1c") && !line_agrees("ab", "abc"));
    assert!(agrees(&["a", "…", "d"], &["a", "b", "c", "d"]) && agrees(&["…"], &[]));
    assert!(
        !agrees(&["a", "…", "d"], &["a", "b"])
            && !agrees(&["a"], &["a", "b"])
            && !agrees(&["a", "b"], &["a"])
    );
}
