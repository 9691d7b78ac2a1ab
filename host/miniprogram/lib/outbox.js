// Reports to the relay that must not be lost: kept in the phone's storage until the relay has them, oldest first.
'use strict';

const KEY = 'tincall.reports';
// a call has two reports; more than some days of calls without a network is nobody's case
const MOST = 40;
const KEPT_MS = 86400000;
// a person who gives up waits for nothing, and the board rings until the relay hears of it
const WAITS_MS = [500, 1500, 4000];

class Outbox {
  // send: does a report {kind, call, body}, a promise; storage: get and set by key, at once; now: ms since 1970; sleep: ms.
  constructor({ send, storage, now = Date.now, sleep = (ms) => new Promise((done) => setTimeout(done, ms)) }) {
    this._send = send;
    this._storage = storage;
    this._now = now;
    this._sleep = sleep;
    this._flight = null;
  }

  // Keeps a report and begins to send; gives a promise of the end of sending.
  add(report) {
    const kept = [...this.waiting(), { ...report, at: this._now() }];
    this._storage.set(KEY, kept.slice(-MOST));
    return this.flush();
  }

  // Lists what has not reached the relay and still matters.
  waiting() {
    const kept = this._storage.get(KEY);
    if (!Array.isArray(kept)) return [];
    const oldest = this._now() - KEPT_MS;
    return kept.filter((one) => one && typeof one.call === 'string' && one.at > oldest && one.at <= this._now());
  }

  // Sends what waits; gives up for this time when the relay cannot be reached. One flush at a time.
  flush() {
    if (!this._flight) {
      // begun a moment later, so that a report that comes while the first is sent finds this flight
      this._flight = Promise.resolve().then(() => this._flush()).finally(() => { this._flight = null; });
    }
    return this._flight;
  }

  async _flush() {
    let tries = 0;
    for (let next = this.waiting()[0]; next; next = this.waiting()[0]) {
      try {
        await this._send(next);
      } catch (error) {
        if (error.isPassing) {
          if (tries >= WAITS_MS.length) return;
          await this._sleep(WAITS_MS[tries]);
          tries += 1;
          continue;
        }
        // refused for good: the relay knows no such call, or this program is of another version
      }
      tries = 0;
      this._remove(next);
    }
  }

  _remove(report) {
    const kept = this.waiting();
    const at = kept.findIndex((one) => one.call === report.call && one.kind === report.kind && one.at === report.at);
    if (at >= 0) kept.splice(at, 1);
    this._storage.set(KEY, kept);
  }
}

module.exports = { Outbox, KEY, MOST, KEPT_MS, WAITS_MS };
