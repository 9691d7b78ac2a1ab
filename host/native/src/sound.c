#define _GNU_SOURCE
#include "sound.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pipe.h"
#include "wmpf/hardware/audio.h"
#include "wmpf/module.h"
#include "wmpf/types.h"

#define TICK_NS 20000000LL
/* ticks run at once after a stall; what is more is left out, so that nobody gets a burst */
#define BURST 3
/* the worker's frames: play from 40 ms on, never hold more than 200 ms, give delay back after 1 s of plenty */
#define QUEUE_TARGET 2
#define QUEUE_MOST 10
#define QUEUE_WINDOW 50

#define STREAMS_MAX 8
/* 20 ms of the fastest stream seen, 44.1 kHz, in stereo */
#define DRAIN_BYTES 3528

/* A stream is the library's struct with what we must remember of it behind; the library's pointer leads to ours. */
struct in_stream {
    struct wx_audio_stream_in stream;
    const struct wx_audio_stream_in_listener *listener;
    void *user_data;
    bool is_open, is_paused;
};

struct out_stream {
    struct wx_audio_stream_out stream;
    const struct wx_audio_stream_out_listener *listener;
    void *user_data;
    size_t frame_bytes;
    bool is_open, is_paused, is_voice;
};

/* Guards the streams. Recursive, since a listener may close its stream while it is being called. */
static pthread_mutex_t streams_lock;
static struct in_stream ins[STREAMS_MAX];
static struct out_stream outs[STREAMS_MAX];

static pthread_mutex_t queue_lock = PTHREAD_MUTEX_INITIALIZER;
static uint8_t queue[QUEUE_MOST][FRAME_BYTES];
static size_t queue_first, queue_count, queue_least, queue_turns;
static bool is_filling = true;

static pthread_t beat;
static bool is_beating;
static atomic_bool must_stop, is_talking;

/* --- the worker's frames --- */

static void drop_oldest(void) {
    queue_first = (queue_first + 1) % QUEUE_MOST;
    queue_count--;
}

void sound_put(const uint8_t *frame) {
    pthread_mutex_lock(&queue_lock);
    if (atomic_load(&is_talking)) {
        if (queue_count == QUEUE_MOST) drop_oldest();
        memcpy(queue[(queue_first + queue_count++) % QUEUE_MOST], frame, FRAME_BYTES);
    }
    pthread_mutex_unlock(&queue_lock);
}

/* Gives the frame of this turn, or silence. */
static void take_frame(uint8_t *out) {
    memset(out, 0, FRAME_BYTES);
    pthread_mutex_lock(&queue_lock);
    if (is_filling && queue_count >= QUEUE_TARGET) {
        is_filling = false;
        queue_turns = 0;
        queue_least = QUEUE_MOST;
    }
    if (is_filling || queue_count == 0) {
        is_filling = true;
    } else {
        if (queue_count < queue_least) queue_least = queue_count;
        if (++queue_turns == QUEUE_WINDOW) {
            if (queue_least > QUEUE_TARGET) drop_oldest();
            queue_turns = 0;
            queue_least = QUEUE_MOST;
        }
        memcpy(out, queue[queue_first], FRAME_BYTES);
        drop_oldest();
    }
    pthread_mutex_unlock(&queue_lock);
}

void sound_talk(bool talks) {
    pthread_mutex_lock(&queue_lock);
    if (talks != atomic_exchange(&is_talking, talks)) {
        queue_count = 0;
        is_filling = true;
    }
    pthread_mutex_unlock(&queue_lock);
}

/* --- the beat --- */

static void tick(void) {
    static uint8_t drained[DRAIN_BYTES], voice[FRAME_BYTES], said[FRAME_BYTES];
    /* nobody is known to read these instants; an integration that works gives zeros */
    const struct timespec never = {0};
    bool talks = atomic_load(&is_talking);
    memset(voice, 0, sizeof(voice));
    if (talks) take_frame(said);
    pthread_mutex_lock(&streams_lock);
    for (size_t i = 0; i < STREAMS_MAX; i++) {
        struct out_stream *out = &outs[i];
        if (!out->is_open || out->is_paused) continue;
        bool is_voice = out->is_voice;
        size_t got = out->listener->data(&out->stream, out->user_data, never, never, drained, out->frame_bytes);
        if (is_voice) memcpy(voice, drained, got < FRAME_BYTES ? got : FRAME_BYTES);
    }
    for (size_t i = 0; talks && i < STREAMS_MAX; i++) {
        struct in_stream *in = &ins[i];
        if (in->is_open && !in->is_paused) in->listener->data(&in->stream, in->user_data, never, said, FRAME_BYTES);
    }
    pthread_mutex_unlock(&streams_lock);
    if (talks) pipe_send_frame(voice);
    else pipe_flush(0);
}

