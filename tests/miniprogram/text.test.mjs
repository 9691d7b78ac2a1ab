// Texts: both languages say the same things, and every fault has a sentence.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';
import module from '../../host/miniprogram/lib/text.js';

const { TEXT, fault, texts, worded } = module;

test('both languages have the same sentences, and none is empty', () => {
  assert.deepEqual(Object.keys(TEXT.en).sort(), Object.keys(TEXT.zh).sort());
  for (const language of Object.values(TEXT)) for (const sentence of Object.values(language)) assert.ok(sentence.trim());
  assert.equal(texts('fr'), TEXT.en);
});

test('every reason of the relay has a sentence', () => {
  const source = readFileSync(new URL('../../host/tincall/wechat/mini.py', import.meta.url), 'utf8');
  const table = /STATUS_OF = \{([^}]*)\}/.exec(source)[1];
  const reasons = [...table.matchAll(/"(\w+)":/g)].map((found) => found[1]);
  assert.ok(reasons.length > 8);
  for (const reason of [...reasons, 'offline', 'strange', 'busy_here', 'plugin']) assert.ok(TEXT.en[`fault_${reason}`], reason);
});

test('every number that has a sentence is one of the platform\'s table', () => {
  const rows = readFileSync(new URL('../../host/tincall/wechat/errors.tsv', import.meta.url), 'utf8').split('\n').map((line) => line.split('\t'));
  const known = new Set(rows.filter(([apis]) => /plugin/.test(apis)).map(([, number]) => number));
  for (const key of Object.keys(TEXT.en).filter((one) => one.startsWith('plugin_'))) assert.ok(known.has(key.slice(7)), key);
});

test('a fault is said by number, else by reason, else by what came', () => {
  const text = TEXT.en;
  assert.equal(fault(text, { reason: 'plugin', number: 9 }), text.plugin_9);
  assert.equal(fault(text, { reason: 'plugin', number: 77 }), `${text.fault_plugin} (77)`);
  assert.equal(fault(text, { reason: 'busy' }), text.fault_busy);
  assert.equal(fault(text, { reason: 'new', message: 'Something new.' }), 'Something new.');
  assert.equal(fault(text, undefined), text.fault_strange);
});

test('a board is worded', () => {
  const say = (board) => worded(TEXT.en, board).link_text;
  assert.deepEqual([say({ online: true, busy: true }), say({ online: true }), say({})], ['in a call', 'connected', 'not connected']);
  assert.equal(worded(TEXT.en, { consent: 'refused' }).consent_text, TEXT.en.consent_refused);
  assert.equal(worded(TEXT.en, { consent: 'new' }).consent_text, '');
});
