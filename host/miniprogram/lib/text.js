// What the mini program says to people, in two languages, by the words that lib and the relay use.
'use strict';

const TEXT = {
  en: {
    title: 'My boards',
    none: 'You have no board yet. Its owner gives you a code; enter it under Settings.',
    settings: 'Settings',
    retry: 'Try again',
    online: 'connected',
    offline_board: 'not connected',
    busy_board: 'in a call',
    call: 'Call',
    calling: 'Calling ...',
    leave: 'Leave this board',
    leave_ask: 'It cannot call you any more, nor you it.',
    called: 'It shows you as',
    consent_granted: 'This board may ring you.',
    consent_unknown: 'This board may not ring you yet.',
    consent_refused: 'You do not let this board ring you.',
    consent_withdrawn: 'This board may not ring you any more.',
    consent_prompt: 'Let it ring me',
    consent_settings: 'Open WeChat\'s settings',
    consent_how: 'WeChat asks only once. In the settings that open, look for voice and video call reminders.',
    code: 'Code of a board',
    my_name: 'My name on the board (if the code does not say)',
    use_code: 'Use the code',
    bound: 'The board is yours now.',
    log_out: 'Log out',
    logged_out: 'You are logged out. Opening a page logs you in again.',
    door: 'Open the door',
    door_with: 'In a call with',
    door_not_yet: 'Opening the door is not available yet: this board\'s relay has no such action.',
    fault_offline: 'There is no connection to the relay. Look at the network and try again.',
    fault_strange: 'What answered is not the relay. Tell its owner.',
    fault_auth_failed: 'You could not be logged in. Close the mini program and open it again.',
    fault_bad_code: 'You could not be logged in. Try again.',
    fault_blocked: 'WeChat refuses this login.',
    fault_unavailable: 'That is not possible at the moment. Try again later.',
    fault_too_many: 'That was too often. Wait a minute.',
    fault_unknown_board: 'You do not have this board any more.',
    fault_unknown_call: 'That call is not known.',
    fault_bad_invite: 'That code is not good: mistyped, used by somebody, or too old.',
    fault_board_full: 'That board has as many people as it can have.',
    fault_not_connected: 'The board is not connected. Is it switched on?',
    fault_busy: 'The board is in a call.',
    fault_busy_here: 'You are in a call already.',
    fault_not_approved: 'This mini program may not ask yet: WeChat has not approved calls for it.',
    fault_too_old: 'This WeChat is too old for calls with boards. Update it.',
    fault_consent_failed: 'WeChat could not ask you. Try again.',
    fault_plugin: 'The call did not come about.',
    plugin_9: 'WeChat has no consent of yours for this board. Let it ring you, then call again.',
    plugin_12: 'WeChat has not approved calls for this version of the mini program.',
    plugin_15: 'The owner\'s account has no credit for calls.',
    plugin_1005: 'Another call is going on.',
    plugin_1007: 'Calls work in WeChat on a phone only.',
    plugin_1011: 'Calls work in WeChat on a phone only.',
    plugin_2001: 'Another mini program is in a call. End it first.',
    plugin_2007: 'Microphone or camera is in use. Close what uses it.',
    plugin_2100: 'A WeChat or telephone call is going on. End it first.',
    plugin_2102: 'WeChat may not use the microphone. Allow it in the system\'s settings.',
  },
  zh: {
    title: '我的设备',
    none: '您还没有设备。请向设备所有者索取邀请码，并在“设置”中输入。',
    settings: '设置',
    retry: '重试',
    online: '在线',
    offline_board: '离线',
    busy_board: '通话中',
    call: '呼叫',
    calling: '正在呼叫…',
    leave: '解除绑定',
    leave_ask: '解除后，您与该设备将不能互相呼叫。',
    called: '设备上显示您的名称',
    consent_granted: '该设备可以呼叫您。',
    consent_unknown: '该设备尚未获准呼叫您。',
    consent_refused: '您不允许该设备呼叫您。',
    consent_withdrawn: '该设备已不能呼叫您。',
    consent_prompt: '允许呼叫我',
    consent_settings: '打开微信设置',
    consent_how: '微信只询问一次。请在打开的设置页中找到“语音、视频通话提醒”。',
    code: '设备邀请码',
    my_name: '我在设备上的名称（邀请码未指定时）',
    use_code: '使用邀请码',
    bound: '绑定成功。',
    log_out: '退出登录',
    logged_out: '已退出登录。打开页面会重新登录。',
    door: '开门',
    door_with: '正在通话',
    door_not_yet: '暂不支持开门：该设备的服务器还没有此功能。',
    fault_offline: '无法连接服务器，请检查网络后重试。',
    fault_strange: '服务器应答异常，请联系设备所有者。',
    fault_auth_failed: '登录失败，请关闭小程序后重新打开。',
    fault_bad_code: '登录失败，请重试。',
    fault_blocked: '微信拒绝了本次登录。',
    fault_unavailable: '暂时无法完成，请稍后再试。',
    fault_too_many: '操作过于频繁，请一分钟后再试。',
    fault_unknown_board: '您已没有该设备。',
    fault_unknown_call: '没有这次通话。',
    fault_bad_invite: '邀请码无效：可能输错、已被使用或已过期。',
    fault_board_full: '该设备的联系人已满。',
    fault_not_connected: '设备不在线，请确认已开机。',
    fault_busy: '设备正在通话中。',
    fault_busy_here: '您正在通话中。',
    fault_not_approved: '小程序尚未获准使用音视频通话能力。',
    fault_too_old: '微信版本过低，请升级后再试。',
    fault_consent_failed: '无法发起授权，请重试。',
    fault_plugin: '呼叫未成功。',
    plugin_9: '您尚未授权该设备，请先允许其呼叫您，再重新呼叫。',
    plugin_12: '当前版本的小程序尚未获准使用音视频通话。',
    plugin_15: '设备所有者的账号没有可用的通话额度。',
    plugin_1005: '有其他通话正在进行。',
    plugin_1007: '请在手机微信中使用通话。',
    plugin_1011: '请在手机微信中使用通话。',
    plugin_2001: '其他小程序正在通话，请先结束。',
    plugin_2007: '麦克风或摄像头被占用，请关闭占用它的应用。',
    plugin_2100: '正在进行微信通话或电话，请先结束。',
    plugin_2102: '微信没有麦克风权限，请在系统设置中允许。',
  },
};

// Gives all texts of a language.
function texts(language) {
  return TEXT[language] || TEXT.en;
}

// Says what went wrong: by the plug-in's number if there is a sentence for it, else by the reason.
function fault(text, error) {
  const { reason = 'strange', number = 0, message = '' } = error || {};
  if (number && text[`plugin_${number}`]) return text[`plugin_${number}`];
  const sentence = text[`fault_${reason}`] || message || text.fault_strange;
  return number ? `${sentence} (${number})` : sentence;
}

// Adds to a board what its page says of it.
function worded(text, board) {
  const link = board.busy ? text.busy_board : board.online ? text.online : text.offline_board;
  return { ...board, link_text: link, consent_text: text[`consent_${board.consent}`] || '' };
}

module.exports = { TEXT, texts, fault, worded };
