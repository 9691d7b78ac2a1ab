// What belongs to one installation. Set these in your copy; nothing here is a secret, since everybody can read a mini program.
'use strict';

module.exports = {
  // where the relay's web port is reached by its public name: HTTPS, and listed in the console as a request domain
  relay: 'https://relay.example.org',
  // the name of each device model as the console has it: WeChat puts it behind a board's own name, and so do calls
  modelNames: {},
  // the longest talk in seconds that the plug-in allows; 0: no limit of ours (the relay has its own)
  timeLimitS: 0,
};
