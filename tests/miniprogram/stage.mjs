// A stand-in for WeChat: runs app, pages and components of the sample with a `wx` that a test plays. No network.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

export const ROOT = new URL('../../host/miniprogram/', import.meta.url);

// Reads a file of the sample.
export const read = (path) => readFileSync(new URL(path, ROOT), 'utf8');

// Starts the mini program anew.
//   relay: answers requests: (method, path, data) => [status, body]; wx: further functions of WeChat.
export function start({ relay, wx = {}, callDevice = async () => ({ roomId: 'r1' }) }) {
  const require = createRequire(new URL('app.js', ROOT));
  for (const path of Object.keys(require.cache)) if (path.includes('/miniprogram/')) delete require.cache[path];
  const shelf = new Map();
  const stage = { asked: [], went: [], titles: [], listeners: [], words: [], shelf };
  globalThis.wx = {
    login: ({ success }) => success({ code: 'code' }),
    request: ({ url, method, data, success, fail }) => {
      const path = new URL(url).pathname.replace('/v1/mini', '');
      stage.asked.push([method, path, data]);
      if (path === '/login' && method === 'POST') return success({ statusCode: 200, data: { session: 's', expires_in_s: 9 } });
      const answer = relay(method, path, data);
      return answer ? success({ statusCode: answer[0], data: answer[1], header: {} }) : fail({ errMsg: 'request:fail' });
    },
    getStorageSync: (key) => shelf.get(key),
    setStorageSync: (key, value) => shelf.set(key, value),
    getAppBaseInfo: () => ({ language: 'en' }),
    navigateTo: ({ url }) => stage.went.push(url),
    redirectTo: ({ url }) => stage.went.push(url),
    navigateBack: () => stage.went.push('back'),
    stopPullDownRefresh: () => stage.went.push('stop'),
    setNavigationBarTitle: ({ title }) => stage.titles.push(title),
    ...wx,
  };
  stage.plugin = {
    CALL_PAGE_PATH: 'plugin-private://call-page',
    onVoipEvent: (listener) => stage.listeners.push(listener),
    setVoipEndPagePath: (where) => { stage.endPage = where; },
    setCustomBtnText: (said) => { stage.button = said; },
    callDevice: async (words) => { stage.words.push(words); return callDevice(words); },
  };
  globalThis.requirePlugin = (name) => ({ 'wmpf-voip': { default: stage.plugin } })[name];
  globalThis.App = (definition) => { stage.app = definition; };
  globalThis.getApp = () => stage.app;
  require('./app.js');
  stage.page = (path) => instance(require, path, 'Page');
  stage.component = (path) => instance(require, path, 'Component');
  stage.hears = (eventName, data = {}, roomId = 'r1') => stage.listeners.forEach((listener) => listener({ eventName, data, roomId }));
  return stage;
}

// Loads a page or component and gives it what WeChat gives it: its own data and setData.
function instance(require, path, kind) {
  let definition;
  globalThis[kind] = (given) => { definition = given; };
  require(path);
  const made = { ...definition, ...(definition.methods || {}), data: structuredClone(definition.data || {}) };
  made.setData = (changes) => Object.assign(made.data, changes);
  return made;
}
