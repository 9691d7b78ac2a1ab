// Names as WeChat shows them: a board's own name and the name of its model. Consent and calls must show the same.
'use strict';

// wx.requestDeviceVoIP takes no more; it puts the model's name behind it by itself
const OWN_MAX_UNITS = 13;

// Cuts a board's own name to what WeChat takes, never through the middle of a character.
function ownName(name, max = OWN_MAX_UNITS) {
  let cut = '';
  for (const character of String(name || '').trim()) {
    if (cut.length + character.length > max) break;
    cut += character;
  }
  return cut.trim();
}

// Gives the name of a call: own name and model name, with a space between where both are written with spaces.
function callName(name, modelName) {
  const own = ownName(name);
  const model = String(modelName || '').trim();
  if (!own || !model) return own || model;
  const isSpaced = /[0-9A-Za-z]$/.test(own) && /^[0-9A-Za-z]/.test(model);
  return own + (isSpaced ? ' ' : '') + model;
}

module.exports = { OWN_MAX_UNITS, ownName, callName };
