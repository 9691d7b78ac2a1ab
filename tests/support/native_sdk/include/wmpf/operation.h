/* Stand-in; see README.md of this folder. */
#pragma once

#include "wmpf/macros.h"
#include "wmpf/types.h"

typedef struct wx_operation *wx_operation_t;

WX_API wx_error_t wx_operation_wait(wx_operation_t operation, uint32_t timeout_ms);
WX_API wx_error_t wx_operation_cancel(wx_operation_t operation);
WX_API void wx_operation_destroy(wx_operation_t operation);
