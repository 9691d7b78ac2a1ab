#define _GNU_SOURCE
#include "words.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#ifndef ROOM_END_VERSION
#define ROOM_END_VERSION "0.1.0"
#endif

enum kind { TEXT, INTEGER };

enum {
    F_DATA_DIR = 1 << 0,
    F_APPID = 1 << 1,
    F_MODEL_ID = 1 << 2,
    F_SN = 1 << 3,
    F_ROOM_ID = 1 << 4,
    F_SESSION_KEY = 1 << 5,
    F_SERVER_TOKEN = 1 << 6,
    F_PAYLOAD = 1 << 7,
    F_FLAVOR = 1 << 8,
    F_REASON = 1 << 9,
    F_ROOM_TYPE = 1 << 10,
    F_T = 1 << 11,
};
#define F_WHO (F_APPID | F_MODEL_ID | F_SN)

struct field {
    const char *name;
    unsigned bit;
    enum kind kind;
    size_t at;       /* in struct message */
    size_t most;     /* bytes of a text, or the highest integer */
    bool is_filled;  /* an empty text is refused */
};

#define TEXT_FIELD(name, bit, is_filled) \
    { #name, bit, TEXT, offsetof(struct message, name), sizeof(((struct message *)0)->name) - 1, is_filled }

static const struct field FIELDS[] = {
    TEXT_FIELD(data_dir, F_DATA_DIR, true),
    TEXT_FIELD(appid, F_APPID, false),
    TEXT_FIELD(model_id, F_MODEL_ID, false),
    TEXT_FIELD(sn, F_SN, false),
    TEXT_FIELD(room_id, F_ROOM_ID, true),
    TEXT_FIELD(session_key, F_SESSION_KEY, true),
    TEXT_FIELD(server_token, F_SERVER_TOKEN, true),
    TEXT_FIELD(payload, F_PAYLOAD, true),
    {"flavor", F_FLAVOR, INTEGER, offsetof(struct message, flavor), 2, false},
    {"reason", F_REASON, INTEGER, offsetof(struct message, reason), 999, false},
};
#define FIELD_COUNT (sizeof(FIELDS) / sizeof(FIELDS[0]))

static const struct {
    const char *name;
    enum word word;
    unsigned required;
} WORDS[] = {
    {"open", WORD_OPEN, F_DATA_DIR | F_WHO | F_FLAVOR},
    {"join", WORD_JOIN, F_ROOM_ID | F_SESSION_KEY | F_SERVER_TOKEN | F_PAYLOAD | F_ROOM_TYPE},
    {"listener_hangup", WORD_LISTENER_HANGUP, F_SERVER_TOKEN | F_PAYLOAD | F_REASON},
    {"hangup", WORD_HANGUP, F_REASON},
    {"close", WORD_CLOSE, 0},
};
#define WORD_COUNT (sizeof(WORDS) / sizeof(WORDS[0]))

/* The text being read, and a place for one string of it. */
struct cursor {
    const char *at;
    const char *end;
    char text[JSON_MAX_BYTES + 1];
    size_t length;
};

static void skip_space(struct cursor *c) {
    while (c->at < c->end && (*c->at == ' ' || *c->at == '\t' || *c->at == '\n' || *c->at == '\r')) c->at++;
}

static bool take(struct cursor *c, char character) {
    skip_space(c);
    if (c->at == c->end || *c->at != character) return false;
    c->at++;
    return true;
}

/* Takes four hexadecimal digits; gives -1 when they are not there. */
static long take_hex(struct cursor *c) {
    long value = 0;
    if (c->end - c->at < 4) return -1;
    for (int i = 0; i < 4; i++) {
        char digit = *c->at++;
        if (digit >= '0' && digit <= '9') value = value * 16 + (digit - '0');
        else if (digit >= 'a' && digit <= 'f') value = value * 16 + (digit - 'a' + 10);
        else if (digit >= 'A' && digit <= 'F') value = value * 16 + (digit - 'A' + 10);
        else return -1;
    }
    return value;
}

static void put_byte(struct cursor *c, unsigned long byte) { c->text[c->length++] = (char)(unsigned char)byte; }

/* Writes a character as UTF-8. What was escaped is at least as long as that, so the place always suffices. */
static void put_character(struct cursor *c, unsigned long code) {
    if (code < 0x80) {
        put_byte(c, code);
    } else if (code < 0x800) {
        put_byte(c, 0xC0 | code >> 6);
        put_byte(c, 0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        put_byte(c, 0xE0 | code >> 12);
        put_byte(c, 0x80 | (code >> 6 & 0x3F));
        put_byte(c, 0x80 | (code & 0x3F));
    } else {
        put_byte(c, 0xF0 | code >> 18);
        put_byte(c, 0x80 | (code >> 12 & 0x3F));
        put_byte(c, 0x80 | (code >> 6 & 0x3F));
        put_byte(c, 0x80 | (code & 0x3F));
    }
}

/* Takes what follows a backslash. Control characters are refused: no field of ours has any. */
static bool take_escape(struct cursor *c) {
    if (c->at == c->end) return false;
    char kind = *c->at++;
    if (kind == '"' || kind == '\\' || kind == '/') {
        put_byte(c, (unsigned char)kind);
        return true;
    }
    if (kind != 'u') return false;
    long code = take_hex(c);
    if (code >= 0xD800 && code < 0xDC00) {
        if (c->end - c->at < 6 || c->at[0] != '\\' || c->at[1] != 'u') return false;
        c->at += 2;
        long low = take_hex(c);
        if (low < 0xDC00 || low > 0xDFFF) return false;
        code = 0x10000 + (code - 0xD800) * 0x400 + (low - 0xDC00);
    } else if (code >= 0xDC00 && code <= 0xDFFF) {
        return false;
    }
    if (code < 0x20 || code == 0x7F) return false;
    put_character(c, (unsigned long)code);
    return true;
}

/* Takes a string into c->text, ended by 0. */
static bool take_string(struct cursor *c) {
    c->length = 0;
    if (!take(c, '"')) return false;
    while (c->at < c->end) {
        unsigned char byte = (unsigned char)*c->at++;
        if (byte == '"') {
            c->text[c->length] = 0;
            return true;
        }
        if (byte < 0x20 || byte == 0x7F) return false;
        if (byte != '\\') put_byte(c, byte);
        else if (!take_escape(c)) return false;
    }
    return false;
}

static bool take_integer(struct cursor *c, long *out) {
    bool is_negative = take(c, '-');
    int digits = 0;
    long value = 0;
    while (c->at < c->end && *c->at >= '0' && *c->at <= '9') {
        if (++digits > 9 || (digits == 2 && value == 0)) return false;
        value = value * 10 + (*c->at++ - '0');
    }
    *out = is_negative ? -value : value;
    return digits > 0 && (c->at == c->end || (*c->at != '.' && *c->at != 'e' && *c->at != 'E'));
}

/* Passes over the value of a field that nobody knows: a scalar. */
static bool skip_value(struct cursor *c) {
    static const char *const CONSTANTS[] = {"true", "false", "null"};
    long ignored;
    skip_space(c);
    if (c->at < c->end && *c->at == '"') return take_string(c);
    for (size_t i = 0; i < sizeof(CONSTANTS) / sizeof(CONSTANTS[0]); i++) {
        size_t length = strlen(CONSTANTS[i]);
        if ((size_t)(c->end - c->at) >= length && memcmp(c->at, CONSTANTS[i], length) == 0) {
            c->at += length;
            return true;
        }
    }
    return take_integer(c, &ignored);
}

/* Takes the value of one field; `name` is its name. Gives a sentence or NULL. */
static const char *take_field(struct cursor *c, const char *name, struct message *out, unsigned *found, int *word) {
    unsigned bit = 0;
    bool is_fit = true;
    if (strcmp(name, "t") == 0) {
        bit = F_T;
        is_fit = take_string(c);
        for (size_t i = 0; is_fit && i < WORD_COUNT; i++)
            if (strcmp(c->text, WORDS[i].name) == 0) *word = (int)i;
    } else if (strcmp(name, "room_type") == 0) {
        bit = F_ROOM_TYPE;
        is_fit = take_string(c) && (strcmp(c->text, "voice") == 0 || strcmp(c->text, "video") == 0);
        out->is_video = is_fit && strcmp(c->text, "video") == 0;
    } else {
        const struct field *field = NULL;
        for (size_t i = 0; i < FIELD_COUNT; i++)
            if (strcmp(name, FIELDS[i].name) == 0) field = &FIELDS[i];
        if (field == NULL) return skip_value(c) ? NULL : "a field that nobody knows is not a simple value";
        bit = field->bit;
        char *place = (char *)out + field->at;
        long value = 0;
        if (field->kind == TEXT) {
            is_fit = take_string(c) && c->length <= field->most && (c->length > 0 || !field->is_filled);
            /* a 0 inside cannot be: control characters are refused */
            if (is_fit) memcpy(place, c->text, c->length + 1);
        } else {
            is_fit = take_integer(c, &value) && value >= 0 && (size_t)value <= field->most;
            int kept = (int)value;
            if (is_fit) memcpy(place, &kept, sizeof(kept));
        }
    }
    if (*found & bit) return "a field comes twice";
    *found |= bit;
    return is_fit ? NULL : "a field is wrong";
}

static const char *read_object(struct cursor *c, struct message *out) {
    unsigned found = 0;
    int word = -1;
    char name[32];
    if (!take(c, '{')) return "the message is not an object";
    if (!take(c, '}')) {
        do {
            if (!take_string(c) || c->length >= sizeof(name)) return "the name of a field is wrong";
            memcpy(name, c->text, c->length + 1);
            if (!take(c, ':')) return "the message is not JSON";
            const char *fault = take_field(c, name, out, &found, &word);
            if (fault != NULL) return fault;
        } while (take(c, ','));
        if (!take(c, '}')) return "the message is not JSON";
    }
    skip_space(c);
    if (c->at != c->end) return "the message is not JSON";
    if (word < 0) return "nobody knows this message";
    if ((WORDS[word].required & found) != WORDS[word].required) return "a field is missing";
    out->word = WORDS[word].word;
    return NULL;
}

const char *message_read(const char *json, size_t length, struct message *out) {
    struct cursor c;
    if (length > JSON_MAX_BYTES) return "the message is too long";
    memset(out, 0, sizeof(*out));
    c.at = json;
    c.end = json + length;
    c.length = 0;
    const char *fault = read_object(&c, out);
    explicit_bzero(c.text, sizeof(c.text));
    return fault;
}

/* What snprintf gives is below SAID_MAX_BYTES for every call of ours; the test of the longest holds it to that. */
static size_t said(int length) { return length < 0 || length >= SAID_MAX_BYTES ? 0 : (size_t)length; }

size_t say_ready(char *out) {
    return said(snprintf(out, SAID_MAX_BYTES, "{\"t\":\"ready\",\"kind\":\"native\",\"version\":\"%s\"}", ROOM_END_VERSION));
}

size_t say_status(char *out, int number) {
    return said(snprintf(out, SAID_MAX_BYTES, "{\"t\":\"status\",\"number\":%d}", number));
}

size_t say_failed(char *out, const char *step, int number, const char *text) {
    return said(snprintf(out, SAID_MAX_BYTES, "{\"t\":\"failed\",\"step\":\"%s\",\"number\":%d,\"text\":\"%.256s\"}", step,
                         number, text));
}

size_t say_closed(char *out) { return said(snprintf(out, SAID_MAX_BYTES, "{\"t\":\"closed\"}")); }
