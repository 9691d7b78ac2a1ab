/** What is said to people: why a call ended, what went wrong with sound, how names are shown. */

// characters that are not seen but turn, hide or break what stands around them: controls, direction marks, separators
const UNSEEN = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]/gu;
const NAME_CHARS = 64;
const SENTENCE_CHARS = 160;

/** Give a name as it may be shown: one line, nothing unseen, not endless. It is still text, never markup. */
export function plain(name, fallback = "Unknown", chars = NAME_CHARS) {
  const shown = Array.from(String(name ?? "").replace(UNSEEN, " ").replace(/\s+/g, " ").trim());
  if (!shown.length) return fallback;
  return shown.length > chars ? `${shown.slice(0, chars - 1).join("")}…` : shown.join("");
}

/** Give somebody else's sentence as it may be shown. */
export function sentence(text, fallback = "") {
  return plain(text, fallback, SENTENCE_CHARS);
}

/** Give up to two letters for a name's picture. */
export function initials(name) {
  const words = plain(name).match(/[\p{L}\p{N}]+/gu) ?? [];
  const letters = words.slice(0, 2).map((word) => Array.from(word)[0]);
  return letters.join("").toUpperCase() || "?";
}

/** Give a number that stays the same for a name, 0 to `count` - 1. */
export function shade(name, count) {
  let sum = 0;
  for (const character of String(name)) sum = (sum * 31 + character.codePointAt(0)) % 65521;
  return sum % count;
}

const IN = "in"; // seen from the board: this phone calls
const ENDINGS = {
  refused: () => ["Call called off", "It was over before anybody could talk."],
  busy: (name, direction) =>
    direction === IN
      ? ["Busy", `${name} is in another call. Try again in a moment.`]
      : ["Busy", "You were in another call."],
  rejected: (name, direction) => (direction === IN ? ["Declined", `${name} did not take the call.`] : ["Declined", "You declined."]),
  timeout: (name, direction) =>
    direction === IN ? ["No answer", `Nobody answered at ${name}.`] : ["Missed call", "It rang until the time was up."],
  cancelled: (name, direction) =>
    direction === IN ? ["Cancelled", "You hung up before anybody answered."] : ["Missed call", `${name} gave up before you answered.`],
  hung_up_by_device: (name) => ["Call ended", `${name} hung up.`],
  hung_up_by_phone: () => ["Call ended", "You hung up."],
  peer_wait_timeout: (name) => ["Nobody there", `You answered, but ${name} did not come to the call in time.`],
  aborted: (name) => ["Connection broke", `The call with ${name} fell silent and was ended.`],
  time_limit: () => ["Call ended", "The time for this call was used up."],
  lost: () => ["Call ended", "It ended while this phone was away."],
};

/** Say why a call ended: a title and a sentence. */
export function ending(why, name, direction) {
  return (ENDINGS[why] ?? ENDINGS.lost)(plain(name, "the device"), direction);
}

const REFUSALS = {
  5: "Another call is still going on.",
  7: "The platform does not know you.",
  9: "The device is not allowed to make calls with you. Allow it first.",
  12: "This mini program may not make calls yet: its ability is not approved.",
  15: "There is no credit left for calls.",
  17: "The device is of another model than the platform knows.",
  19: "You are a user of another mini program.",
  20: "The platform does not know you.",
  23: "The device's licence has run out.",
  24: "The device's licence is not active.",
};

/** Say why the platform did not allow a call. */
export function refusal(number, text) {
  return REFUSALS[number] ?? `The platform refused (${number}): ${sentence(text, "no reason given")}`;
}

const SOUND = {
  refused: "The microphone is blocked, so nobody will hear you. Allow it in the site settings of your browser.",
  none: "No microphone was found, so nobody will hear you.",
  taken: "Another program holds the microphone, so nobody will hear you.",
  insecure: "This address is not secure (HTTPS or localhost), so the browser gives no microphone.",
  gone: "The microphone is gone, so nobody hears you.",
  asleep: "Sound is off until you tap.",
};

/** Say what is wrong with sound. */
export function soundTrouble(kind) {
  return SOUND[kind] ?? SOUND.none;
}

/** Say what kind of call it is. */
export function kind(roomType) {
  return roomType === "video" ? "Video call, sound only here" : "Voice call";
}

/** Give a duration as 0:07 or 1:02:03. */
export function clock(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  return hours ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}
