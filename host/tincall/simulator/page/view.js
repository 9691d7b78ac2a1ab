/**
 * Puts the state on the screen: texts, lists, dialogs, focus, and what a screen reader hears. It decides nothing.
 *
 * Rules: names of people and devices become text nodes, never markup. Focus moves only when another screen comes, to what one
 * would press next. What rings is said at once, everything else politely.
 */

import { OVER, RINGING, TALKING, isInCall, screen } from "./state.js";
import { clock, ending, initials, kind, plain, refusal, sentence, shade, soundTrouble } from "./words.js";

const SHADES = 6;
const SECTIONS = ["choose", "home", "call", "moved"];
const CALL_STATES = {
  ringing: "is calling…",
  answering: "Connecting…",
  calling: "Calling…",
  talking: "",
};
// state: buttons that are there, from left to right; red stays in its place from ringing to talking
const BUTTONS = {
  ringing: ["reject", "answer"],
  answering: ["hang-up"],
  calling: ["hang-up"],
  talking: ["hang-up", "mute"],
  over: ["done", "again"],
};
const FOCUS = {
  choose: "choose-title",
  home: "home-title",
  moved: "back",
  ringing: "answer",
  answering: "hang-up",
  calling: "hang-up",
  talking: "mute",
  over: "done",
};
const CONSENTS = { allowed: "May call you", unasked: "Wants to call you", refused: "Calls are off" };
const GRADES = { good: "Good", fair: "Fair", poor: "Poor", unknown: "Listening…" };
const LINKS = { up: "Ready", connecting: "Connecting…", down: "No connection", off: "Off" };
const IN = "in";

export class View {
  #do;
  #shown = {};
  #screen = "";
  #levels = { mic: 0, ear: 0 };

  /** @param actions what taps and keys do, by name */
  constructor(actions) {
    this.#do = actions;
    this.#wire();
  }

  /** Show a state. */
  render(state) {
    const now = screen(state);
    this.#list("people", state.people, (part, one) => this.#person(part, one));
    this.#nobody(state);
    this.#notices(state);
    if (state.me) this.#home(state);
    if (state.call) this.#call(state.call);
    this.#consent(state.ask, state.app);
    this.#device(state.sheet, state);
    this.#switch(now, state);
  }

  /** Show the time of a call. */
  tick(state, nowMs) {
    if (state.call?.state === TALKING) $("call-clock").textContent = clock(nowMs - state.call.sinceMs);
  }

