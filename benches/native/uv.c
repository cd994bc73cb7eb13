/* The peer libuv: uv_spawn with two pipes on the default loop. */
#include "serve.h"

#include <signal.h>
#include <string.h>
#include <uv.h>

static char output[4096];
static size_t output_len, error_len;
static int64_t exit_code;
static int open_handles;

static const char *about(const char *work)
{
    (void)work;
    return "uv_spawn, uv_read_start of two uv_pipe_t, uv_run until all three handles are closed";
}

static void closed(uv_handle_t *handle)
{
    (void)handle;
    --open_handles;
}

static void ended(uv_process_t *process, int64_t code, int signal)
{
    exit_code = signal ? -signal : code;
    uv_close((uv_handle_t *)process, closed);
}

static void give_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    (void)handle;
    (void)suggested;
    *buffer = uv_buf_init(output + output_len, sizeof output - output_len);
}

static void have_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buffer)
{
    (void)buffer;
    if (count < 0)
        uv_close((uv_handle_t *)stream, closed);
    else
        *(size_t *)stream->data += count;
}

static void start_and_reap(void)
{
    uv_process_t process;
    uv_pipe_t out, err;
    uv_loop_t *loop = uv_default_loop();
    uv_pipe_init(loop, &out, 0);
    uv_pipe_init(loop, &err, 0);
    out.data = &output_len, err.data = &error_len;
    uv_stdio_container_t stdio[] = {
        {.flags = UV_IGNORE},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&out},
        {.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&err},
    };
    uv_process_options_t options = {.exit_cb = ended, .file = say[0], .args = (char **)say,
                                    .stdio_count = 3, .stdio = stdio};
    open_handles = 3, output_len = error_len = 0, exit_code = -1;
    must(uv_spawn(loop, &process, &options) == 0, "uv_spawn failed");
    uv_read_start((uv_stream_t *)&out, give_room, have_read);
    uv_read_start((uv_stream_t *)&err, give_room, have_read);
    uv_run(loop, UV_RUN_DEFAULT);
    must(open_handles == 0 && exit_code == 0, "another end");
    must(output_len == 5 && !memcmp(output, "tiny\n", 5) && error_len == 0, "another output");
}

int main(void)
{
    const struct contender contender = {about, start_and_reap, NULL, NULL, NULL};
    return serve(&contender);
}
