// The status page: asks the run every two seconds, and shows what it tells.
//
// It asks less often while nobody looks or nothing answers, and says since when that is. What it shows stays where it is, dimmed,
// until the next answer. Without a token it asks for nothing.

import { look, token } from "./api.js";
import { bytes, clock, count, duration, milliseconds, percent, rate, Series } from "./figures.js";
import { element, Hooks, set, Table } from "./hooks.js";
import { Tap } from "./tap.js";

/** How often the run is asked: while somebody looks, while nobody does, and at least when it does not answer. */
const SEEN_MS = 2_000;
const HIDDEN_MS = 30_000;
const FAILING_MS = 30_000;

const by = (id) => document.getElementById(id);

const hooks = new Hooks(by("hooks"), by("no-hooks"), () => poll());
const tap = new Tap();
const sources = new Table(by("sources"), 4);
const sinks = new Table(by("sinks"), 5);
const totals = new Map();
let series = new Map();
let startedAt = 0;
let timer = 0;
let asking = 0;
let failed = 0;
let lost = null;

/** The samples of something, by a name that changes with what it is. */
function sampled(name, sample) {
  if (!series.has(name)) series.set(name, new Series());
  series.get(name).add(sample);
  return series.get(name);
}

async function poll() {
  clearTimeout(timer);
  if (!token.get()) return;
  // An answer to an earlier question is of no use any more.
  const number = ++asking;
  try {
    const [status, { hooks: told }] = await Promise.all([look("status"), look("hooks")]);
    if (number !== asking || !token.get()) return;
    [failed, lost] = [0, null];
    show(Date.now(), status, told);
  } catch (error) {
    if (number !== asking) return;
    if (error.status === 401) {
      leave("The run does not know this token.");
      return;
    }
    failed += 1;
    lost ??= Date.now();
    by("main").classList.add("stale");
    const why = error.status ? error.message : "it does not answer";
    say(`No connection since ${clock(lost)}: ${why}. Trying again.`, true);
  }
  const wait = document.hidden ? HIDDEN_MS : SEEN_MS;
  timer = setTimeout(poll, Math.min(Math.max(wait, SEEN_MS * 2 ** failed), Math.max(wait, FAILING_MS)));
}

/** Whether the run answers; told again only when it is something else. */
function say(text, bad) {
  set(by("link"), text);
  by("link").classList.toggle("bad", bad);
}

function show(at, status, told) {
  // Another run counts from the beginning.
  const started = at / 1000 - status.uptime_s;
  if (Math.abs(started - startedAt) > 10) [series, startedAt] = [new Map(), started];
  by("entry").hidden = true;
  by("main").hidden = by("forget").hidden = false;
  by("main").classList.remove("stale");
  say(status.state === "ending" ? "The run is ending" : "Connected", status.state === "ending");
  set(by("run"), `${status.version}, up ${duration(status.uptime_s)}, ${status.workers} ${status.workers === 1 ? "worker" : "workers"}`);
  showTotals(at, status);
  hooks.show(at, told);
  tap.know(told.filter((hook) => hook.sha256).map((hook) => hook.name));
  showEnds(at, status);
}

function showTotals(at, status) {
  const sum = (counts) => Object.values(counts).reduce((all, each) => all + each, 0);
  const out = status.sinks.reduce((all, sink) => all + sink.events, 0);
  const values = { in: status.events_in, out, dropped: sum(status.dropped), letters: sum(status.dead_letters) };
  const run = sampled("run", { at, ...values });
  const waiting = status.intakes.reduce((all, queue) => all + queue.bytes, 0);
  const told = [
    ["Events in", `${rate(run.rate((of) => of.in))}/s`, count(values.in)],
    ["Written", `${rate(run.rate((of) => of.out))}/s`, count(values.out)],
    ["Dropped", `${rate(run.rate((of) => of.dropped))}/s`, count(values.dropped)],
    ["Dead letters", `${rate(run.rate((of) => of.letters))}/s`, count(values.letters)],
    ["Waiting for workers", bytes(waiting), oldest(status.intakes)],
  ];
  for (const [name, now, all] of told) {
    if (!totals.has(name)) {
      const parts = { now: element("strong"), all: element("span", "quiet") };
      const pair = element("div");
      const figures = element("dd");
      figures.append(parts.now, parts.all);
      pair.append(element("dt", "", name), figures);
      by("totals").append(pair);
      totals.set(name, parts);
    }
    set(totals.get(name).now, now);
    set(totals.get(name).all, all);
  }
}

function oldest(queues) {
  const ms = Math.max(0, ...queues.map((queue) => queue.oldest_ms));
  return ms > 0 ? `for ${milliseconds(ms)}` : "nothing waits";
}

function showEnds(at, status) {
  sources.show(status.sources.map(({ name, type, read, bytes: brought }) => {
    const own = sampled(`source ${name}`, { at, read, brought });
    return [name, [
      [name, type],
      [rate(own.rate((of) => of.read))],
      [bytes(own.rate((of) => of.brought))],
      [count(read)],
    ]];
  }));
  sinks.show(status.sinks.map(({ name, type, events, bytes: wrote, chunks, delay_ms: delay, lag_ms: lag, queue }) => {
    const own = sampled(`sink ${name}`, { at, events, wrote, chunks, delay });
    const mean = own.per((of) => of.delay, (of) => of.chunks);
    return [name, [
      [name, type],
      [rate(own.rate((of) => of.events))],
      [bytes(own.rate((of) => of.wrote))],
      [milliseconds(Math.max(mean ?? 0, lag) || mean)],
      queue ? [percent(queue.bytes / queue.capacity_bytes), queue.oldest_ms >= 1000 ? `for ${milliseconds(queue.oldest_ms)}` : ""] : ["–"],
    ]];
  }));
}

/** Asks for a token, and shows nothing of what another one was shown. */
function leave(why) {
  clearTimeout(timer);
  asking += 1;
  token.forget();
  tap.stop();
  hooks.clear();
  [failed, lost, series] = [0, null, new Map()];
  by("main").hidden = by("forget").hidden = true;
  by("entry").hidden = false;
  set(by("refused"), why);
  set(by("run"), "");
  say("", false);
  by("token").focus();
}

by("entry").addEventListener("submit", (event) => {
  event.preventDefault();
  token.set(by("token").value.trim());
  by("token").value = "";
  set(by("refused"), "");
  poll();
});
by("forget").addEventListener("click", () => leave(""));
document.addEventListener("visibilitychange", () => {
  if (document.hidden) tap.hide();
  else poll();
});

if (token.get()) poll();
else leave("");
