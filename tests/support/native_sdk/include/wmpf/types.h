/* Stand-in; see README.md of this folder. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum wx_error {
    WXERROR_OK = 0,
    WXERROR_CANCELLED = 1,
    WXERROR_UNKNOWN = 2,
    WXERROR_INVALID_ARGUMENT = 3,
    WXERROR_TIMEOUT = 4,
    WXERROR_NOT_FOUND = 5,
    WXERROR_RESOURCE_EXHAUSTED = 8,
    WXERROR_FAILED_PRECONDITION = 9,
    WXERROR_OUT_OF_RANGE = 11,
    WXERROR_UNIMPLEMENTED = 12,
    WXERROR_INTERNAL = 13,
} wx_error_t;

typedef struct wx_struct {
    uint32_t tag;
    uint32_t size;
    uint32_t version;
} wx_struct_t;

enum { WX_METADATA_ENTRY_TYPE_U32 = 71, WX_METADATA_ENTRY_TYPE_U32_ARRAY = 72 };

struct wx_metadata_entry {
    uint32_t key;
    uint32_t type;
    size_t count;
    union {
        uint32_t u32;
        const uint32_t *u32_array;
    } data;
};

struct wx_metadata {
    wx_error_t (*get_parameter)(const struct wx_metadata *metadata, uint32_t key, struct wx_metadata_entry *value_out);
    wx_error_t (*set_parameter)(struct wx_metadata *metadata, uint32_t key, const struct wx_metadata_entry *value);
    void *priv;
};
