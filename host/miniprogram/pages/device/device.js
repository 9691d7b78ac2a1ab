// One board: call it, let it ring, leave it.
'use strict';

const { NO_CONSENT } = require('../../lib/calls');
const { fault, worded } = require('../../lib/text');

const { relay, consent, calls, plugin, text } = getApp().globalData;
// of plug-ins before 2.3.9, which do not name their page themselves
const CALL_PAGE = 'plugin-private://wxf830863afde621eb/pages/call-page-plugin/call-page-plugin';

Page({
  data: { text, board: null, fault: '', isCalling: false },

  onLoad(options) {
    this.sn = decodeURIComponent(options.sn || '');
  },

  onShow() {
    return this.load();
  },

  async load() {
    try {
      const found = (await relay.devices()).filter((one) => one.sn === this.sn);
      const [board] = await consent.refresh(found);
      if (!board) {
        this.setData({ board: null, fault: text.fault_unknown_board });
        return;
      }
      wx.setNavigationBarTitle({ title: board.name });
      this.setData({ board: worded(text, board), fault: '' });
    } catch (error) {
      this.setData({ fault: fault(text, error) });
    }
  },

  async call() {
    this.setData({ isCalling: true, fault: '' });
    try {
      await calls.place(this.data.board, { nickName: this.data.board.called });
      wx.redirectTo({ url: plugin.CALL_PAGE_PATH || CALL_PAGE });
    } catch (error) {
      // the sentence about consent is of use only beside the button that mends it
      if (error.number === NO_CONSENT) {
        this.setData({ board: worded(text, { ...this.data.board, consent: 'withdrawn', advice: 'prompt' }) });
      }
      this.setData({ fault: fault(text, error) });
    } finally {
      this.setData({ isCalling: false });
    }
  },

  async askConsent() {
    try {
      const { board, problem } = await consent.request(this.data.board);
      this.setData({ board: worded(text, board), fault: problem ? text[`fault_${problem}`] : '' });
    } catch (error) {
      this.setData({ fault: fault(text, error) });
    }
  },

  openSettings() {
    wx.openSetting({ success: () => this.load() });
  },

  leave() {
    const leave = async ({ confirm }) => {
      if (!confirm) return;
      try {
        await relay.leave(this.sn);
        wx.navigateBack();
      } catch (error) {
        this.setData({ fault: fault(text, error) });
      }
    };
    wx.showModal({ title: text.leave, content: text.leave_ask, success: leave });
  },
});
