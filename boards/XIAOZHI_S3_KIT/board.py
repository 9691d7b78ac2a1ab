"""The XiaoZhi breadboard kit, wired as its assembly guide has it: an ESP32-S3 with INMP441 and MAX98357A, in numbers.

Data only, no logic; pin numbers match `wiring.md`. Not tried on hardware.
"""

NAME = "XIAOZHI_S3_KIT"
MCU = "ESP32-S3"

# samples a second of microphone and speaker; 16,000 on every board
RATE_HZ = 16000

# whether the chip has time for G.722: both ways it takes 19 % of one core by the instructions counted
G722 = True

# whether microphone and speaker go at once, "full", or one at a time, "half": this chip has two I2S peripherals
DUPLEX = "full"

# microphone: I2S peripheral, its pins, and bytes for the driver's buffers: 2048 make 16 ms, and all but one can wait, so the
# firmware may be 48 ms late before samples are lost
MIC_ID = 0
MIC_SCK = 5
MIC_WS = 4
MIC_SD = 6
MIC_IBUF_BYTES = 8192
# speech at arm's length comes 55 dB under this microphone's full range; 18 dB are the most that can be added here, and the
# automatic level brings a voice that is still low up by as much again
MIC_GAIN_MDB = 18000
AGC = True

# speaker: as above, and 512 bytes make 16 ms; three buffers, kept full, are 32 to 48 ms of delay. Two, which is the fewest,
# would have to be filled within 16 ms each, and asyncio on this chip wakes every 10 ms
SPK_ID = 1
SPK_SCK = 15
SPK_WS = 16
SPK_SD = 7
SPK_IBUF_BYTES = 1536

# volume, 0 (nothing) to 10 (as it came), 3 dB a step
VOLUME = 10

# whether the speaker is heard in the microphone; one side is let through at a time then
ECHO = True

# delay with which the jitter buffer begins
JITTER_MS = 60

# buttons and lamp; ACTIVE is the level of a button held down and of a lamp that shines
BUTTON_CALL = 40
BUTTON_END = 39
BUTTON_ACTIVE = 0
LAMP = 48
LAMP_ACTIVE = 1

# chips with a driver in firmware/chips: the coloured lamp
CHIPS = ("ws2812",)

# folder of the store; not the root, whose first blocks a factory reset could not clean
FLASH = "/store"
# name space of the non-volatile storage
NVS = "tincall"
