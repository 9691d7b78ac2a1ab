/* Both ends of the room pipe: a thread that takes records in, and writers that never wait.
 *
 * Frames that come go to sound_put; messages wait in a short queue for the main thread. What we say is kept until the
 * pipe takes it; a frame that it does not take at once is dropped.
 */
#ifndef TINCALL_PIPE_H
#define TINCALL_PIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "words.h"

/* Takes the standard input and output for itself, and gives whatever the library prints to the standard error output.
 * Starts the reading thread. Gives false when the system refuses. */
bool pipe_open(void);
/* Stops the reading thread. */
void pipe_close(void);
/* Makes the reader report WORD_GONE; may be called from a signal handler. */
void pipe_interrupt(void);

/* Waits up to `wait_ms` for the next message, for ever if negative. Gives false when none came. */
bool pipe_next(struct message *out, int wait_ms);
/* Tells whether the worker wants out: hangup, close, the end of the pipe or a breach wait in the queue. */
bool pipe_wants_out(void);

/* Says a message, as words.h wrote it. */
void pipe_say(const char *json, size_t length);
/* Sends a frame of FRAME_BYTES, or drops it. */
void pipe_send_frame(const uint8_t *frame);
/* Sends what waits, up to `wait_ms`; 0 tries once. */
void pipe_flush(int wait_ms);

/* Writes one line to the standard error output. */
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
