// The pages, with a WeChat that is played: what people see and what the relay hears.
import assert from 'node:assert/strict';
import test from 'node:test';
import { start } from './stage.mjs';

const BOARD = {
  sn: 'SN-1', model_id: 'm', name: 'Front door', device_name: 'Front door', called: 'Mum', online: true, busy: false, consent: 'unknown', advice: 'prompt',
};
const settle = () => new Promise((done) => setTimeout(done, 5));

function relayThat(more = {}) {
  const answers = {
    'GET /devices': () => [200, { devices: [BOARD] }],
    'POST /calls': () => [201, { call: 'c1', sn: 'SN-1', model_id: 'm', device_name: 'Front door', room_type: 'voice', payload: 'p', expires_in_s: 60 }],
    'POST /ticket': () => [200, { sn: 'SN-1', sn_ticket: 't', model_id: 'm', device_name: 'Front door' }],
    'POST /consent': (data) => [200, { sn: 'SN-1', state: data.state, advice: data.state === 'granted' ? 'none' : 'settings', updated_s: 1 }],
    'POST /bind': () => [200, BOARD],
    'DELETE /devices/SN-1': () => [200, { done: true }],
    'DELETE /login': () => [200, { done: true }],
    ...more,
  };
  return (method, path, data) => (answers[`${method} ${path}`] || (() => [200, { call: 'c1', was: 'live' }]))(data);
}

const refused = (status, reason) => () => [status, { reason, detail: 'x' }];
const said = (stage, method, path) => stage.asked.filter((one) => one[0] === method && one[1] === path).map((one) => one[2]);

test('the app listens once, before any call, and names its button and its page', () => {
  const stage = start({ relay: relayThat() });
  stage.app.onShow();
  stage.app.onShow();
  assert.equal(stage.listeners.length, 1);
  assert.deepEqual([stage.button, stage.endPage], ['Open the door', { url: '/pages/index/index', key: 'Call' }]);
});

test('the list shows boards, and leads to them', async () => {
  const stage = start({ relay: relayThat() });
  const page = stage.page('./pages/index/index.js');
  await page.onShow();
  assert.deepEqual(page.data.boards.map((one) => [one.name, one.link_text]), [['Front door', 'connected']]);
  page.open({ currentTarget: { dataset: { sn: 'SN-1' } } });
  page.openSettings();
  await page.onPullDownRefresh();
  assert.deepEqual(stage.went, ['/pages/device/device?sn=SN-1', '/pages/settings/settings', 'stop']);
});

test('a list that cannot be had says why', async () => {
  for (const [relay, words] of [[() => null, /no connection/], [refused(429, 'too_many'), /Wait/]]) {
    const page = start({ relay }).page('./pages/index/index.js');
    await page.onShow();
    assert.match(page.data.fault, words);
    assert.equal(page.data.isLoading, false);
  }
});

async function devicePage(stage) {
  const page = stage.page('./pages/device/device.js');
  page.onLoad({ sn: 'SN-1' });
  await page.onShow();
  return page;
}

test('a call from tap to the last word', async () => {
  const stage = start({ relay: relayThat() });
  const page = await devicePage(stage);
  assert.deepEqual(stage.titles, ['Front door']);
  await page.call();
  assert.deepEqual(stage.words, [{
    roomType: 'voice', sn: 'SN-1', modelId: 'm', isCloud: true, payload: 'p', deviceName: 'Front door', enableCallerCamera: false,
    enableListenerCamera: false, nickName: 'Mum',
  }]);
  assert.deepEqual(stage.went, ['plugin-private://call-page']);
  stage.hears('hangUpVoip', { keepTime: 5 });
  stage.hears('finishVoip', { keepTime: 6 });
  await settle();
  assert.deepEqual(said(stage, 'POST', '/calls/c1/ended'), [{ event: 'hangUpVoip', keep_time: 5 }, { event: 'finishVoip', keep_time: 6 }]);
});

test('giving up is told', async () => {
  const stage = start({ relay: relayThat() });
  await (await devicePage(stage)).call();
  stage.hears('cancelVoip', { status: 'manual' });
  await settle();
  assert.deepEqual(said(stage, 'POST', '/calls/c1/cancelled'), [{ reason: 'manual' }]);
});

