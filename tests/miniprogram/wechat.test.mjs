// WeChat's functions as promises.
import assert from 'node:assert/strict';
import test from 'node:test';
import wechat from '../../host/miniprogram/lib/wechat.js';

test('a function becomes a promise, and one that is missing becomes nothing', async () => {
  const wx = { request: ({ url, success, fail }) => (url === 'good' ? success({ statusCode: 200 }) : fail({ errMsg: 'no' })) };
  const request = wechat.promised(wx, 'request');
  assert.deepEqual(await request({ url: 'good' }), { statusCode: 200 });
  await assert.rejects(request({ url: 'bad' }), { errMsg: 'no' });
  await assert.rejects(request(), { errMsg: 'no' });
  assert.equal(wechat.promised(wx, 'requestDeviceVoIP'), null);
});

test('a login is a code or an error', async () => {
  assert.equal(await wechat.login({ login: ({ success }) => success({ code: 'c' }) })(), 'c');
  await assert.rejects(wechat.login({ login: ({ success }) => success({ errMsg: 'login:ok' }) })(), /no code/);
});

test('storage that fails harms nobody', () => {
  const full = () => { throw new Error('full'); };
  const broken = wechat.storage({ getStorageSync: full, setStorageSync: full });
  broken.set('k', 1);
  assert.equal(broken.get('k'), undefined);
  const shelf = {};
  const good = wechat.storage({ getStorageSync: (key) => shelf[key], setStorageSync: (key, value) => { shelf[key] = value; } });
  good.set('k', [1]);
  assert.deepEqual(good.get('k'), [1]);
});

test('the language is one that there is', () => {
  assert.equal(wechat.language({ getAppBaseInfo: () => ({ language: 'zh_CN' }) }), 'zh');
  assert.equal(wechat.language({ getAppBaseInfo: () => ({ language: 'en' }) }), 'en');
  assert.equal(wechat.language({}), 'en');
});
