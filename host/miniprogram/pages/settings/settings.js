// Coming to a board by a code, and logging out.
'use strict';

const { fault } = require('../../lib/text');

const { relay, text } = getApp().globalData;

Page({
  data: { text, code: '', name: '', said: '', fault: '', isBusy: false },

  onLoad(options) {
    // a code may come in a link or a QR code: ?code=...
    if (options.code) this.setData({ code: decodeURIComponent(options.code) });
  },

  onCode(event) {
    this.setData({ code: event.detail.value });
  },

  onName(event) {
    this.setData({ name: event.detail.value });
  },

  async bind() {
    this.setData({ isBusy: true, fault: '', said: '' });
    try {
      const board = await relay.bind(this.data.code, this.data.name);
      this.setData({ code: '', said: `${board.name}: ${text.bound}` });
    } catch (error) {
      this.setData({ fault: fault(text, error) });
    } finally {
      this.setData({ isBusy: false });
    }
  },

  async logOut() {
    try {
      await relay.logOut();
      this.setData({ said: text.logged_out, fault: '' });
    } catch (error) {
      this.setData({ fault: fault(text, error) });
    }
  },
});
