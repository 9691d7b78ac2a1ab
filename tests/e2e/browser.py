"""A real Chromium for tests of the phone's page: its flags, a microphone that plays speech, ears for what the page plays.

Sound is heard where the page hands it to the loudspeaker: a script that runs before the page's own lays a recorder beside
every node that is connected to an audio context's destination. Nothing of the page is changed for that.
"""

import base64
import os
import shutil

import numpy as np
import pytest

WHY_NOT = "Chromium is not here: sudo apt-get install chromium, or name one in TINCALL_CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome")
PATIENCE_MS = 15_000
PHONE = {"width": 360, "height": 740}

ARGUMENTS = [
    "--no-first-run",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--mute-audio",
    "--use-fake-device-for-media-stream",
    # a tab of a test is never in front of anybody
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
]
# answers every question for the microphone with yes
YES = "--use-fake-ui-for-media-stream"
NO_TAP_NEEDED = "--autoplay-policy=no-user-gesture-required"

EARS = """
window.ears = { contexts: [], samples: [], isRecording: false, violations: [] };
document.addEventListener("securitypolicyviolation", (event) =>
  ears.violations.push(`${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile}`));
const connect = AudioNode.prototype.connect;
// the queue waits for a page that is busy: five seconds of it
const listen = async (track) => {
  const reader = new MediaStreamTrackProcessor({ track, maxBufferSize: 500 }).readable.getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const samples = new Float32Array(value.numberOfFrames);
    value.copyTo(samples, { planeIndex: 0, format: "f32-planar" });
    value.close();
    if (ears.isRecording) ears.samples.push(samples);
  }
};
AudioNode.prototype.connect = function (to, ...more) {
  if (to instanceof AudioDestinationNode && !(this.context instanceof OfflineAudioContext)) {
    if (!this.context.ear) {
      ears.contexts.push(this.context);
      this.context.ear = new MediaStreamAudioDestinationNode(this.context, { channelCount: 1 });
      listen(this.context.ear.stream.getAudioTracks()[0]);
    }
    connect.call(this, this.context.ear);
  }
  return connect.call(this, to, ...more);
};
"""

TAKE = """() => {
  const count = ears.samples.reduce((sum, one) => sum + one.length, 0);
  const all = new Int16Array(count);
  let at = 0;
  for (const one of ears.samples) for (const sample of one) all[at++] = Math.max(-32768, Math.min(32767, sample * 32768));
  ears.samples = [];
  const bytes = new Uint8Array(all.buffer);
  let text = "";
  for (let i = 0; i < bytes.length; i += 32768) text += String.fromCharCode(...bytes.subarray(i, i + 32768));
  return { rate: ears.contexts[0]?.sampleRate ?? 0, pcm: btoa(text) };
}"""


def executable():
    """Give Chromium's path; where there is none, CI fails and elsewhere the test is skipped."""
    found = os.environ.get("TINCALL_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        if os.environ.get("CI"):
            pytest.fail(WHY_NOT)
        pytest.skip(WHY_NOT)
    return found


def launch(playwright, microphone=None, *more):
    """Start a Chromium.

    Args:
        playwright: the driver.
        microphone: WAV file that the microphone plays again and again; a beep if missing.
        more: further arguments.
    """
    arguments = [*ARGUMENTS, *more]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")
    if microphone is not None:
        arguments.append(f"--use-file-for-fake-audio-capture={microphone}")
    return playwright.chromium.launch(executable_path=executable(), args=arguments, headless=True)


class Tab:
    """A phone: one page in a context of its own.

    Args:
        browser: runs it.
        url: of the page, without its query.
        query: of the address.
        context: further options, such as `color_scheme`.
    """

    def __init__(self, browser, url, query="?echo=off", **context):
        self.url = url
        self.context = browser.new_context(viewport=context.pop("viewport", PHONE), **context)
        self.context.add_init_script(EARS)
        self.errors = []
        self.page = self._new_page()
        self.query = query

    def _new_page(self):
        page = self.context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        return page

    def open(self):
        """Load the page."""
        self.page.goto(self.url + self.query)
        return self

    def choose(self, name="Anna Berg"):
        """Be somebody; ends when the phone is on."""
        self.page.get_by_role("button", name=name).click()
        self.ready()
        return self

    def ready(self):
        """Wait until the phone is on."""
        self.page.locator("[data-link=up]").wait_for(state="attached")

    def shows(self, screen):
        """Wait for a screen."""
        self.page.locator(f"#phone[data-screen={screen}]").wait_for()

    def press(self, name):
        """Press the button of that name."""
        self.page.get_by_role("button", name=name, exact=True).click()

    def text(self, identity):
        """Give the text of an element."""
        return self.page.locator(f"#{identity}").inner_text()

    def notice(self):
        """Wait for a notice; gives all of them."""
        self.page.locator(".notice").first.wait_for()
        return self.page.locator("#notices").inner_text()

    def announced(self):
        """Give what a screen reader is told."""
        return self.page.locator("#at-once").text_content() + self.page.locator("#politely").text_content()

    def focus(self):
        """Give the id of what has the focus, or its text."""
        return self.page.evaluate("document.activeElement.id || document.activeElement.innerText")

    def listen(self, seconds):
        """Record what the page plays; gives its rate and samples."""
        self.record()
        self.page.wait_for_timeout(seconds * 1000)
        return self.recorded()

    def record(self):
        """Begin to record what the page plays."""
        self.page.evaluate("() => { ears.samples = []; ears.isRecording = true; }")

    def recorded(self):
        """End the recording; gives its rate and samples."""
        self.page.evaluate("() => { ears.isRecording = false; }")
        taken = self.page.evaluate(TAKE)
        return taken["rate"], np.frombuffer(base64.b64decode(taken["pcm"]), dtype="<i2")

    def close(self):
        """End it; neither an error nor a breach of the policy may have happened."""
        violations = self.page.evaluate("ears.violations")
        self.context.close()
        assert (self.errors, violations) == ([], [])


def peaks(samples, rate_hz, count=1):
    """Give the loudest frequencies, in Hz, at least 30 Hz apart."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    found = []
    for at in np.argsort(spectrum)[::-1]:
        hz = at * rate_hz / len(samples)
        if all(abs(hz - other) > 30 for other in found):
            found.append(hz)
        if len(found) == count:
            return found
    return found


def level(samples):
    """Give the root mean square of int16 samples."""
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if len(samples) else 0.0
