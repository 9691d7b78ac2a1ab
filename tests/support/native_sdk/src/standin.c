/* The stand-in library; see README.md of this folder.
 *
 * An operation is a thread that sleeps and then gives its result. A session has one more thread that goes through the
 * statuses of its script, opens and closes streams as the real one is said to, and echoes what the microphone said.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "wmpf/cloudvoip_server.h"
#include "wmpf/crypto.h"
#include "wmpf/hardware/audio.h"
#include "wmpf/wmpf.h"

#define FRAME_BYTES 640
#define ECHO_MOST 50
#define SCRIPT_MOST 16
#define DEFAULT_SCRIPT "0@0,1@20,2@60"
#define OUTS 3

struct wx_operation {
    pthread_t thread;
    wx_error_t result;
    int delay_ms;
    bool is_done, is_cancelled;
    void (*act)(void *subject, int number);
    void *subject;
    int number;
};

struct step {
    int status, at_ms;
};

struct wx_cloudvoip_session {
    const struct wx_cloudvoip_session_listener *listener;
    void *user_data;
    struct step script[SCRIPT_MOST];
    int steps, status;
    bool must_end, has_thread;
    pthread_t thread;
    struct wx_audio_stream_in *in;
    struct wx_audio_stream_out *outs[OUTS];
    uint8_t echo[ECHO_MOST][FRAME_BYTES];
    int echo_first, echo_count;
    long in_frames, bad_frames, pulls[OUTS], late_ticks;
    struct timespec last_in;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static int live_operations, live_sessions;
static bool is_init;
static struct wx_audio_device_in *microphone;
static struct wx_audio_device_out *loudspeaker;

static void record(const char *format, ...) {
    const char *path = getenv("STANDIN_LOG");
    va_list arguments;
    if (path == NULL) return;
    FILE *file = fopen(path, "a");
    if (file == NULL) return;
    va_start(arguments, format);
    vfprintf(file, format, arguments);
    va_end(arguments);
    fclose(file);
}

static void crash(const char *why) {
    record("CRASH %s\n", why);
    fprintf(stderr, "stand-in: %s\n", why);
    abort();
}

static const char *shown(const char *text) { return text == NULL ? "-" : text; }

static int setting(const char *name) {
    const char *text = getenv(name);
    return text == NULL ? 0 : atoi(text);
}

static struct timespec after(int ms) {
    struct timespec when;
    clock_gettime(CLOCK_REALTIME, &when);
    when.tv_sec += ms / 1000;
    when.tv_nsec += (long)(ms % 1000) * 1000000;
    if (when.tv_nsec >= 1000000000) {
        when.tv_sec++;
        when.tv_nsec -= 1000000000;
    }
    return when;
}

/* --- operations --- */

static void *operate(void *given) {
    struct wx_operation *operation = given;
    struct timespec end = after(operation->delay_ms);
    pthread_mutex_lock(&lock);
    while (!operation->is_cancelled && pthread_cond_timedwait(&changed, &lock, &end) != ETIMEDOUT) continue;
    bool is_cancelled = operation->is_cancelled;
    pthread_mutex_unlock(&lock);
    if (!is_cancelled && operation->result == WXERROR_OK && operation->act != NULL)
        operation->act(operation->subject, operation->number);
    pthread_mutex_lock(&lock);
    operation->is_done = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    return NULL;
}

static wx_operation_t begin(int delay_ms, int result, void (*act)(void *, int), void *subject, int number) {
    struct wx_operation *operation = calloc(1, sizeof(*operation));
    if (operation == NULL) abort();
    operation->delay_ms = delay_ms;
    operation->result = (wx_error_t)result;
    operation->act = act;
    operation->subject = subject;
    operation->number = number;
    pthread_mutex_lock(&lock);
    live_operations++;
    pthread_mutex_unlock(&lock);
    if (pthread_create(&operation->thread, NULL, operate, operation) != 0) abort();
    return operation;
}

