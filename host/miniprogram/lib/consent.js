// Consent to be called by a board: what WeChat says, what the relay is told of it, and what the person can do.
'use strict';

const GRANTED = 'granted';
const REFUSED = 'refused';
const ABSENT = 'absent';
const UNKNOWN = 'unknown';

// what wx.requestDeviceVoIP fails with, as developers report it; WeChat's own page lists no numbers
const ALREADY = 10001;
const SAID_NO = 10021;
const NOT_APPROVED = -12001;
const TOO_OLD = 1001;

// Reads the list of wx.getDeviceVoIPList for one board.
//   granted; refused: switched off, so that only the settings page helps; absent: never asked, or forgotten with the mini
//   program, so that asking helps; unknown: there is no list.
function fromList(list, sn) {
  if (!Array.isArray(list)) return UNKNOWN;
  const found = list.find((one) => one && one.sn === sn);
  if (!found) return ABSENT;
  return Number(found.status) === 1 ? GRANTED : REFUSED;
}

// Says what the relay should hear, given what it knows; empty: nothing new.
function news(found, known) {
  if (found === GRANTED && known !== 'granted') return 'granted';
  if (found === REFUSED && known !== 'refused') return 'refused';
  if (found === ABSENT && known === 'granted') return 'missing';
  return '';
}

// Says what mends it, as the relay's `advice` does: none, prompt or settings.
function advice(found, told) {
  if (found === GRANTED) return 'none';
  if (found === REFUSED) return 'settings';
  if (found === ABSENT) return 'prompt';
  return told || 'prompt';
}

// Reads a failure of wx.requestDeviceVoIP: `state` for the relay (empty: none), `problem` for the person (empty: none).
function fromFailure(error) {
  const number = numberOf(error);
  if (number === ALREADY) return { state: 'granted', problem: '' };
  if (number === SAID_NO) return { state: 'refused', problem: '' };
  if (number === NOT_APPROVED) return { state: '', problem: 'not_approved' };
  if (number === TOO_OLD) return { state: '', problem: 'too_old' };
  return { state: '', problem: 'consent_failed' };
}

function numberOf(error) {
  for (const name of ['errCode', 'errno']) {
    const number = Number(error && error[name]);
    if (error && error[name] !== undefined && Number.isFinite(number)) return number;
  }
  return 0;
}

class Consent {
  // relay: see relay.js; list: does wx.getDeviceVoIPList; ask: does wx.requestDeviceVoIP; both promises, or null where
  // WeChat is too old to have them.
  constructor({ relay, list, ask }) {
    this._relay = relay;
    this._list = list;
    this._ask = ask;
  }

  // Brings boards up to what WeChat says, and tells the relay what is new. The boards stay as they are when WeChat says
  // nothing, and a relay that cannot be told now is told the next time.
  async refresh(boards) {
    const list = this._list ? await this._list().then((answer) => answer.list, () => null) : null;
    return Promise.all(boards.map((board) => this._compare(board, fromList(list, board.sn))));
  }

  // Asks the person. Gives the board as it is afterwards and `problem`, a word of text.js, or empty.
  async request(board) {
    if (!this._ask) return { board, problem: 'too_old' };
    const ticket = await this._relay.ticket(board.sn);
    let outcome;
    try {
      await this._ask({
        sn: ticket.sn,
        snTicket: ticket.sn_ticket,
        modelId: ticket.model_id,
        deviceName: ticket.device_name,
      });
      outcome = { state: 'granted', problem: '' };
    } catch (error) {
      outcome = fromFailure(error);
    }
    if (!outcome.state) return { board, problem: outcome.problem };
    const told = await this._relay.reportConsent(board.sn, outcome.state);
    return { board: { ...board, consent: told.state, advice: told.advice }, problem: '' };
  }

  async _compare(board, found) {
    const state = news(found, board.consent);
    const mended = { ...board, advice: advice(found, board.advice) };
    if (!state) return mended;
    try {
      const told = await this._relay.reportConsent(board.sn, state);
      return { ...mended, consent: told.state };
    } catch (error) {
      return mended;
    }
  }
}

module.exports = { Consent, fromList, news, advice, fromFailure, GRANTED, REFUSED, ABSENT, UNKNOWN };
