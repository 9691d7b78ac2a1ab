/** What a frame is: 20 ms of 16 kHz, 16-bit little-endian, mono. */

export const RATE_HZ = 16000;
export const FRAME_SAMPLES = 320;
export const FRAME_BYTES = 640;
export const FRAME_MS = 20;

/** Write a sample of -1 to 1 as 16 bits, clipped. */
export function toInt16(sample) {
  return Math.max(-32768, Math.min(32767, Math.round(sample * 32768)));
}

/** Read a frame into `out`, `FRAME_SAMPLES` floats of -1 to 1. The bytes are little-endian, whatever the machine is. */
export function readFrame(buffer, out) {
  const view = new DataView(buffer);
  for (let i = 0; i < FRAME_SAMPLES; i++) out[i] = view.getInt16(2 * i, true) / 32768;
}

/** Write `FRAME_SAMPLES` floats as the bytes of a frame. */
export function writeFrame(samples) {
  const view = new DataView(new ArrayBuffer(FRAME_BYTES));
  for (let i = 0; i < FRAME_SAMPLES; i++) view.setInt16(2 * i, toInt16(samples[i]), true);
  return view.buffer;
}

/** Adds up a level: root mean square of all samples since it was last taken. */
export class Level {
  #sum = 0;
  #count = 0;

  add(samples, length = samples.length) {
    for (let i = 0; i < length; i++) this.#sum += samples[i] * samples[i];
    this.#count += length;
  }

  /** Give the level, 0 to 1 of full scale, and begin anew. */
  take() {
    const level = this.#count ? Math.sqrt(this.#sum / this.#count) : 0;
    this.#sum = this.#count = 0;
    return level;
  }
}
