// A phone for tests of other languages: runs the sample against a real relay, one JSON command a line in, one answer a line out.
//   node phone.mjs BASE_URL
import { createInterface } from 'node:readline';
import { start } from './stage.mjs';

const BASE = process.argv[2];
const say = (answer) => process.stdout.write(`${JSON.stringify(answer)}\n`);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
let loginCode = '';
let consentAnswer = { errCode: 10025 };

async function request({ url, method, data, header, success, fail }) {
  try {
    const answer = await fetch(url.replace('https://relay.example.org', BASE), { method, headers: header, body: data && JSON.stringify(data) });
    success({ statusCode: answer.status, data: await answer.json(), header: Object.fromEntries(answer.headers) });
  } catch (error) {
    fail({ errMsg: String(error) });
  }
}

const stage = start({
  relay: null,
  wx: {
    request,
    login: ({ success }) => success({ code: loginCode }),
    requestDeviceVoIP: ({ success, fail, ...words }) => {
      stage.consented = words;
      if (consentAnswer) fail(consentAnswer); else success();
    },
  },
  callDevice: async () => ({ roomId: 'room-1' }),
});
const index = stage.page('./pages/index/index.js');
const device = stage.page('./pages/device/device.js');
const settings = stage.page('./pages/settings/settings.js');

const verbs = {
  async list() { await index.onShow(); return { boards: index.data.boards, fault: index.data.fault }; },
  async bind({ code }) { settings.onCode({ detail: { value: code } }); await settings.bind(); return { said: settings.data.said, fault: settings.data.fault }; },
  async open({ sn }) { device.onLoad({ sn }); await device.onShow(); return { board: device.data.board, fault: device.data.fault }; },
  async consent({ answer }) {
    consentAnswer = answer;
    await device.askConsent();
    return { board: device.data.board, fault: device.data.fault, words: stage.consented };
  },
  async call() { await device.call(); return { words: stage.words.at(-1), fault: device.data.fault }; },
  async event({ name, data }) {
    stage.hears(name, data, 'room-1');
    while ((stage.shelf.get('tincall.reports') || []).length) await new Promise((done) => setTimeout(done, 5));
    return {};
  },
  async out() { await settings.logOut(); return { said: settings.data.said }; },
};

for (let line = await lines.next(); !line.done; line = await lines.next()) {
  const { verb, code, ...rest } = JSON.parse(line.value);
  if (rest.login) loginCode = rest.login;
  say(await verbs[verb]({ code, ...rest }));
}
