// WeChat's functions as promises, and which of them this WeChat has. `wx` is an argument, so that tests can be WeChat.
'use strict';

// Makes a promise of a function that takes success and fail; null where this WeChat does not have it.
function promised(wx, name) {
  if (typeof wx[name] !== 'function') return null;
  return (options = {}) => new Promise((success, fail) => { wx[name]({ ...options, success, fail }); });
}

// Gives a code of wx.login.
function login(wx) {
  const ask = promised(wx, 'login');
  return async () => {
    const { code } = await ask();
    if (!code) throw new Error('wx.login gave no code');
    return code;
  };
}

// The phone's storage; a phone whose storage is full or broken loses reports, not calls.
function storage(wx) {
  return {
    get(key) {
      try {
        return wx.getStorageSync(key);
      } catch (error) {
        return undefined;
      }
    },
    set(key, value) {
      try {
        wx.setStorageSync(key, value);
      } catch (error) {
        // nothing is left to be done
      }
    },
  };
}

// Gives the person's language as text.js has it.
function language(wx) {
  const info = typeof wx.getAppBaseInfo === 'function' ? wx.getAppBaseInfo() : {};
  return String(info.language || '').startsWith('zh') ? 'zh' : 'en';
}

module.exports = { promised, login, storage, language };
