/* Stand-in; see README.md of this folder. */
#pragma once

#include "wmpf/types.h"

struct wx_module {
    struct wx_struct common;
    const char *id;
    void (*set_on_devices_changed)(struct wx_module *module);
};

struct wx_device {
    struct wx_struct common;
    void *priv;
    void (*close)(struct wx_device *device);
};

typedef wx_error_t (*wx_get_module_t)(const char *id, struct wx_module **module);