static void end_operation(struct wx_operation *operation) {
    pthread_join(operation->thread, NULL);
    free(operation);
    pthread_mutex_lock(&lock);
    live_operations--;
    pthread_mutex_unlock(&lock);
}

wx_error_t wx_operation_wait(wx_operation_t operation, uint32_t timeout_ms) {
    struct timespec end = after((int)timeout_ms);
    pthread_mutex_lock(&lock);
    while (!operation->is_done) {
        if (timeout_ms == 0) {
            pthread_cond_wait(&changed, &lock);
        } else if (pthread_cond_timedwait(&changed, &lock, &end) == ETIMEDOUT && !operation->is_done) {
            pthread_mutex_unlock(&lock);
            return WXERROR_TIMEOUT;
        }
    }
    wx_error_t result = operation->result;
    pthread_mutex_unlock(&lock);
    end_operation(operation);
    return result;
}

wx_error_t wx_operation_cancel(wx_operation_t operation) {
    record("cancel\n");
    pthread_mutex_lock(&lock);
    operation->is_cancelled = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    end_operation(operation);
    return WXERROR_OK;
}

void wx_operation_destroy(wx_operation_t operation) {
    /* it goes on, and nobody hears how it ends */
    end_operation(operation);
}

/* --- start and stop --- */

static void check_device(struct wx_audio_module *audio, wx_audio_device_type_t type, struct wx_audio_device **out) {
    size_t count = 0;
    char *name = NULL;
    const struct wx_metadata *facts = NULL;
    struct wx_metadata_entry entry;
    memset(&entry, 0, sizeof(entry));
    if (audio->get_number_of_devices(audio, type, &count) != WXERROR_OK || count != 1) crash("number of devices");
    if (audio->get_device_name(audio, 0, type, &name) != WXERROR_OK || name == NULL) crash("name of a device");
    if (audio->get_device_name(audio, 1, type, &name) != WXERROR_OUT_OF_RANGE) crash("name of no device");
    if (audio->get_device_info(audio, name, type, &facts) != WXERROR_OK) crash("facts of a device");
    free(name);
    if (facts->get_parameter(facts, WX_AUDIO_DEVICE_METADATA_SUPPORTED_FORMATS, &entry) != WXERROR_OK) crash("formats");
    if (entry.type != WX_METADATA_ENTRY_TYPE_U32_ARRAY || entry.count != 1) crash("form of the formats");
    if (entry.data.u32_array[0] != WX_AUDIO_FORMAT_PCM) crash("format is not PCM");
    if (facts->get_parameter(facts, WX_AUDIO_DEVICE_METADATA_MUTE, &entry) != WXERROR_NOT_FOUND) crash("mute");
    if (audio->open(audio, WX_AUDIO_DEVICE_PRIMARY, type, out) != WXERROR_OK) crash("opening a device");
}

wx_operation_t wx_init(const wx_init_config_t *config, wx_get_module_t get_module) {
    struct wx_module *module = NULL;
    struct wx_audio_device *device = NULL;
    char path[1200];
    /* whatever the library prints must not get between the records of the pipe */
    printf("stand-in: a line on the standard output\n");
    fflush(stdout);
    if (is_init) crash("wx_init twice");
    if (config->common.tag != WX_INIT_CONFIG_TAG || config->common.size != sizeof(*config)) crash("config without head");
    if (config->log_dir != NULL || config->product_id != 0 || config->host_appid != NULL) crash("config");
    snprintf(path, sizeof(path), "%s/standin.dat", config->data_dir);
    FILE *file = fopen(path, "w");
    if (file == NULL) crash("data_dir cannot be written to");
    fclose(file);
    if (get_module("standin.camera", &module) != WXERROR_UNIMPLEMENTED) crash("there is a camera");
    if (get_module(WX_CRYPTO_MODULE_ID, &module) != WXERROR_OK || module->common.tag != WX_CRYPTO_MODULE_TAG)
        crash("crypto module");
    if (get_module(WX_AUDIO_MODULE_ID, &module) != WXERROR_OK || module->common.tag != WX_AUDIO_MODULE_TAG)
        crash("audio module");
    check_device((struct wx_audio_module *)module, WX_AUDIO_DEVICE_IN, &device);
    microphone = (struct wx_audio_device_in *)device;
    check_device((struct wx_audio_module *)module, WX_AUDIO_DEVICE_OUT, &device);
    loudspeaker = (struct wx_audio_device_out *)device;
    is_init = setting("STANDIN_INIT_ERROR") == 0;
    record("init flavor=%d appid=%s model=%s sn=%s\n", (int)config->wxa_flavor, shown(config->wxa_appid),
           shown(config->model_id), shown(config->device_id));
    return begin(setting("STANDIN_INIT_MS"), setting("STANDIN_INIT_ERROR"), NULL, NULL, 0);
}

