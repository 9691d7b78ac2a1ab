/** The loudspeaker in the audio thread: frames of 16 kHz through the jitter buffer to whatever rate the device has. */

import { FRAME_BYTES, FRAME_SAMPLES, Level, RATE_HZ, readFrame } from "./pcm.js";
import { JitterBuffer } from "./jitter.js";
import { Resampler } from "./resampler.js";

// ten reports a second: a meter that moves, and no more
const REPORT_S = 0.1;

class Playback extends AudioWorkletProcessor {
  #buffer = new JitterBuffer();
  #resampler = new Resampler(RATE_HZ, sampleRate);
  #frame = new Float32Array(FRAME_SAMPLES);
  #level = new Level();
  #reportAt = 0;
  #isOver = false;

  constructor() {
    super();
    this.port.onmessage = ({ data }) => {
      if (data === "end") this.#isOver = true;
      else if (data.byteLength === FRAME_BYTES) this.#put(data);
    };
  }

  process(inputs, outputs) {
    const out = outputs[0][0];
    while (this.#resampler.available < out.length) {
      this.#buffer.take(this.#frame);
      this.#resampler.feed(this.#frame);
    }
    this.#resampler.read(out, 0, out.length);
    this.#level.add(out);
    if (currentTime >= this.#reportAt) this.#report();
    return !this.#isOver;
  }

  #put(data) {
    const frame = new Float32Array(FRAME_SAMPLES);
    readFrame(data, frame);
    this.#buffer.put(frame);
  }

  #report() {
    this.#reportAt = currentTime + REPORT_S;
    const { depth, received, played, concealed, dropped, underruns } = this.#buffer;
    this.port.postMessage({ level: this.#level.take(), depth, received, played, concealed, dropped, underruns });
  }
}

registerProcessor("playback", Playback);
