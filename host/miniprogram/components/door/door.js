// What the plug-in's custom button opens during a call that a board made. There is no action to do yet, and it says so.
'use strict';

Component({
  data: { text: {}, name: '' },

  lifetimes: {
    attached() {
      const { door, text } = getApp().globalData;
      this.setData({ text });
      this.stop = door.listen((name) => this.setData({ name }));
    },
    detached() {
      this.stop();
    },
  },
});
