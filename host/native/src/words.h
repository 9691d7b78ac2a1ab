/* Messages of the room pipe as C: a strict reader of one flat JSON object, and writers of the few that we say.
 *
 * What is not in the tables of words.c, is too long, comes twice or is missing is an error. Errors name the field, never
 * what stood in it: messages carry secrets.
 */
#ifndef TINCALL_WORDS_H
#define TINCALL_WORDS_H

#include <stdbool.h>
#include <stddef.h>

#define JSON_MAX_BYTES 4096
#define TOKEN_MAX_BYTES 512
#define NAME_MAX_BYTES 128
#define PATH_MAX_BYTES 1024
/* longest message that we say: one `failed` with its text */
#define SAID_MAX_BYTES 400

enum word {
    WORD_OPEN,
    WORD_JOIN,
    WORD_LISTENER_HANGUP,
    WORD_HANGUP,
    WORD_CLOSE,
    WORD_GONE,   /* not said: the worker closed the pipe */
    WORD_BREACH, /* not said: the worker broke the rules */
};

/* One message of the worker. Fields that its word does not carry are empty or 0. */
struct message {
    enum word word;
    char data_dir[PATH_MAX_BYTES + 1];
    char appid[NAME_MAX_BYTES + 1];
    char model_id[NAME_MAX_BYTES + 1];
    char sn[NAME_MAX_BYTES + 1];
    char room_id[TOKEN_MAX_BYTES + 1];
    char session_key[TOKEN_MAX_BYTES + 1];
    char server_token[TOKEN_MAX_BYTES + 1];
    char payload[TOKEN_MAX_BYTES + 1];
    int flavor;
    int reason;
    bool is_video;
};

/* Reads one message. `json` need not end with 0. Gives NULL when it is sound, else a sentence of constant text. */
const char *message_read(const char *json, size_t length, struct message *out);

/* Each writes one message into `out`, which has SAID_MAX_BYTES, and gives its length. `step` and `text` are constants
 * without characters that JSON escapes. */
size_t say_ready(char *out);
size_t say_status(char *out, int number);
size_t say_failed(char *out, const char *step, int number, const char *text);
size_t say_closed(char *out);

#endif