wx_error_t wx_stop(void) {
    if (live_operations > 0) crash("wx_stop before an operation was ended");
    if (live_sessions > 0) crash("wx_stop before a session was destroyed");
    if (!is_init) crash("wx_stop without wx_init");
    record("stop\n");
    is_init = false;
    while (setting("STANDIN_STOP_HANGS")) sleep(1);
    return WXERROR_OK;
}

/* --- sound --- */

static void said(struct wx_audio_stream_in *stream, void *user_data, struct timespec when, const void *buffer, size_t length) {
    struct wx_cloudvoip_session *session = user_data;
    struct timespec now;
    (void)when;
    clock_gettime(CLOCK_MONOTONIC, &now);
    pthread_mutex_lock(&lock);
    if (stream != session->in || length != FRAME_BYTES) session->bad_frames++;
    long gap_ms = (now.tv_sec - session->last_in.tv_sec) * 1000 + (now.tv_nsec - session->last_in.tv_nsec) / 1000000;
    if (session->in_frames > 0 && gap_ms > 100) session->late_ticks++;
    session->last_in = now;
    session->in_frames++;
    if (session->echo_count < ECHO_MOST && length == FRAME_BYTES) {
        int at = (session->echo_first + session->echo_count++) % ECHO_MOST;
        memcpy(session->echo[at], buffer, FRAME_BYTES);
    }
    pthread_mutex_unlock(&lock);
}

static size_t played(struct wx_audio_stream_out *stream, void *user_data, struct timespec when, struct timespec at,
                     void *buffer, size_t capacity) {
    struct wx_cloudvoip_session *session = user_data;
    size_t given = 0;
    (void)when, (void)at;
    pthread_mutex_lock(&lock);
    for (int i = 0; i < OUTS; i++)
        if (stream == session->outs[i]) session->pulls[i]++;
    if (stream == session->outs[0] && session->status == WX_CLOUDVOIP_SESSION_TALKING && session->echo_count > 0) {
        given = capacity < FRAME_BYTES ? capacity : FRAME_BYTES;
        memcpy(buffer, session->echo[session->echo_first], given);
        session->echo_first = (session->echo_first + 1) % ECHO_MOST;
        session->echo_count--;
    } else if (stream != session->outs[0] || session->status == WX_CLOUDVOIP_SESSION_CALLING) {
        /* ring tone, and sounds that are no voice: none of it may reach the worker */
        given = capacity;
        memset(buffer, 0x55, capacity);
    }
    pthread_mutex_unlock(&lock);
    return given;
}

static const struct wx_audio_stream_in_listener IN_LISTENER = {
    .common = {.tag = WX_AUDIO_STREAM_IN_LISTENER_TAG, .size = sizeof(IN_LISTENER)},
    .data = said,
};
static const struct wx_audio_stream_out_listener OUT_LISTENER = {
    .common = {.tag = WX_AUDIO_STREAM_OUT_LISTENER_TAG, .size = sizeof(OUT_LISTENER)},
    .data = played,
};

