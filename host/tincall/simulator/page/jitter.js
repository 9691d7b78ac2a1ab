/**
 * The jitter buffer of what the device says: frames come when the network likes, and one leaves every 20 ms.
 *
 * Rules: it begins to play with `START` frames. A frame that is missing is concealed by the last one, fading away over
 * `FADE_FRAMES`; a frame that comes after its turn is played late, so the delay adapts by itself. What is too much goes,
 * oldest first: at once beyond `MAX`, and one by one while the buffer has been fuller than it needs for two seconds.
 */

import { FRAME_SAMPLES } from "./pcm.js";

export const START = 3;
export const MAX = 10;
const FADE_FRAMES = 3;
// half a second without a frame is a pause: gather anew
const PAUSE_FRAMES = 25;
const WINDOW_FRAMES = 100;
const SPARE_FRAMES = START + 2;
// 5 ms: joins are not heard as clicks
const JOIN_SAMPLES = 80;

export class JitterBuffer {
  received = 0;
  played = 0;
  concealed = 0;
  dropped = 0;
  underruns = 0;

  #frames = [];
  #isGathering = true;
  #missing = 0;
  #last = new Float32Array(FRAME_SAMPLES);
  #tail = null;
  #least = MAX;
  #inWindow = 0;

  /** How many frames wait. */
  get depth() {
    return this.#frames.length;
  }

  /** Take a frame of `FRAME_SAMPLES` floats; it is the buffer's from now on. */
  put(frame) {
    this.received++;
    if (this.#frames.length >= MAX) this.#drop();
    this.#frames.push(frame);
  }

  /** Write the next 20 ms to `out`; gives `played`, `concealed` or `silent`. */
  take(out) {
    if (this.#isGathering && this.#frames.length < START) {
      out.fill(0);
      return "silent";
    }
    this.#isGathering = false;
    this.#slim();
    const frame = this.#frames.shift();
    return frame ? this.#play(frame, out) : this.#conceal(out);
  }

  #play(frame, out) {
    out.set(frame);
    if (this.#missing) this.#join(out, this.#faded(this.#missing));
    else if (this.#tail) this.#join(out, (i) => this.#tail[i]);
    this.#tail = null;
    this.#missing = 0;
    this.#last = frame;
    this.played++;
    return "played";
  }

  #conceal(out) {
    if (!this.#missing++) this.underruns++;
    this.concealed++;
    if (this.#missing > PAUSE_FRAMES) this.#isGathering = true;
    const faded = this.#faded(this.#missing - 1);
    for (let i = 0; i < FRAME_SAMPLES; i++) out[i] = faded(i);
    return "concealed";
  }

  /** Give the samples that stand in for the missing frame number `number`, from 0. */
  #faded(number) {
    const total = FADE_FRAMES * FRAME_SAMPLES;
    return (i) => this.#last[i] * Math.max(0, 1 - (number * FRAME_SAMPLES + i) / total);
  }

  /** Lead from what would have come to what comes. */
  #join(out, before) {
    for (let i = 0; i < JOIN_SAMPLES; i++) {
      const share = (i + 0.5) / JOIN_SAMPLES;
      out[i] = out[i] * share + before(i) * (1 - share);
    }
  }

  /** Let one frame go when none of the last two seconds needed it. */
  #slim() {
    this.#least = Math.min(this.#least, this.#frames.length);
    if (++this.#inWindow < WINDOW_FRAMES) return;
    if (this.#least >= SPARE_FRAMES) this.#drop();
    this.#least = MAX;
    this.#inWindow = 0;
  }

  #drop() {
    this.#tail = this.#tail ?? this.#frames[0];
    this.#frames.shift();
    this.dropped++;
  }
}
