/* Stand-in; see README.md of this folder. */
#pragma once

#include "wmpf/macros.h"
#include "wmpf/operation.h"
#include "wmpf/types.h"

typedef struct wx_cloudvoip_session *wx_cloudvoip_session_t;

typedef enum wx_cloudvoip_session_type {
    WX_CLOUDVOIP_SESSION_VIDEO = 0,
    WX_CLOUDVOIP_SESSION_AUDIO = 1,
} wx_cloudvoip_session_type_t;

typedef enum wx_cloudvoip_session_status {
    WX_CLOUDVOIP_SESSION_IDLE = 0,
    WX_CLOUDVOIP_SESSION_CALLING = 1,
    WX_CLOUDVOIP_SESSION_TALKING = 2,
    WX_CLOUDVOIP_SESSION_REJECTED = 3,
    WX_CLOUDVOIP_SESSION_CANCELED = 4,
    WX_CLOUDVOIP_SESSION_HANGUP_BY_CALLER = 5,
    WX_CLOUDVOIP_SESSION_HANGUP_BY_CALLEE = 6,
    WX_CLOUDVOIP_SESSION_ABORTED = 7,
    WX_CLOUDVOIP_SESSION_BUSY = 8,
    WX_CLOUDVOIP_SESSION_TIMEOUT = 9,
} wx_cloudvoip_session_status_t;

typedef enum wx_cloudvoip_hangup_reason {
    WX_CLOUDVOIP_HANGUP_REASON_UNKNOWN = 0,
    WX_CLOUDVOIP_HANGUP_REASON_MANUAL = 1,
    WX_CLOUDVOIP_HANGUP_REASON_SYSTEM = 6,
    WX_CLOUDVOIP_HANGUP_REASON_APP = 7,
    WX_CLOUDVOIP_HANGUP_REASON_DEVICE = 8,
    WX_CLOUDVOIP_HANGUP_REASON_TIMEOUT = 10,
    WX_CLOUDVOIP_HANGUP_REASON_REJECT = 11,
} wx_cloudvoip_hangup_reason_t;

/* BEGIN of what only newer headers have; tests take it out to see that older ones do, too */
typedef int wx_cloudvoip_session_av_status_t;
typedef int wx_cloudvoip_session_net_poor_status_t;
typedef struct wx_cloudvoip_session_cmdmsg {
    int len;
    const char *msg;
} wx_cloudvoip_session_cmdmsg_t;
/* END */

#define WX_CLOUDVOIP_SESSION_LISTENER_TAG 0xF00001

typedef struct wx_cloudvoip_session_listener {
    wx_struct_t common;
    void (*status)(wx_cloudvoip_session_t session, void *user_data, wx_cloudvoip_session_status_t status);
    /* BEGIN */
    void (*av_status)(wx_cloudvoip_session_t session, void *user_data, wx_cloudvoip_session_av_status_t status);
    void (*net_poor_status)(wx_cloudvoip_session_t session, void *user_data, wx_cloudvoip_session_net_poor_status_t status);
    void (*cmd_msg_recv)(wx_cloudvoip_session_t session, void *user_data, wx_cloudvoip_session_cmdmsg_t message);
    /* END */
} wx_cloudvoip_session_listener_t;

WX_API wx_operation_t wx_cloudvoip_session_cloud_call_join(
    wx_cloudvoip_session_type_t type, const struct wx_cloudvoip_session_listener *listener, void *user_data,
    const char *wxa_appid, const char *server_token, const char *roomid, const char *session_key, const char *payload,
    wx_cloudvoip_session_t *session_out);
WX_API wx_operation_t wx_cloudvoip_session_hangup(wx_cloudvoip_session_t session, wx_cloudvoip_hangup_reason_t reason);
WX_API wx_operation_t wx_cloudvoip_listener_hangup(const char *wxa_appid, const char *device_id, const char *model_id,
                                                   const char *server_token, const char *payload,
                                                   wx_cloudvoip_hangup_reason_t reason);
WX_API void wx_cloudvoip_session_destroy(wx_cloudvoip_session_t session);
