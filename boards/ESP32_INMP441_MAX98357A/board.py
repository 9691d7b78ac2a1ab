"""An ESP32 (the first of the family) with an INMP441 microphone and a MAX98357A amplifier, in numbers.

Data only, no logic; pin numbers match `wiring.md`. Not tried on hardware.
"""

NAME = "ESP32_INMP441_MAX98357A"
MCU = "ESP32"

# samples a second of microphone and speaker; 16,000 on every board
RATE_HZ = 16000

# whether the chip has room for G.722: time enough, but its 18 KB of code need memory that can be executed, which is scarce here
# once WiFi and TLS are up
G722 = False

# whether microphone and speaker go at once, "full", or one at a time, "half": this chip has two I2S peripherals
DUPLEX = "full"

# microphone: I2S peripheral, its pins, and bytes for the driver's buffers: 2048 make 16 ms, and all but one can wait, so the
# firmware may be 48 ms late before samples are lost
MIC_ID = 0
MIC_SCK = 26
MIC_WS = 25
MIC_SD = 33
MIC_IBUF_BYTES = 8192
# speech at arm's length comes 55 dB under this microphone's full range; 18 dB are the most that can be added here, and the
# automatic level brings a voice that is still low up by as much again
MIC_GAIN_MDB = 18000
AGC = True

# speaker: as above, and 512 bytes make 16 ms; three buffers, kept full, are 32 to 48 ms of delay. Two, which is the fewest,
# would have to be filled within 16 ms each, and asyncio on this chip wakes every 10 ms
SPK_ID = 1
SPK_SCK = 18
SPK_WS = 19
SPK_SD = 23
SPK_IBUF_BYTES = 1536

# volume, 0 (nothing) to 10 (as it came), 3 dB a step
VOLUME = 10

# whether the speaker is heard in the microphone; one side is let through at a time then
ECHO = True

# delay with which the jitter buffer begins
JITTER_MS = 60

# buttons and lamp; ACTIVE is the level of a button held down and of a lamp that shines
BUTTON_CALL = 32
BUTTON_END = 27
BUTTON_ACTIVE = 0
LAMP = 21
LAMP_ACTIVE = 1

# chips with a driver in firmware/chips
CHIPS = ()

# folder of the store; not the root, whose first blocks a factory reset could not clean
FLASH = "/store"
# name space of the non-volatile storage
NVS = "tincall"
