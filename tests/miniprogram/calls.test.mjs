// Calls: the plug-in is called with the relay's words, and every way in which a call ends is reported once.
import assert from 'node:assert/strict';
import test from 'node:test';
import module from '../../host/miniprogram/lib/calls.js';

const { CallError, Calls, errorNumber } = module;
const PERMIT = {
  call: 'c1', sn: 'SN-1', model_id: 'mDL_door', device_name: 'Front', room_type: 'voice', payload: 'p'.repeat(48), expires_in_s: 60,
};
const BOARD = { sn: 'SN-1' };

function world({ permit = PERMIT, callDevice = async () => ({ roomId: 'r1' }), modelNames = { mDL_door: 'door phone' }, timeLimitS = 0 } = {}) {
  const w = { reports: [], words: [], states: [] };
  w.calls = new Calls({
    relay: { call: async (sn, roomType) => { if (permit instanceof Error) throw permit; return { ...permit, sn, room_type: roomType }; } },
    plugin: { callDevice: async (words) => { w.words.push(words); return callDevice(w); } },
    outbox: { add: (report) => w.reports.push([report.kind, report.call, report.body]) },
    modelNames,
    timeLimitS,
    changed: ({ state, sn }) => w.states.push(`${state} ${sn}`.trim()),
  });
  w.hears = (eventName, data, roomId = 'r1') => w.calls.heard({ eventName, roomId, data });
  return w;
}

test('the plug-in gets the one-time payload and the name of the call', async () => {
  const w = world();
  assert.equal(await w.calls.place(BOARD, { nickName: 'Mum' }), 'r1');
  assert.deepEqual(w.words, [{
    roomType: 'voice', sn: 'SN-1', modelId: 'mDL_door', isCloud: true, payload: PERMIT.payload, deviceName: 'Front door phone',
    enableCallerCamera: false, enableListenerCamera: false, nickName: 'Mum',
  }]);
  assert.deepEqual([w.calls.state, w.states], ['calling', ['asking SN-1', 'calling SN-1']]);
});

test('a video call has cameras, and a limit is passed on', async () => {
  const w = world({ timeLimitS: 600, modelNames: {} });
  await w.calls.place(BOARD, { roomType: 'video' });
  const [words] = w.words;
  assert.deepEqual([words.enableCallerCamera, words.timeLimit, words.deviceName, 'nickName' in words], [true, 600, 'Front', false]);
});

test('giving up is reported at once, and only once', async () => {
  const w = world();
  await w.calls.place(BOARD);
  w.hears('cancelVoip', { status: 'manual' });
  w.hears('endVoip', { keepTime: 0 });
  w.hears('cancelVoip', { status: 'manual' });
  assert.deepEqual(w.reports, [['cancelled', 'c1', { reason: 'manual' }]]);
  assert.equal(w.calls.state, 'idle');
  assert.equal(await w.calls.place(BOARD), 'r1');
});

test('a reason that nobody knows is another', async () => {
  for (const data of [undefined, null, {}, { status: 'bored' }, { status: ['manual'] }]) {
    const w = world();
    await w.calls.place(BOARD);
    w.hears('cancelVoip', data);
    assert.deepEqual(w.reports, [['cancelled', 'c1', { reason: 'other' }]]);
  }
});

for (const name of ['hangUpVoip', 'rejectVoip', 'busy', 'timeout', 'abortVoip', 'joinFailCaller', 'endVoip']) {
  test(`${name} ends a call, and finishVoip tells what is billed`, async () => {
    const w = world();
    await w.calls.place(BOARD);
    for (const early of ['startVoip', 'joinedRoomByCaller', 'calling', 'callPageOnShow', 'showCustomBox', 'nothing']) w.hears(early, { keepTime: 1 });
    assert.deepEqual(w.reports, []);
    w.hears(name, { keepTime: 41 });
    w.hears('endVoip', { keepTime: 41 });
    w.hears('finishVoip', { keepTime: 42 });
    assert.deepEqual(w.reports, [
      ['ended', 'c1', { event: name, keep_time: 41 }],
      ['ended', 'c1', { event: 'finishVoip', keep_time: 42 }],
    ]);
    assert.equal(w.calls.state, 'idle');
  });
}

