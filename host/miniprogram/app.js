// Starts the mini program: puts the parts together, once, and lets them hear the plug-in before any call.
'use strict';

const config = require('./lib/config');
const { Calls } = require('./lib/calls');
const { Consent } = require('./lib/consent');
const { Door } = require('./lib/door');
const { Outbox } = require('./lib/outbox');
const { Relay } = require('./lib/relay');
const { texts } = require('./lib/text');
const wechat = require('./lib/wechat');

const plugin = requirePlugin('wmpf-voip').default;
const text = texts(wechat.language(wx));
const relay = new Relay({ base: config.relay, login: wechat.login(wx), request: wechat.promised(wx, 'request') });
const outbox = new Outbox({
  send: ({ kind, call, body }) => (kind === 'cancelled' ? relay.cancelled(call, body) : relay.ended(call, body)),
  storage: wechat.storage(wx),
});
const consent = new Consent({
  relay,
  list: wechat.promised(wx, 'getDeviceVoIPList'),
  ask: wechat.promised(wx, 'requestDeviceVoIP'),
});
const calls = new Calls({ relay, plugin, outbox, modelNames: config.modelNames, timeLimitS: config.timeLimitS });
const door = new Door({ relay, modelNames: config.modelNames });

// outside onLaunch and onShow, which run more often than once; and before any call
plugin.onVoipEvent((event) => {
  calls.heard(event);
  door.heard(event);
});
plugin.setVoipEndPagePath({ url: '/pages/index/index', key: 'Call' });
// shown when a board has called and the person has answered; what it opens is components/door
plugin.setCustomBtnText(text.door);

App({
  globalData: { relay, consent, calls, door, plugin, text },
  onShow() {
    outbox.flush();
  },
});
