// Which board's call the custom button was pressed in, and that board's name as WeChat shows it.
'use strict';

const { callName } = require('./names');

class Door {
  // relay: see relay.js; modelNames: see config.js.
  constructor({ relay, modelNames = {} }) {
    this._relay = relay;
    this._modelNames = modelNames;
    this._listeners = new Set();
    this.name = '';
  }

  // Hears an event of the plug-in: showCustomBox names the calling side, which is the board's serial number.
  async heard(event) {
    if (!event || event.eventName !== 'showCustomBox') return;
    const sn = String((event.data && event.data.callerId) || '');
    this._say(sn);
    try {
      const board = (await this._relay.devices()).find((one) => one.sn === sn);
      if (board) this._say(callName(board.device_name, this._modelNames[board.model_id]));
    } catch (error) {
      // the serial number stays
    }
  }

  // Tells `listener` the name now and whenever it changes; gives a function that ends that.
  listen(listener) {
    this._listeners.add(listener);
    listener(this.name);
    return () => this._listeners.delete(listener);
  }

  _say(name) {
    this.name = name;
    for (const listener of this._listeners) listener(name);
  }
}

module.exports = { Door };