static void *run_beat(void *unused) {
    struct timespec now;
    (void)unused;
    clock_gettime(CLOCK_MONOTONIC, &now);
    long long next_ns = now.tv_sec * 1000000000LL + now.tv_nsec;
    while (!atomic_load(&must_stop)) {
        next_ns += TICK_NS;
        struct timespec next = {.tv_sec = next_ns / 1000000000LL, .tv_nsec = next_ns % 1000000000LL};
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL) != 0) continue;
        clock_gettime(CLOCK_MONOTONIC, &now);
        long long late_ns = now.tv_sec * 1000000000LL + now.tv_nsec - next_ns;
        /* a stall of more than a burst: begin the count anew, the ticks between are left out */
        if (late_ns > BURST * TICK_NS) next_ns += late_ns / TICK_NS * TICK_NS - (BURST - 1) * TICK_NS;
        tick();
    }
    return NULL;
}

bool sound_start(void) {
    pthread_mutexattr_t recursive;
    pthread_mutexattr_init(&recursive);
    pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&streams_lock, &recursive);
    pthread_mutexattr_destroy(&recursive);
    atomic_store(&must_stop, false);
    is_beating = pthread_create(&beat, NULL, run_beat, NULL) == 0;
    return is_beating;
}

void sound_stop(void) {
    if (!is_beating) return;
    atomic_store(&must_stop, true);
    pthread_join(beat, NULL);
    is_beating = false;
}

/* --- what the library calls: streams --- */

static void close_in(struct wx_audio_stream *stream) {
    pthread_mutex_lock(&streams_lock);
    for (size_t i = 0; i < STREAMS_MAX; i++)
        if ((struct wx_audio_stream *)&ins[i].stream == stream) ins[i].is_open = false;
    pthread_mutex_unlock(&streams_lock);
}

static void close_out(struct wx_audio_stream *stream) {
    pthread_mutex_lock(&streams_lock);
    for (size_t i = 0; i < STREAMS_MAX; i++)
        if ((struct wx_audio_stream *)&outs[i].stream == stream) outs[i].is_open = false;
    pthread_mutex_unlock(&streams_lock);
}

static wx_error_t hold_in(struct wx_audio_stream_in *stream, bool is_paused) {
    pthread_mutex_lock(&streams_lock);
    ((struct in_stream *)stream)->is_paused = is_paused;
    pthread_mutex_unlock(&streams_lock);
    return WXERROR_OK;
}

static wx_error_t hold_out(struct wx_audio_stream_out *stream, bool is_paused) {
    pthread_mutex_lock(&streams_lock);
    ((struct out_stream *)stream)->is_paused = is_paused;
    pthread_mutex_unlock(&streams_lock);
    return WXERROR_OK;
}

static wx_error_t pause_in(struct wx_audio_stream_in *stream) { return hold_in(stream, true); }
static wx_error_t resume_in(struct wx_audio_stream_in *stream) { return hold_in(stream, false); }
static wx_error_t pause_out(struct wx_audio_stream_out *stream) { return hold_out(stream, true); }
static wx_error_t resume_out(struct wx_audio_stream_out *stream) { return hold_out(stream, false); }

static wx_error_t flush_out(struct wx_audio_stream_out *stream) {
    (void)stream; /* nothing is held back here */
    return WXERROR_OK;
}

static bool is_voice(const struct wx_audio_config *config) {
    return config->sample_rate == WX_AUDIO_STREAM_SAMPLE_RATE_16000 && config->sample_format == WX_SAMPLE_FORMAT_S16;
}

static size_t bytes_of_20_ms(const struct wx_audio_config *config) {
    if (config->sample_rate == WX_AUDIO_STREAM_SAMPLE_RATE_8000) return 8000 / 50 * 2;
    if (config->sample_rate == WX_AUDIO_STREAM_SAMPLE_RATE_44100) return 44100 / 50 * 2;
    return FRAME_BYTES;
}

static wx_error_t open_in(struct wx_audio_device_in *device, const struct wx_audio_config *config,
                          const struct wx_audio_stream_in_listener *listener, void *user_data,
                          struct wx_audio_stream_in **out) {
    wx_error_t result = WXERROR_RESOURCE_EXHAUSTED;
    (void)device;
    if (!is_voice(config)) {
        note("the library wants a microphone that is not 16 kHz with 16 bits; there is none");
        return WXERROR_INVALID_ARGUMENT;
    }
    pthread_mutex_lock(&streams_lock);
    for (size_t i = 0; i < STREAMS_MAX && result != WXERROR_OK; i++) {
        if (ins[i].is_open) continue;
        ins[i] = (struct in_stream){
            .stream = {.common = {.common = {.tag = WX_AUDIO_STREAM_IN_TAG, .size = sizeof(struct wx_audio_stream_in)},
                                  .close = close_in},
                       .pause = pause_in,
                       .resume = resume_in},
            .listener = listener,
            .user_data = user_data,
            .is_open = true,
        };
        *out = &ins[i].stream;
        result = WXERROR_OK;
    }
    pthread_mutex_unlock(&streams_lock);
    return result;
}

