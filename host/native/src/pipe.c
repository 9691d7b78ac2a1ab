#define _GNU_SOURCE
#include "pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sound.h"

#define HEADER_BYTES 3
#define RECORD_MAX_BYTES (HEADER_BYTES + JSON_MAX_BYTES)
/* a call has five messages; more than fit here without being taken is a breach */
#define MESSAGES_MAX 8
/* what we said and the pipe has not taken: a call says some ten messages */
#define PENDING_MAX 32
/* from the end of the pipe to the end of the process, even when the main thread is stuck in the library; it sets a
 * shorter time when it gets to leaving */
#define GONE_S 20

struct said {
    uint8_t record[HEADER_BYTES + SAID_MAX_BYTES];
    size_t length;
};

static int in_fd = -1, out_fd = -1;
static int wake[2] = {-1, -1};
static pthread_t reader;
static bool is_reading;

static pthread_mutex_t in_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t in_came;
static struct message messages[MESSAGES_MAX];
static size_t first_message, message_count;
static bool is_over; /* the last message, WORD_GONE or WORD_BREACH, is in the queue */

static pthread_mutex_t out_lock = PTHREAD_MUTEX_INITIALIZER;
static struct said pending[PENDING_MAX];
static size_t first_pending, pending_count;

void note(const char *format, ...) {
    char line[256];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    if (length < 0) return;
    /* one write, so that lines of several threads do not mix */
    dprintf(STDERR_FILENO, "room end: %s\n", line);
}

/* Puts a message into the queue; the last place is kept for the one that ends it all. */
static void enqueue(const struct message *message) {
    pthread_mutex_lock(&in_lock);
    bool is_last = message->word == WORD_GONE || message->word == WORD_BREACH;
    if (!is_over && (message_count < MESSAGES_MAX - 1 || is_last)) {
        messages[(first_message + message_count++) % MESSAGES_MAX] = *message;
        is_over = is_last;
        pthread_cond_signal(&in_came);
    }
    pthread_mutex_unlock(&in_lock);
}

static void enqueue_end(enum word word) {
    static struct message last;
    last.word = word;
    alarm(GONE_S);
    enqueue(&last);
}

static void breach(const char *sentence) {
    note("the worker broke the rules: %s", sentence);
    enqueue_end(WORD_BREACH);
}

static bool is_full(void) {
    pthread_mutex_lock(&in_lock);
    bool full = message_count >= MESSAGES_MAX - 1;
    pthread_mutex_unlock(&in_lock);
    return full;
}

/* Takes the record at the head of `buffer`. Gives its length, 0 when it is not whole yet, -1 after a breach. */
static long take_record(const uint8_t *buffer, size_t length) {
    static struct message message;
    if (length < HEADER_BYTES) return 0;
    size_t size = (size_t)buffer[1] | (size_t)buffer[2] << 8;
    bool is_frame = buffer[0] == 'P';
    if (is_frame ? size != FRAME_BYTES : buffer[0] != 'J' || size > JSON_MAX_BYTES) {
        breach("a record of a wrong kind or size");
        return -1;
    }
    if (length < HEADER_BYTES + size) return 0;
    if (is_frame) {
        sound_put(buffer + HEADER_BYTES);
        return (long)(HEADER_BYTES + size);
    }
    const char *fault = message_read((const char *)buffer + HEADER_BYTES, size, &message);
    if (fault == NULL && is_full()) fault = "too many messages at once";
    if (fault != NULL) {
        breach(fault);
        return -1;
    }
    enqueue(&message);
    explicit_bzero(&message, sizeof(message));
    return (long)(HEADER_BYTES + size);
}

static void *read_records(void *unused) {
    static uint8_t buffer[2 * RECORD_MAX_BYTES];
    size_t held = 0;
    (void)unused;
    for (;;) {
        struct pollfd fds[2] = {{.fd = in_fd, .events = POLLIN}, {.fd = wake[0], .events = POLLIN}};
        if (poll(fds, 2, -1) < 0) {
            if (errno == EINTR) continue;
            break;
        }
        if (fds[1].revents) break;
        ssize_t got = read(in_fd, buffer + held, sizeof(buffer) - held);
        if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
        if (got <= 0) break;
        held += (size_t)got;
        size_t at = 0;
        long taken = 0;
        while (at < held && (taken = take_record(buffer + at, held - at)) > 0) at += (size_t)taken;
        if (taken < 0) break;
        memmove(buffer, buffer + at, held - at);
        held -= at;
    }
    explicit_bzero(buffer, sizeof(buffer));
    enqueue_end(WORD_GONE);
    return NULL;
}

