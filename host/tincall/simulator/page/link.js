/**
 * The WebSocket to the gate: says the token, comes back by itself when it breaks, notices when nothing comes back.
 *
 * Messages are JSON, sound is binary; see `page_words` for what they say. Sound that the network does not take is dropped.
 */

const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 10_000;
const PING_MS = 2000;
const SILENCE_MS = 8000;
// 200 ms of sound: more would be delay
const UNSENT_MAX_BYTES = 6500;
const CLOSE_MOVED = 4001;
const CLOSE_NO_SESSION = 4003;

export class Link {
  unsent = 0;
  sent = 0;

  #url;
  #token;
  #on;
  #socket = null;
  #tries = 0;
  #retry = 0;
  #pinger = 0;
  #isUp = false;
  #isOver = false;
  #heardMs = 0;
  #pingedMs = 0;

  /**
   * @param url of the WebSocket
   * @param token of the session
   * @param on what to call: `message(object)`, `frame(buffer)`, `state(name, retryMs)` with name `connecting`, `up`, `down`,
   *   `moved` or `gone` (the session is not known any more; both end the link), `echo(ms)`
   */
  constructor(url, token, on) {
    this.#url = url;
    this.#token = token;
    this.#on = on;
    this.#connect();
  }

  /** Say a message; false: there is no connection. */
  say(message) {
    if (!this.#isUp) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  /** Say 20 ms of sound; false: dropped. */
  sayFrame(pcm) {
    if (!this.#isUp || this.#socket.bufferedAmount > UNSENT_MAX_BYTES) {
      this.unsent++;
      return false;
    }
    this.#socket.send(pcm);
    this.sent++;
    return true;
  }

  /** Try again now instead of later; with a connection that says nothing, see whether it lives. */
  hurry() {
    if (this.#isOver) return;
    if (this.#retry) this.#connect();
    else if (this.#isUp) this.#ping();
  }

  /** End it. */
  close() {
    this.#isOver = true;
    this.#forget();
  }

  #connect() {
    this.#forget();
    this.#on.state("connecting", 0);
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => socket.send(JSON.stringify({ t: "hello", v: 1, token: this.#token }));
    socket.onmessage = ({ data }) => this.#hear(data);
    socket.onclose = ({ code }) => this.#lost(code);
  }

  #hear(data) {
    this.#heardMs = performance.now();
    if (typeof data !== "string") return this.#on.frame(data);
    const message = JSON.parse(data);
    if (message.t === "pong") return this.#on.echo(this.#heardMs - message.n);
    if (message.t === "welcome") this.#begin();
    return this.#on.message(message);
  }

  #begin() {
    this.#isUp = true;
    this.#tries = 0;
    this.#on.state("up", 0);
    this.#pinger = setInterval(() => this.#ping(), PING_MS);
    this.#ping();
  }

  #ping() {
    const nowMs = performance.now();
    // a page that slept has not listened: give the line the time of one ping to show that it lives
    const isPageAwake = nowMs - this.#pingedMs < 2 * PING_MS;
    this.#pingedMs = nowMs;
    if (isPageAwake && nowMs - this.#heardMs > SILENCE_MS) return this.#lost(0);
    return this.say({ t: "ping", n: Math.round(nowMs) });
  }

  #lost(code) {
    this.#forget();
    if (this.#isOver) return;
    if (code === CLOSE_MOVED || code === CLOSE_NO_SESSION) {
      this.#isOver = true;
      this.#on.state(code === CLOSE_MOVED ? "moved" : "gone", 0);
      return;
    }
    const wholeMs = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#tries++);
    const retryMs = Math.round(wholeMs * (0.5 + Math.random() / 2)); // many phones do not come back at once
    this.#retry = setTimeout(() => this.#connect(), retryMs);
    this.#on.state("down", retryMs);
  }

  #forget() {
    clearInterval(this.#pinger);
    clearTimeout(this.#retry);
    this.#retry = 0;
    this.#isUp = false;
    if (this.#socket) {
      this.#socket.onclose = this.#socket.onmessage = this.#socket.onopen = null;
      this.#socket.close();
      this.#socket = null;
    }
  }
}
