/**
 * Everything that is heard: the audio context, the microphone, the two worklets of a talk, the tones.
 *
 * The context has the device's own rate and is made at the first tap, since browsers allow no sound before one. The microphone is
 * open during calls only. What is wrong is told as a word that `words.soundTrouble` knows.
 */

import { Tones } from "./tones.js";

const TROUBLES = { NotAllowedError: "refused", SecurityError: "refused", NotFoundError: "none", OverconstrainedError: "none" };

export class Sound {
  #on;
  #constraints;
  #context = null;
  #worklets = null;
  #tones = null;
  #tone = "";
  #stream = null;
  #opening = null;
  #source = null;
  #capture = null;
  #playback = null;
  #isWanted = false;
  #isMuted = false;

  /**
   * @param isProcessed let the browser cancel echo and noise
   * @param on what to call: `frame(pcm)`, `micLevel(0..1)`, `playback(report)`, `trouble(kind or null)` of the microphone,
   *   `asleep(is)` of the context
   */
  constructor(isProcessed, on) {
    this.#on = on;
    const audio = { echoCancellation: isProcessed, noiseSuppression: isProcessed, autoGainControl: isProcessed, channelCount: 1 };
    this.#constraints = { audio, video: false };
  }

  /** Let sound be heard; call it from a tap. */
  async wake() {
    if (!this.#context) this.#make();
    try {
      if (this.#context.state !== "running") await this.#context.resume();
    } finally {
      this.#tellState();
    }
  }

  /** Make the context without a tap: it may be asleep until one. */
  prepare() {
    if (!this.#context) this.#make();
    this.#tellState();
  }

  /** Play a tone again and again: `ring`, `ringback`; `end` once; an empty name for silence. */
  tone(name) {
    this.#tone = name;
    if (!this.#tones) return;
    if (name) this.#tones.play(name);
    else this.#tones.stop();
  }

  /** Open the microphone for a call; without one the call goes on, and the other side hears silence. */
  async openMicrophone() {
    this.#isWanted = true;
    if (this.#stream || this.#opening) return this.#opening;
    this.#opening = this.#getStream().finally(() => {
      this.#opening = null;
    });
    return this.#opening;
  }

  /** Begin a talk: frames go to `on.frame` from now on, `play` is heard. */
  async startTalk() {
    this.#isWanted = true;
    if (!this.#context) this.#make();
    await this.#worklets;
    if (!this.#isWanted || this.#playback) return;
    this.#playback = new AudioWorkletNode(this.#context, "playback", { numberOfInputs: 0, outputChannelCount: [1] });
    this.#playback.port.onmessage = ({ data }) => this.#on.playback(data);
    this.#playback.connect(this.#context.destination);
    this.#capture = new AudioWorkletNode(this.#context, "capture", {
      numberOfOutputs: 1,
      channelCount: 1,
      channelCountMode: "explicit",
    });
    this.#capture.port.onmessage = ({ data }) => {
      this.#on.frame(data.pcm);
      this.#on.micLevel(data.level);
    };
    // its output is silence; what leads nowhere is not run
    this.#capture.connect(this.#context.destination);
    this.#plug();
    await this.openMicrophone();
  }

  /** Hear 20 ms of the other side. */
  play(pcm) {
    this.#playback?.port.postMessage(pcm, [pcm]);
  }

  /** Send silence, or sound again. */
  mute(isMuted) {
    this.#isMuted = isMuted;
    for (const track of this.#stream?.getAudioTracks() ?? []) track.enabled = !isMuted;
  }

  /** End the talk and give the microphone back. */
  endTalk() {
    this.#isWanted = false;
    this.#isMuted = false;
    this.#capture?.port.postMessage("end");
    this.#playback?.port.postMessage("end");
    for (const node of [this.#source, this.#capture, this.#playback]) node?.disconnect();
    this.#source = this.#capture = this.#playback = null;
    this.#stopStream();
    this.#on.trouble(null);
  }

  /** How long the device's own audio needs, in ms. */
  get latencyMs() {
    return 1000 * ((this.#context?.baseLatency ?? 0) + (this.#context?.outputLatency ?? 0));
  }

  #make() {
    this.#context = new AudioContext({ latencyHint: "interactive" });
    this.#context.onstatechange = () => this.#tellState();
    this.#worklets = Promise.all(
      ["capture", "playback"].map((name) => this.#context.audioWorklet.addModule(new URL(`${name}.worklet.js`, import.meta.url))),
    );
    this.#tones = new Tones(this.#context);
    this.tone(this.#tone);
  }

  #tellState() {
    this.#on.asleep(this.#context.state !== "running");
  }

  async #getStream() {
    if (!navigator.mediaDevices) return this.#on.trouble("insecure");
    try {
      this.#stream = await navigator.mediaDevices.getUserMedia(this.#constraints);
    } catch (error) {
      return this.#on.trouble(TROUBLES[error.name] ?? "taken");
    }
    if (!this.#isWanted) return this.#stopStream();
    for (const track of this.#stream.getAudioTracks()) {
      track.onended = () => {
        this.#stopStream();
        this.#on.trouble("gone");
      };
    }
    this.#on.trouble(null);
    this.mute(this.#isMuted);
    return this.#plug();
  }

  #plug() {
    if (!this.#stream || !this.#capture) return;
    this.#source?.disconnect();
    this.#source = this.#context.createMediaStreamSource(this.#stream);
    this.#source.connect(this.#capture);
  }

  #stopStream() {
    for (const track of this.#stream?.getTracks() ?? []) {
      track.onended = null;
      track.stop();
    }
    this.#stream = null;
  }
}

/** Tell how the microphone stands before anybody asks for it: `granted`, `prompt`, `denied`; `prompt` where that is unknown. */
export async function microphoneLeave(onChange) {
  try {
    const status = await navigator.permissions.query({ name: "microphone" });
    status.onchange = () => onChange(status.state);
    return status.state;
  } catch {
    return "prompt"; // Firefox before 131 knows no such question
  }
}
