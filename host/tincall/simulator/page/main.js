/**
 * The phone: brings state, link, sound and screen together. What is told becomes an event; what the state needs is done.
 *
 * The address may say `?echo=off` (no echo cancellation: for tests with recorded speech) and `?as=OPENID` (whose phone it is).
 */

import { Link } from "./link.js";
import { Quality } from "./quality.js";
import { Sound, microphoneLeave } from "./sound.js";
import { ANSWERING, CALLING, OVER, RINGING, TALKING, isInCall, reduce, screen, start } from "./state.js";
import { View } from "./view.js";

const SESSION_KEY = "tincall-phone";
const SECOND_MS = 1000;
// a timer that late means that the page was asleep
const ASLEEP_MS = 4000;
const DOOR_SHOWN_MS = 3000;
const OVER_WORDS = ["ringing", "calling", "answering", "talking"];

const query = new URLSearchParams(location.search);

class Phone {
  #state = start();
  #link = null;
  #quality = new Quality();
  #tickedMs = performance.now();
  #playback = null;
  #lock = null;
  #view = new View({
    choose: (openid, name) => this.#choose(openid, name),
    leave: () => this.#leave(),
    back: () => this.#resume(),
    look: () => this.#look(),
    hurry: () => this.#link?.hurry(),
    wake: () => this.#sound.wake(),
    microphone: () => this.#microphone(),
    answer: () => this.#answer(),
    reject: () => this.#sayOfCall("reject"),
    hangUp: () => this.#sayOfCall("hang_up"),
    mute: () => this.#mute(),
    press: () => this.#press(),
    putAway: () => this.#event({ t: "put_away" }),
    again: () => this.#call(this.#state.call.sn),
    call: (sn) => this.#call(sn),
    consent: (allow) => this.#consent(allow),
    openSheet: (sn) => this.#event({ t: "sheet", sn }),
    closeSheet: () => this.#event({ t: "sheet", sn: null }),
    toggle: () => this.#toggle(),
    escape: () => this.#escape(),
    dismissSlept: () => this.#notice("slept", null),
    dismissDoor: () => this.#notice("door", null),
    dismissRefused: () => this.#notice("refused", null),
  });
  #sound = new Sound(query.get("echo") !== "off", {
    frame: (pcm) => this.#link?.sayFrame(pcm),
    micLevel: (level) => this.#view.level("mic", level),
    playback: (report) => this.#played(report),
    trouble: (kind) => this.#notice("mic", kind),
    asleep: (is) => this.#notice("sound", is ? true : null),
  });

  async start() {
    this.#view.render(this.#state);
    setInterval(() => this.#tick(), SECOND_MS);
    document.addEventListener("visibilitychange", () => this.#seen());
    window.addEventListener("online", () => this.#link?.hurry());
    // any tap or key turns the sound on that browsers hold back until then
    for (const event of ["pointerup", "keydown"]) document.addEventListener(event, () => this.#state.notices.sound && this.#sound.wake());
    const leave = await microphoneLeave((state) => this.#notice("mic", state === "denied" ? "refused" : null));
    if (leave === "denied") this.#notice("mic", "refused");
    const kept = read(SESSION_KEY);
    await this.#look();
    if (kept) this.#open(kept);
    else if (query.has("as")) await this.#choose(query.get("as"), "", false);
  }

  // who it is

  async #look() {
    this.#notice("gate", null);
    try {
      const answer = await fetch("people");
      this.#event({ t: "people", ...(await answer.json()) });
    } catch {
      this.#notice("gate", "The simulator does not answer. Is it running?");
    }
  }

  async #choose(openid, name, isTapped = true) {
    if (isTapped) this.#sound.wake();
    const body = JSON.stringify({ openid });
    try {
      const answer = await fetch("session", { method: "POST", headers: { "content-type": "application/json" }, body });
      if (!answer.ok) throw new Error(String(answer.status));
      const { token } = await answer.json();
      const session = { openid, name, token };
      sessionStorage.setItem(SESSION_KEY, JSON.stringify(session));
      this.#open(session);
    } catch {
      this.#notice("gate", "This phone could not be switched on. Is the simulator running?");
    }
  }

  #open(session) {
    this.#sound.prepare();
    this.#event({ t: "chosen", openid: session.openid, name: session.name });
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    this.#link?.close();
    this.#link = new Link(`${scheme}://${location.host}/sim/phone`, session.token, {
      message: (message) => this.#hear(message),
      frame: (pcm) => this.#hearFrame(pcm),
      echo: (ms) => this.#quality.echoed(ms),
      state: (state, retryMs) => this.#linked(state, retryMs),
    });
  }

  #resume() {
    this.#sound.wake();
    this.#event({ t: "back" });
    const session = read(SESSION_KEY);
    if (session) this.#open(session);
    else this.#leave();
  }

  #leave() {
    this.#link?.close();
    this.#link = null;
    sessionStorage.removeItem(SESSION_KEY);
    this.#event({ t: "left" });
    this.#look();
  }

  // what comes

  #linked(state, retryMs) {
    if (state === "moved") {
      this.#event({ t: "moved" });
    } else if (state === "gone") {
      this.#leave(); // the simulator was started anew: sessions are gone with it
    } else {
      this.#event({ t: "link", link: { state, retryMs } });
    }
  }

  #hear(message) {
    if (message.t === "figures") {
      if (message.room === this.#state.call?.room) this.#quality.counted(message);
      return;
    }
    this.#event(message);
    if (message.t === "pressed") setTimeout(() => this.#event({ t: "pressed_shown" }), DOOR_SHOWN_MS);
  }

  #hearFrame(pcm) {
    if (this.#state.call?.state !== TALKING) return;
    this.#quality.arrived(performance.now());
    this.#sound.play(pcm);
  }

  #played(report) {
    this.#playback = report;
    this.#view.level("ear", report.level);
  }

  // what is done

  #answer() {
    this.#sound.wake();
    this.#sound.openMicrophone();
    this.#sayOfCall("answer");
    this.#event({ t: "picked_up", room: this.#state.call.room });
  }

  #call(sn) {
    this.#sound.wake();
    this.#sound.openMicrophone();
    if (!this.#link?.say({ t: "call", sn, kind: "voice" })) this.#sound.endTalk();
  }

  #mute() {
    const on = !this.#state.call.isMuted;
    this.#sound.mute(on);
    this.#sayOfCall("mute", { on });
    this.#event({ t: "mute", on });
  }

  #press() {
    if (this.#state.call.door || !this.#sayOfCall("press")) return;
    this.#event({ t: "pressing" });
  }

  #toggle() {
    const device = this.#state.sheet;
    if (device.consent === "unasked") this.#event({ t: "ask", device });
    else this.#link?.say({ t: "consent", sn: device.sn, allow: device.consent !== "allowed" });
  }

  #consent(allow) {
    const { ask } = this.#state;
    this.#event({ t: "decided" });
    if (ask) this.#link?.say({ t: "consent", sn: ask.sn, allow });
  }

  #escape() {
    const actions = { [RINGING]: "reject", [CALLING]: "hang_up", [ANSWERING]: "hang_up", [TALKING]: "hang_up" };
    const now = screen(this.#state);
    if (now === OVER) this.#event({ t: "put_away" });
    else if (actions[now]) this.#sayOfCall(actions[now]);
  }

  #microphone() {
    if (isInCall(this.#state)) this.#sound.openMicrophone();
    else this.#notice("mic", null); // it is opened with the next call
  }

  #sayOfCall(word, more = {}) {
    return this.#link?.say({ t: word, room: this.#state.call.room, ...more }) ?? false;
  }

  // what follows from it

  #notice(kind, value) {
    this.#event({ t: "notice", kind, value });
  }

  #event(event) {
    const before = this.#state;
    this.#state = reduce(before, { ...event, nowMs: performance.now(), wallMs: Date.now() });
    if (this.#state === before) return;
    this.#follow(screen(before), screen(this.#state), before);
    this.#view.render(this.#state);
    this.#view.tick(this.#state, performance.now());
  }

  /** Let sound follow the screen. */
  #follow(before, now, old) {
    if (this.#state.notices.refused && !old.notices.refused && !isInCall(this.#state)) this.#sound.endTalk();
    if (before === now) return;
    this.#sound.tone({ [RINGING]: "ring", [CALLING]: "ringback" }[now] ?? "");
    if (now === RINGING) navigator.vibrate?.([400, 200, 400, 1600, 400, 200, 400]);
    else if (before === RINGING) navigator.vibrate?.(0);
    if (now === TALKING) this.#begin();
    else if (!isInCall(this.#state) && OVER_WORDS.includes(before)) this.#finish(now === OVER);
  }

  async #begin() {
    this.#quality = new Quality();
    this.#playback = null;
    this.#view.quality(this.#quality.figures(), "unknown");
    this.#sound.startTalk();
    this.#sound.mute(this.#state.call.isMuted);
    try {
      this.#lock = await navigator.wakeLock?.request("screen");
    } catch {
      this.#lock = null; // a phone that saves power refuses; the call goes on
    }
  }

  #finish(isHeard) {
    this.#sound.endTalk();
    if (isHeard) this.#sound.tone("end");
    this.#lock?.release();
    this.#lock = null;
  }

  #tick() {
    const nowMs = performance.now();
    const lateMs = nowMs - this.#tickedMs - SECOND_MS;
    this.#tickedMs = nowMs;
    if (lateMs > ASLEEP_MS && isInCall(this.#state)) this.#notice("slept", true);
    if (this.#state.call?.state !== TALKING) return;
    this.#view.tick(this.#state, nowMs);
    if (!this.#playback) return;
    this.#quality.latencyMs = this.#sound.latencyMs;
    this.#quality.reported(this.#playback);
    const figures = this.#quality.figures();
    this.#view.quality(figures, this.#quality.grade());
    const { sent, unsent } = this.#link ?? { sent: 0, unsent: 0 };
    this.#sayOfCall("report", { figures: { ...figures, sent, unsent } });
  }

  #seen() {
    if (document.visibilityState !== "visible") return;
    this.#tick();
    this.#link?.hurry();
  }
}

function read(key) {
  try {
    return JSON.parse(sessionStorage.getItem(key));
  } catch {
    return null;
  }
}

new Phone().start();
