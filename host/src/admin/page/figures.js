// Figures from counters, and how they are written. Pure: nothing here knows the page or the time.
//
// Counters only grow while what they count is the same; whoever keeps a series starts a new one when it is not.

/** How long samples are kept: what a minute's rate and ten minutes of memory need. */
export const KEPT_MS = 600_000;
export const MINUTE_MS = 60_000;

/** How far back rates reach, so that they are calm. */
const RATE_MS = 10_000;

/** The most samples of a series, however often somebody asks. */
const MOST = 400;

/** Nothing to tell: no rows, or not known yet. */
export const NONE = "–";

/** Samples of the same thing, the oldest first, each with its time `at` in milliseconds. */
export class Series {
  #samples = [];

  add(sample) {
    this.#samples.push(sample);
    const over = this.#samples.findIndex(({ at }) => at >= sample.at - KEPT_MS);
    this.#samples.splice(0, Math.max(over, this.#samples.length - MOST));
  }

  get all() {
    return this.#samples;
  }

  /** What the newest has more than the one so long before it; none: there is only one. */
  since(ms, read) {
    const last = this.#samples.at(-1);
    const first = this.#samples.find(({ at }) => last.at - at <= ms);
    if (!last || first === last) return null;
    return { grown: read(last) - read(first), seconds: (last.at - first.at) / 1000 };
  }

  /** How fast a counter grows, per second. */
  rate(read) {
    const since = this.since(RATE_MS, read);
    return since && since.seconds > 0 ? since.grown / since.seconds : null;
  }

  /** One counter for each of another, over the last minute; none: the other did not grow. */
  per(read, other) {
    const [part, whole] = [this.since(MINUTE_MS, read), this.since(MINUTE_MS, other)];
    return whole && whole.grown > 0 ? part.grown / whole.grown : null;
  }
}

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });

/** A number with three digits or more. */
function digits(value) {
  if (value === 0) return "0";
  if (value >= 100) return whole.format(value);
  return value.toFixed(value >= 10 ? 1 : 2);
}

export const count = (value) => whole.format(value);

export const rate = (value) => (value === null ? NONE : value >= 10 || value === 0 ? whole.format(value) : value.toFixed(1));

export function percent(part) {
  if (part === null) return NONE;
  if (part === 0) return "0 %";
  const value = part * 100;
  return value < 0.01 ? "< 0.01 %" : `${value >= 99.995 ? "100" : value.toFixed(2)} %`;
}

export function bytes(value) {
  if (value === null) return NONE;
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = value < 1 ? 0 : Math.min(Math.floor(Math.log2(value) / 10), units.length - 1);
  const number = value / 1024 ** power;
  return `${power === 0 || Number.isInteger(number) ? whole.format(number) : digits(number)} ${units[power]}`;
}

export function nanoseconds(value) {
  if (value === null) return NONE;
  if (value < 1e3) return `${whole.format(value)} ns`;
  return value < 1e6 ? `${digits(value / 1e3)} µs` : `${digits(value / 1e6)} ms`;
}

export function milliseconds(value) {
  if (value === null) return NONE;
  if (value < 1e3) return `${digits(value)} ms`;
  return value < 60_000 ? `${digits(value / 1e3)} s` : duration(value / 1e3);
}

/** Two units at most: `3 d 4 h`. */
export function duration(seconds) {
  const parts = [[86_400, "d"], [3_600, "h"], [60, "min"], [1, "s"]];
  let left = Math.floor(seconds);
  const told = [];
  for (const [length, unit] of parts) {
    const many = Math.floor(left / length);
    left -= many * length;
    if (many > 0 || (unit === "s" && told.length === 0)) told.push(`${many} ${unit}`);
    else if (told.length > 0) break;
  }
  return told.slice(0, 2).join(" ");
}

export const clock = (ms) => new Date(ms).toLocaleTimeString("en-GB");
