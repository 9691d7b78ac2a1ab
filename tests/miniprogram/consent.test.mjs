// Consent: what WeChat says against what the relay knows, and what helps.
import assert from 'node:assert/strict';
import test from 'node:test';
import module from '../../host/miniprogram/lib/consent.js';

const { Consent, advice, fromFailure, fromList, news } = module;
const BOARD = { sn: 'SN-1', consent: 'unknown', advice: 'prompt' };
const ADVICE = { granted: 'none', refused: 'settings', withdrawn: 'prompt', unknown: 'prompt' };

function relayThat(log = [], fail = false) {
  return {
    log,
    async ticket(sn) { return { sn, sn_ticket: 't'.repeat(32), model_id: 'mDL_door', device_name: 'Front door' }; },
    async reportConsent(sn, state) {
      log.push([sn, state]);
      if (fail) throw new Error('offline');
      const kept = state === 'missing' ? 'withdrawn' : state;
      return { sn, state: kept, advice: ADVICE[kept], updated_s: 1 };
    },
  };
}

test('the list is read strictly', () => {
  const list = [{ sn: 'SN-1', status: 1 }, { sn: 'SN-2', status: 0 }, { group_id: 'g', status: 1 }, null];
  assert.deepEqual(['SN-1', 'SN-2', 'SN-3'].map((sn) => fromList(list, sn)), ['granted', 'refused', 'absent']);
  assert.deepEqual([fromList(null, 'SN-1'), fromList(undefined, 'SN-1'), fromList([], 'SN-1')], ['unknown', 'unknown', 'absent']);
});

test('only what is new is told', () => {
  const told = (found) => ['unknown', 'granted', 'refused', 'withdrawn'].map((known) => news(found, known));
  assert.deepEqual(told('granted'), ['granted', '', 'granted', 'granted']);
  assert.deepEqual(told('refused'), ['refused', 'refused', '', 'refused']);
  assert.deepEqual(told('absent'), ['', 'missing', '', '']);
  assert.deepEqual(told('unknown'), ['', '', '', '']);
});

test('what helps follows what WeChat says, else what the relay says', () => {
  assert.deepEqual(['granted', 'refused', 'absent'].map((found) => advice(found, 'x')), ['none', 'settings', 'prompt']);
  assert.deepEqual([advice('unknown', 'settings'), advice('unknown', '')], ['settings', 'prompt']);
});

test('failures of the prompt', () => {
  const read = (error) => Object.values(fromFailure(error));
  assert.deepEqual(read({ errCode: 10001 }), ['granted', '']);
  assert.deepEqual(read({ errCode: 10021 }), ['refused', '']);
  assert.deepEqual(read({ errCode: -12001 }), ['', 'not_approved']);
  assert.deepEqual(read({ errno: 1001 }), ['', 'too_old']);
  for (const odd of [{ errCode: 10025 }, {}, null, undefined, { errCode: 'x' }, 'text']) {
    assert.deepEqual(read(odd), ['', 'consent_failed']);
  }
});

test('boards are brought up to what WeChat says', async () => {
  const relay = relayThat();
  const list = async () => ({ list: [{ sn: 'SN-1', status: 1 }, { sn: 'SN-2', status: 0 }] });
  const boards = [BOARD, { ...BOARD, sn: 'SN-2', consent: 'granted' }, { ...BOARD, sn: 'SN-3', consent: 'granted' }];
  const found = await new Consent({ relay, list }).refresh(boards);
  assert.deepEqual(found.map((one) => [one.consent, one.advice]), [['granted', 'none'], ['refused', 'settings'], ['withdrawn', 'prompt']]);
  assert.deepEqual(relay.log, [['SN-1', 'granted'], ['SN-2', 'refused'], ['SN-3', 'missing']]);
});

test('without a list, or without a relay, boards stay as they are known', async () => {
  const boards = [{ ...BOARD, consent: 'refused', advice: 'settings' }];
  for (const list of [null, async () => { throw { errMsg: 'fail' }; }]) {
    const relay = relayThat();
    assert.deepEqual(await new Consent({ relay, list }).refresh(boards), boards);
    assert.deepEqual(relay.log, []);
  }
  const list = async () => ({ list: [{ sn: 'SN-1', status: 1 }] });
  const [found] = await new Consent({ relay: relayThat([], true), list }).refresh(boards);
  assert.deepEqual([found.consent, found.advice], ['refused', 'none']);
});

test('the prompt is asked with the relay\'s words, and its answer is told', async () => {
  const asked = [];
  const relay = relayThat();
  const { board, problem } = await new Consent({ relay, ask: async (words) => asked.push(words) }).request(BOARD);
  assert.deepEqual(asked, [{ sn: 'SN-1', snTicket: 't'.repeat(32), modelId: 'mDL_door', deviceName: 'Front door' }]);
  assert.deepEqual([board.consent, board.advice, problem], ['granted', 'none', '']);
});

test('somebody who refuses is shown the settings, not the prompt again', async () => {
  const relay = relayThat();
  const { board, problem } = await new Consent({ relay, ask: async () => { throw { errCode: 10021 }; } }).request(BOARD);
  assert.deepEqual([board.consent, board.advice, problem], ['refused', 'settings', '']);
});

test('a prompt that cannot be asked changes nothing', async () => {
  const relay = relayThat();
  const failing = new Consent({ relay, ask: async () => { throw { errCode: -12001 }; } });
  assert.deepEqual(await failing.request(BOARD), { board: BOARD, problem: 'not_approved' });
  assert.deepEqual(await new Consent({ relay, ask: null }).request(BOARD), { board: BOARD, problem: 'too_old' });
  assert.deepEqual(relay.log, []);
});
