/* Stand-in; see README.md of this folder. */
#pragma once

#include <stddef.h>

#define WX_BEGIN_DECLS
#define WX_END_DECLS
#define WX_API __attribute__((visibility("default")))
#define wx_container_of(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))
