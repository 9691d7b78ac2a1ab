/* The room end for the platform's own server library: the room pipe of docs/architecture.md on standard input and output.
 *
 * Three threads: one reads the pipe, one keeps the beat of 20 ms, and this one does one step after the other. Every step
 * has a deadline. However it ends, the order is: hang up, destroy the session, stop the library, say `closed`. A library
 * that does not come back is ended by an alarm. No secret is ever printed.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pipe.h"
#include "sound.h"
#include "wmpf/cloudvoip_server.h"
#include "wmpf/crypto.h"
#include "wmpf/hardware/audio.h"
#include "wmpf/wmpf.h"

/* wx_init and the join speak to the platform over the network; the worker has deadlines of its own, and kills */
#ifndef INIT_MS
#define INIT_MS 20000
#endif
#ifndef JOIN_MS
#define JOIN_MS 15000
#endif
#ifndef HANGUP_MS
#define HANGUP_MS 3000
#endif
/* a join that is under way when the worker wants out is waited for, since only who has joined can stop the ringing */
#ifndef LATE_JOIN_MS
#define LATE_JOIN_MS 1000
#endif
/* hanging up what is over already: the platform's own example does so, too, but nobody waits for it */
#define OVER_MS 300
/* from the wish to leave to the end of the process, whatever the library does */
#ifndef LEAVE_S
#define LEAVE_S 8
#endif
#define SLICE_MS 20

#define EXIT_BREACH 1
#define EXIT_USAGE 2
#define EXIT_ALARM 3

/* from the platform's example code for one of the common crypto libraries, compiled from the user's copy */
extern struct wx_crypto_module crypto_module;

static struct message opening, room;
static wx_cloudvoip_session_t session;
static bool is_open, has_session, is_hung_up, was_asked;
static atomic_int last_status;

static long long now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void tell_failed(const char *step, wx_error_t number, const char *text) {
    char json[SAID_MAX_BYTES];
    note("%s failed: number %d: %s", step, (int)number, text);
    pipe_say(json, say_failed(json, step, (int)number, text));
}

/* Waits for an operation in slices. Past the deadline it is cancelled, which frees it.
 *
 * late_ms: what it may still take once the worker wants out; negative: that changes nothing. */
static wx_error_t wait_for(wx_operation_t operation, int deadline_ms, int late_ms) {
    long long end = now_ms() + deadline_ms;
    bool is_late = false;
    for (;;) {
        wx_error_t result = wx_operation_wait(operation, SLICE_MS);
        if (result != WXERROR_TIMEOUT) return result;
        if (late_ms >= 0 && !is_late && pipe_wants_out()) {
            is_late = true;
            if (now_ms() + late_ms < end) end = now_ms() + late_ms;
        }
        if (now_ms() >= end) {
            wx_operation_cancel(operation);
            return WXERROR_TIMEOUT;
        }
    }
}

/* --- what the library calls --- */

static wx_error_t get_module(const char *id, struct wx_module **out) {
    if (strcmp(id, WX_AUDIO_MODULE_ID) == 0) *out = sound_module();
    else if (strcmp(id, WX_CRYPTO_MODULE_ID) == 0) *out = (struct wx_module *)&crypto_module;
    else return WXERROR_UNIMPLEMENTED; /* no camera, no screen */
    return WXERROR_OK;
}

static void on_status(wx_cloudvoip_session_t from, void *user_data, wx_cloudvoip_session_status_t status) {
    char json[SAID_MAX_BYTES];
    (void)from, (void)user_data;
    atomic_store(&last_status, (int)status);
    if (status != WX_CLOUDVOIP_SESSION_TALKING) sound_talk(false);
    pipe_say(json, say_status(json, (int)status));
    /* frames come after the status that lets them flow */
    if (status == WX_CLOUDVOIP_SESSION_TALKING) sound_talk(true);
}

/* Newer headers have more to listen to; the library may call what they name, so each gets a function. */
#ifdef HAVE_AV_STATUS
static void on_av_status(wx_cloudvoip_session_t from, void *user_data, wx_cloudvoip_session_av_status_t status) {
    (void)from, (void)user_data, (void)status;
}
#endif
#ifdef HAVE_NET_POOR_STATUS
static void on_net_poor(wx_cloudvoip_session_t from, void *user_data, wx_cloudvoip_session_net_poor_status_t status) {
    (void)from, (void)user_data, (void)status;
}
#endif
#ifdef HAVE_CMD_MSG_RECV
static void on_message(wx_cloudvoip_session_t from, void *user_data, wx_cloudvoip_session_cmdmsg_t message) {
    (void)from, (void)user_data, (void)message;
}
#endif

static const wx_cloudvoip_session_listener_t LISTENER = {
    .common = {.tag = WX_CLOUDVOIP_SESSION_LISTENER_TAG, .size = sizeof(struct wx_cloudvoip_session_listener)},
    .status = on_status,
#ifdef HAVE_AV_STATUS
    .av_status = on_av_status,
#endif
#ifdef HAVE_NET_POOR_STATUS
    .net_poor_status = on_net_poor,
#endif
#ifdef HAVE_CMD_MSG_RECV
    .cmd_msg_recv = on_message,
#endif
};

/* --- the steps --- */

