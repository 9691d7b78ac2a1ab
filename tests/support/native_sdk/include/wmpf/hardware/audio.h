/* Stand-in; see README.md of this folder. */
#pragma once

#include <time.h>

#include "wmpf/macros.h"
#include "wmpf/module.h"
#include "wmpf/types.h"

#define WX_AUDIO_MODULE_ID "standin.audio"
#define WX_AUDIO_DEVICE_PRIMARY "standin.primary"

/* all numbers here are ours, and unlike each other, so that none is taken for another */
enum {
    WX_AUDIO_MODULE_TAG = 0x5A01,
    WX_AUDIO_DEVICE_IN_TAG = 0x5A02,
    WX_AUDIO_DEVICE_OUT_TAG = 0x5A03,
    WX_AUDIO_STREAM_IN_TAG = 0x5A04,
    WX_AUDIO_STREAM_OUT_TAG = 0x5A05,
    WX_AUDIO_STREAM_IN_LISTENER_TAG = 0x5A06,
    WX_AUDIO_STREAM_OUT_LISTENER_TAG = 0x5A07,
};
enum { WX_AUDIO_DEVICE_METADATA_MUTE = 81, WX_AUDIO_DEVICE_METADATA_VOLUME, WX_AUDIO_DEVICE_METADATA_SUPPORTED_FORMATS };
enum { WX_AUDIO_FORMAT_OPUS = 61, WX_AUDIO_FORMAT_PCM = 62 };
enum {
    WX_AUDIO_STREAM_SAMPLE_RATE_8000 = 51,
    WX_AUDIO_STREAM_SAMPLE_RATE_16000 = 52,
    WX_AUDIO_STREAM_SAMPLE_RATE_44100 = 53,
};
enum { WX_SAMPLE_FORMAT_U8 = 41, WX_SAMPLE_FORMAT_S16 = 42 };

typedef enum wx_audio_device_type { WX_AUDIO_DEVICE_IN = 31, WX_AUDIO_DEVICE_OUT = 32 } wx_audio_device_type_t;

struct wx_audio_config {
    int sample_rate;
    int channel_layout;
    int sample_format;
    size_t frame_count;
};

struct wx_audio_stream {
    struct wx_struct common;
    void (*close)(struct wx_audio_stream *stream);
};

struct wx_audio_stream_in {
    struct wx_audio_stream common;
    wx_error_t (*pause)(struct wx_audio_stream_in *stream);
    wx_error_t (*resume)(struct wx_audio_stream_in *stream);
};

struct wx_audio_stream_out {
    struct wx_audio_stream common;
    wx_error_t (*pause)(struct wx_audio_stream_out *stream);
    wx_error_t (*resume)(struct wx_audio_stream_out *stream);
    wx_error_t (*flush)(struct wx_audio_stream_out *stream);
};

struct wx_audio_stream_in_listener {
    struct wx_struct common;
    void (*data)(struct wx_audio_stream_in *stream, void *user_data, struct timespec when, const void *buffer, size_t length);
    void (*error)(struct wx_audio_stream_in *stream, void *user_data, wx_error_t error);
};

struct wx_audio_stream_out_listener {
    struct wx_struct common;
    size_t (*data)(struct wx_audio_stream_out *stream, void *user_data, struct timespec when, struct timespec played,
                   void *buffer, size_t capacity);
    void (*error)(struct wx_audio_stream_out *stream, void *user_data, wx_error_t error);
};

struct wx_audio_device {
    struct wx_device common;
    struct wx_metadata metadata;
};

struct wx_audio_device_in {
    struct wx_audio_device device;
    wx_error_t (*open_input_stream)(struct wx_audio_device_in *device, const struct wx_audio_config *config,
                                    const struct wx_audio_stream_in_listener *listener, void *user_data,
                                    struct wx_audio_stream_in **stream_out);
};

struct wx_audio_device_out {
    struct wx_audio_device device;
    wx_error_t (*open_output_stream)(struct wx_audio_device_out *device, const struct wx_audio_config *config,
                                     const struct wx_audio_stream_out_listener *listener, void *user_data,
                                     struct wx_audio_stream_out **stream_out);
};

typedef struct wx_audio_module {
    struct wx_module common;
    wx_error_t (*get_number_of_devices)(struct wx_audio_module *module, wx_audio_device_type_t type, size_t *num_devices_out);
    wx_error_t (*get_device_name)(struct wx_audio_module *module, size_t index, wx_audio_device_type_t type,
                                  char **device_name_out);
    wx_error_t (*get_device_info)(struct wx_audio_module *module, const char *id, wx_audio_device_type_t type,
                                  const struct wx_metadata **metadata_out);
    wx_error_t (*open)(struct wx_audio_module *module, const char *id, wx_audio_device_type_t type,
                       struct wx_audio_device **device_out);
} wx_audio_module_t;
