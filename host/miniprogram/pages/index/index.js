// The list of boards that a person has.
'use strict';

const { fault, worded } = require('../../lib/text');

const { relay, consent, text } = getApp().globalData;

Page({
  data: { text, boards: [], fault: '', isLoading: true },

  onShow() {
    return this.load();
  },

  async onPullDownRefresh() {
    await this.load();
    wx.stopPullDownRefresh();
  },

  async load() {
    this.setData({ isLoading: true, fault: '' });
    try {
      const boards = await consent.refresh(await relay.devices());
      this.setData({ boards: boards.map((board) => worded(text, board)), isLoading: false });
    } catch (error) {
      this.setData({ fault: fault(text, error), isLoading: false });
    }
  },

  open(event) {
    wx.navigateTo({ url: `/pages/device/device?sn=${encodeURIComponent(event.currentTarget.dataset.sn)}` });
  },

  openSettings() {
    wx.navigateTo({ url: '/pages/settings/settings' });
  },
});