static void step_open(const struct message *message) {
    wx_init_config_t config;
    char json[SAID_MAX_BYTES];
    opening = *message;
    memset(&config, 0, sizeof(config));
    config.common.tag = WX_INIT_CONFIG_TAG;
    config.common.size = sizeof(config);
    config.data_dir = opening.data_dir;
    /* none of these is needed here, says the public page; what is not known yet is left out */
    config.device_id = opening.sn[0] ? opening.sn : NULL;
    config.model_id = opening.model_id[0] ? opening.model_id : NULL;
    config.wxa_appid = opening.appid[0] ? opening.appid : NULL;
    config.wxa_flavor = (wx_wxa_flavor_t)opening.flavor;
    wx_error_t result = wait_for(wx_init(&config, get_module), INIT_MS, 0);
    is_open = result == WXERROR_OK;
    if (!is_open) {
        tell_failed("open", result, "wx_init; is there a network, and is the clock right?");
        return;
    }
    pipe_say(json, say_ready(json));
}

static void step_join(const struct message *message) {
    room = *message;
    const char *appid = room.appid[0] ? room.appid : opening.appid;
    has_session = true;
    wx_error_t result = wait_for(
        wx_cloudvoip_session_cloud_call_join(room.is_video ? WX_CLOUDVOIP_SESSION_VIDEO : WX_CLOUDVOIP_SESSION_AUDIO,
                                             &LISTENER, NULL, appid, room.server_token, room.room_id, room.session_key,
                                             room.payload, &session),
        JOIN_MS, LATE_JOIN_MS);
    if (result != WXERROR_OK) tell_failed("join", result, "wx_cloudvoip_session_cloud_call_join");
}

static void step_decline(const struct message *message) {
    room = *message;
    const char *appid = room.appid[0] ? room.appid : opening.appid;
    const char *model_id = room.model_id[0] ? room.model_id : opening.model_id;
    const char *sn = room.sn[0] ? room.sn : opening.sn;
    wx_error_t result = wait_for(wx_cloudvoip_listener_hangup(appid, sn, model_id, room.server_token, room.payload,
                                                              (wx_cloudvoip_hangup_reason_t)room.reason),
                                 HANGUP_MS, -1);
    if (result != WXERROR_OK) tell_failed("listener_hangup", result, "wx_cloudvoip_listener_hangup");
}

static void step_hangup(int reason) {
    sound_talk(false);
    if (session == NULL || is_hung_up) return;
    is_hung_up = true;
    bool is_over = atomic_load(&last_status) > WX_CLOUDVOIP_SESSION_TALKING;
    wx_operation_t operation = wx_cloudvoip_session_hangup(session, (wx_cloudvoip_hangup_reason_t)reason);
    wx_error_t result = wait_for(operation, is_over ? OVER_MS : HANGUP_MS, -1);
    if (result != WXERROR_OK && !is_over) tell_failed("hangup", result, "wx_cloudvoip_session_hangup");
}

static void step_leave(void) {
    char json[SAID_MAX_BYTES];
    alarm(LEAVE_S);
    step_hangup(WX_CLOUDVOIP_HANGUP_REASON_MANUAL);
    /* the beat ends before the streams' owner does */
    sound_stop();
    if (session != NULL) wx_cloudvoip_session_destroy(session);
    session = NULL;
    if (is_open) wx_stop();
    explicit_bzero(&room, sizeof(room));
    pipe_say(json, say_closed(json));
    pipe_flush(500);
}

/* Does what a message asks for. Gives false when it came out of turn. */
static bool step(const struct message *message) {
    switch (message->word) {
    case WORD_OPEN:
        if (is_open || opening.data_dir[0]) return false;
        step_open(message);
        return true;
    case WORD_JOIN:
    case WORD_LISTENER_HANGUP:
        if (!is_open || was_asked) return false;
        was_asked = true;
        if (message->word == WORD_JOIN) step_join(message);
        else step_decline(message);
        return true;
    case WORD_HANGUP:
        if (!has_session) return false;
        step_hangup(message->reason);
        return true;
    default:
        return false;
    }
}

/* --- the process --- */

static void on_signal(int number) {
    static const char TEXT[] = "room end: the library did not come back in time\n";
    if (number == SIGALRM) {
        ssize_t ignored = write(STDERR_FILENO, TEXT, sizeof(TEXT) - 1);
        (void)ignored;
        _exit(EXIT_ALARM);
    }
    pipe_interrupt();
}

static void set_signals(void) {
    struct sigaction action;
    memset(&action, 0, sizeof(action));
    action.sa_handler = on_signal;
    sigemptyset(&action.sa_mask);
    sigaction(SIGALRM, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
}

int main(int argc, char **argv) {
    static struct message message;
    int status = EXIT_SUCCESS;
    (void)argv;
    if (argc > 1) {
        fprintf(stderr, "usage: tincall-room-end (it takes no arguments: it is started by a worker of tincall)\n");
        return EXIT_USAGE;
    }
    set_signals();
    if (!pipe_open() || !sound_start()) {
        note("the system gives no threads or descriptors");
        return EXIT_FAILURE;
    }
    for (;;) {
        pipe_next(&message, -1);
        if (message.word == WORD_CLOSE || message.word == WORD_GONE) break;
        if (message.word == WORD_BREACH || !step(&message)) {
            if (message.word != WORD_BREACH) note("the worker broke the rules: a message came out of turn");
            status = EXIT_BREACH;
            break;
        }
        explicit_bzero(&message, sizeof(message));
    }
    step_leave();
    pipe_close();
    return status;
}