test('finishVoip alone ends a call', async () => {
  const w = world();
  await w.calls.place(BOARD);
  w.hears('finishVoip', {});
  assert.deepEqual([w.reports, w.calls.state], [[['ended', 'c1', { event: 'finishVoip' }]], 'idle']);
});

test('a length that is none is not told', async () => {
  for (const keepTime of [undefined, null, -1, NaN, Infinity, '42']) {
    const w = world();
    await w.calls.place(BOARD);
    w.hears('endVoip', { keepTime });
    assert.deepEqual(w.reports, [['ended', 'c1', { event: 'endVoip' }]]);
  }
});

test('events that come before callDevice has answered are not lost', async () => {
  const w = world({ callDevice: async (world_) => {
    world_.hears('calling', {}, 'r1');
    world_.hears('endVoip', {}, 'another');
    world_.hears('cancelVoip', { status: 'unloadCallPage' }, 'r1');
    return { roomId: 'r1' };
  } });
  assert.equal(await w.calls.place(BOARD), 'r1');
  assert.deepEqual([w.reports, w.calls.state], [[['cancelled', 'c1', { reason: 'unloadCallPage' }]], 'idle']);
});

test('other rooms and nonsense are passed over', async () => {
  const w = world();
  await w.calls.place(BOARD);
  w.hears('endVoip', {}, 'r2');
  w.hears('finishVoip', {}, 'r2');
  w.calls.heard({ eventName: 'endVoip' });
  w.calls.heard(null);
  w.calls.heard(undefined);
  assert.deepEqual([w.reports, w.calls.state], [[], 'calling']);
});

test('a call that the plug-in refuses is reported with its number', async () => {
  const w = world({ callDevice: async () => { throw { errCode: 9, errMsg: 'no consent' }; } });
  await assert.rejects(w.calls.place(BOARD), (error) => {
    assert.ok(error instanceof CallError);
    assert.deepEqual([error.reason, error.number, error.message], ['plugin', 9, 'no consent']);
    return true;
  });
  assert.deepEqual([w.reports, w.calls.state], [[['ended', 'c1', { event: 'callFailed', errcode: 9 }]], 'idle']);
});

test('a call that the relay refuses is reported to nobody', async () => {
  const refusal = Object.assign(new Error('The board is in a call.'), { reason: 'busy' });
  const w = world({ permit: refusal });
  await assert.rejects(w.calls.place(BOARD), { reason: 'busy', number: 0 });
  assert.deepEqual([w.reports, w.words, w.calls.state], [[], [], 'idle']);
});

test('one call at a time', async () => {
  const w = world();
  const first = w.calls.place(BOARD);
  await assert.rejects(w.calls.place(BOARD), { reason: 'busy_here' });
  await first;
  await assert.rejects(w.calls.place(BOARD), { reason: 'busy_here' });
});

test('late words of many calls find their own', async () => {
  let number = 0;
  const w = world({ callDevice: async () => ({ roomId: `r${number}` }) });
  for (number = 1; number <= 12; number += 1) {
    await w.calls.place(BOARD);
    w.hears('endVoip', {}, `r${number}`);
  }
  w.reports.length = 0;
  w.hears('finishVoip', { keepTime: 3 }, 'r12');
  w.hears('finishVoip', { keepTime: 3 }, 'r1');
  assert.equal(w.reports.length, 1, 'the oldest are forgotten');
});

test('numbers of errors are found where the plug-in puts them', () => {
  assert.equal(errorNumber({ errCode: 9 }), 9);
  assert.equal(errorNumber({ errcode: '12' }), 12);
  assert.equal(errorNumber({ code: -1 }), -1);
  assert.equal(errorNumber(new Error('callDevice fail, errCode: 1005')), 1005);
  assert.equal(errorNumber({ errMsg: 'err_code=2001 join failed' }), 2001);
  for (const odd of [null, undefined, 'x', {}, { errCode: 'x' }, { errMsg: 'room 17' }, { errCode: 1e20 }]) assert.equal(errorNumber(odd), 0);
});
