/**
 * How good the call is, from what arrives: loss, jitter, concealed sound, delay, and one word for all of it.
 *
 * Loss is what the device's side put in and the gate did not send on, or the gate's queue let go. A frame may be on its way for
 * a moment, so the least difference of the last seconds counts. Jitter is the estimate of RFC 3550 section 6.4.1.
 */

import { FRAME_MS } from "./pcm.js";

const SECONDS = 5;
// beyond these nobody calls a conversation good, or bearable (ITU-T G.114 for the delay one way)
const FAIR = { share: 0.01, delayMs: 200, jitterMs: 30 };
const POOR = { share: 0.05, delayMs: 400, jitterMs: 80 };

export class Quality {
  #jitterMs = 0;
  #arrivedMs = null;
  #gate = [];
  #playback = [];
  #rttMs = null;
  #latencyMs = 0;

  /** A frame has come. */
  arrived(nowMs) {
    if (this.#arrivedMs !== null) {
      const off = Math.abs(nowMs - this.#arrivedMs - FRAME_MS);
      this.#jitterMs += (off - this.#jitterMs) / 16;
    }
    this.#arrivedMs = nowMs;
  }

  /** The gate has counted: `made` by the device's side, `sent` to this page. */
  counted({ made, sent }) {
    push(this.#gate, { made, missing: Math.max(0, made - sent) });
  }

  /** The audio thread has reported; once a second is enough. */
  reported({ depth, played, concealed, underruns, dropped, received }) {
    push(this.#playback, { depth, played, concealed, underruns, dropped, received });
  }

  /** The way to the gate and back took that long. */
  echoed(rttMs) {
    this.#rttMs = this.#rttMs === null ? rttMs : this.#rttMs + (rttMs - this.#rttMs) / 4;
  }

  /** The device's own audio needs that long. */
  set latencyMs(ms) {
    this.#latencyMs = ms;
  }

  /** Give the figures to show and to report. */
  figures() {
    const now = this.#playback.at(-1) ?? { depth: 0, played: 0, concealed: 0, underruns: 0, dropped: 0, received: 0 };
    const gate = this.#gate.at(-1) ?? { made: 0 };
    const lost = this.#gate.length ? Math.min(...this.#gate.map((one) => one.missing)) : 0;
    const delayMs = (this.#rttMs ?? 0) / 2 + now.depth * FRAME_MS + FRAME_MS + this.#latencyMs;
    return { ...now, made: gate.made, lost, jitterMs: this.#jitterMs, delayMs, rttMs: this.#rttMs ?? 0 };
  }

  /** Give one word: `good`, `fair`, `poor`, or `unknown` before there is anything to judge. */
  grade() {
    if (this.#playback.length < 2) return "unknown";
    const { lost, made, jitterMs, delayMs } = this.figures();
    const first = this.#playback[0];
    const last = this.#playback.at(-1);
    const heard = last.played + last.concealed - first.played - first.concealed;
    const concealed = heard ? (last.concealed - first.concealed) / heard : 0;
    const share = Math.max(concealed, made ? lost / made : 0);
    const beyond = (limit) => share > limit.share || delayMs > limit.delayMs || jitterMs > limit.jitterMs;
    if (beyond(POOR)) return "poor";
    return beyond(FAIR) ? "fair" : "good";
  }
}

function push(list, one) {
  list.push(one);
  if (list.length > SECONDS) list.shift();
}
