/* The audio module that the library asks for: one microphone, one loudspeaker, and the beat of 20 ms that drives them.
 *
 * Every tick each open loudspeaker stream is emptied by one frame, and the microphone stream is given one while the call
 * talks: what the worker sent, or silence. The loudspeaker's voice goes to the worker while the call talks.
 */
#ifndef TINCALL_SOUND_H
#define TINCALL_SOUND_H

#include <stdbool.h>
#include <stdint.h>

/* 20 ms of 16 kHz, 16-bit, mono */
#define FRAME_BYTES 640

struct wx_module;

/* Starts the beat. Gives false when the system refuses. */
bool sound_start(void);
/* Stops the beat; no stream's listener is called afterwards. */
void sound_stop(void);
/* Lets sound flow, or no more. */
void sound_talk(bool is_talking);
/* Takes a frame of FRAME_BYTES from the worker, for the microphone. */
void sound_put(const uint8_t *frame);
/* The audio module, as the library wants it. */
struct wx_module *sound_module(void);

#endif
