// The hooks, one row each with its figures and, if it is opened, the operator's buttons; and the parts that other tables share.
//
// Rows stay while their hook does, and only what is different is written: nothing jumps, and what somebody types stays. Whatever the
// server answers to a button is shown in the row.

import { change } from "./api.js";
import { bytes, clock, count, MINUTE_MS, nanoseconds, NONE, percent, rate, Series, KEPT_MS } from "./figures.js";

const SVG = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT] = [120, 22];

const BREAKER = { closed: "closed", open: "open", probed: "on trial" };
const STATES = { at_work: "at work", paused: "paused", not_enabled: "not enabled", unloaded: "unloaded" };

export function element(name, kind = "", text = "") {
  const made = document.createElement(name);
  if (kind) made.className = kind;
  if (text) made.textContent = text;
  return made;
}

/** Writes a text where another one stands. */
export function set(where, text) {
  if (where.textContent !== text) where.textContent = text;
}

function cell(row, label, kind = "") {
  const made = element("td", kind);
  made.setAttribute("role", "cell");
  made.dataset.label = label;
  row.append(made);
  return made;
}

function lines(where) {
  const [first, second] = [element("span"), element("span", "quiet")];
  where.append(first, second);
  return [first, second];
}

function labels(table) {
  return [...table.tHead.rows[0].cells].map((head) => head.textContent);
}

/** Rows of texts, by name; each cell has a second line for what matters less. */
export class Table {
  #body;
  #labels;
  #rows = new Map();

  constructor(table) {
    this.#labels = labels(table);
    this.#body = table.createTBody();
    this.#body.setAttribute("role", "rowgroup");
  }

  show(all) {
    for (const [name, texts] of all) {
      if (!this.#rows.has(name)) {
        const row = this.#body.insertRow();
        row.setAttribute("role", "row");
        this.#rows.set(name, this.#labels.map((label, place) => lines(cell(row, label, place === 0 ? "wide" : "figure"))));
      }
      this.#rows.get(name).forEach((parts, place) => parts.forEach((part, line) => set(part, texts[place][line] ?? "")));
    }
  }
}

export class Hooks {
  #table;
  #none;
  #changed;
  #rows = new Map();

