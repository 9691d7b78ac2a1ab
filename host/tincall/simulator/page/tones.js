/** The phone's own sounds, computed: ringing, ringback, and the short signal at the end of a call. */

const PEAK = 0.28;

// [begins at s, Hz, lasts s]: two rising thirds and a fifth, soft as a marimba; then a pause
const RING = {
  seconds: 2.6,
  notes: [
    [0.0, 659.3, 0.5],
    [0.16, 784.0, 0.5],
    [0.32, 987.8, 0.7],
    [0.72, 659.3, 0.5],
    [0.88, 784.0, 0.5],
    [1.04, 1174.7, 0.9],
  ],
  voice: struck,
};
// what lines of the region sound like while the far end rings: 450 Hz, one second in five
const RINGBACK = { seconds: 5, notes: [[0, 450, 1]], voice: steady, peak: 0.09 };
const END = {
  seconds: 0.7,
  notes: [
    [0.0, 480, 0.14],
    [0.24, 480, 0.14],
    [0.48, 480, 0.14],
  ],
  voice: steady,
  peak: 0.1,
};
const SOUNDS = { ring: RING, ringback: RINGBACK, end: END };

/** Plays one sound at a time. */
export class Tones {
  #context;
  #source = null;
  #name = "";
  #buffers = new Map();

  /** @param context a running AudioContext */
  constructor(context) {
    this.#context = context;
  }

  /** Begin a sound unless it is the one that plays; `ring` and `ringback` repeat. */
  play(name) {
    if (this.#name === name) return;
    this.stop();
    if (!this.#buffers.has(name)) this.#buffers.set(name, render(this.#context, SOUNDS[name]));
    const source = new AudioBufferSourceNode(this.#context, { buffer: this.#buffers.get(name), loop: name !== "end" });
    source.connect(this.#context.destination);
    source.onended = () => {
      if (this.#source === source) this.stop();
    };
    source.start();
    this.#source = source;
    this.#name = name;
  }

  /** Be silent. */
  stop() {
    this.#source?.stop();
    this.#source?.disconnect();
    this.#source = null;
    this.#name = "";
  }
}

function render(context, { seconds, notes, voice, peak = PEAK }) {
  const rate = context.sampleRate;
  const buffer = new AudioBuffer({ length: Math.round(seconds * rate), sampleRate: rate });
  const samples = buffer.getChannelData(0);
  for (const [at, hz, lasts] of notes) {
    const begin = Math.round(at * rate);
    const count = Math.min(Math.round(lasts * rate), samples.length - begin);
    for (let i = 0; i < count; i++) samples[begin + i] += peak * voice(i / rate, hz, lasts);
  }
  return buffer;
}

/** A struck bar: the tone, its fourth harmonic that dies at once, no click at either end. */
function struck(t, hz, lasts) {
  const wave = Math.sin(2 * Math.PI * hz * t) + 0.35 * Math.sin(8 * Math.PI * hz * t) * Math.exp(-t * 22);
  return wave * Math.exp(-t * 6) * edges(t, lasts, 0.004, 0.08);
}

function steady(t, hz, lasts) {
  return Math.sin(2 * Math.PI * hz * t) * edges(t, lasts, 0.015, 0.015);
}

function edges(t, lasts, inS, outS) {
  return Math.min(1, t / inS, (lasts - t) / outS);
}
