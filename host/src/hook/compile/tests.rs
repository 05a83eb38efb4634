use super::child::compile;
use super::*;

fn facts() -> Facts {
    Facts { kind: Kind::Module, imports: vec!["a".into()], exports: vec!["b".into()], manifest: None }
}

fn frame(answer: &Answer) -> Vec<u8> {
    let mut out = Vec::new();
    encode(answer, b"machine code", &mut out).unwrap();
    out
}

/// What becomes of a compiler that does what a shell script says.
fn end(cpu_seconds: u64, script: &str) -> CompileError {
    let limits = Limits { cpu_seconds, ..Limits::DEFAULT };
    let compiler = Compiler::new("sh", scan::Limits::DEFAULT, limits);
    compiler.answer(Command::new("sh").args(["-c", script]), &[0; 200_000]).unwrap_err()
}

#[test]
fn a_frame_comes_back_as_it_went() {
    let bytes = [b"before".to_vec(), frame(&Answer::Done(Box::new(facts())))].concat();
    let compiled = Compiled::decode(bytes.clone(), 6).unwrap();
    assert_eq!(compiled.facts(), &facts());
    assert_eq!(compiled.artifact(), b"machine code");
    assert_eq!(compiled.frame(), &bytes[6..]);
}

#[test]
fn a_refusal_keeps_its_words_on_its_way_and_is_never_compiled() {
    let refusal = Refusal::Scan(ScanError::Text);
    let bytes = frame(&Answer::Refused(refusal.clone()));
    assert!(matches!(decode(&bytes).unwrap().0, Answer::Refused(back) if back == refusal));
    assert!(Compiled::decode(bytes, 0).unwrap_err().contains("text format"));
}

#[test]
fn a_frame_that_is_cut_or_claims_too_much_is_an_error() {
    let whole = frame(&Answer::Done(Box::new(facts())));
    for end in 0..whole.len() - b"machine code".len() {
        assert!(decode(&whole[..end]).is_err(), "cut at {end}");
    }
    assert!(decode(b"hkr1\xff\xff\xff\xff").unwrap_err().contains("4194304 are allowed"));
    assert!(decode(b"hello").is_err());
}

#[test]
fn every_unhappy_end_of_the_compiler_has_its_own_error() {
    assert!(matches!(end(60, "kill -XCPU $$"), CompileError::CpuTime { seconds: 60 }));
    let killed = end(60, "kill -KILL $$");
    assert!(killed.to_string().contains("killed by SIGKILL, as the kernel does"), "{killed}");
    let crashed = end(60, "echo 'stack overflow' >&2; kill -SEGV $$");
    assert!(
        crashed.to_string().contains("SIGSEGV, which") && crashed.to_string().ends_with(": stack overflow"),
        "{crashed}"
    );
    let full = end(60, "echo 'memory allocation of 7 bytes failed' >&2; kill -ABRT $$");
    assert!(matches!(full, CompileError::Memory { limit: 4_294_967_296 }));
    let crowded =
        end(60, "echo 'panicked at x: ThreadPoolBuildError { kind: IOError }' >&2; exit 101").to_string();
    assert!(crowded.contains("4294967296 bytes") && crowded.contains("raise memory_bytes"), "{crowded}");
    let panicked = end(60, "echo \"thread 'main' panicked at here\" >&2; exit 101");
    assert!(matches!(&panicked, CompileError::Panicked { stderr } if stderr.contains("panicked at here")));
    assert!(end(60, "exit 3").to_string().contains("exit status: 3: it said nothing"));
    assert!(end(60, "echo hello").to_string().contains("answers with something else"));
}

#[test]
fn a_compiler_that_hangs_is_killed() {
    assert!(matches!(end(0, "exec sleep 1000"), CompileError::WallTime { seconds: 0 }));
}

#[test]
fn a_compiler_that_talks_without_reading_blocks_nobody() {
    let error = end(60, "head -c 300000 /dev/zero >&2; head -c 300000 /dev/zero; exit 3");
    assert!(matches!(error, CompileError::Answer { .. }));
}

#[test]
fn only_the_end_of_what_is_said_is_kept_on_one_line() {
    let said: Vec<u8> = (0..MAX_STDERR * 2).map(|at| if at < MAX_STDERR { b'a' } else { b'b' }).collect();
    assert_eq!(tail(said.as_slice()), vec![b'b'; MAX_STDERR]);
    assert_eq!(last_words("one's\n  two\u{1b}[2J"), "one's two?[2J");
    assert!(last_words(&"é".repeat(MAX_TAIL)).len() <= MAX_TAIL);
}

#[test]
fn facts_need_no_artifact_and_a_plugin_that_wasmtime_refuses_is_told_why() {
    let job = Job {
        scan: scan::Limits::DEFAULT,
        limits: Limits::DEFAULT,
        debug: DebugInfo::Ignored,
        compile: false,
    };
    let component = wat::parse_str("(component (core module (func (result i32))))").unwrap();
    let (facts, artifact) = compile(&component, &job).unwrap();
    assert_eq!((facts.kind, artifact.len()), (Kind::Component, 0));
    let refusal = compile(&component, &Job { compile: true, ..job }).unwrap_err();
    assert!(refusal.to_string().starts_with("does not compile"), "{refusal}");
}
