/**
 * What the phone shows, as one value, and how events change it; no document, no sound, no network.
 *
 * Rules: `reduce` gives a new value, or the same one when the event changes nothing; an event for another call than the one
 * that is shown changes nothing. A call that is over stays on the screen until it is put away or another one comes.
 */

import { ending } from "./words.js";

export const RINGING = "ringing"; // the device calls us
export const ANSWERING = "answering"; // we picked up, the other side is not there yet
export const CALLING = "calling"; // we call the device
export const TALKING = "talking";
export const OVER = "over";

const RECENTS_MAX = 12;

// call state: event: next call state. What is missing changes nothing
const CALLS = {
  [RINGING]: { picked_up: ANSWERING, talk: TALKING, over: OVER },
  [ANSWERING]: { talk: TALKING, over: OVER },
  [CALLING]: { talk: TALKING, over: OVER },
  [TALKING]: { over: OVER },
  [OVER]: {},
};
const GATE_STATES = { ringing: RINGING, picked_up: ANSWERING, calling: CALLING, talking: TALKING };

/** Give the value at the beginning. */
export function start() {
  return {
    people: null,
    app: "",
    me: null,
    isMoved: false,
    link: { state: "off", retryMs: 0 },
    devices: [],
    call: null,
    ask: null,
    sheet: null,
    notices: {},
    recents: [],
  };
}

/** Name what fills the screen: `choose`, `home`, `moved`, or a call's state. */
export function screen(state) {
  if (!state.me) return "choose";
  if (state.isMoved) return "moved";
  return state.call ? state.call.state : "home";
}

/** Tell whether there is a call that is not over. */
export function isInCall(state) {
  return state.call !== null && state.call.state !== OVER;
}

const HANDLERS = {
  people: (state, { app, people }) => ({ ...state, app, people }),
  chosen: (state, { openid, name }) => ({ ...start(), app: state.app, people: state.people, notices: state.notices, me: { openid, name } }),
  left: (state) => ({ ...start(), app: state.app, people: state.people }),
  link: (state, { link }) => ({ ...state, link }),
  notice: (state, { kind, value }) => withNotice(state, kind, value),
  moved: (state) => ({ ...state, isMoved: true, call: null, ask: null, sheet: null }),
  back: (state) => ({ ...state, isMoved: false }),

  welcome,
  devices: (state, { devices }) => ({ ...state, devices, sheet: state.sheet && known(devices, state.sheet.sn) }),
  ask: (state, { device }) => (isInCall(state) ? state : { ...state, ask: device, sheet: null }),
  decided: (state) => ({ ...state, ask: null }),
  sheet: (state, { sn }) => ({ ...state, sheet: sn === null ? null : known(state.devices, sn) }),

  ring: begin,
  calling: begin,
  picked_up: step,
  talk: step,
  over: step,
  mute: (state, { on }) => inCall(state, { isMuted: on }),
  pressing: (state) => inCall(withNotice(state, "door", null), { door: "waiting" }),
  pressed,
  pressed_shown: (state) => inCall(state, { door: null }),
  refused: (state, { number, text }) => withNotice(state, "refused", { number, text }),
  put_away: (state) => (state.call?.state === OVER ? { ...state, call: null } : state),
};

/** Give the state after an event; `event.t` names it, `event.nowMs` is the time where it matters. */
export function reduce(state, event) {
  const handler = HANDLERS[event.t];
  return handler ? handler(state, event) : state;
}

function pressed(state, { room, ok, text }) {
  if (state.call?.room !== room || !isInCall(state)) return state;
  return inCall(withNotice(state, "door", text || null), { door: ok ? "done" : "failed" });
}

function welcome(state, { openid, name, app, devices, call, nowMs }) {
  const next = { ...state, me: { openid, name }, app, devices, isMoved: false };
  if (call) {
    const isSame = state.call?.room === call.room && state.call.state !== OVER;
    return { ...next, call: { ...fresh(call, nowMs), door: isSame ? state.call.door : null } };
  }
  return isInCall(state) ? step(next, { t: "over", room: state.call.room, why: "lost", nowMs }) : next;
}

function begin(state, { call, nowMs }) {
  const quiet = withNotice(withNotice(state, "refused", null), "door", null);
  return { ...quiet, call: fresh(call, nowMs), ask: null, sheet: null };
}

function fresh(call, nowMs) {
  const { room, sn, name, model, kind, direction, muted, talk_ms: talkMs } = call;
  const state = GATE_STATES[call.state] ?? CALLING;
  return { room, sn, name, model, kind, direction, state, isMuted: muted, sinceMs: nowMs - talkMs, talkMs: 0, why: "", door: null };
}

function step(state, event) {
  const { call } = state;
  const next = call && call.room === event.room && CALLS[call.state][event.t];
  if (!next) return state;
  if (next !== OVER) return { ...state, call: { ...call, state: next, sinceMs: event.nowMs } };
  const talkMs = call.state === TALKING ? event.nowMs - call.sinceMs : 0;
  const over = { ...call, state: OVER, why: event.why, talkMs, door: null };
  const [title] = ending(event.why, call.name, call.direction);
  const recent = { sn: call.sn, name: call.name, direction: call.direction, title, talkMs, atMs: event.wallMs ?? 0 };
  return { ...withNotice(state, "door", null), call: over, recents: [recent, ...state.recents].slice(0, RECENTS_MAX) };
}

function inCall(state, change) {
  return isInCall(state) ? { ...state, call: { ...state.call, ...change } } : state;
}

function withNotice(state, kind, value) {
  if ((state.notices[kind] ?? null) === value) return state;
  const { [kind]: _, ...others } = state.notices;
  return { ...state, notices: value === null ? others : { ...others, [kind]: value } };
}

function known(devices, sn) {
  return devices.find((device) => device.sn === sn) ?? null;
}
