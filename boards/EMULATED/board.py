"""The emulated board in numbers: data only, no logic; pin numbers match `wiring.md` and mean nothing to a soldering iron."""

from callcore.compat import MICROPYTHON

NAME = "EMULATED"
MCU = "emulated"

# samples a second of microphone and speaker; 16,000 on every board
RATE_HZ = 16000

# whether the chip has time for G.722; plain Python has not, beside the rest of a call
G722 = MICROPYTHON

# whether microphone and speaker go at once, "full", or one at a time, "half"
DUPLEX = "full"

# microphone: I2S peripheral, its pins, and bytes for the driver's buffers: 2048 make 16 ms, and all but one can wait, so the
# firmware may be 176 ms late before samples are lost; a chip, which shares itself with nobody, gets 8192
MIC_ID = 0
MIC_SCK = 14
MIC_WS = 15
MIC_SD = 32
MIC_IBUF_BYTES = 24576
# gain for a microphone that gives little, in thousandths of a dB, up to 18000
MIC_GAIN_MDB = 0
# whether a voice is brought to an even level; here what goes into the microphone comes out at the far end as it was
AGC = False

# speaker: as above, and 512 bytes make 16 ms; three buffers, kept full, are 32 to 48 ms of delay
SPK_ID = 1
SPK_SCK = 26
SPK_WS = 25
SPK_SD = 22
SPK_IBUF_BYTES = 1536

# volume, 0 (nothing) to 10 (as it came), 3 dB a step
VOLUME = 10

# whether the speaker is heard in the microphone; these two do not stand in one room
ECHO = False

# delay at which the jitter buffer aims; with the speaker's ring it makes up most of the way from the link to the ear
JITTER_MS = 40

# buttons and lamp; ACTIVE is the level of a button held down and of a lamp that shines
BUTTON_CALL = 18
BUTTON_END = 19
BUTTON_ACTIVE = 0
LAMP = 2
LAMP_ACTIVE = 1

# chips with a driver in firmware/chips
CHIPS = ()

# folder of the store: the emulator makes the board's flash the working directory
FLASH = "."
# name space of the non-volatile storage
NVS = "tincall"
