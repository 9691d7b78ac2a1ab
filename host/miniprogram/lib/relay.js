// The relay's API for this mini program: logs in silently, once however many ask, and again when a session is over.
'use strict';

const PREFIX = '/v1/mini';
// a phone in a bad network; the relay's own question to WeChat takes up to 10 s
const TIMEOUT_MS = 15000;

// Says why the relay did not do something.
//   reason: the relay's one word, or `offline` when there was no answer, or `strange` when it was no answer of a relay.
class RelayError extends Error {
  constructor(reason, detail = '', { status = 0, hint = '', retryAfterS = 0 } = {}) {
    super(detail || reason);
    this.name = 'RelayError';
    this.reason = reason;
    this.status = status;
    this.hint = hint;
    this.retryAfterS = retryAfterS;
  }

  // Tells whether the same request may go better later.
  get isPassing() {
    return this.reason === 'offline' || this.status === 429 || this.status >= 500;
  }
}

class Relay {
  // base: address of the relay; login: gives a code of wx.login; request: does what wx.request does, as a promise of
  // {statusCode, data, header}. The session is kept in memory only.
  constructor({ base, login, request }) {
    this._base = String(base).replace(/\/+$/, '');
    this._login = login;
    this._request = request;
    this._session = '';
    this._flight = null;
  }

  devices() { return this._ask('GET', '/devices').then((answer) => answer.devices); }
  bind(invite, name) { return this._ask('POST', '/bind', { invite: String(invite).trim(), name: String(name || '').trim() }); }
  leave(sn) { return this._ask('DELETE', `/devices/${encodeURIComponent(sn)}`); }
  ticket(sn) { return this._ask('POST', '/ticket', { sn }); }
  consents() { return this._ask('GET', '/consent').then((answer) => answer.consents); }
  reportConsent(sn, state) { return this._ask('POST', '/consent', { sn, state }); }
  call(sn, roomType = 'voice') { return this._ask('POST', '/calls', { sn, room_type: roomType }); }
  cancelled(call, body) { return this._ask('POST', `/calls/${encodeURIComponent(call)}/cancelled`, body); }
  ended(call, body) { return this._ask('POST', `/calls/${encodeURIComponent(call)}/ended`, body); }

  // Ends the session here and at the relay.
  async logOut() {
    if (!this._session) return;
    await this._ask('DELETE', '/login');
    this._session = '';
  }

  async _ask(method, path, body) {
    const session = this._session || (await this._logIn());
    try {
      return await this._send(method, path, body, session);
    } catch (error) {
      if (error.status !== 401) throw error;
    }
    // the session is over; whoever noticed first logs in for all
    if (this._session === session) this._session = '';
    return this._send(method, path, body, this._session || (await this._logIn()));
  }

  _logIn() {
    if (!this._flight) {
      this._flight = this._newSession().finally(() => { this._flight = null; });
    }
    return this._flight;
  }

  async _newSession() {
    const code = await this._login();
    const answer = await this._send('POST', '/login', { code }, '');
    if (typeof answer.session !== 'string' || !answer.session) throw new RelayError('strange', 'no session');
    this._session = answer.session;
    return this._session;
  }

  async _send(method, path, body, session) {
    const header = session ? { Authorization: `Bearer ${session}` } : {};
    if (body !== undefined) header['Content-Type'] = 'application/json';
    const asked = { url: this._base + PREFIX + path, method, header, timeout: TIMEOUT_MS };
    if (body !== undefined) asked.data = body;
    let answer;
    try {
      answer = await this._request(asked);
    } catch (error) {
      throw new RelayError('offline', (error && error.errMsg) || '');
    }
    return judged(answer);
  }
}

function judged({ statusCode: status, data, header = {} }) {
  const isObject = data !== null && typeof data === 'object';
  if (status >= 200 && status < 300 && isObject) return data;
  if (!isObject || typeof data.reason !== 'string') throw new RelayError('strange', '', { status });
  const retryAfterS = Number(header['Retry-After'] || header['retry-after'] || 0) || 0;
  throw new RelayError(data.reason, data.detail, { status, hint: data.hint || '', retryAfterS });
}

module.exports = { Relay, RelayError, PREFIX };
