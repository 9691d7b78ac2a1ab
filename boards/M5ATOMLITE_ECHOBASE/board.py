"""An M5Stack Atom Lite on an Atomic Echo Base (codec ES8311), in numbers.

Data only, no logic; pin numbers match `wiring.md`. Not tried on hardware.
"""

NAME = "M5ATOMLITE_ECHOBASE"
MCU = "ESP32"

# samples a second of microphone and speaker; 16,000 on every board
RATE_HZ = 16000

# whether the chip has room for G.722: time enough, but its 18 KB of code need memory that can be executed, which is scarce here
# once WiFi and TLS are up
G722 = False

# whether microphone and speaker go at once, "full", or one at a time, "half": the codec has one set of clocks for both, and the
# driver opens a peripheral for one direction. The call button, held, is the one to talk
DUPLEX = "half"

# microphone: I2S peripheral, its pins, and bytes for the driver's buffers: 2048 make 16 ms, and all but one can wait, so the
# firmware may be 48 ms late before samples are lost
MIC_ID = 0
MIC_SCK = 33
MIC_WS = 19
MIC_SD = 23
MIC_IBUF_BYTES = 8192
# nothing is added here: the codec amplifies before it converts, and the automatic level brings a low voice up
MIC_GAIN_MDB = 0
AGC = True

# speaker: as above, and 512 bytes make 16 ms; three buffers, kept full, are 32 to 48 ms of delay. Two, which is the fewest,
# would have to be filled within 16 ms each, and asyncio on this chip wakes every 10 ms
SPK_ID = 0
SPK_SCK = 33
SPK_WS = 19
SPK_SD = 22
SPK_IBUF_BYTES = 1536

# volume, 0 (nothing) to 10 (as it came), 3 dB a step
VOLUME = 10

# whether the speaker is heard in the microphone while that is read: not where they take turns
ECHO = False

# delay with which the jitter buffer begins
JITTER_MS = 60

# buttons and lamp; ACTIVE is the level of a button held down and of a lamp that shines
BUTTON_CALL = 39
BUTTON_END = 32
BUTTON_ACTIVE = 0
LAMP = 27
LAMP_ACTIVE = 1

# chips with a driver in firmware/chips: codec, switch of its amplifier, coloured lamp
CHIPS = ("es8311", "pi4ioe5v6408", "ws2812")
# I2C of the codec and of the switch; AMP would be the pin of an amplifier that is switched by one
I2C_SCL = 21
I2C_SDA = 25
AMP = None
# how much the codec amplifies its microphone
CODEC_GAIN_DB = 36

# folder of the store; not the root, whose first blocks a factory reset could not clean
FLASH = "/store"
# name space of the non-volatile storage
NVS = "tincall"
