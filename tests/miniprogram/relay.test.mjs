// The relay's API: silent login, one flight, one retry, and every failure with its reason.
import assert from 'node:assert/strict';
import test from 'node:test';
import module from '../../host/miniprogram/lib/relay.js';

const { Relay, RelayError } = module;

// A relay that answers by a function of what is asked; remembers all of it.
function world(answer) {
  const asked = [];
  let codes = 0;
  const relay = new Relay({
    base: 'https://relay.test/',
    login: async () => `code-${++codes}`,
    request: async (options) => {
      asked.push(options);
      if (options.url.endsWith('/login') && options.method === 'POST') {
        return { statusCode: 200, data: { session: `s${options.data.code.slice(5)}`, expires_in_s: 43200 } };
      }
      return answer(options, asked);
    },
  });
  return { relay, asked };
}

const problem = (status, reason, more = {}) => ({ statusCode: status, data: { reason, detail: `it is ${reason}`, ...more }, header: {} });

test('the first request logs in, the next does not', async () => {
  const { relay, asked } = world(() => ({ statusCode: 200, data: { devices: [{ sn: 'SN-1' }] } }));
  assert.deepEqual(await relay.devices(), [{ sn: 'SN-1' }]);
  await relay.devices();
  assert.deepEqual(asked.map((one) => `${one.method} ${one.url}`), [
    'POST https://relay.test/v1/mini/login',
    'GET https://relay.test/v1/mini/devices',
    'GET https://relay.test/v1/mini/devices',
  ]);
  assert.equal(asked[0].header.Authorization, undefined);
  assert.equal(asked[1].header.Authorization, 'Bearer s1');
  assert.equal(asked[1].data, undefined);
});

test('many at once log in once', async () => {
  const { relay, asked } = world(() => ({ statusCode: 200, data: { devices: [] } }));
  await Promise.all([1, 2, 3].map(() => relay.devices()));
  assert.equal(asked.filter((one) => one.url.endsWith('/login')).length, 1);
});

test('a session that is over is renewed once', async () => {
  const { relay, asked } = world(({ header }) => (header.Authorization === 'Bearer s1'
    ? problem(401, 'auth_failed') : { statusCode: 200, data: { devices: [] } }));
  await relay.devices();
  assert.deepEqual(asked.map((one) => one.url.split('/').pop()), ['login', 'devices', 'login', 'devices']);
  await Promise.all([relay.devices(), relay.devices()]);
  assert.equal(asked.length, 6);
});

test('a relay that never accepts is asked twice and no more', async () => {
  const { relay, asked } = world(() => problem(401, 'auth_failed'));
  await assert.rejects(relay.devices(), { reason: 'auth_failed', status: 401 });
  assert.equal(asked.length, 4);
});

test('a refusal keeps its words', async () => {
  const { relay } = world(() => ({ ...problem(429, 'too_many', { hint: 'Wait.' }), header: { 'Retry-After': '17' } }));
  await assert.rejects(relay.call('SN-1'), (error) => {
    assert.ok(error instanceof RelayError);
    assert.deepEqual([error.reason, error.hint, error.retryAfterS, error.isPassing], ['too_many', 'Wait.', 17, true]);
    return true;
  });
});

for (const [name, answer, reason, isPassing] of [
  ['no network', () => { throw { errMsg: 'request:fail' }; }, 'offline', true],
  ['a page of somebody else', () => ({ statusCode: 502, data: '<html>' }), 'strange', true],
  ['a page with status 200', () => ({ statusCode: 200, data: '<html>' }), 'strange', false],
  ['nothing', () => ({ statusCode: 200, data: null }), 'strange', false],
  ['another form', () => ({ statusCode: 404, data: { message: 'x' } }), 'strange', false],
  ['gone', () => problem(404, 'unknown_call'), 'unknown_call', false],
]) {
  test(`an answer that is ${name}`, async () => {
    const { relay } = world(answer);
    await assert.rejects(relay.devices(), { reason, isPassing });
  });
}

test('a login without a session is none', async () => {
  const relay = new Relay({ base: 'https://r', login: async () => 'c', request: async () => ({ statusCode: 200, data: {} }) });
  await assert.rejects(relay.devices(), { reason: 'strange' });
  await assert.rejects(relay.devices(), { reason: 'strange' });
});

test('WeChat that gives no code is an error of the request, and the next tries again', async () => {
  let codes = 0;
  const relay = new Relay({
    base: 'https://r',
    login: async () => { if (!codes++) throw new Error('no'); return 'c'; },
    request: async ({ url }) => ({ statusCode: 200, data: url.endsWith('login') ? { session: 's' } : { devices: [] } }),
  });
  await assert.rejects(relay.devices(), /no/);
  assert.deepEqual(await relay.devices(), []);
});

test('every request goes where the relay has it', async () => {
  const { relay, asked } = world(() => ({ statusCode: 200, data: { devices: [], consents: [] } }));
  await relay.bind(' 7kqm ', ' Mum ');
  await relay.leave('SN/1');
  await relay.ticket('SN-1');
  await relay.consents();
  await relay.reportConsent('SN-1', 'granted');
  await relay.call('SN-1', 'video');
  await relay.cancelled('c/1', { reason: 'manual' });
  await relay.ended('c1', { event: 'endVoip' });
  await relay.logOut();
  await relay.logOut();
  const said = asked.slice(1).map(({ method, url, data }) => [method, url.slice('https://relay.test/v1/mini'.length), data]);
  assert.deepEqual(said, [
    ['POST', '/bind', { invite: '7kqm', name: 'Mum' }],
    ['DELETE', '/devices/SN%2F1', undefined],
    ['POST', '/ticket', { sn: 'SN-1' }],
    ['GET', '/consent', undefined],
    ['POST', '/consent', { sn: 'SN-1', state: 'granted' }],
    ['POST', '/calls', { sn: 'SN-1', room_type: 'video' }],
    ['POST', '/calls/c%2F1/cancelled', { reason: 'manual' }],
    ['POST', '/calls/c1/ended', { event: 'endVoip' }],
    ['DELETE', '/login', undefined],
  ]);
});