bool pipe_open(void) {
    pthread_condattr_t by_monotonic;
    pthread_condattr_init(&by_monotonic);
    pthread_condattr_setclock(&by_monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&in_came, &by_monotonic);
    pthread_condattr_destroy(&by_monotonic);
    in_fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
    out_fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (in_fd < 0 || out_fd < 0 || nothing < 0 || pipe2(wake, O_CLOEXEC | O_NONBLOCK) < 0) return false;
    if (dup2(nothing, STDIN_FILENO) < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0) return false;
    close(nothing);
    int flags = fcntl(out_fd, F_GETFL);
    if (flags < 0 || fcntl(out_fd, F_SETFL, flags | O_NONBLOCK) < 0) return false;
    is_reading = pthread_create(&reader, NULL, read_records, NULL) == 0;
    return is_reading;
}

void pipe_interrupt(void) {
    int before = errno;
    ssize_t ignored = write(wake[1], "x", 1);
    (void)ignored;
    errno = before;
}

void pipe_close(void) {
    if (is_reading) {
        pipe_interrupt();
        pthread_join(reader, NULL);
        is_reading = false;
    }
    pthread_mutex_lock(&in_lock);
    explicit_bzero(messages, sizeof(messages));
    pthread_mutex_unlock(&in_lock);
}

bool pipe_next(struct message *out, int wait_ms) {
    struct timespec end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    if (wait_ms > 0) {
        end.tv_sec += wait_ms / 1000;
        end.tv_nsec += (long)(wait_ms % 1000) * 1000000;
        end.tv_sec += end.tv_nsec / 1000000000;
        end.tv_nsec %= 1000000000;
    }
    pthread_mutex_lock(&in_lock);
    int status = 0;
    while (message_count == 0 && status == 0)
        status = wait_ms < 0 ? pthread_cond_wait(&in_came, &in_lock) : pthread_cond_timedwait(&in_came, &in_lock, &end);
    bool is_there = message_count > 0;
    if (is_there) {
        *out = messages[first_message];
        explicit_bzero(&messages[first_message], sizeof(messages[first_message]));
        first_message = (first_message + 1) % MESSAGES_MAX;
        message_count--;
    }
    pthread_mutex_unlock(&in_lock);
    return is_there;
}

bool pipe_wants_out(void) {
    bool wants = false;
    pthread_mutex_lock(&in_lock);
    for (size_t i = 0; i < message_count; i++) wants |= messages[(first_message + i) % MESSAGES_MAX].word >= WORD_HANGUP;
    pthread_mutex_unlock(&in_lock);
    return wants;
}

/* Writes one record if the pipe takes it whole. Records are shorter than PIPE_BUF, so it takes all or nothing. */
static bool write_record(const uint8_t *record, size_t length) {
    ssize_t written;
    do written = write(out_fd, record, length);
    while (written < 0 && errno == EINTR);
    /* without a reader nothing can be said any more, and reading meets the end of the pipe */
    return written >= 0 || errno != EAGAIN;
}

static void send_pending(void) {
    while (pending_count > 0 && write_record(pending[first_pending].record, pending[first_pending].length)) {
        first_pending = (first_pending + 1) % PENDING_MAX;
        pending_count--;
    }
}

void pipe_say(const char *json, size_t length) {
    pthread_mutex_lock(&out_lock);
    if (pending_count < PENDING_MAX && length > 0) {
        struct said *last = &pending[(first_pending + pending_count++) % PENDING_MAX];
        last->record[0] = 'J';
        last->record[1] = (uint8_t)(length & 0xFF);
        last->record[2] = (uint8_t)(length >> 8);
        memcpy(last->record + HEADER_BYTES, json, length);
        last->length = HEADER_BYTES + length;
    } else {
        note("a message was lost: the worker takes none");
    }
    send_pending();
    pthread_mutex_unlock(&out_lock);
}

void pipe_send_frame(const uint8_t *frame) {
    uint8_t record[HEADER_BYTES + FRAME_BYTES];
    record[0] = 'P';
    record[1] = FRAME_BYTES & 0xFF;
    record[2] = FRAME_BYTES >> 8;
    memcpy(record + HEADER_BYTES, frame, FRAME_BYTES);
    pthread_mutex_lock(&out_lock);
    send_pending();
    /* never before a message that waits */
    if (pending_count == 0) write_record(record, sizeof(record));
    pthread_mutex_unlock(&out_lock);
}

void pipe_flush(int wait_ms) {
    for (;;) {
        pthread_mutex_lock(&out_lock);
        send_pending();
        bool is_empty = pending_count == 0;
        pthread_mutex_unlock(&out_lock);
        if (is_empty || wait_ms <= 0) return;
        struct pollfd room = {.fd = out_fd, .events = POLLOUT};
        int step_ms = wait_ms < 20 ? wait_ms : 20;
        poll(&room, 1, step_ms);
        wait_ms -= step_ms;
    }
}