static void open_out(struct wx_cloudvoip_session *session, int index, int rate) {
    struct wx_audio_config config = {rate, 1, WX_SAMPLE_FORMAT_S16, 320};
    struct wx_audio_stream_out *stream = NULL;
    if (loudspeaker->open_output_stream(loudspeaker, &config, &OUT_LISTENER, session, &stream) != WXERROR_OK)
        crash("a loudspeaker stream is refused");
    if (stream->common.common.tag != WX_AUDIO_STREAM_OUT_TAG) crash("loudspeaker stream");
    stream->flush(stream);
    pthread_mutex_lock(&lock);
    session->outs[index] = stream;
    pthread_mutex_unlock(&lock);
}

static void open_in(struct wx_cloudvoip_session *session) {
    struct wx_audio_config wrong = {WX_AUDIO_STREAM_SAMPLE_RATE_8000, 1, WX_SAMPLE_FORMAT_S16, 160};
    struct wx_audio_config right = {WX_AUDIO_STREAM_SAMPLE_RATE_16000, 1, WX_SAMPLE_FORMAT_S16, 320};
    struct wx_audio_stream_in *stream = NULL;
    if (microphone->open_input_stream(microphone, &wrong, &IN_LISTENER, session, &stream) == WXERROR_OK)
        crash("a microphone of 8 kHz");
    if (microphone->open_input_stream(microphone, &right, &IN_LISTENER, session, &stream) != WXERROR_OK)
        crash("a microphone stream is refused");
    if (stream->common.common.tag != WX_AUDIO_STREAM_IN_TAG) crash("microphone stream");
    stream->pause(stream);
    pthread_mutex_lock(&lock);
    session->in = stream;
    pthread_mutex_unlock(&lock);
    stream->resume(stream);
}

static void close_streams(struct wx_cloudvoip_session *session) {
    pthread_mutex_lock(&lock);
    struct wx_audio_stream_in *in = session->in;
    struct wx_audio_stream_out *outs[OUTS];
    memcpy(outs, session->outs, sizeof(outs));
    session->in = NULL;
    memset(session->outs, 0, sizeof(session->outs));
    pthread_mutex_unlock(&lock);
    if (in != NULL) in->common.close(&in->common);
    for (int i = 0; i < OUTS; i++)
        if (outs[i] != NULL) outs[i]->common.close(&outs[i]->common);
}

/* --- a session --- */

static void tell(struct wx_cloudvoip_session *session, int status) {
    if (status == WX_CLOUDVOIP_SESSION_CALLING) {
        open_out(session, 0, WX_AUDIO_STREAM_SAMPLE_RATE_16000);
        open_out(session, 1, WX_AUDIO_STREAM_SAMPLE_RATE_8000);
    } else if (status == WX_CLOUDVOIP_SESSION_TALKING) {
        if (session->outs[0] == NULL) open_out(session, 0, WX_AUDIO_STREAM_SAMPLE_RATE_16000);
        open_out(session, 2, WX_AUDIO_STREAM_SAMPLE_RATE_44100);
        open_in(session);
    }
    pthread_mutex_lock(&lock);
    session->status = status;
    pthread_mutex_unlock(&lock);
    record("status %d\n", status);
    session->listener->status(session, session->user_data, (wx_cloudvoip_session_status_t)status);
    if (status > WX_CLOUDVOIP_SESSION_TALKING) close_streams(session);
}

static void *live(void *given) {
    struct wx_cloudvoip_session *session = given;
    int passed_ms = 0;
    for (int i = 0; i < session->steps; i++) {
        struct timespec end = after(session->script[i].at_ms - passed_ms);
        passed_ms = session->script[i].at_ms;
        pthread_mutex_lock(&lock);
        while (!session->must_end && pthread_cond_timedwait(&changed, &lock, &end) != ETIMEDOUT) continue;
        bool must_end = session->must_end;
        pthread_mutex_unlock(&lock);
        if (must_end) break;
        tell(session, session->script[i].status);
    }
    return NULL;
}

static void end_script(struct wx_cloudvoip_session *session) {
    pthread_mutex_lock(&lock);
    session->must_end = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    if (session->has_thread) pthread_join(session->thread, NULL);
    session->has_thread = false;
}

