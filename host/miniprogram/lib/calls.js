// Calls to a board: asks the relay for a one-time payload, lets the plug-in call, and reports how it went.
//
// WeChat tells no server when somebody gives up while the board rings, or how long a talk was billed: the plug-in's events
// are the only ones who know. The rules: a call is reported over once, and once more with the length that is billed
// (finishVoip comes late); events of a room that is none of ours, as of a call that a board made, are passed over; events
// that come before callDevice has said which room is ours wait until it has.
'use strict';

const { callName } = require('./names');

const IDLE = 'idle';
const ASKING = 'asking'; // the relay, then the plug-in
const CALLING = 'calling'; // there is a room
const NO_CONSENT = 9;
const REASONS = ['manual', 'unloadCallPage', 'forceFromApp', 'other'];
const ENDS = ['hangUpVoip', 'rejectVoip', 'busy', 'timeout', 'abortVoip', 'joinFailCaller', 'endVoip'];
// rooms whose finishVoip may still come
const REMEMBERED = 8;
// events that may wait; the plug-in says `calling` each second, and callDevice takes a few
const EARLY_MOST = 64;

// Reads the number of what the plug-in throws: errCode, or what stands in its text; 0 when there is none.
function errorNumber(error) {
  for (const name of ['errCode', 'errcode', 'code']) {
    const number = error && error[name];
    if (number !== undefined && number !== null && number !== '' && Number.isSafeInteger(Number(number))) return Number(number);
  }
  const found = /(?:err_?code|code)\D{0,3}(-?\d{1,9})/i.exec((error && (error.errMsg || error.message)) || '');
  return found ? Number(found[1]) : 0;
}

class CallError extends Error {
  // reason: the relay's word, or `plugin`; number: the plug-in's, or 0.
  constructor(reason, number, detail) {
    super(detail || reason);
    this.name = 'CallError';
    this.reason = reason;
    this.number = number;
  }
}

class Calls {
  // relay: see relay.js; plugin: the VoIP plug-in; outbox: takes reports; modelNames: see config.js; timeLimitS: see there.
  // changed: told {state, sn} whenever either changes.
  constructor({ relay, plugin, outbox, modelNames = {}, timeLimitS = 0, changed = () => {} }) {
    this._relay = relay;
    this._plugin = plugin;
    this._outbox = outbox;
    this._modelNames = modelNames;
    this._timeLimitS = timeLimitS;
    this._changed = changed;
    this._rooms = new Map(); // room id: call id
    this._current = null; // {call, sn, roomId}
    this._early = null; // events that wait, while callDevice is under way
    this.state = IDLE;
  }

  // Calls a board. Gives the room's id; the plug-in's page is then to be opened.
  // Throws CallError: there is a call already (`busy_here`), the relay refuses, or the plug-in does.
  async place(board, { roomType = 'voice', nickName = '' } = {}) {
    if (this.state !== IDLE) throw new CallError('busy_here', 0);
    this._go(ASKING, board.sn);
    let permit;
    try {
      permit = await this._relay.call(board.sn, roomType);
    } catch (error) {
      this._go(IDLE, '');
      throw new CallError(error.reason || 'strange', 0, error.message);
    }
    this._early = [];
    let roomId;
    try {
      ({ roomId } = await this._plugin.callDevice(this._words(permit, nickName)));
    } catch (error) {
      const number = errorNumber(error);
      this._early = null;
      this._outbox.add({ kind: 'ended', call: permit.call, body: { event: 'callFailed', ...(number ? { errcode: number } : {}) } });
      this._go(IDLE, '');
      throw new CallError('plugin', number, (error && (error.errMsg || error.message)) || '');
    }
    this._begin(permit, roomId);
    return roomId;
  }

  // Hears an event of the plug-in (onVoipEvent).
  heard(event) {
    const { eventName, roomId, data } = event || {};
    if (!roomId) return;
    if (this._early && !this._rooms.has(roomId)) {
      if (this._early.length < EARLY_MOST && eventName !== 'calling') this._early.push(event);
      return;
    }
    const call = this._rooms.get(roomId);
    if (!call) return;
    const isCurrent = this._current !== null && this._current.roomId === roomId;
    if (eventName === 'finishVoip') {
      this._end({ kind: 'ended', call, body: { event: eventName, ...keepTime(data) } }, isCurrent);
    } else if (eventName === 'cancelVoip' && isCurrent) {
      const reason = REASONS.includes(data && data.status) ? data.status : 'other';
      this._end({ kind: 'cancelled', call, body: { reason } }, isCurrent);
    } else if (ENDS.includes(eventName) && isCurrent) {
      this._end({ kind: 'ended', call, body: { event: eventName, ...keepTime(data) } }, isCurrent);
    }
  }

  _words(permit, nickName) {
    const words = {
      roomType: permit.room_type,
      sn: permit.sn,
      modelId: permit.model_id,
      isCloud: true,
      payload: permit.payload,
      deviceName: callName(permit.device_name, this._modelNames[permit.model_id]),
      enableCallerCamera: permit.room_type === 'video',
      enableListenerCamera: permit.room_type === 'video',
    };
    if (nickName) words.nickName = nickName;
    if (this._timeLimitS > 0) words.timeLimit = this._timeLimitS;
    return words;
  }

  _begin(permit, roomId) {
    const early = this._early;
    this._early = null;
    this._current = { call: permit.call, sn: permit.sn, roomId };
    this._rooms.set(roomId, permit.call);
    while (this._rooms.size > REMEMBERED) this._rooms.delete(this._rooms.keys().next().value);
    this._go(CALLING, permit.sn);
    for (const event of early) this.heard(event);
  }

  _end(report, isCurrent) {
    this._outbox.add(report);
    if (!isCurrent) return;
    this._current = null;
    this._go(IDLE, '');
  }

  _go(state, sn) {
    this.state = state;
    this._changed({ state, sn });
  }
}

function keepTime(data) {
  const told = data && data.keepTime;
  return typeof told === 'number' && Number.isFinite(told) && told >= 0 ? { keep_time: told } : {};
}

module.exports = { Calls, CallError, errorNumber, IDLE, ASKING, CALLING, NO_CONSENT };