  constructor(table, none, changed) {
    [this.#table, this.#none, this.#changed] = [table, none, changed];
  }

  clear() {
    for (const row of this.#rows.values()) row.body.remove();
    this.#rows.clear();
  }

  show(at, hooks) {
    this.#table.hidden = hooks.length === 0;
    this.#none.hidden = hooks.length > 0;
    for (const [name, row] of this.#rows) {
      if (hooks.some((hook) => hook.name === name)) continue;
      row.body.remove();
      this.#rows.delete(name);
    }
    hooks.forEach((hook, place) => {
      if (!this.#rows.has(hook.name)) this.#rows.set(hook.name, new Row(hook.name, labels(this.#table), this.#changed));
      const row = this.#rows.get(hook.name);
      const there = this.#table.tBodies[place];
      if (there !== row.body) this.#table.insertBefore(row.body, there ?? null);
      row.show(at, hook);
    });
  }
}

class Row {
  #name;
  #changed;
  #parts;
  #tried;
  #panel;
  #stable = new Version();
  #candidate = new Version();
  #memory = new Series();

  constructor(name, labels, changed) {
    [this.#name, this.#changed] = [name, changed];
    this.body = element("tbody");
    this.body.setAttribute("role", "rowgroup");
    this.body.dataset.hook = name;
    this.#parts = this.#figures(labels);
    this.#tried = this.#figures(labels);
    this.#tried.row.className = "candidate";
    this.#tried.row.hidden = true;
    set(this.#parts.title[0], name);
    const row = this.body.insertRow();
    row.setAttribute("role", "row");
    row.hidden = true;
    const place = cell(row, "", "panel");
    place.colSpan = labels.length;
    this.#panel = new Panel(name, changed);
    place.append(this.#panel.root);
    const button = element("button", "more", "Operate");
    button.type = "button";
    button.setAttribute("aria-expanded", "false");
    button.setAttribute("aria-label", `Operate ${name}`);
    button.addEventListener("click", () => {
      row.hidden = !row.hidden;
      button.setAttribute("aria-expanded", String(!row.hidden));
    });
    this.#parts.operate.append(button);
  }

  #figures(labels) {
    const row = this.body.insertRow();
    row.setAttribute("role", "row");
    const [title, state, share, rows, failing, cost, breaker, memory] = labels.map((label, place) => {
      const kind = ["wide", "", "", "figure", "figure", "figure", "", "memory", "operate"][place];
      return cell(row, label, kind);
    });
    const chart = new Chart();
    memory.append(chart.root);
    return {
      row,
      title: lines(title),
      state: lines(state),
      share: lines(share),
      rows: lines(rows),
      failing: lines(failing),
      cost: lines(cost),
      breaker: lines(breaker),
      memory: lines(memory),
      chart,
      operate: row.lastElementChild,
    };
  }

  show(at, hook) {
    const { title, state, share, memory, chart } = this.#parts;
    const isWork = hook.sha256 !== undefined;
    const isBroken = isWork && hook.breaker !== "closed";
    this.#parts.row.dataset.state = isBroken && hook.state === "at_work" ? "broken" : hook.state;
    set(title[1], isWork ? hook.version : "");
    title[1].title = isWork ? `${hook.plugin}, SHA-256 ${hook.sha256}` : "";
    set(state[0], isBroken && hook.state === "at_work" ? "breaker open" : STATES[hook.state]);
    const last = hook.changes.reduce((newest, one) => (one.at > (newest?.at ?? 0) ? one : newest), null);
    set(state[1], last?.until ? `until ${clock(last.until * 1000)}` : "");
    state[0].title = last ? `${last.what} by ${last.by} at ${new Date(last.at * 1000).toLocaleString("en-GB")}` : "";
    set(share[0], isWork ? percent(parseFloat(hook.share) / 100).replace(".00", "") : NONE);
    set(this.#parts.breaker[0], isWork ? BREAKER[hook.breaker] : NONE);
    const opened = hook.counts?.breaker_opened ?? 0;
    set(this.#parts.breaker[1], opened > 0 ? `opened ${count(opened)}×` : "");
    this.#stable.show(this.#parts, at, hook);
    if (isWork) {
      this.#memory.add({ at, now: hook.memory.now });
      set(memory[0], hook.memory.now > 0 ? bytes(hook.memory.now) : NONE);
      set(memory[1], ` of ${bytes(hook.memory.cap)}`);
      memory[0].title = `at most ${bytes(hook.memory.peak)} until now`;
    } else {
      set(memory[0], NONE);
      set(memory[1], "");
    }
    chart.draw(at, isWork ? this.#memory.all : [], isWork ? hook.memory.cap : 1);
    this.#showTried(at, hook);
    this.#panel.know(hook);
  }

  #showTried(at, { candidate, counts }) {
    const { row, title, state, share } = this.#tried;
    row.hidden = !candidate;
    if (!candidate) return;
    set(title[0], "candidate");
    set(title[1], candidate.version);
    title[1].title = `${candidate.plugin}, SHA-256 ${candidate.sha256}`;
    set(state[0], candidate.share === null ? "shadow" : "tried");
    const shadow = candidate.share === null ? counts?.shadow : undefined;
    set(state[1], shadow ? `${count(shadow.changed + shadow.dropped + shadow.kept)} of ${count(shadow.compared)} differ` : "");
    set(share[0], candidate.share === null ? "copies" : percent(parseFloat(candidate.share) / 100).replace(".00", ""));
    this.#candidate.show(this.#tried, at, candidate);
  }
}

/** What a version does: its figures begin anew when it is another one. */
class Version {
  #sha256;
  #did = new Series();

  show({ rows, failing, cost }, at, { sha256, did }) {
    if (sha256 !== this.#sha256) [this.#sha256, this.#did] = [sha256, new Series()];
    if (did) this.#did.add({ at, ...did });
    const last = this.#did.since(MINUTE_MS, (of) => of.failed);
    set(rows[0], did ? rate(this.#did.rate((of) => of.rows)) : NONE);
    set(rows[1], did ? count(did.rows) : "");
    set(failing[0], did ? percent(this.#did.per((of) => of.failed, (of) => of.rows)) : NONE);
    set(failing[1], did && did.failed > 0 ? count(did.failed) : "");
    failing[0].classList.toggle("bad", (last?.grown ?? 0) > 0);
    set(cost[0], did ? nanoseconds(this.#did.per((of) => of.cpu_ns, (of) => of.rows)) : NONE);
  }
}

/** Memory over time against its cap; the figures beside it say the same to who does not see it. */
class Chart {
  #line = document.createElementNS(SVG, "polyline");

  constructor() {
    this.root = document.createElementNS(SVG, "svg");
    this.root.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    this.root.setAttribute("preserveAspectRatio", "none");
    this.root.setAttribute("aria-hidden", "true");
    const cap = document.createElementNS(SVG, "line");
    for (const [key, value] of Object.entries({ x1: 0, y1: 1, x2: WIDTH, y2: 1, class: "cap" })) cap.setAttribute(key, value);
    this.root.append(cap, this.#line);
  }

  draw(at, samples, cap) {
    this.root.classList.toggle("empty", samples.length === 0);
    // A short past is drawn wide.
    const span = Math.min(Math.max(at - (samples[0]?.at ?? at), MINUTE_MS), KEPT_MS);
    const points = samples.map(({ at: then, now }) => {
      const x = WIDTH * (1 - (at - then) / span);
      const y = HEIGHT - 1 - (HEIGHT - 2) * Math.min(now / cap, 1);
      return `${x.toFixed(1)},${y.toFixed(1)}`;
    });
    this.#line.setAttribute("points", points.join(" "));
  }
}

/** The operator's buttons of one hook. */
class Panel {
  #name;
  #changed;
  #told = element("p", "told");
  #lasts = element("select");
  #pause;
  #promote;
  #rollback;
  #unload;
  #back;
  #shares = {};
  #hook = null;

  constructor(name, changed) {
    [this.#name, this.#changed] = [name, changed];
    this.root = element("div", "operate-panel");
    this.#told.setAttribute("role", "status");
    for (const [value, text] of [["", "until changed"], ["10m", "for 10 minutes"], ["1h", "for an hour"]]) {
      const option = element("option", "", text);
      option.value = value;
      this.#lasts.append(option);
    }
    const lasts = element("label", "", "It lasts ");
    lasts.append(this.#lasts);
    this.#pause = this.#button("Pause", () => this.#pauseOrResume());
    this.#rollback = this.#button("Roll back", () => this.#post("rollback", true));
    this.#promote = this.#button("Promote", () => this.#post("promote", true));
    this.#unload = this.#button("Unload…", async () => {
      if (await sure(this.#name)) this.#send("DELETE", "", true);
    });
    this.#unload.className = "grave";
    this.#back = this.#button("Bring it back", () => this.#post("revert", false));
    this.root.append(
      this.#pause, this.#share("rollout.share", "Share"), this.#share("candidate.share", "Candidate"),
      this.#promote, this.#rollback, this.#unload, this.#back, lasts, this.#told,
    );
  }

  know(hook) {
    this.#hook = hook;
    set(this.#pause, hook.state === "paused" ? "Resume" : "Pause");
    const isWork = hook.sha256 !== undefined;
    this.#pause.hidden = this.#rollback.hidden = this.#unload.hidden = !isWork;
    this.#back.hidden = hook.state !== "unloaded";
    this.#promote.hidden = !hook.candidate;
    this.#fill("rollout.share", isWork ? hook.share : null);
    this.#fill("candidate.share", hook.candidate?.share ?? null);
  }

  /** What is in force, unless somebody is writing something else. */
  #fill(key, share) {
    const { form, input } = this.#shares[key];
    form.hidden = share === null;
    if (share === null || document.activeElement === input || input.dataset.share === share) return;
    input.dataset.share = share;
    input.value = String(parseFloat(share));
  }

  #button(text, act) {
    const button = element("button", "", text);
    button.type = "button";
    button.addEventListener("click", act);
    return button;
  }

  #share(key, title) {
    const [form, label, input, button] = [element("form"), element("label", "", `${title} `), element("input"), element("button", "", "Set")];
    for (const [name, value] of Object.entries({ type: "number", min: 0, max: 100, step: 0.01, required: "" })) input.setAttribute(name, value);
    label.append(input, " %");
    form.append(label, button);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      delete input.dataset.share;
      this.#send("PATCH", "", true, { set: { [key]: `${Number(input.value)}%` } });
    });
    this.#shares[key] = { form, input };
    return form;
  }

  #pauseOrResume() {
    if (this.#hook.state === "paused") this.#post("resume", false);
    else this.#post("pause", true);
  }

  #post(verb, isTimed) {
    this.#send("POST", `/${verb}`, isTimed);
  }

  async #send(method, verb, isTimed, body) {
    const query = isTimed && this.#lasts.value ? `?for=${this.#lasts.value}` : "";
    this.#tell("Under way", false);
    try {
      const done = await change(method, `hooks/${encodeURIComponent(this.#name)}${verb}${query}`, body);
      this.#tell(`${clock(Date.now())} ${inWords(done.details ?? {})}`, false);
    } catch (error) {
      this.#tell(error.status ? error.message : "There was no answer; whether it was done is in the audit log.", true);
    }
    this.#changed();
  }

  #tell(text, bad) {
    set(this.#told, text);
    this.#told.classList.toggle("bad", bad);
  }
}

/** What came of a change. */
function inWords({ hooks = [], pause_ms: pause = 0, at_next_start: later = [], not_kept: lost }) {
  const told = hooks.length > 0 ? hooks.map(([name, did]) => `${name} is ${did}`) : ["nothing was to be done"];
  if (pause > 0) told.push(`the flow stood still for ${pause} ms`);
  if (later.length > 0) told.push(`at the next start: ${later.join(", ")}`);
  if (lost) told.push(`it will be forgotten at the next start: ${lost}`);
  return `${told.join("; ")}.`;
}

/** Asks whether a hook is to be unloaded. */
function sure(name) {
  const dialog = document.getElementById("sure");
  const [yes, no] = [document.getElementById("sure-yes"), document.getElementById("sure-no")];
  set(document.getElementById("sure-title"), `Unload ${name}?`);
  set(document.getElementById("sure-text"), "Its last events come out, its memory is given back, and events pass without it from then on.");
  return new Promise((resolve) => {
    const answer = (is) => {
      yes.onclick = no.onclick = dialog.onclose = null;
      dialog.close();
      resolve(is);
    };
    yes.onclick = () => answer(true);
    no.onclick = () => answer(false);
    dialog.onclose = () => answer(false);
    dialog.showModal();
    no.focus();
  });
}