static void start_script(void *given, int unused) {
    struct wx_cloudvoip_session *session = given;
    (void)unused;
    session->has_thread = pthread_create(&session->thread, NULL, live, session) == 0;
}

/* Reads what the room's id says after a `#`: the statuses, or after `!` the number that the join fails with. */
static int read_script(struct wx_cloudvoip_session *session, const char *room) {
    const char *text = strchr(room, '#');
    if (text != NULL && text[1] == '!') return atoi(text + 2);
    text = text == NULL ? DEFAULT_SCRIPT : text + 1;
    struct step step;
    int used = 0;
    while (session->steps < SCRIPT_MOST && sscanf(text, "%d@%d%n", &step.status, &step.at_ms, &used) == 2) {
        session->script[session->steps++] = step;
        text += used;
        if (*text++ != ',') break;
    }
    return setting("STANDIN_JOIN_ERROR");
}

wx_operation_t wx_cloudvoip_session_cloud_call_join(
    wx_cloudvoip_session_type_t type, const struct wx_cloudvoip_session_listener *listener, void *user_data,
    const char *wxa_appid, const char *server_token, const char *roomid, const char *session_key, const char *payload,
    wx_cloudvoip_session_t *session_out) {
    struct wx_cloudvoip_session *session = calloc(1, sizeof(*session));
    if (session == NULL || !is_init || live_sessions > 0) crash("join out of turn");
    if (listener->common.tag != WX_CLOUDVOIP_SESSION_LISTENER_TAG || listener->common.size != sizeof(*listener))
        crash("listener without head");
    if (!*wxa_appid || !*server_token || !*roomid || !*session_key || !*payload) crash("join lacks something");
    record("join type=%d appid=%s token=%s room=%s key=%s payload=%s\n", (int)type, wxa_appid, server_token, roomid,
           session_key, payload);
    session->listener = listener;
    session->user_data = user_data;
    int error = read_script(session, roomid);
    live_sessions++;
    *session_out = session;
    return begin(setting("STANDIN_JOIN_MS"), error, start_script, session, 0);
}

static void finish(void *given, int unused) {
    struct wx_cloudvoip_session *session = given;
    (void)unused;
    end_script(session);
    if (session->status <= WX_CLOUDVOIP_SESSION_TALKING)
        tell(session, session->status == WX_CLOUDVOIP_SESSION_TALKING ? WX_CLOUDVOIP_SESSION_HANGUP_BY_CALLER
                                                                      : WX_CLOUDVOIP_SESSION_CANCELED);
}

wx_operation_t wx_cloudvoip_session_hangup(wx_cloudvoip_session_t session, wx_cloudvoip_hangup_reason_t reason) {
    record("hangup reason=%d\n", (int)reason);
    return begin(setting("STANDIN_HANGUP_MS"), setting("STANDIN_HANGUP_ERROR"), finish, session, 0);
}

wx_operation_t wx_cloudvoip_listener_hangup(const char *wxa_appid, const char *device_id, const char *model_id,
                                            const char *server_token, const char *payload,
                                            wx_cloudvoip_hangup_reason_t reason) {
    if (!is_init || live_sessions > 0) crash("listener_hangup out of turn");
    record("listener_hangup appid=%s sn=%s model=%s token=%s payload=%s reason=%d\n", wxa_appid, device_id, model_id,
           server_token, payload, (int)reason);
    return begin(setting("STANDIN_HANGUP_MS"), setting("STANDIN_HANGUP_ERROR"), NULL, NULL, 0);
}

void wx_cloudvoip_session_destroy(wx_cloudvoip_session_t session) {
    if (live_operations > 0) crash("destroyed before an operation was ended");
    end_script(session);
    close_streams(session);
    record("destroy in=%ld bad=%ld late=%ld pulls=%ld,%ld,%ld\n", session->in_frames, session->bad_frames,
           session->late_ticks, session->pulls[0], session->pulls[1], session->pulls[2]);
    live_sessions--;
    free(session);
}
