// Reports: none is lost in a bad network, none is sent for ever, and storage that fails harms nobody.
import assert from 'node:assert/strict';
import test from 'node:test';
import module from '../../host/miniprogram/lib/outbox.js';

const { KEPT_MS, KEY, MOST, Outbox, WAITS_MS } = module;

function world({ send = async () => {}, kept } = {}) {
  const shelf = new Map(kept === undefined ? [] : [[KEY, kept]]);
  const w = { sent: [], naps: [], now: 1_000_000, shelf };
  w.storage = { get: (key) => shelf.get(key), set: (key, value) => shelf.set(key, value) };
  w.outbox = new Outbox({
    storage: w.storage,
    now: () => w.now,
    sleep: async (ms) => { w.naps.push(ms); },
    send: async (report) => { await send(report, w); w.sent.push(report.call); },
  });
  return w;
}

const passing = Object.assign(new Error('offline'), { isPassing: true });
const final = Object.assign(new Error('unknown_call'), { isPassing: false });
const report = (call) => ({ kind: 'ended', call, body: { event: 'endVoip' } });

test('a report is sent and forgotten', async () => {
  const w = world();
  await w.outbox.add(report('c1'));
  assert.deepEqual([w.sent, w.outbox.waiting()], [['c1'], []]);
});

test('a passing fault is waited out, with a bound', async () => {
  let faults = 2;
  const w = world({ send: async () => { if (faults-- > 0) throw passing; } });
  await w.outbox.add(report('c1'));
  assert.deepEqual([w.sent, w.naps], [['c1'], WAITS_MS.slice(0, 2)]);

  const never = world({ send: async () => { throw passing; } });
  await never.outbox.add(report('c1'));
  assert.deepEqual([never.naps, never.outbox.waiting().length], [WAITS_MS, 1]);
});

test('what waits outlives the mini program and goes first', async () => {
  const first = world({ send: async () => { throw passing; } });
  await first.outbox.add(report('c1'));
  const second = world({ kept: first.shelf.get(KEY) });
  await second.outbox.add(report('c2'));
  assert.deepEqual(second.sent, ['c1', 'c2']);
});

test('a refusal for good is not repeated and holds nothing up', async () => {
  const w = world({ send: async ({ call }) => { if (call === 'c1') throw final; } });
  await Promise.all([w.outbox.add(report('c1')), w.outbox.add(report('c2'))]);
  assert.deepEqual([w.sent, w.naps, w.outbox.waiting()], [['c2'], [], []]);
});

test('two flushes are one, and a report of meanwhile is sent too', async () => {
  const w = world({ send: async ({ call }, { outbox }) => { if (call === 'c1') outbox.add(report('c2')); } });
  await Promise.all([w.outbox.add(report('c1')), w.outbox.flush(), w.outbox.flush()]);
  assert.deepEqual(w.sent, ['c1', 'c2']);
});

test('old, strange and too many reports are dropped', async () => {
  const w = world({ kept: [null, 7, { call: 5, at: 1_000_000 }, { ...report('old'), at: 1_000_000 - KEPT_MS }, { ...report('future'), at: 2e6 }] });
  assert.deepEqual(w.outbox.waiting(), []);
  for (const kept of ['text', {}, 0, null]) assert.deepEqual(world({ kept }).outbox.waiting(), []);
  const full = world({ send: async () => { throw passing; } });
  for (let i = 0; i < MOST + 5; i += 1) full.outbox.add(report(`c${i}`));
  await full.outbox.flush();
  assert.deepEqual([full.outbox.waiting().length, full.outbox.waiting()[0].call], [MOST, 'c5']);
});