test('an old plug-in\'s page is known by its path', async () => {
  const stage = start({ relay: relayThat() });
  delete stage.plugin.CALL_PAGE_PATH;
  await (await devicePage(stage)).call();
  assert.match(stage.went[0], /^plugin-private:\/\/wxf830863afde621eb\/pages\//);
});

test('a call that WeChat has no consent for leads to the question', async () => {
  const stage = start({ relay: relayThat(), callDevice: async () => { throw { errCode: 9 }; } });
  const page = await devicePage(stage);
  await page.call();
  await settle();
  assert.deepEqual([page.data.board.consent, page.data.board.advice, page.data.isCalling], ['withdrawn', 'prompt', false]);
  assert.match(page.data.fault, /no consent/);
  assert.deepEqual(said(stage, 'POST', '/calls/c1/ended'), [{ event: 'callFailed', errcode: 9 }]);
  assert.deepEqual(stage.went, []);
});

test('a board that is busy says so', async () => {
  const stage = start({ relay: relayThat({ 'POST /calls': refused(409, 'busy') }) });
  const page = await devicePage(stage);
  await page.call();
  assert.equal(page.data.fault, 'The board is in a call.');
});

test('consent is asked, and refusing leads to the settings', async () => {
  let answer = ({ success }) => success();
  const wx = { requestDeviceVoIP: (options) => answer(options), openSetting: ({ success }) => success() };
  const stage = start({ relay: relayThat(), wx });
  const page = await devicePage(stage);
  await page.askConsent();
  assert.deepEqual([page.data.board.consent, page.data.board.advice, page.data.fault], ['granted', 'none', '']);
  answer = ({ fail }) => fail({ errCode: 10021 });
  await page.askConsent();
  assert.deepEqual([page.data.board.consent, page.data.board.advice], ['refused', 'settings']);
  answer = ({ fail }) => fail({ errCode: -12001 });
  await page.askConsent();
  assert.match(page.data.fault, /not approved/);
  page.openSettings();
});

test('what WeChat lists is told to the relay', async () => {
  const wx = { getDeviceVoIPList: ({ success }) => success({ list: [{ sn: 'SN-1', status: 1 }] }) };
  const stage = start({ relay: relayThat(), wx });
  const page = await devicePage(stage);
  assert.deepEqual(said(stage, 'POST', '/consent'), [{ sn: 'SN-1', state: 'granted' }]);
  assert.equal(page.data.board.consent_text, 'This board may ring you.');
});

test('a board can be left, after a question', async () => {
  let confirm = false;
  const wx = { showModal: ({ success }) => success({ confirm }) };
  const stage = start({ relay: relayThat(), wx });
  const page = await devicePage(stage);
  page.leave();
  confirm = true;
  page.leave();
  await settle();
  assert.deepEqual([said(stage, 'DELETE', '/devices/SN-1').length, stage.went], [1, ['back']]);
});

test('a board that is gone says so', async () => {
  const stage = start({ relay: relayThat({ 'GET /devices': () => [200, { devices: [] }] }) });
  const page = await devicePage(stage);
  assert.deepEqual([page.data.board, page.data.fault], [null, 'You do not have this board any more.']);
});

test('a code is used, from a link too', async () => {
  const stage = start({ relay: relayThat() });
  const page = stage.page('./pages/settings/settings.js');
  page.onLoad({ code: '7KQM-03XV-9TZB' });
  page.onName({ detail: { value: 'Mum' } });
  await page.bind();
  assert.deepEqual(said(stage, 'POST', '/bind'), [{ invite: '7KQM-03XV-9TZB', name: 'Mum' }]);
  assert.deepEqual([page.data.said, page.data.code, page.data.isBusy], ['Front door: The board is yours now.', '', false]);
  page.onCode({ detail: { value: 'x' } });
  await page.logOut();
  assert.match(page.data.said, /logged out/);
});

test('a code that is not good says so', async () => {
  const stage = start({ relay: relayThat({ 'POST /bind': refused(404, 'bad_invite') }) });
  const page = stage.page('./pages/settings/settings.js');
  page.onLoad({});
  await page.bind();
  assert.match(page.data.fault, /not good/);
});

test('reports that waited are sent when the mini program is opened again', async () => {
  const stage = start({ relay: relayThat() });
  stage.shelf.set('tincall.reports', [{ kind: 'cancelled', call: 'c0', body: { reason: 'manual' }, at: Date.now() }]);
  stage.app.onShow();
  await settle();
  assert.deepEqual(said(stage, 'POST', '/calls/c0/cancelled'), [{ reason: 'manual' }]);
});

test('the door says that it cannot be opened yet, and who is there', async () => {
  const stage = start({ relay: relayThat() });
  const box = stage.component('./components/door/door.js');
  box.lifetimes.attached.call(box);
  stage.hears('showCustomBox', { callerId: 'SN-1', listenerId: 'me' });
  await settle();
  assert.equal(box.data.name, 'Front door');
  assert.match(box.data.text.door_not_yet, /not available yet/);
  box.lifetimes.detached.call(box);
});
