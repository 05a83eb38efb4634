// The live tap: events as they pass, read line by line from an answer that does not end, until somebody stops it or nobody looks.
//
// Few lines are kept and the server bounds the rate; a line that is too long is cut here.

import { open } from "./api.js";
import { count, NONE } from "./figures.js";
import { element, set } from "./hooks.js";

const MOST_LINES = 100;
const MOST_LETTERS = 2_000;

/** The most that is kept of a line whose end has not come; an event has at most 1 MiB, escaped a few times that. */
const MOST_WAITING = 16 << 20;

const by = (id) => document.getElementById(id);

const FATES = { kept: "kept", dropped: "dropped", failed: "failed", passed_by: "passed by", emitted: "emitted" };

export class Tap {
  #under = null;
  #names = "";

  constructor() {
    by("tap").addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.#under) this.stop("Stopped.");
      else this.#start();
    });
  }

  /** These hooks can be looked at. */
  know(names) {
    if (names.join() === this.#names) return;
    this.#names = names.join();
    const [select, chosen] = [by("tap-hook"), by("tap-hook").value];
    const options = names.map((name) => {
      const option = element("option", "", `hook ${name}`);
      option.value = name;
      return option;
    });
    select.replaceChildren(select.options[0], ...options);
    select.value = names.includes(chosen) ? chosen : "";
  }

  /** Ends it, and shows nothing of it any more if nothing is said. */
  stop(told = "") {
    this.#under?.abort();
    this.#under = null;
    set(by("tap-button"), "Start");
    set(by("tap-told"), told);
    if (told) return;
    set(by("tap-left-out"), "");
    by("tap-lines").replaceChildren();
    by("tap-lines").hidden = true;
  }

  /** Nobody looks. */
  hide() {
    if (this.#under) this.stop("Stopped, because the page was hidden.");
  }

  async #start() {
    const under = (this.#under = new AbortController());
    const query = new URLSearchParams({ rate: by("tap-rate").value });
    if (by("tap-hook").value) query.set("hook", by("tap-hook").value);
    if (by("tap-match").value.trim()) query.set("match", by("tap-match").value.trim());
    set(by("tap-button"), "Stop");
    set(by("tap-told"), "Waiting for events");
    set(by("tap-left-out"), "");
    by("tap-lines").replaceChildren();
    by("tap-lines").hidden = false;
    try {
      const answer = await open("GET", `tap?${query}`, { signal: under.signal });
      for await (const line of lines(answer.body)) this.#line(JSON.parse(line));
      if (this.#under === under) this.stop("It ended.");
    } catch (error) {
      if (this.#under === under) this.stop(error.status ? error.message : "The connection is lost.");
    }
  }

  #line(told) {
    if (told.event === undefined) {
      // Not for who listens: it changes each second.
      set(by("tap-left-out"), `${count((told.left_out ?? 0) + (told.lost ?? 0))} more are not shown, which is over the rate`);
      return;
    }
    if (by("tap-told").textContent === "Waiting for events") set(by("tap-told"), "");
    const item = element("li");
    const from = element("span", "quiet", told.source);
    item.append(from);
    if (told.fate) from.append(` ${FATES[told.fate] ?? told.fate}${told.message ? `: ${told.message}` : ""}`);
    item.append(element("code", "", told.event.slice(0, MOST_LETTERS)));
    for (const { field, before, after } of told.changes ?? []) {
      const difference = element("span", "difference", `${field}: `);
      difference.append(element("del", "", before ?? NONE), " → ", element("ins", "", after ?? NONE));
      item.append(difference);
    }
    by("tap-lines").prepend(item);
    while (by("tap-lines").childElementCount > MOST_LINES) by("tap-lines").lastElementChild.remove();
  }
}

async function* lines(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let waiting = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (waiting + value).split("\n");
    waiting = parts.pop();
    if (waiting.length > MOST_WAITING) throw new Error("a line is too long");
    yield* parts.filter((part) => part !== "");
  }
}
