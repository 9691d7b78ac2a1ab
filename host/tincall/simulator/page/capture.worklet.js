/**
 * The microphone in the audio thread: whatever rate the device has, out come frames of 16 kHz, one each 20 ms.
 *
 * Without a microphone it sends silence: a side that sends nothing is thrown out of the room.
 */

import { FRAME_SAMPLES, Level, RATE_HZ, writeFrame } from "./pcm.js";
import { Resampler } from "./resampler.js";

class Capture extends AudioWorkletProcessor {
  #resampler = new Resampler(sampleRate, RATE_HZ);
  #frame = new Float32Array(FRAME_SAMPLES);
  #filled = 0;
  #level = new Level();
  #silence = new Float32Array(128);
  #isOver = false;

  constructor() {
    super();
    this.port.onmessage = () => {
      this.#isOver = true;
    };
  }

  process(inputs) {
    this.#resampler.feed(inputs[0]?.[0] ?? this.#silence);
    while (this.#isFrameFull()) {
      this.#level.add(this.#frame);
      const pcm = writeFrame(this.#frame);
      this.port.postMessage({ pcm, level: this.#level.take() }, [pcm]);
      this.#filled = 0;
    }
    return !this.#isOver;
  }

  #isFrameFull() {
    this.#filled += this.#resampler.read(this.#frame, this.#filled, FRAME_SAMPLES - this.#filled);
    return this.#filled === FRAME_SAMPLES;
  }
}

registerProcessor("capture", Capture);