  /** Show a level, 0 to 1 of full scale, of `mic` or `ear`. */
  level(which, level) {
    // 50 dB down is nothing on the bar: speech of usual loudness fills two thirds
    const share = level > 0 ? Math.min(1, Math.max(0, 1 + (20 * Math.log10(level)) / 50)) : 0;
    this.#levels[which] = Math.max(share, this.#levels[which] * 0.8);
    $(`${which}-fill`).style.setProperty("--level", this.#levels[which].toFixed(3));
  }

  /** Show the figures; once a second is what one can read. */
  quality(figures, grade) {
    $("grade").dataset.grade = grade;
    text("grade-word", GRADES[grade]);
    const lost = figures.made ? (100 * figures.lost) / figures.made : 0;
    text("q-loss", `${lost < 10 ? lost.toFixed(1) : Math.round(lost)} %`);
    text("q-jitter", `${Math.round(figures.jitterMs)} ms`);
    text("q-concealed", `${figures.concealed * 20} ms`);
    text("q-delay", `${Math.round(figures.delayMs)} ms`);
    for (const which of ["mic", "ear"]) {
      $(`${which}-meter`).setAttribute("aria-valuenow", String(Math.round(100 * this.#levels[which])));
    }
  }

  #wire() {
    const taps = {
      leave: "leave", back: "back", "moved-leave": "leave", answer: "answer", reject: "reject", "hang-up": "hangUp", mute: "mute",
      door: "press", done: "putAway", again: "again", "device-close": "closeSheet",
    };
    for (const [id, action] of Object.entries(taps)) $(id).addEventListener("click", () => this.#do[action]());
    $("allow").addEventListener("click", () => this.#do.consent(true));
    $("deny").addEventListener("click", () => this.#do.consent(false));
    $("device-switch").addEventListener("click", () => this.#do.toggle());
    $("device-call").addEventListener("click", () => this.#do.call($("device").dataset.sn));
    $("consent").addEventListener("cancel", (event) => this.#escape(event, () => this.#do.consent(false)));
    $("device").addEventListener("cancel", (event) => this.#escape(event, () => this.#do.closeSheet()));
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !event.repeat && !document.querySelector("dialog[open]")) this.#do.escape();
    });
  }

  #escape(event, action) {
    event.preventDefault(); // the state closes it
    action();
  }

  /** Show the section of a screen, move focus, say what has changed. */
  #switch(now, state) {
    if (now === this.#screen) return;
    const isFirst = this.#screen === "";
    this.#screen = now;
    const section = SECTIONS.includes(now) ? now : "call";
    for (const name of SECTIONS) $(name).hidden = name !== section;
    $("phone").dataset.screen = now;
    if (section === "call") $("phone").dataset.shade = shade(state.call.name, SHADES);
    else delete $("phone").dataset.shade;
    $("phone").scrollTop = 0;
    for (const button of $("controls").children) button.hidden = !BUTTONS[now]?.includes(button.id);
    $("talk").hidden = now !== TALKING;
    if (!isFirst || now !== "choose") $(FOCUS[now]).focus({ preventScroll: true });
    this.#announce(now, state);
    document.title = title(now, state);
  }

  #announce(now, { call }) {
    const name = call && `${plain(call.name)}${call.model ? `, ${plain(call.model)}` : ""}`;
    text("at-once", now === RINGING ? `${kind(call.kind)} from ${name}` : "");
    const said = {
      answering: () => "Connecting",
      calling: () => `Calling ${name}`,
      talking: () => `Connected with ${name}`,
      over: () => ending(call.why, call.name, call.direction).join(". "),
    };
    text("politely", said[now]?.() ?? "");
  }

  #nobody({ people }) {
    $("nobody").hidden = people !== null && people.length > 0;
    text("nobody", people === null ? "Looking who there is…" : "Nobody has a phone here yet.");
  }

  #person(part, { openid, name }) {
    face(part.querySelector(".avatar"), name);
    part.querySelector(".name").textContent = plain(name);
    part.querySelector("button").addEventListener("click", () => this.#do.choose(openid, name));
  }

  #home({ me, link, devices, recents }) {
    face($("me-avatar"), me.name);
    text("home-title", plain(me.name));
    $("link-state").dataset.link = link.state;
    text("link-state", LINKS[link.state]);
    this.#list("devices", devices, (part, one) => this.#deviceRow(part, one));
    $("no-devices").hidden = devices.length > 0;
    for (const button of $("devices").querySelectorAll(".mini")) button.disabled = link.state !== "up";
    this.#list("recents", recents, (part, one) => recentRow(part, one));
    $("recents-part").hidden = !recents.length;
  }

  #deviceRow(part, { sn, name, model, consent }) {
    face(part.querySelector(".avatar"), name);
    part.querySelector(".name").textContent = plain(name);
    part.querySelector(".model").textContent = model ? plain(model) : "";
    const note = part.querySelector(".consent");
    note.textContent = CONSENTS[consent] ?? "";
    note.dataset.consent = consent;
    part.querySelector(".card").addEventListener("click", () => this.#do.openSheet(sn));
    const button = part.querySelector(".mini");
    button.setAttribute("aria-label", `Call ${plain(name)}`);
    button.addEventListener("click", () => this.#do.call(sn));
  }

  #call(call) {
    const name = plain(call.name);
    face($("call-avatar"), call.name);
    text("call-kind", kind(call.kind));
    text("call-name", name);
    text("call-model", call.model ? plain(call.model) : "");
    const isOver = call.state === OVER;
    const [why, whole] = isOver ? ending(call.why, call.name, call.direction) : [];
    $("call-why").hidden = !isOver;
    text("call-why", why ?? "");
    text("call-state", isOver ? whole : CALL_STATES[call.state]);
    $("call-clock").hidden = call.state !== TALKING && !call.talkMs;
    text("call-clock", call.state === TALKING ? $("call-clock").textContent : clock(call.talkMs));
    $("mute").setAttribute("aria-pressed", String(call.isMuted));
    text("mute-word", call.isMuted ? "Muted" : "Mute");
    for (const icon of ["mute-icon", "mic-icon"]) $(icon).setAttribute("href", call.isMuted ? "#i-mic-off" : "#i-mic");
    this.#door(call.door);
  }

  #door(door) {
    const words = { waiting: "Opening…", done: "Door opened", failed: "Could not open" };
    const said = words[door] ?? "Open the door";
    if ($("door-word").textContent !== said && (door === "done" || door === "failed")) text("politely", said);
    $("door").dataset.is = door ?? "";
    text("door-word", said);
  }

  #notices({ notices, link }) {
    const shown = [];
    if (link.state === "down") shown.push(["The connection is lost. Trying again…", "Try now", "hurry"]);
    if (notices.sound) shown.push([soundTrouble("asleep"), "Turn on", "wake"]);
    if (notices.mic) shown.push([soundTrouble(notices.mic), "Try again", "microphone"]);
    if (notices.door) shown.push([sentence(notices.door), "OK", "dismissDoor"]);
    if (notices.slept) shown.push(["This page was asleep; what was said meanwhile is lost.", "OK", "dismissSlept"]);
    if (notices.refused) shown.push([refusal(notices.refused.number, notices.refused.text), "OK", "dismissRefused"]);
    if (notices.gate) shown.push([notices.gate, "Try again", "look"]);
    const key = JSON.stringify(shown);
    if (this.#shown.notices === key) return;
    this.#shown.notices = key;
    const parts = shown.map(([words, label, action]) => {
      const part = $("t-notice").content.firstElementChild.cloneNode(true);
      part.querySelector("p").textContent = words;
      const button = part.querySelector("button");
      button.textContent = label;
      button.addEventListener("click", () => this.#do[action]());
      return part;
    });
    $("notices").replaceChildren(...parts);
    if (shown.length) text("politely", shown.map(([words]) => words).join(" "));
  }

  #consent(device, app) {
    if (device) {
      face($("consent-avatar"), device.name);
      text("consent-app", app ? plain(app) : "");
      text("consent-title", [plain(device.name), device.model && plain(device.model)].filter(Boolean).join(" · "));
    }
    dialog("consent", device !== null);
  }

  #device(device, state) {
    if (device) {
      $("device").dataset.sn = device.sn;
      face($("device-avatar"), device.name);
      text("device-title", plain(device.name));
      text("device-model", device.model ? plain(device.model) : "");
      text("device-sn", plain(device.sn));
      $("device-switch").setAttribute("aria-checked", String(device.consent === "allowed"));
      $("device-call").disabled = state.link.state !== "up" || isInCall(state);
    }
    dialog("device", device !== null);
  }

  /** Make a list anew when it is another one; the focused row keeps the focus. */
  #list(id, rows, fill) {
    if (this.#shown[id] === rows || !rows) return;
    this.#shown[id] = rows;
    const had = [...$(id).querySelectorAll("button")].indexOf(document.activeElement);
    const template = $({ people: "t-person", devices: "t-device", recents: "t-recent" }[id]);
    const parts = rows.map((row) => {
      const part = template.content.firstElementChild.cloneNode(true);
      fill(part, row);
      return part;
    });
    $(id).replaceChildren(...parts);
    $(id).querySelectorAll("button")[had]?.focus();
  }
}

function recentRow(part, { name, direction, title, talkMs, atMs }) {
  const isIncoming = direction !== IN;
  part.dataset.missed = String(title === "Missed call");
  part.querySelector("use").setAttribute("href", isIncoming ? "#i-in" : "#i-out");
  part.querySelector(".name").textContent = plain(name);
  const way = isIncoming ? "Incoming" : "Outgoing";
  part.querySelector(".sub").textContent = talkMs ? `${way}, ${clock(talkMs)}` : title === "Call ended" ? way : title;
  const when = new Date(atMs);
  const time = part.querySelector("time");
  time.dateTime = when.toISOString();
  time.textContent = when.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

function title(now, { call, me }) {
  const phone = me ? `${plain(me.name)}’s phone` : "Phone";
  if (now === RINGING) return `${plain(call.name)} is calling`;
  return call && now !== OVER ? `${plain(call.name)} – ${phone}` : phone;
}

function face(element, name) {
  element.textContent = initials(name);
  element.dataset.shade = shade(name, SHADES);
}

function dialog(id, isOpen) {
  const element = $(id);
  if (element.open === isOpen) return;
  if (isOpen) element.showModal();
  else element.close();
}

/** Set a text, and touch nothing that is the same: a screen reader would say it again. */
function text(id, words) {
  const element = $(id);
  if (element.textContent !== words) element.textContent = words;
}

function $(id) {
  return document.getElementById(id);
}
