//! What the messages say, as the inside of a JSON string.
//!
//! About one in seven holds something to redact, and as many have characters that are written with escapes or with
//! more than one byte.

use fastrand::Rng;

use crate::{pick, push_number, push_random};

const DIGITS: &[u8] = b"0123456789";
const LETTERS_AND_DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

const MODELS: [&str; 6] =
    ["llama-3.3-70b", "qwen2.5-32b", "mistral-large", "gemma-2-27b", "phi-4", "deepseek-r1-distill"];

const DONE: [&str; 6] = [
    "completion streamed to the client",
    "prompt answered from the cache",
    "passages ranked and added to the context",
    "tool call finished, model goes on",
    "conversation summarized",
    "embedding batch written and indexed",
];

const NAMES: [&str; 8] = ["ada", "grace", "alan", "edsger", "barbara", "donald", "radia", "ken"];

const UNICODE: [&str; 6] = [
    "Übersetzung für „Straßenbahn“ abgeschlossen, Qualität geprüft",
    "要約が完了しました。文書は三つの段落になりました",
    "réponse envoyée à l’utilisateur après relecture automatique ✅",
    "ответ отправлен пользователю, качество проверено",
    "user reacted with 👍🏽 to the answer and asked a follow-up question",
    "翻译已完成,用户确认了结果",
];

const ESCAPES: [&str; 5] = [
    r#"user asked: \"what does \\d+ match?\" and was given three examples"#,
    r"loaded prompt template C:\\templates\\support\\greeting.jinja from disk",
    r#"tool output: {\"rows\": 12, \"columns\": [\"id\", \"name\"]}\tok"#,
    r"answer began with \u00ab and ended with \u00bb, as the style guide asks for",
    r"template rendered:\tname=\u0022support\u0022\r\n\tlanguage=\u0022de\u0022",
];

const STACK_TRACES: [&str; 3] = [
    r#"Traceback (most recent call last):\n  File \"/app/llm/client.py\", line 88, in complete\n    return self._post(body)\nhttpx.ReadTimeout: timed out"#,
    r"TypeError: Cannot read properties of undefined (reading 'choices')\n    at parse (/srv/app/dist/stream.js:41:17)\n    at process.processTicksAndRejections (node:internal/process/task_queues:95:5)",
    r"java.lang.IllegalStateException: token budget exhausted\n\tat com.example.llm.Budget.take(Budget.java:57)\n\tat com.example.llm.Chat.answer(Chat.java:112)",
];

/// Appends a message for an event that `failed` or went well.
pub(crate) fn push(rng: &mut Rng, failed: bool, out: &mut Vec<u8>) {
    match rng.u8(0..100) {
        0..6 => email(rng, out),
        6..9 => card(rng, out),
        9..12 => bearer(rng, out),
        12..15 => api_key(rng, out),
        15..20 => out.extend_from_slice(pick(rng, &UNICODE).as_bytes()),
        20..25 => out.extend_from_slice(pick(rng, &ESCAPES).as_bytes()),
        25..60 if failed => out.extend_from_slice(pick(rng, &STACK_TRACES).as_bytes()),
        25..60 => {
            out.extend_from_slice(pick(rng, &DONE).as_bytes());
        }
        60..80 => {
            out.extend_from_slice(b"model ");
            out.extend_from_slice(pick(rng, &MODELS).as_bytes());
            out.extend_from_slice(b" took request ");
            push_number(rng.u64(1..10_000_000), out);
            out.extend_from_slice(b" from the queue after ");
            push_number(rng.u64(0..900), out);
            out.extend_from_slice(b" ms");
        }
        _ => {
            out.extend_from_slice(b"retrieval found ");
            push_number(rng.u64(0..64), out);
            out.extend_from_slice(b" passages in index kb-");
            push_number(rng.u64(1..400), out);
        }
    }
}

fn email(rng: &mut Rng, out: &mut Vec<u8>) {
    out.extend_from_slice(
        pick(rng, &["invitation sent to ", "account locked for ", "answer mailed to "]).as_bytes(),
    );
    out.extend_from_slice(pick(rng, &NAMES).as_bytes());
    out.push(b'.');
    push_random(rng, b"abcdefghijklmnopqrstuvwxyz", 6, out);
    out.extend_from_slice(pick(rng, &["@example.com", "@mail.example.org", "+llm@example.net"]).as_bytes());
    out.extend_from_slice(b" on request of the workspace's owner");
}

/// A number of 16 digits whose last one is right by Luhn's rule, as redactors check it.
fn card(rng: &mut Rng, out: &mut Vec<u8>) {
    let mut digits = vec![b'4'];
    push_random(rng, DIGITS, 14, &mut digits);
    // Of the 15 digits the first, third and so on count twice.
    let sum: u32 = digits
        .iter()
        .enumerate()
        .map(|(place, digit)| {
            let value = u32::from(digit - b'0') * if place % 2 == 0 { 2 } else { 1 };
            value / 10 + value % 10
        })
        .sum();
    digits.push(b'0' + ((10 - sum % 10) % 10) as u8);
    let gap = pick(rng, &["", " ", "-"]);
    out.extend_from_slice(b"user pasted a payment card into the chat: ");
    for (index, group) in digits.chunks(4).enumerate() {
        if index > 0 {
            out.extend_from_slice(gap.as_bytes());
        }
        out.extend_from_slice(group);
    }
    out.extend_from_slice(b", asked to remove it");
}

fn bearer(rng: &mut Rng, out: &mut Vec<u8>) {
    out.extend_from_slice(b"upstream refused header Authorization: Bearer eyJ");
    push_random(rng, LETTERS_AND_DIGITS, 17, out);
    out.push(b'.');
    push_random(rng, LETTERS_AND_DIGITS, 24, out);
    out.push(b'.');
    push_random(rng, LETTERS_AND_DIGITS, 22, out);
}

fn api_key(rng: &mut Rng, out: &mut Vec<u8>) {
    out.extend_from_slice(b"plugin called the vendor with api_key=sk-");
    push_random(rng, LETTERS_AND_DIGITS, 40, out);
    out.extend_from_slice(b" and was rate limited");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn card_numbers_have_a_right_check_digit() {
        let mut rng = Rng::with_seed(7);
        for _ in 0..200 {
            let mut out = Vec::new();
            card(&mut rng, &mut out);
            let digits: Vec<u32> =
                out.iter().filter(|byte| byte.is_ascii_digit()).map(|byte| u32::from(byte - b'0')).collect();
            assert_eq!(digits.len(), 16);
            let doubled = |place: usize, digit: u32| {
                if place.is_multiple_of(2) { digit * 2 / 10 + digit * 2 % 10 } else { digit }
            };
            let sum: u32 = digits.iter().enumerate().map(|(place, digit)| doubled(place, *digit)).sum();
            assert_eq!(sum % 10, 0);
        }
    }
}
