// The custom button: which board's call it was pressed in.
import assert from 'node:assert/strict';
import test from 'node:test';
import module from '../../host/miniprogram/lib/door.js';

const { Door } = module;
const pressed = { eventName: 'showCustomBox', data: { callerId: 'SN-1', listenerId: 'somebody' } };

test('the board is shown by the name of its calls', async () => {
  const heard = [];
  const devices = async () => [{ sn: 'SN-1', device_name: 'Front', model_id: 'm' }];
  const door = new Door({ relay: { devices }, modelNames: { m: 'door phone' } });
  const stop = door.listen((name) => heard.push(name));
  await door.heard(pressed);
  stop();
  await door.heard(pressed);
  assert.deepEqual(heard, ['', 'SN-1', 'Front door phone']);
});

test('a board that is unknown, or a relay that is away, leaves the number', async () => {
  for (const devices of [async () => [], async () => { throw new Error('offline'); }]) {
    const door = new Door({ relay: { devices } });
    await door.heard(pressed);
    assert.equal(door.name, 'SN-1');
  }
});

test('other events change nothing', async () => {
  const door = new Door({ relay: { devices: async () => assert.fail('asked') } });
  for (const event of [null, {}, { eventName: 'calling' }, { eventName: 'hideCustomBox', data: {} }]) await door.heard(event);
  assert.equal(door.name, '');
});
