/**
 * Changes the rate of a stream by a Kaiser-windowed sinc, exact for any two whole rates.
 *
 * Rules: `feed` takes samples, `read` gives what can be computed from them; nothing is allocated in either. The delay is
 * `half` samples of the source, 1.6 ms at 48 kHz.
 */

// zero crossings on each side: pass band to 0.9 of the lower Nyquist frequency, stop band below -70 dB
const ZERO_CROSSINGS = 24;
const CUTOFF = 0.92;
const KAISER_BETA = 8;

export class Resampler {
  #up;
  #down;
  #taps;
  #kernels;
  #held;
  #filled;
  #at = 0;
  #phase = 0;

  /**
   * @param fromHz rate of what is fed, a whole number above 0
   * @param toHz rate of what is read
   * @param capacity most samples fed at once, with what was left over
   */
  constructor(fromHz, toHz, capacity = 4096) {
    const common = gcd(fromHz, toHz);
    this.#up = toHz / common;
    this.#down = fromHz / common;
    const scale = Math.min(1, toHz / fromHz) * CUTOFF;
    const half = Math.ceil(ZERO_CROSSINGS / scale);
    this.#taps = 2 * half;
    this.#kernels = kernels(this.#up, half, scale);
    this.#held = new Float32Array(this.#taps + capacity);
    this.#filled = half - 1; // the first output is at the instant of the first input
  }

  /** Take samples; those beyond the capacity push out the oldest. */
  feed(samples) {
    const held = this.#held;
    if (this.#filled + samples.length > held.length) {
      const from = Math.min(this.#filled, Math.max(this.#at, this.#filled + samples.length - held.length));
      held.copyWithin(0, from, this.#filled);
      this.#filled -= from;
      this.#at = Math.max(0, this.#at - from);
    }
    held.set(samples, this.#filled);
    this.#filled += samples.length;
  }

  /** How many samples could be read now. */
  get available() {
    const room = this.#filled - this.#taps - this.#at;
    return room < 0 ? 0 : Math.floor((room * this.#up + this.#up - 1 - this.#phase) / this.#down) + 1;
  }

  /** Write up to `count` samples to `out` from `offset` on; gives how many. */
  read(out, offset, count) {
    const held = this.#held;
    const taps = this.#taps;
    let done = 0;
    while (done < count && this.#at + taps <= this.#filled) {
      const row = this.#phase * taps;
      let sum = 0;
      for (let i = 0; i < taps; i++) sum += held[this.#at + i] * this.#kernels[row + i];
      out[offset + done++] = sum;
      this.#phase += this.#down;
      const whole = Math.floor(this.#phase / this.#up);
      this.#at += whole;
      this.#phase -= whole * this.#up;
    }
    return done;
  }
}

/** Give `2 * half` taps for each fractional position; each row adds up to 1. */
function kernels(phases, half, scale) {
  const taps = 2 * half;
  const table = new Float32Array(phases * taps);
  for (let phase = 0; phase < phases; phase++) {
    let sum = 0;
    const row = new Float64Array(taps);
    for (let i = 0; i < taps; i++) {
      const distance = i - (half - 1) - phase / phases;
      const edge = Math.max(0, 1 - (distance / half) ** 2);
      row[i] = sinc(distance * scale) * bessel(KAISER_BETA * Math.sqrt(edge));
      sum += row[i];
    }
    for (let i = 0; i < taps; i++) table[phase * taps + i] = row[i] / sum;
  }
  return table;
}

function sinc(x) {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/** The modified Bessel function of the first kind, order 0. */
function bessel(x) {
  let sum = 1;
  let term = 1;
  for (let k = 1; term > 1e-12 * sum; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}

function gcd(a, b) {
  return b ? gcd(b, a % b) : a;
}
