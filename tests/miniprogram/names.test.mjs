// Names: what WeChat takes, and what a call shows.
import assert from 'node:assert/strict';
import test from 'node:test';
import names from '../../host/miniprogram/lib/names.js';

const { callName, ownName } = names;

test('a name is cut to 13 units, never through a character', () => {
  assert.equal(ownName('Front door'), 'Front door');
  assert.equal(ownName('0123456789abcdef'), '0123456789abc');
  assert.equal(ownName('门'.repeat(20)), '门'.repeat(13));
  assert.equal(ownName('😀'.repeat(10)), '😀'.repeat(6));
  assert.equal(ownName('  x  '), 'x');
  assert.equal(ownName(undefined), '');
  assert.ok(ownName('a'.repeat(12) + '😀').length <= 13);
});

test('a call shows own name and model name', () => {
  assert.equal(callName('艾玛的', '学习机'), '艾玛的学习机');
  assert.equal(callName('Front', 'door phone'), 'Front door phone');
  assert.equal(callName('Front', '门铃'), 'Front门铃');
  assert.equal(callName('Front', undefined), 'Front');
  assert.equal(callName('', 'door phone'), 'door phone');
});