static wx_error_t open_out(struct wx_audio_device_out *device, const struct wx_audio_config *config,
                           const struct wx_audio_stream_out_listener *listener, void *user_data,
                           struct wx_audio_stream_out **out) {
    wx_error_t result = WXERROR_RESOURCE_EXHAUSTED;
    (void)device;
    pthread_mutex_lock(&streams_lock);
    for (size_t i = 0; i < STREAMS_MAX && result != WXERROR_OK; i++) {
        if (outs[i].is_open) continue;
        outs[i] = (struct out_stream){
            .stream = {.common = {.common = {.tag = WX_AUDIO_STREAM_OUT_TAG, .size = sizeof(struct wx_audio_stream_out)},
                                  .close = close_out},
                       .pause = pause_out,
                       .resume = resume_out,
                       .flush = flush_out},
            .listener = listener,
            .user_data = user_data,
            .frame_bytes = bytes_of_20_ms(config),
            .is_voice = is_voice(config),
            .is_open = true,
        };
        *out = &outs[i].stream;
        result = WXERROR_OK;
    }
    pthread_mutex_unlock(&streams_lock);
    return result;
}

/* --- what the library calls: the module and its two devices --- */

static const uint32_t FORMATS[] = {WX_AUDIO_FORMAT_PCM};

static wx_error_t get_parameter(const struct wx_metadata *metadata, uint32_t key, struct wx_metadata_entry *out) {
    (void)metadata;
    if (key != WX_AUDIO_DEVICE_METADATA_SUPPORTED_FORMATS) return WXERROR_NOT_FOUND;
    out->key = key;
    out->type = WX_METADATA_ENTRY_TYPE_U32_ARRAY;
    out->count = sizeof(FORMATS) / sizeof(FORMATS[0]);
    out->data.u32_array = FORMATS;
    return WXERROR_OK;
}

static wx_error_t set_parameter(struct wx_metadata *metadata, uint32_t key, const struct wx_metadata_entry *entry) {
    (void)metadata, (void)key, (void)entry;
    return WXERROR_NOT_FOUND;
}

static void close_device(struct wx_device *device) { (void)device; /* both live as long as the process */ }

#define METADATA {.get_parameter = get_parameter, .set_parameter = set_parameter}

static struct wx_audio_device_in microphone = {
    .device = {.common = {.common = {.tag = WX_AUDIO_DEVICE_IN_TAG, .size = sizeof(struct wx_audio_device_in)},
                          .close = close_device},
               .metadata = METADATA},
    .open_input_stream = open_in,
};

static struct wx_audio_device_out loudspeaker = {
    .device = {.common = {.common = {.tag = WX_AUDIO_DEVICE_OUT_TAG, .size = sizeof(struct wx_audio_device_out)},
                          .close = close_device},
               .metadata = METADATA},
    .open_output_stream = open_out,
};

static wx_error_t get_number_of_devices(struct wx_audio_module *module, wx_audio_device_type_t type, size_t *out) {
    (void)module, (void)type;
    if (out == NULL) return WXERROR_INVALID_ARGUMENT;
    *out = 1;
    return WXERROR_OK;
}

static wx_error_t get_device_name(struct wx_audio_module *module, size_t index, wx_audio_device_type_t type, char **out) {
    (void)module;
    if (out == NULL) return WXERROR_INVALID_ARGUMENT;
    if (index != 0) return WXERROR_OUT_OF_RANGE;
    /* the library frees it */
    *out = strdup(type == WX_AUDIO_DEVICE_IN ? "tincall microphone" : "tincall loudspeaker");
    return *out == NULL ? WXERROR_RESOURCE_EXHAUSTED : WXERROR_OK;
}

static wx_error_t get_device_info(struct wx_audio_module *module, const char *id, wx_audio_device_type_t type,
                                  const struct wx_metadata **out) {
    static const struct wx_metadata facts = METADATA;
    (void)module, (void)id, (void)type;
    *out = &facts;
    return WXERROR_OK;
}

static wx_error_t open_device(struct wx_audio_module *module, const char *id, wx_audio_device_type_t type,
                              struct wx_audio_device **out) {
    (void)module, (void)id; /* there is one of each, whatever it is called */
    *out = type == WX_AUDIO_DEVICE_IN ? (struct wx_audio_device *)&microphone : (struct wx_audio_device *)&loudspeaker;
    return WXERROR_OK;
}

static struct wx_audio_module audio = {
    .common = {.common = {.tag = WX_AUDIO_MODULE_TAG, .size = sizeof(struct wx_audio_module)}, .id = WX_AUDIO_MODULE_ID},
    .get_number_of_devices = get_number_of_devices,
    .get_device_name = get_device_name,
    .get_device_info = get_device_info,
    .open = open_device,
};

struct wx_module *sound_module(void) { return (struct wx_module *)&audio; }
