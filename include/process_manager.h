/*
 * process_manager: start, stream, watch and stop many processes, and leave nothing behind.
 *
 * Generated from bindings/c/src; never edited. To make it anew:
 *     PM_UPDATE=1 cargo test -p process_manager_capi --test header
 *
 * An example: a program that carries another one with it, starts it, prints its lines while it
 * runs, and stops it. `check` (not shown) prints the message of an error and ends the program.
 * Whichever way that ends, no process and no file is left.
 *
 *     static void print_line(pm_id id, const pm_record *record, void *user_data)
 *     {
 *         (void)id;
 *         printf("%.*s\n", (int)record->line.len, (const char *)record->line.data);
 *         ++*(int *)user_data;
 *     }
 *
 *     pm_extractor *extractor;
 *     pm_manager *manager;
 *     pm_command *command;
 *     pm_process *process;
 *     pm_error *error = NULL;
 *     int lines = 0;
 *
 *     check(pm_extractor_new(&extractor, &error), &error);
 *     check(pm_extractor_add_binary(extractor, "ticker", PM_NUL_TERMINATED, ticker, ticker_size,
 *                                   &error), &error);
 *     check(pm_manager_new(extractor, &manager, &error), &error);
 *     check(pm_command_new_binary("ticker", PM_NUL_TERMINATED, &command, &error), &error);
 *     check(pm_manager_start(manager, command, &process, &error), &error);
 *     check(pm_process_set_output_callback(process, print_line, &lines, NULL, &error), &error);
 *     while (lines < 5)
 *         check(pm_manager_poll(manager, -1, NULL, &error), &error);
 *     check(pm_process_stop(process, NULL, 0, &error), &error);
 *     pm_process_free(process);
 *     pm_command_free(command);
 *     pm_manager_free(manager);
 *     pm_extractor_free(extractor);
 *
 * The parts, in the order of this file, which is the order of use:
 *     pm_extractor       binaries that the program carries, extracted into a private directory
 *     pm_command         what to start and how: arguments, environment, streams, limits, stop
 *     pm_info            the facts about a process, as a snapshot
 *     pm_manager         starts, lists and stops many processes; several at once; pipelines
 *     callbacks          pm_manager_poll() for output, exits and events; pm_manager_fd() for loops
 *     pm_events, pm_watch    the same, pulled instead of called
 *     pm_run_result      a command, or many, run to the end in one call
 *     pm_process         one process: wait, stop, signal
 *     sudo               starts as another user
 *     input, pm_output   writing to a process, and reading it in batches of lines
 *     log                the library's own messages
 *
 * Errors. A function returns a pm_status unless it cannot fail. PM_OK is 0; a positive status is
 * an outcome that is no error; a negative one is an error. The last argument, which may be NULL,
 * then gets a pm_error to be freed by the caller. Other outputs are written only with PM_OK. NULL
 * for an argument that needs an object gives PM_ERROR_NULL_ARGUMENT.
 *
 * Ownership. The documentation uses these words only. An argument that the function
 *     borrows         is used during the call only,
 *     copies          is copied during the call,
 *     takes           is the library's from then on, also when the call fails;
 * and an output that it
 *     returns owned   is the caller's, to be freed as said.
 * Every _free function accepts NULL. An object with a _ref function is shared: each _ref and each
 * "returns owned" is to be freed once. A view is valid as long as said, and never freed.
 *
 * Text and bytes. Both cross as pointer and length, and are never forced to be UTF-8 except for
 * names. PM_NUL_TERMINATED as the length of a text means: up to its NUL. With length 0 the pointer
 * is not looked at.
 *
 * Threads. Each function says one of these:
 *     any thread                    also at once with other functions on the same object,
 *     one at a time per object      the caller keeps calls with the same object apart,
 *     not from a callback           gives PM_ERROR_REENTRANT in one of the same manager.
 *
 * Callbacks. A callback is a function, its user data, and a function that destroys that (or NULL):
 *     - It is called inside pm_manager_poll() only, on the thread that polls, one call at a time;
 *       after pm_manager_deliver_directly() on one thread of the library instead.
 *     - It is never called after the destruction of its user data has begun.
 *     - The user data is destroyed exactly once, after the last call has returned: when the
 *       callback is replaced or its object freed, and also when the registration fails.
 *     - Any function may be called inside it, except a poll of the same manager. The log callback
 *       may call none. Objects may be freed inside it, also the one it is registered on: its user
 *       data is destroyed when it returns, all that belongs to a manager when the poll does.
 *     - Freeing that object on another thread waits for a call that runs.
 *     - It must return: no exception and no longjmp may leave it.
 *
 * Processes. The library installs no signal handler, reaps only its own children and changes no
 * state of the host process. A process outlives no owner: when the last handle and the manager
 * have let go of it, it is ended as its command says, by default with its whole tree. After fork()
 * the copy owns nothing: calls with the parent's extractors, managers, processes and readers give
 * PM_ERROR_FORKED, frees end no process and destroy no user data. Commands and infos are plain data
 * and work.
 */

#ifndef PROCESS_MANAGER_H
#define PROCESS_MANAGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The version of this header; pm_version_number() gives that of the library. */
#define PM_VERSION_MAJOR 0
#define PM_VERSION_MINOR 1
#define PM_VERSION_PATCH 0
#define PM_VERSION_NUMBER 1000
#define PM_VERSION_STRING "0.1.0"

/* Enums have a fixed size in every language: where C has no way to say so, an integer type
 * takes their name. */
#if defined(__cplusplus)
#define PM_ENUM(type) : type
#define PM_ENUM_NAME(name, type) static_assert(sizeof(name) == sizeof(type), "")
#elif __STDC_VERSION__ >= 202311L
#define PM_ENUM(type) : type
#define PM_ENUM_NAME(name, type) typedef enum name name
#else
#define PM_ENUM(type)
#define PM_ENUM_NAME(name, type) typedef type name
#endif

/** Given as the length of a text: the text ends at its first NUL byte. */
#define PM_NUL_TERMINATED SIZE_MAX

/** What the option structs begin with. */
#define PM_OUTPUT_OPTIONS_INIT {sizeof(pm_output_options), 0, 0, 0, 0}
#define PM_EXTRACTOR_OPTIONS_INIT {sizeof(pm_extractor_options), NULL, NULL, NULL}
#define PM_RUN_OPTIONS_INIT {sizeof(pm_run_options), 0, 0}
#define PM_SUDO_OPTIONS_INIT {sizeof(pm_sudo_options), NULL, NULL, NULL, 0, NULL, NULL, 0, 0, NULL}

/* ---- Types ------------------------------------------------------------------------------------- */

/**
 * What every function that can fail returns: `PM_OK`, a positive code for an outcome that is no
 * error (nothing was written then, neither outputs nor an error), or a negative error code.
 *
 * Codes are never renumbered; new ones may be added.
 */
enum pm_status PM_ENUM(int32_t) {
    /** Done. */
    PM_OK = 0,
    /** The caller's deadline passed first. Nothing was changed by the wait itself. */
    PM_TIMED_OUT = 1,
    /** There is nothing more to come: the end of the output. */
    PM_END = 2,
    /** A pointer that must not be NULL is NULL; the message names the argument. */
    PM_ERROR_NULL_ARGUMENT = -1,
    /** An argument was refused before anything was done; the message names it and says why. */
    PM_ERROR_INVALID_ARGUMENT = -2,
    /** No binary with that name was added to the extractor. */
    PM_ERROR_BINARY_NOT_FOUND = -20,
    /** The manager has no process with that id. */
    PM_ERROR_PROCESS_NOT_FOUND = -21,
    /** The object was closed or has ended, or the stream is not piped. */
    PM_ERROR_CLOSED = -22,
    /** The handle was made before fork() and belongs to the parent process. */
    PM_ERROR_FORKED = -23,
    /** The function was called from a callback that it is itself running. */
    PM_ERROR_REENTRANT = -24,
    /** Another thread is inside the function that one thread at a time may call. */
    PM_ERROR_BUSY = -25,
    /** A bounded resource of this library is used up. */
    PM_ERROR_LIMIT_REACHED = -26,
    /** The process could not be started; pm_error_step() says at which step. */
    PM_ERROR_START_FAILED = -40,
    /** Not started: there is no such program. */
    PM_ERROR_PROGRAM_NOT_FOUND = -41,
    /** Not started: the interpreter that the program names does not exist. */
    PM_ERROR_INTERPRETER_NOT_FOUND = -42,
    /** Not started: the program is a directory. */
    PM_ERROR_IS_A_DIRECTORY = -43,
    /** Not started: the program has no execute permission, or is on a file system without it. */
    PM_ERROR_NOT_EXECUTABLE = -44,
    /** Not started: the file is not something that this machine can execute. */
    PM_ERROR_BAD_FORMAT = -45,
    /** Not started: the working directory does not exist or cannot be entered. */
    PM_ERROR_WORKING_DIRECTORY = -46,
    /** Not started: a limit of the system or the user was reached. */
    PM_ERROR_RESOURCE_LIMIT = -47,
    /** The process, or a part of its tree, was still alive at the deadline of the stop. */
    PM_ERROR_STOP_FAILED = -50,
    /** A binary could not be extracted. No partial file is left. */
    PM_ERROR_EXTRACTION_FAILED = -51,
    /** A system call failed; pm_error_errno() has its number. */
    PM_ERROR_IO = -52,
    /** sudo refused the password, or refused to ask for one. */
    PM_ERROR_AUTHENTICATION_FAILED = -53,
    /** The kernel, the machine or the configuration does not offer what was demanded. */
    PM_ERROR_UNSUPPORTED = -54,
    /** A defect of this library. The call had no effect that can be relied on. */
    PM_ERROR_PANIC = -90,
    /** A failure that this version of the C interface has no code for; see the message. */
    PM_ERROR_OTHER = -91,
};
PM_ENUM_NAME(pm_status, int32_t);

/** Why a start through sudo failed before the command was tried. */
enum pm_sudo_error PM_ENUM(uint32_t) {
    /** The error is not about sudo. */
    PM_SUDO_ERROR_NONE = 0,
    /** There is no sudo at the trusted places that is root's, setuid, and closed to others. */
    PM_SUDO_ERROR_NOT_FOUND = 1,
    /** The host runs with no-new-privileges: no program can become another user. */
    PM_SUDO_ERROR_NO_NEW_PRIVILEGES = 2,
    /** The host is in a user namespace that does not know sudo's owner. */
    PM_SUDO_ERROR_USER_NAMESPACE = 3,
    /** Sudo ended without asking for a password. */
    PM_SUDO_ERROR_NOT_PERMITTED = 4,
    /** The password was wrong. One attempt was used. */
    PM_SUDO_ERROR_PASSWORD_REJECTED = 5,
    /**
     * Sudo was given the password, took it, and did not start the command: the user may not do
     * this. Where only one attempt is allowed (`passwd_tries=1`), a wrong password is told from
     * this by the delay of PAM that follows it; with that turned off, it is reported as this.
     */
    PM_SUDO_ERROR_REFUSED = 6,
    /**
     * Sudo did neither ask for the password nor start the command in time, or asked for something
     * else (an expired password, a second factor).
     */
    PM_SUDO_ERROR_TIMED_OUT = 7,
    /** Sudo asked, and there was no password to give. */
    PM_SUDO_ERROR_NO_PASSWORD = 8,
    /** What sudo started is not what it was asked to start, or runs as another user. */
    PM_SUDO_ERROR_NO_RELAY = 9,
    /** Something that this version of the C interface has no name for. */
    PM_SUDO_ERROR_OTHER = 10,
};
PM_ENUM_NAME(pm_sudo_error, uint32_t);

/** Where the executables of an extractor are. */
enum pm_location PM_ENUM(uint32_t) {
    /** There is no directory yet, or it is not known: a NULL handle. */
    PM_LOCATION_NONE = 0,
    /** In a private directory in the base directory. */
    PM_LOCATION_BASE = 1,
    /** In a private directory elsewhere: the base directory cannot be used. */
    PM_LOCATION_FALLBACK = 2,
    /** In sealed memory (memfd_create(2)): no directory allows execution. */
    PM_LOCATION_MEMORY = 3,
};
PM_ENUM_NAME(pm_location, uint32_t);

/** Where a process stands. */
enum pm_state PM_ENUM(uint32_t) {
    /** Not known: a NULL handle, or a state that this version of the C interface has no name for. */
    PM_STATE_UNKNOWN = 0,
    /** Accepted and not yet running. */
    PM_STATE_PENDING = 1,
    /** Started, and its end has not been seen. */
    PM_STATE_RUNNING = 2,
    /** Ended by itself with code 0, or because this library was asked to end it. */
    PM_STATE_STOPPED = 3,
    /** Ended with another code, by a signal that this library did not send, or by its timeout. */
    PM_STATE_FAILED = 4,
};
PM_ENUM_NAME(pm_state, uint32_t);

/** How a process ended. */
enum pm_exit_kind PM_ENUM(uint32_t) {
    /** It has not ended. */
    PM_EXIT_NONE = 0,
    /** It ended by itself; `code` holds its exit code. */
    PM_EXIT_CODE = 1,
    /** A signal ended it; `signal` holds its number. */
    PM_EXIT_SIGNAL = 2,
    /** It ended, but somebody else took its status. */
    PM_EXIT_UNKNOWN = 3,
};
PM_ENUM_NAME(pm_exit_kind, uint32_t);

/** How surely the descendants of a process are held. */
enum pm_containment PM_ENUM(uint32_t) {
    /** Not known: a NULL handle, or a level that this version of the C interface has no name for. */
    PM_CONTAINMENT_UNKNOWN = 0,
    /** Only the process itself. */
    PM_CONTAINMENT_PROCESS = 1,
    /** Its process group: descendants that leave the group escape. */
    PM_CONTAINMENT_GROUP = 2,
    /** A guard process that is the parent of the whole tree; emptiness is proven. */
    PM_CONTAINMENT_GUARD = 3,
    /** A control group of its own; emptiness is proven. */
    PM_CONTAINMENT_CGROUP = 4,
    /**
     * A PID namespace of its own (pid_namespaces(7)): the kernel ends all that is in it. Never
     * chosen unless demanded: the command has process ids of its own, but the host's /proc. Needs
     * CAP_SYS_ADMIN.
     */
    PM_CONTAINMENT_PIDNS = 5,
};
PM_ENUM_NAME(pm_containment, uint32_t);

/** Why a run ended. */
enum pm_run_end PM_ENUM(uint32_t) {
    /** The process has ended; its info says how. Also the answer for NULL. */
    PM_RUN_COMPLETE = 0,
    /** The deadline passed, and the tree was killed. */
    PM_RUN_TIMED_OUT = 1,
    /** It wrote more than was allowed, and the tree was killed. */
    PM_RUN_OUTPUT_LIMIT = 2,
    /** Something that this version of the C interface has no name for. */
    PM_RUN_OTHER = 3,
};
PM_ENUM_NAME(pm_run_end, uint32_t);

/** What a record is. */
enum pm_record_kind PM_ENUM(uint32_t) {
    /** A line; `line` holds its bytes without the newline. */
    PM_RECORD_LINE = 1,
    /**
     * A part of a line: it was longer than the limit, or was cut by a gap, or the output ended
     * without a newline. `line` holds its bytes.
     */
    PM_RECORD_PARTIAL_LINE = 2,
    /**
     * Output that was dropped before it could be delivered, as the output policy says; the
     * fields beginning with `lost` count it.
     */
    PM_RECORD_GAP = 3,
    /** Raw output, as it was read, from pm_output_next_bytes(); `line` holds it, newlines and all. */
    PM_RECORD_BYTES = 4,
};
PM_ENUM_NAME(pm_record_kind, uint32_t);

/** The output stream that something came from. */
enum pm_source PM_ENUM(uint32_t) {
    /** Standard output; also standard error where that was merged into it. */
    PM_SOURCE_STDOUT = 1,
    /** Standard error. */
    PM_SOURCE_STDERR = 2,
};
PM_ENUM_NAME(pm_source, uint32_t);

/** What happened. */
enum pm_event_kind PM_ENUM(uint32_t) {
    /** Something that this version of the C interface has no name for. */
    PM_EVENT_OTHER = 0,
    /** The process was started. */
    PM_EVENT_STARTED = 1,
    /** A stop was accepted. */
    PM_EVENT_STOP_REQUESTED = 2,
    /** Nobody read its output in time; the oldest of it is being dropped. */
    PM_EVENT_STALLED = 3,
    /** The process itself ended; `exit` says how. Output may still come. */
    PM_EVENT_EXITED = 4,
    /** A silent output pipe was given up after the end: somebody else still holds it. */
    PM_EVENT_OUTPUT_HELD = 5,
    /** Process, descendants and output have ended: nothing more will come. */
    PM_EVENT_CLOSED = 6,
    /** `missed` events went because they were not polled in time; `process` is all zero. */
    PM_EVENT_MISSED = 7,
    /** The guard of the process was killed; what could be found of its tree was killed too. */
    PM_EVENT_CONTAINMENT_LOST = 8,
};
PM_ENUM_NAME(pm_event_kind, uint32_t);

/** A standard stream of a child, by its number. */
enum pm_stream PM_ENUM(uint32_t) {
    /** Standard input. */
    PM_STDIN = 0,
    /** Standard output. */
    PM_STDOUT = 1,
    /** Standard error. */
    PM_STDERR = 2,
};
PM_ENUM_NAME(pm_stream, uint32_t);

/** Where a standard stream of a child comes from or goes to. */
enum pm_stdio PM_ENUM(uint32_t) {
    /** /dev/null. The default of standard input. */
    PM_STDIO_NULL = 0,
    /**
     * A pipe of this library: input is written with pm_process_write(), output is captured. The
     * default of standard output and standard error.
     */
    PM_STDIO_PIPE = 1,
    /** The host's own stream of the same number. */
    PM_STDIO_INHERIT = 2,
    /** For standard error only: wherever standard output goes, in true order of writing. */
    PM_STDIO_MERGE = 3,
};
PM_ENUM_NAME(pm_stdio, uint32_t);

/** Which process group and session a child gets. */
enum pm_group PM_ENUM(uint32_t) {
    /** A process group of its own. The default. */
    PM_GROUP_OWN = 0,
    /** A session of its own, and with it a group; no controlling terminal. */
    PM_GROUP_SESSION = 1,
    /** The host's group: terminal signals reach it, and stopping reaches the process only. */
    PM_GROUP_HOST = 2,
};
PM_ENUM_NAME(pm_group, uint32_t);

/** What happens when the output that is kept for readers reaches its limit. */
enum pm_output_policy PM_ENUM(uint32_t) {
    /** As `PM_OUTPUT_BLOCK` while somebody is reading, as `PM_OUTPUT_DROP_OLDEST` else. The default. */
    PM_OUTPUT_AUTO = 0,
    /** The child waits until a reader has made room. */
    PM_OUTPUT_BLOCK = 1,
    /** The oldest output goes, counted in a gap record. */
    PM_OUTPUT_DROP_OLDEST = 2,
    /** The tree is killed. */
    PM_OUTPUT_KILL = 3,
};
PM_ENUM_NAME(pm_output_policy, uint32_t);

/** What letting go of the last handle of a running process does. */
enum pm_on_drop PM_ENUM(uint32_t) {
    /** The tree is killed. The default. */
    PM_ON_DROP_KILL = 0,
    /** The process runs on, unwatched. */
    PM_ON_DROP_DETACH = 1,
};
PM_ENUM_NAME(pm_on_drop, uint32_t);

/** What happens to descendants that outlive the process itself. */
enum pm_descendants PM_ENUM(uint32_t) {
    /** They are ended. The default. */
    PM_DESCENDANTS_END = 0,
    /** They are left alone. */
    PM_DESCENDANTS_LEAVE = 1,
};
PM_ENUM_NAME(pm_descendants, uint32_t);

/** How much a message matters. */
enum pm_log_level PM_ENUM(uint32_t) {
    /** Nothing at all. */
    PM_LOG_OFF = 0,
    /** Something failed that nobody else can be told of. */
    PM_LOG_ERROR = 1,
    /** Something is not as it should be. */
    PM_LOG_WARN = 2,
    /** What happens, in large. */
    PM_LOG_INFO = 3,
    /** What happens, for those who search a mistake. */
    PM_LOG_DEBUG = 4,
    /** Everything. */
    PM_LOG_TRACE = 5,
};
PM_ENUM_NAME(pm_log_level, uint32_t);

/** How sudo is used. */
enum pm_sudo_mode PM_ENUM(uint32_t) {
    /**
     * Sudo starts a helper of this library, which starts the command: everything works as without
     * sudo. The sudoers file must allow any command. The default.
     */
    PM_SUDO_RELAY = 0,
    /**
     * Sudo starts the command itself, for sudoers files that allow only named commands. The
     * guarantees are weaker: the process that is watched is sudo; sudo hands on signals that can
     * be caught, to the command alone; what runs as the other user cannot be killed, and is named
     * in the error of the stop; it can outlive the host.
     */
    PM_SUDO_DIRECT = 1,
};
PM_ENUM_NAME(pm_sudo_mode, uint32_t);

/**
 * What to start and how: a program and options. Starting copies it, so that one command can be
 * started many times. Unless an option says otherwise: standard input is empty, standard output
 * and standard error are captured apart, the process gets a process group of its own, and the
 * environment and working directory of the host.
 */
typedef struct pm_command pm_command;

/**
 * What went wrong in one call. Written through the last argument of the functions that can fail,
 * if that is not NULL and the status is negative; freed by the caller with pm_error_free().
 * Immutable: any number of threads may read one.
 */
typedef struct pm_error pm_error;

/** The events of a manager from the moment on at which this was made. Any number can exist. */
typedef struct pm_events pm_events;

/**
 * Owns a private directory (mode 0700) and the executables extracted into it. A shared handle:
 * managers over it keep it, and the directory goes, with all that is in it, with the last of them.
 */
typedef struct pm_extractor pm_extractor;

/** The facts about one process at one moment. Immutable; it does not follow the process. */
typedef struct pm_info pm_info;

/** The facts about several processes at one moment, in the order of their starts. */
typedef struct pm_info_list pm_info_list;

/**
 * A registry of processes over one extractor: it starts, lists, polls and stops them. A shared
 * handle. When the last owner frees it, every process that the program holds no pm_process of is
 * ended as its command says (by default its tree is killed).
 */
typedef struct pm_manager pm_manager;

/** An immutable list of texts, each NUL-terminated. */
typedef struct pm_names pm_names;

/**
 * A reader of the output of one process, at its own place in it. There can be any number; each
 * begins at the oldest output that is kept. It holds output, not the process.
 */
typedef struct pm_output pm_output;

/**
 * The handle of one process. A shared handle; there can be several of one process. With the last
 * owner its callbacks go. A process that no handle and no manager holds any more is ended as its
 * command says, by default by killing its tree.
 */
typedef struct pm_process pm_process;

/** What a run left: how the process ended, and what it wrote. Immutable. */
typedef struct pm_run_result pm_run_result;

/**
 * The events and the output of all processes of a manager, in one order: all output of a process
 * comes before its `PM_EVENT_CLOSED`. Processes that run already take part with the output that
 * is kept.
 */
typedef struct pm_watch pm_watch;

/**
 * How an extractor is made. Begin with `PM_EXTRACTOR_OPTIONS_INIT`; NULL means the default. What
 * the pointers lead to is used during the call only.
 */
typedef struct {
    /** The size of this struct: fields may be added at its end. */
    size_t struct_size;
    /**
     * The directory, which must exist, in which the private directory is made. Default `TMPDIR`,
     * or /tmp.
     */
    const char *base;
    /**
     * How the private directory's name begins, in UTF-8. Extractors remove what killed programs
     * left under their own prefix. Default process_manager.
     */
    const char *prefix;
    /**
     * The directories tried in this order where the base directory is mounted noexec; memory is
     * next. An array that ends with NULL. Default `XDG_RUNTIME_DIR`, /tmp, /dev/shm, /var/tmp,
     * `$HOME/.cache`.
     */
    const char *const *fallbacks;
} pm_extractor_options;

/** A view of bytes that somebody else owns; `data` may be NULL where `len` is 0. Not terminated. */
typedef struct {
    /** The first byte. */
    const uint8_t *data;
    /** The number of bytes. */
    size_t len;
} pm_bytes;

/** One step of a stop: a signal, and how long to wait for the tree to end before the next step. */
typedef struct {
    /** Signal number, 1 to 64. */
    int32_t signal;
    /** How long to wait after it, in milliseconds. */
    uint32_t grace_ms;
} pm_stop_step;

/** How captured output is kept. Begin with `PM_OUTPUT_OPTIONS_INIT`; 0 means the default. */
typedef struct {
    /** The size of this struct: fields may be added at its end. */
    size_t struct_size;
    /** Bytes of output kept for readers, per process, at least 4096. Default 1 MiB. */
    size_t limit;
    /** The longest line in bytes; a longer one comes in parts. Default 1 MiB. */
    size_t max_line;
    /** One of pm_output_policy: what happens at the limit. */
    uint32_t policy;
    /**
     * After the end of the process, how long a silent pipe that a stranger still holds is waited
     * for, in milliseconds. Default 1000.
     */
    uint32_t drain_ms;
} pm_output_options;

/** The id of a process: a UUID of version 7, so that ids sort by start. All zero: none. */
typedef struct {
    /** The bytes in the order in which the text form shows them. */
    uint8_t bytes[16];
} pm_id;

/** How a process ended, in full. Code and signal are never mixed. */
typedef struct {
    /** Which of the fields below count. */
    pm_exit_kind kind;
    /** The exit code, 0 to 255; -1 unless `kind` is `PM_EXIT_CODE`. */
    int32_t code;
    /** The signal's number; 0 unless `kind` is `PM_EXIT_SIGNAL`. */
    int32_t signal;
    /** 1 if the kernel wrote a core dump, else 0. */
    uint32_t core_dumped;
} pm_exit;

/** How a run is bounded. Begin with `PM_RUN_OPTIONS_INIT`; 0 means the default. */
typedef struct {
    /** The size of this struct: fields may be added at its end. */
    size_t struct_size;
    /** The whole run's deadline in milliseconds. Default none. */
    uint64_t timeout_ms;
    /** The most bytes collected of each stream; with one more the run is ended. Default 64 MiB. */
    size_t max_output;
} pm_run_options;

/** One line, or one gap, of a process's output. The struct is part of the ABI and never changes. */
typedef struct {
    /** What it is. */
    pm_record_kind kind;
    /** The stream that it came from. */
    pm_source source;
    /** The line, untouched but for the newline; not terminated. Empty for a gap. */
    pm_bytes line;
    /**
     * Orders the records of both streams: the number of bytes that the process had written when
     * this record was complete. 0 for raw output.
     */
    uint64_t sequence;
    /** When it was read, in nanoseconds since 1970 (UTC); 0 for a gap in raw output. */
    int64_t time;
    /** Bytes dropped; 0 unless this is a gap. */
    uint64_t lost_bytes;
    /** Newlines among them. */
    uint64_t lost_lines;
} pm_record;

/**
 * Called for each line or gap of a process's output, in the order in which they were read.
 *
 * process: which process. record: borrows; valid until the function returns. user_data: as it was
 * registered.
 */
typedef void (*pm_output_callback)(pm_id process, const pm_record *record, void *user_data);

/**
 * Called once with the user data of a callback, after its last call has returned; also when the
 * registration failed, and then before that function returns.
 */
typedef void (*pm_destroy_callback)(void *user_data);

/**
 * Called once, when a process has ended and the last of its output was delivered.
 *
 * process: which process. exit: borrows; valid until the function returns. user_data: as it was
 * registered.
 */
typedef void (*pm_exit_callback)(pm_id process, const pm_exit *exit, void *user_data);

/** One event. This library makes it; fields may be added at its end. */
typedef struct {
    /** The process. */
    pm_id process;
    /** What happened. */
    pm_event_kind kind;
    /** How the process ended; of kind `PM_EXIT_NONE` unless this is `PM_EVENT_EXITED`. */
    pm_exit exit;
    /** Events that went; 0 unless this is `PM_EVENT_MISSED`. */
    uint64_t missed;
    /** When this library saw it, in nanoseconds since 1970 (UTC). */
    int64_t time;
} pm_event;

/**
 * Called for each event of a manager.
 *
 * event: borrows; valid until the function returns. user_data: as it was registered.
 */
typedef void (*pm_event_callback)(const pm_event *event, void *user_data);

/**
 * What happened to a process, or what it wrote: one of the two. The struct is part of the ABI and
 * never changes.
 */
typedef struct {
    /** The process; all zero for `PM_EVENT_MISSED`. */
    pm_id process;
    /** What happened; NULL where it is output. */
    const pm_event *event;
    /** A line, or a gap; NULL where it is an event. */
    const pm_record *record;
} pm_watch_item;

/**
 * Called for the password, at most once, inside the call that starts, on its thread, and only when
 * sudo really asks. It must not call functions on the same manager.
 *
 * buffer: borrows; where the password goes, at most `capacity` bytes; the library wipes it. len:
 * the number of bytes written there. user_data: as in the options. Returns false to cancel: the
 * start then fails with `PM_SUDO_ERROR_NO_PASSWORD`.
 */
typedef bool (*pm_password_callback)(uint8_t *buffer, size_t capacity, size_t *len, void *user_data);

/**
 * How to start as another user. Begin with `PM_SUDO_OPTIONS_INIT`; 0 and NULL mean the default.
 * What the pointers lead to is used during the call only.
 */
typedef struct {
    /** The size of this struct: fields may be added at its end. */
    size_t struct_size;
    /** The user: a name, or `#` and a number, in UTF-8. Default root. */
    const char *user;
    /** The group: a name, or `#` and a number, in UTF-8. Default the user's own. */
    const char *group;
    /**
     * The password: `password_len` bytes, at most 511, without line ends and NUL. It is copied
     * into memory that is neither dumped nor inherited, and wiped after use; the caller wipes its
     * own. Default none.
     */
    const uint8_t *password;
    /** The number of bytes of `password`; an empty password is a pointer with length 0. */
    size_t password_len;
    /** The function that is asked for the password instead. Default none. */
    pm_password_callback ask;
    /** Given to `ask`. */
    void *ask_data;
    /** One of pm_sudo_mode. */
    uint32_t mode;
    /**
     * How long sudo may take until the command starts, in milliseconds. The time that `ask` takes
     * does not count. Default 30000.
     */
    uint32_t timeout_ms;
    /**
     * The names of the host's variables that the command gets, beside those that it sets itself;
     * an array that ends with NULL. In direct mode sudo keeps them beside what it keeps by itself,
     * which the sudoers file must allow (`SETENV`). Default all that it would get without sudo.
     */
    const char *const *preserve_env;
} pm_sudo_options;

/**
 * Called for each message of the library about itself, on the thread where it arises, one at a
 * time; it must not call the library.
 *
 * level: one of pm_log_level. message: borrows; UTF-8. user_data: as it was registered.
 */
typedef void (*pm_log_callback)(uint32_t level, const char *message, void *user_data);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/* ---- Version ----------------------------------------------------------------------------------- */

/**
 * The version of the library that is loaded, as `PM_VERSION_NUMBER` gives that of the header:
 * major * 1000000 + minor * 1000 + patch.
 *
 * Until 1.0 a program needs the minor version it was compiled with; from then on any version
 * with the same major number that is not older.
 *
 * Threads: any thread.
 */
uint32_t pm_version_number(void);

/**
 * The version of the library that is loaded, as text: "0.1.0". It is valid for ever.
 *
 * Threads: any thread.
 */
const char *pm_version_string(void);

/* ---- Status and errors ------------------------------------------------------------------------- */

/**
 * What a status means, in a few words; the error object says more. It is valid for ever. Numbers
 * that are no status give "other error".
 *
 * Threads: any thread.
 */
const char *pm_status_string(int32_t status);

/**
 * The status that came with the error. `PM_OK` for NULL.
 *
 * error: borrows. Threads: any thread.
 */
pm_status pm_error_status(const pm_error *error);

/**
 * The system's error number behind the error; 0 where there is none, and for NULL.
 *
 * error: borrows. Threads: any thread.
 */
int32_t pm_error_errno(const pm_error *error);

/**
 * The whole story in one line of UTF-8, for people: what was refused or failed, and why. Never
 * NULL; "" for NULL. Valid until the error is freed.
 *
 * error: borrows. Threads: any thread.
 */
const char *pm_error_message(const pm_error *error);

/**
 * The step at which a start failed ("chdir", "setuid", "exec" ...); "" where the error is no
 * failed start, and for NULL. Valid until the error is freed.
 *
 * error: borrows. Threads: any thread.
 */
const char *pm_error_step(const pm_error *error);

/**
 * Why sudo did not start the command; `PM_SUDO_ERROR_NONE` unless the status is
 * `PM_ERROR_AUTHENTICATION_FAILED`, and for NULL. What sudo itself said is in the message.
 *
 * error: borrows. Threads: any thread.
 */
pm_sudo_error pm_error_sudo(const pm_error *error);

/**
 * Frees an error. NULL is fine.
 *
 * error: takes. Threads: any thread.
 */
void pm_error_free(pm_error *error);

/* ---- Lists of texts ---------------------------------------------------------------------------- */

/**
 * The number of texts; 0 for NULL.
 *
 * names: borrows. Threads: any thread.
 */
size_t pm_names_count(const pm_names *names);

/**
 * The text at `index`; NULL beyond the last one. Valid until the list is freed.
 *
 * names: borrows. Threads: any thread.
 */
const char *pm_names_get(const pm_names *names, size_t index);

/**
 * Frees a list. NULL is fine.
 *
 * names: takes. Threads: any thread.
 */
void pm_names_free(pm_names *names);

/* ---- Extractor: binaries that the program carries ---------------------------------------------- */

/**
 * Makes an extractor and its directory in `TMPDIR` or /tmp.
 *
 * extractor: returns owned; free with pm_extractor_free().
 * Errors: `PM_ERROR_EXTRACTION_FAILED` where no directory can be made. Threads: any thread.
 */
pm_status pm_extractor_new(pm_extractor **extractor, pm_error **error);

/**
 * As pm_extractor_new(), with the directory made in `base`, which must exist.
 *
 * base: copies; len: its length in bytes or `PM_NUL_TERMINATED`.
 * extractor: returns owned.
 * Errors: `PM_ERROR_INVALID_ARGUMENT`, `PM_ERROR_EXTRACTION_FAILED`. Threads: any thread.
 */
pm_status pm_extractor_new_in(const char *base,
                              size_t len,
                              pm_extractor **extractor,
                              pm_error **error);

/**
 * As pm_extractor_new(), with options.
 *
 * options: copies; NULL: all defaults. extractor: returns owned; free with pm_extractor_free().
 * Errors: `PM_ERROR_INVALID_ARGUMENT`, `PM_ERROR_EXTRACTION_FAILED`. Threads: any thread.
 */
pm_status pm_extractor_new_with(const pm_extractor_options *options,
                                pm_extractor **extractor,
                                pm_error **error);

/**
 * Adds an owner. NULL gives NULL. The result is `extractor`, to be freed once more.
 *
 * extractor: borrows. Threads: any thread.
 */
pm_extractor *pm_extractor_ref(pm_extractor *extractor);

/**
 * Gives up one owner's handle. NULL is fine.
 *
 * extractor: takes. Threads: any thread.
 */
void pm_extractor_free(pm_extractor *extractor);

/**
 * The path of the private directory, valid until the extractor is freed. Never NULL; "" for NULL.
 *
 * extractor: borrows. Threads: any thread.
 */
const char *pm_extractor_directory(const pm_extractor *extractor);

/**
 * Where the executables are.
 *
 * extractor: borrows. Threads: any thread.
 */
pm_location pm_extractor_location(const pm_extractor *extractor);

/**
 * Why every directory before the one in use was refused, for people; "" where the base directory
 * is used or nothing is known yet. Never NULL; valid until the extractor is freed.
 *
 * extractor: borrows. Threads: any thread.
 */
const char *pm_extractor_location_reason(const pm_extractor *extractor);

/**
 * Extracts `data` as the executable `name`. One that has the name already is replaced; processes
 * that run it keep the old one.
 *
 * extractor: borrows. name: copies; UTF-8, one path component; name_len: its length or
 * `PM_NUL_TERMINATED`. data: copies.
 * Errors: `PM_ERROR_INVALID_ARGUMENT`, `PM_ERROR_EXTRACTION_FAILED` (also for empty data),
 * `PM_ERROR_FORKED`; nothing is left then. Threads: any thread.
 */
pm_status pm_extractor_add_binary(pm_extractor *extractor,
                                  const char *name,
                                  size_t name_len,
                                  const uint8_t *data,
                                  size_t data_len,
                                  pm_error **error);

/**
 * Extracts a copy of the regular file `path` as the executable `name`.
 *
 * extractor: borrows. name, path: copies; each with its length or `PM_NUL_TERMINATED`.
 * Errors: as pm_extractor_add_binary(); `PM_ERROR_INVALID_ARGUMENT` where `path` is not a file
 * that can be read. Threads: any thread.
 */
pm_status pm_extractor_add_file(pm_extractor *extractor,
                                const char *name,
                                size_t name_len,
                                const char *path,
                                size_t path_len,
                                pm_error **error);

/**
 * As pm_extractor_add_binary(), and refuses data whose SHA-256 is not `sha256`.
 *
 * sha256: borrows; 64 hexadecimal digits, NUL-terminated.
 * Errors: as there; `PM_ERROR_EXTRACTION_FAILED` where the sums differ. Threads: any thread.
 */
pm_status pm_extractor_add_verified(pm_extractor *extractor,
                                    const char *name,
                                    size_t name_len,
                                    const uint8_t *data,
                                    size_t data_len,
                                    const char *sha256,
                                    pm_error **error);

/**
 * As pm_extractor_add_file(), and refuses a file whose SHA-256 is not `sha256`.
 *
 * sha256: borrows; 64 hexadecimal digits, NUL-terminated.
 * Errors: as there; `PM_ERROR_EXTRACTION_FAILED` where the sums differ. Threads: any thread.
 */
pm_status pm_extractor_add_file_verified(pm_extractor *extractor,
                                         const char *name,
                                         size_t name_len,
                                         const char *path,
                                         size_t path_len,
                                         const char *sha256,
                                         pm_error **error);

/**
 * As pm_extractor_add_binary(), with what a descriptor yields up to its end, read from where it
 * stands. It blocks for as long as that takes.
 *
 * extractor: borrows. name: copies; name_len: its length or `PM_NUL_TERMINATED`. fd: borrows.
 * Errors: as pm_extractor_add_binary(); `PM_ERROR_INVALID_ARGUMENT` where it is no descriptor.
 * Threads: any thread.
 */
pm_status pm_extractor_add_fd(pm_extractor *extractor,
                              const char *name,
                              size_t name_len,
                              int32_t fd,
                              pm_error **error);

/**
 * Extracts several binaries, all or none: they get their names when the last one is written.
 *
 * extractor: borrows. names: copies; `count` NUL-terminated texts in UTF-8. data: copies; `count`
 * views of what each is.
 * Errors: as pm_extractor_add_binary(), for the first that fails. Threads: any thread.
 */
pm_status pm_extractor_add_multiple_binaries(pm_extractor *extractor,
                                             const char *const *names,
                                             const pm_bytes *data,
                                             size_t count,
                                             pm_error **error);

/**
 * Removes a binary. Processes that run it keep it.
 *
 * extractor: borrows. name: borrows; len: its length or `PM_NUL_TERMINATED`.
 * Errors: `PM_ERROR_BINARY_NOT_FOUND`. Threads: any thread.
 */
pm_status pm_extractor_remove(pm_extractor *extractor,
                              const char *name,
                              size_t len,
                              pm_error **error);

/**
 * The names of all binaries, sorted.
 *
 * extractor: borrows. names: returns owned; free with pm_names_free().
 * Errors: `PM_ERROR_FORKED`. Threads: any thread.
 */
pm_status pm_extractor_list(const pm_extractor *extractor, pm_names **names, pm_error **error);

/**
 * The path of a binary.
 *
 * extractor: borrows. name: borrows; len: its length or `PM_NUL_TERMINATED`.
 * path: returns owned, as a list of one; free with pm_names_free().
 * Errors: `PM_ERROR_BINARY_NOT_FOUND`. Threads: any thread.
 */
pm_status pm_extractor_path(const pm_extractor *extractor,
                            const char *name,
                            size_t len,
                            pm_names **path,
                            pm_error **error);

/* ---- Command: what to start and how ------------------------------------------------------------ */

/**
 * A command for a program on this machine.
 *
 * program: copies; a path, or a name that is looked up in `PATH`; len: its length or
 * `PM_NUL_TERMINATED`. command: returns owned; free with pm_command_free().
 * Errors: none but NULL arguments; what cannot be started is refused by the start. Threads: any
 * thread.
 */
pm_status pm_command_new(const char *program, size_t len, pm_command **command, pm_error **error);

/**
 * A command for a binary of the manager's extractor.
 *
 * name: copies; UTF-8, as given to the extractor; len: its length or `PM_NUL_TERMINATED`.
 * command: returns owned; free with pm_command_free().
 * Errors: `PM_ERROR_INVALID_ARGUMENT` where the name is not UTF-8. Threads: any thread.
 */
pm_status pm_command_new_binary(const char *name,
                                size_t len,
                                pm_command **command,
                                pm_error **error);

/**
 * Frees a command; processes started from it are not touched. NULL is fine.
 *
 * command: takes. Threads: one at a time per object.
 */
void pm_command_free(pm_command *command);

/**
 * Sets the name for people, which appears in the process's info and in messages; the program's
 * file name if never set.
 *
 * command: borrows. name: copies; UTF-8; len: its length or `PM_NUL_TERMINATED`.
 * Errors: `PM_ERROR_INVALID_ARGUMENT`. Threads: one at a time per object.
 */
pm_status pm_command_set_name(pm_command *command, const char *name, size_t len, pm_error **error);

/**
 * Sets the name that the program sees as its own (`argv[0]`); the program as it was named if never
 * set.
 *
 * command: borrows. arg0: copies; len: its length or `PM_NUL_TERMINATED`.
 * Errors: none but NULL arguments. Threads: one at a time per object.
 */
pm_status pm_command_set_arg0(pm_command *command, const char *arg0, size_t len, pm_error **error);

/**
 * Adds one argument; the program's own name is not one of them.
 *
 * command: borrows. arg: copies; bytes as they are, a NUL among them is refused by the start;
 * len: its length or `PM_NUL_TERMINATED`.
 * Errors: none but NULL arguments. Threads: one at a time per object.
 */
pm_status pm_command_add_arg(pm_command *command, const char *arg, size_t len, pm_error **error);

/**
 * Adds several arguments.
 *
 * command: borrows. args: copies; an array of NUL-terminated texts that ends with NULL, as
 * `argv` does.
 * Errors: none but NULL arguments. Threads: one at a time per object.
 */
pm_status pm_command_add_args(pm_command *command, const char *const *args, pm_error **error);

/**
 * Sets a variable in the child's environment.
 *
 * command: borrows. name, value: copies; each with its length or `PM_NUL_TERMINATED`. An empty
 * name, a `=` in it or a NUL is refused by the start.
 * Errors: none but NULL arguments. Threads: one at a time per object.
 */
pm_status pm_command_set_env(pm_command *command,
                             const char *name,
                             size_t name_len,
                             const char *value,
                             size_t value_len,
                             pm_error **error);

/**
 * Removes a variable of the host from the child's environment.
 *
 * command: borrows. name: copies; len: its length or `PM_NUL_TERMINATED`.
 * Errors: none but NULL arguments. Threads: one at a time per object.
 */
pm_status pm_command_remove_env(pm_command *command,
                                const char *name,
                                size_t len,
                                pm_error **error);

/**
 * Gives the child none of the host's variables, and forgets those that were set before.
 *
 * command: borrows. Errors: none but NULL arguments. Threads: one at a time per object.
 */
pm_status pm_command_clear_env(pm_command *command, pm_error **error);

/**
 * Sets the child's working directory; the host's if never set.
 *
 * command: borrows. directory: copies; len: its length or `PM_NUL_TERMINATED`.
 * Errors: none but NULL arguments; the start says whether it can be entered. Threads: one at a
 * time per object.
 */
pm_status pm_command_set_directory(pm_command *command,
                                   const char *directory,
                                   size_t len,
                                   pm_error **error);

/**
 * Says where a standard stream of the child comes from or goes to.
 *
 * command: borrows. stream: one of pm_stream. stdio: one of pm_stdio. Errors:
 * `PM_ERROR_INVALID_ARGUMENT`. Threads: one at a time per object.
 */
pm_status pm_command_set_stdio(pm_command *command,
                               uint32_t stream,
                               uint32_t stdio,
                               pm_error **error);

/**
 * Connects a standard stream of the child to a file: standard input reads it; output creates it if
 * it is missing, and truncates it unless `append`. The start opens it.
 *
 * command: borrows. stream: one of pm_stream. path: copies; len: its length or
 * `PM_NUL_TERMINATED`. Errors: `PM_ERROR_INVALID_ARGUMENT`. Threads: one at a time per object.
 */
pm_status pm_command_set_stdio_file(pm_command *command,
                                    uint32_t stream,
                                    const char *path,
                                    size_t len,
                                    bool append,
                                    pm_error **error);

/**
 * Connects a standard stream of the child to a duplicate of a descriptor of the host.
 *
 * command: borrows. stream: one of pm_stream. fd: copies. Errors:
 * `PM_ERROR_INVALID_ARGUMENT`. Threads: one at a time per object.
 */
pm_status pm_command_set_stdio_fd(pm_command *command,
                                  uint32_t stream,
                                  int32_t fd,
                                  pm_error **error);

/**
 * Feeds these bytes to the child's standard input, then ends it.
 *
 * command: borrows. data: copies. Errors: none but NULL arguments. Threads: one at a time per
 * object.
 */
pm_status pm_command_set_input(pm_command *command,
                               const uint8_t *data,
                               size_t len,
                               pm_error **error);

/**
 * Gives the child a duplicate of the host's descriptor `fd` under the number `target`, which is 3 or
 * more and used once; the start refuses others.
 *
 * command: borrows. fd: copies. Errors: `PM_ERROR_INVALID_ARGUMENT`. Threads: one at a time per
 * object.
 */
pm_status pm_command_add_fd(pm_command *command,
                            int32_t fd,
                            int32_t target,
                            pm_error **error);

/**
 * Sets which process group and session the child gets.
 *
 * command: borrows. group: one of pm_group. Errors: `PM_ERROR_INVALID_ARGUMENT`. Threads: one at a
 * time per object.
 */
pm_status pm_command_set_group(pm_command *command, uint32_t group, pm_error **error);

/**
 * Sets a resource limit: an `RLIMIT_` number, the soft and the hard value; `UINT64_MAX` is unlimited.
 *
 * command: borrows. Errors: none but NULL arguments. Threads: one at a time per object.
 */
pm_status pm_command_add_rlimit(pm_command *command,
                                uint32_t resource,
                                uint64_t soft,
                                uint64_t hard,
                                pm_error **error);

/**
 * Sets the child's nice value, -20 (favoured) to 19; the start refuses others.
 *
 * command: borrows. Errors: none but NULL arguments. Threads: one at a time per object.
 */
pm_status pm_command_set_nice(pm_command *command, int32_t nice, pm_error **error);

/**
 * Sets the child's file mode creation mask, 0 to 0777; the start refuses others.
 *
 * command: borrows. Errors: none but NULL arguments. Threads: one at a time per object.
 */
pm_status pm_command_set_umask(pm_command *command, uint32_t umask, pm_error **error);

/**
 * Sets the CPUs that the child may use.
 *
 * command: borrows. cpus: copies; `count` numbers, from 0. Errors: none but NULL arguments.
 * Threads: one at a time per object.
 */
pm_status pm_command_set_cpus(pm_command *command,
                              const uint32_t *cpus,
                              size_t count,
                              pm_error **error);

/**
 * Sets the user that the child runs as. Needs privileges.
 *
 * command: borrows. Errors: none but NULL arguments. Threads: one at a time per object.
 */
pm_status pm_command_set_uid(pm_command *command, uint32_t uid, pm_error **error);

/**
 * Sets the group that the child runs as. Needs privileges.
 *
 * command: borrows. Errors: none but NULL arguments. Threads: one at a time per object.
 */
pm_status pm_command_set_gid(pm_command *command, uint32_t gid, pm_error **error);

/**
 * Sets the supplementary groups of the child; with a user and without this call it has none.
 *
 * command: borrows. gids: copies; `count` of them. Errors: none but NULL arguments. Threads: one
 * at a time per object.
 */
pm_status pm_command_set_groups(pm_command *command,
                                const uint32_t *gids,
                                size_t count,
                                pm_error **error);

/**
 * Stops the process by its steps when it has run this long; it then counts as failed.
 *
 * command: borrows. Errors: none but NULL arguments. Threads: one at a time per object.
 */
pm_status pm_command_set_timeout(pm_command *command, uint64_t timeout_ms, pm_error **error);

/**
 * Sets how the process is stopped: each step's signal, then its grace; SIGKILL follows by itself. With
 * no steps it is killed at once. If never set: SIGTERM, 5 s, SIGKILL.
 *
 * command: borrows. steps: copies; `count` of them. Errors: `PM_ERROR_INVALID_ARGUMENT`. Threads:
 * one at a time per object.
 */
pm_status pm_command_set_stop(pm_command *command,
                              const pm_stop_step *steps,
                              size_t count,
                              pm_error **error);

/**
 * Sets how captured output is kept.
 *
 * command: borrows. options: copies; NULL: all defaults. Errors: `PM_ERROR_INVALID_ARGUMENT`.
 * Threads: one at a time per object.
 */
pm_status pm_command_set_output(pm_command *command,
                                const pm_output_options *options,
                                pm_error **error);

/**
 * Sets what letting go of the last handle of the running process does.
 *
 * command: borrows. policy: one of pm_on_drop. Errors: `PM_ERROR_INVALID_ARGUMENT`. Threads: one
 * at a time per object.
 */
pm_status pm_command_set_on_drop(pm_command *command, uint32_t policy, pm_error **error);

/**
 * Sets what happens to descendants that outlive the process itself.
 *
 * command: borrows. descendants: one of pm_descendants. Errors: `PM_ERROR_INVALID_ARGUMENT`.
 * Threads: one at a time per object.
 */
pm_status pm_command_set_descendants(pm_command *command, uint32_t descendants, pm_error **error);

/**
 * Demands a level of containment: the start fails with `PM_ERROR_UNSUPPORTED` where it cannot be had.
 *
 * command: borrows. level: one of pm_containment, from `PM_CONTAINMENT_PROCESS`. Errors:
 * `PM_ERROR_INVALID_ARGUMENT`. Threads: one at a time per object.
 */
pm_status pm_command_set_containment(pm_command *command,
                                     uint32_t level,
                                     pm_error **error);

/* ---- Info: the facts about a process ----------------------------------------------------------- */

/**
 * The process's id; all zero for NULL.
 *
 * info: borrows. Threads: any thread.
 */
pm_id pm_info_id(const pm_info *info);

/**
 * The name that the caller gave the process, as UTF-8. Never NULL; "" for NULL. Valid until the
 * info is freed.
 *
 * info: borrows. Threads: any thread.
 */
const char *pm_info_name(const pm_info *info);

/**
 * The program, as the caller named it. Never NULL; "" for NULL. Valid until the info is freed.
 *
 * info: borrows. Threads: any thread.
 */
const char *pm_info_program(const pm_info *info);

/**
 * The process id of the system, 0 if there was none yet. After the end the number may belong to
 * somebody else.
 *
 * info: borrows. Threads: any thread.
 */
uint32_t pm_info_pid(const pm_info *info);

/**
 * Where the process stands; `PM_STATE_UNKNOWN` for NULL.
 *
 * info: borrows. Threads: any thread.
 */
pm_state pm_info_state(const pm_info *info);

/**
 * How the process ended; of kind `PM_EXIT_NONE` while it has not, and for NULL.
 *
 * info: borrows. exit: written always, unless it is NULL. Threads: any thread.
 */
void pm_info_exit(const pm_info *info, pm_exit *exit);

/**
 * When the process was started, in nanoseconds since 1970 (UTC); 0 if it was not.
 *
 * info: borrows. Threads: any thread.
 */
int64_t pm_info_started_at(const pm_info *info);

/**
 * When the end of the process was seen, in nanoseconds since 1970 (UTC); 0 if it was not.
 *
 * info: borrows. Threads: any thread.
 */
int64_t pm_info_stopped_at(const pm_info *info);

/**
 * True if this library was asked to end the process.
 *
 * info: borrows. Threads: any thread.
 */
bool pm_info_is_stop_requested(const pm_info *info);

/**
 * True if the process's own timeout ended it.
 *
 * info: borrows. Threads: any thread.
 */
bool pm_info_is_timed_out(const pm_info *info);

/**
 * How surely the descendants of the process are held.
 *
 * info: borrows. Threads: any thread.
 */
pm_containment pm_info_containment(const pm_info *info);

/**
 * CPU time in user mode that the ended process used, in microseconds; -1 if not known.
 *
 * info: borrows. Threads: any thread.
 */
int64_t pm_info_user_time(const pm_info *info);

/**
 * CPU time in the kernel that the ended process used, in microseconds; -1 if not known.
 *
 * info: borrows. Threads: any thread.
 */
int64_t pm_info_system_time(const pm_info *info);

/**
 * The most memory that the ended process had resident, in bytes; -1 if not known.
 *
 * info: borrows. Threads: any thread.
 */
int64_t pm_info_max_rss(const pm_info *info);

/**
 * Frees an info that the caller owns (not one from a list). NULL is fine.
 *
 * info: takes. Threads: any thread.
 */
void pm_info_free(pm_info *info);

/**
 * The number of infos; 0 for NULL.
 *
 * list: borrows. Threads: any thread.
 */
size_t pm_info_list_count(const pm_info_list *list);

/**
 * The info at `index`, valid until the list is freed, and not to be freed itself; NULL beyond
 * the last one.
 *
 * list: borrows. Threads: any thread.
 */
const pm_info *pm_info_list_get(const pm_info_list *list, size_t index);

/**
 * Frees a list and its infos. NULL is fine.
 *
 * list: takes. Threads: any thread.
 */
void pm_info_list_free(pm_info_list *list);

/* ---- Manager: many processes ------------------------------------------------------------------- */

/**
 * Makes a manager. It costs nothing until the first process: no thread, no descriptor.
 *
 * extractor: borrows; the manager becomes an owner of it. NULL: the manager gets one of its own,
 * which makes its directory when a binary is added.
 * manager: returns owned; free with pm_manager_free().
 * Errors: none but NULL arguments. Threads: any thread.
 */
pm_status pm_manager_new(pm_extractor *extractor, pm_manager **manager, pm_error **error);

/**
 * Adds an owner. NULL gives NULL. The result is `manager`, to be freed once more.
 *
 * manager: borrows. Threads: any thread.
 */
pm_manager *pm_manager_ref(pm_manager *manager);

/**
 * Gives up one owner's handle; the last one ends the processes, as said at pm_manager, and waits
 * for that for a bounded time. A poll on another thread returns and is waited for; in a callback
 * of the poll, the end comes when the poll returns. NULL is fine.
 *
 * manager: takes. Threads: any thread.
 */
void pm_manager_free(pm_manager *manager);

/**
 * The manager's extractor: binaries can be added and replaced while processes run.
 *
 * manager: borrows. extractor: returns owned; free with pm_extractor_free().
 * Errors: `PM_ERROR_CLOSED`. Threads: any thread.
 */
pm_status pm_manager_extractor(const pm_manager *manager,
                               pm_extractor **extractor,
                               pm_error **error);

/**
 * Starts a process, on this thread, and gives its handle.
 *
 * manager: borrows. command: copies. process: returns owned; free with pm_process_free(), which
 * leaves the process to the manager.
 * Errors: `PM_ERROR_INVALID_ARGUMENT`, `PM_ERROR_BINARY_NOT_FOUND`, those of the start (-40 to
 * -47), `PM_ERROR_FORKED`; nothing is left of the attempt. Threads: any thread.
 */
pm_status pm_manager_start(pm_manager *manager,
                           const pm_command *command,
                           pm_process **process,
                           pm_error **error);

/**
 * The handle of a process of the manager.
 *
 * manager: borrows. process: returns owned; free with pm_process_free().
 * Errors: `PM_ERROR_PROCESS_NOT_FOUND`. Threads: any thread.
 */
pm_status pm_manager_process(const pm_manager *manager,
                             pm_id id,
                             pm_process **process,
                             pm_error **error);

/**
 * The facts about a process of the manager.
 *
 * manager: borrows. info: returns owned; free with pm_info_free().
 * Errors: `PM_ERROR_PROCESS_NOT_FOUND`. Threads: any thread.
 */
pm_status pm_manager_info(const pm_manager *manager, pm_id id, pm_info **info, pm_error **error);

/**
 * The facts about all processes of the manager, or about those that run.
 *
 * manager: borrows. list: returns owned; free with pm_info_list_free().
 * Errors: `PM_ERROR_FORKED`. Threads: any thread.
 */
pm_status pm_manager_list(const pm_manager *manager,
                          bool only_running,
                          pm_info_list **list,
                          pm_error **error);

/**
 * The number of processes that the manager knows, running or ended; 0 for NULL and in a
 * forked copy.
 *
 * manager: borrows. Threads: any thread.
 */
size_t pm_manager_count(const pm_manager *manager);

/**
 * The number of processes of the manager that run; 0 for NULL and in a forked copy.
 *
 * manager: borrows. Threads: any thread.
 */
size_t pm_manager_running_count(const pm_manager *manager);

/**
 * Stops a process and its descendants and waits until they are gone: each step's signal, then its
 * grace, then SIGKILL. One that has ended already is success.
 *
 * manager: borrows. steps: borrows; `count` of them, none: the steps of its command, or
 * SIGTERM and 5 s.
 * Errors: `PM_ERROR_PROCESS_NOT_FOUND`; `PM_ERROR_STOP_FAILED` when something is left five seconds
 * after the last step; `PM_ERROR_FORKED`. Threads: any thread.
 */
pm_status pm_manager_stop(pm_manager *manager,
                          pm_id id,
                          const pm_stop_step *steps,
                          size_t count,
                          pm_error **error);

/**
 * Stops all processes of the manager: every tree is signalled first, then all share one deadline.
 *
 * manager: borrows. steps, count: as for pm_manager_stop(); none: each process's own.
 * Errors: `PM_ERROR_STOP_FAILED` with those that are left; `PM_ERROR_FORKED`. Threads: any thread.
 */
pm_status pm_manager_stop_all(pm_manager *manager,
                              const pm_stop_step *steps,
                              size_t count,
                              pm_error **error);

/**
 * Kills the tree of a process, waits until it is gone (at most five seconds) and removes it from
 * the manager.
 *
 * manager: borrows.
 * Errors: `PM_ERROR_PROCESS_NOT_FOUND`; `PM_ERROR_STOP_FAILED`, and it is not removed then;
 * `PM_ERROR_FORKED`. Threads: any thread.
 */
pm_status pm_manager_kill(pm_manager *manager, pm_id id, pm_error **error);

/**
 * Takes a process, running or not, out of the manager without ending it: what becomes of it is
 * the affair of its handles from now on.
 *
 * manager: borrows. process: returns owned; free with pm_process_free().
 * Errors: `PM_ERROR_PROCESS_NOT_FOUND`. Threads: any thread.
 */
pm_status pm_manager_take(pm_manager *manager, pm_id id, pm_process **process, pm_error **error);

/**
 * Ends all processes as letting go of the last handle would, whoever still has handles of them,
 * and waits for those that are killed: for the end of a program.
 *
 * manager: borrows. wait_ms: how long to wait at most.
 * Errors: `PM_ERROR_CLOSED`. Threads: any thread.
 */
pm_status pm_manager_end_all(pm_manager *manager, uint32_t wait_ms, pm_error **error);

/**
 * Removes a process that has ended from the manager.
 *
 * manager: borrows.
 * Errors: `PM_ERROR_PROCESS_NOT_FOUND`; `PM_ERROR_INVALID_ARGUMENT` while it runs. Threads: any
 * thread.
 */
pm_status pm_manager_remove(pm_manager *manager, pm_id id, pm_error **error);

/**
 * Sets how many ended processes the manager remembers; beyond that the oldest go. 1024 if never
 * set.
 *
 * manager: borrows. Errors: none but NULL arguments. Threads: any thread.
 */
pm_status pm_manager_set_retention(pm_manager *manager, size_t count, pm_error **error);

/**
 * Starts all of the commands or none: the first failure ends those that were started.
 *
 * manager: borrows. commands: copies; `count` of them. processes: an array for `count` handles,
 * returns owned, each to be freed with pm_process_free().
 * Errors: as pm_manager_start(), for the first that fails. Threads: any thread.
 */
pm_status pm_manager_start_all(pm_manager *manager,
                               const pm_command *const *commands,
                               size_t count,
                               pm_process **processes,
                               pm_error **error);

/**
 * Starts each of the commands, whatever happens to the others.
 *
 * manager: borrows. commands: copies; `count` of them. processes: an array for `count` handles,
 * returns owned; NULL where a start failed. errors: an array for `count` errors, returns owned;
 * NULL where a start succeeded; may be NULL itself.
 * Errors: for the call as a whole none but NULL arguments and `PM_ERROR_CLOSED`. Threads: any
 * thread.
 */
pm_status pm_manager_start_each(pm_manager *manager,
                                const pm_command *const *commands,
                                size_t count,
                                pm_process **processes,
                                pm_error **errors,
                                pm_error **error);

/**
 * Starts a pipeline, all of it or nothing: the standard output of each command but the last goes
 * to the standard input of the next. The first one's input, the last one's output and every
 * standard error are as the commands say.
 *
 * manager: borrows. commands: copies; `count` of them, at least one. processes: an array for
 * `count` handles, returns owned, each to be freed with pm_process_free().
 * Errors: as pm_manager_start(), for the first that fails. Threads: any thread.
 */
pm_status pm_manager_start_pipeline(pm_manager *manager,
                                    const pm_command *const *commands,
                                    size_t count,
                                    pm_process **processes,
                                    pm_error **error);

/* ---- Runs: start, collect, wait ---------------------------------------------------------------- */

/**
 * Starts a command without a manager, collects its output and waits for its end. A run that was
 * ended by its bounds gives `PM_OK` too: see pm_run_result_end().
 *
 * command: copies. options: copies; NULL: all defaults. result: returns owned; free with
 * pm_run_result_free().
 * Errors: as pm_process_start(). Threads: any thread.
 */
pm_status pm_command_run(const pm_command *command,
                         const pm_run_options *options,
                         pm_run_result **result,
                         pm_error **error);

/**
 * As pm_command_run(), with the manager's binaries.
 *
 * manager: borrows. command, options: copies. result: returns owned.
 * Errors: as pm_manager_start(). Threads: any thread.
 */
pm_status pm_manager_run(pm_manager *manager,
                         const pm_command *command,
                         const pm_run_options *options,
                         pm_run_result **result,
                         pm_error **error);

/**
 * Runs all of the commands to their end on this thread, at most `parallel` at a time.
 *
 * manager: borrows. commands: copies; `count` of them. parallel: 1 or more. options: copies; they
 * bound each run; NULL: all defaults. results: an array for `count` results, returns owned, in
 * the order of the commands; NULL where a run could not be started. errors: an array for `count`
 * errors, returns owned; NULL where there is a result; may be NULL itself.
 * Errors: for the call as a whole `PM_ERROR_INVALID_ARGUMENT`, `PM_ERROR_FORKED`,
 * `PM_ERROR_CLOSED`. Threads: any thread.
 */
pm_status pm_manager_run_many(pm_manager *manager,
                              const pm_command *const *commands,
                              size_t count,
                              size_t parallel,
                              const pm_run_options *options,
                              pm_run_result **results,
                              pm_error **errors,
                              pm_error **error);

/**
 * Why the run ended.
 *
 * result: borrows. Threads: any thread.
 */
pm_run_end pm_run_result_end(const pm_run_result *result);

/**
 * The facts about the process; NULL for NULL. Valid until the result is freed, and not to be
 * freed itself.
 *
 * result: borrows. Threads: any thread.
 */
const pm_info *pm_run_result_info(const pm_run_result *result);

/**
 * What the process wrote to standard output, where that was captured: a view, valid until the
 * result is freed.
 *
 * result: borrows. bytes: written always, unless it is NULL. Threads: any thread.
 */
void pm_run_result_stdout(const pm_run_result *result, pm_bytes *bytes);

/**
 * What the process wrote to standard error, where that was captured apart: a view, valid until
 * the result is freed.
 *
 * result: borrows. bytes: written always, unless it is NULL. Threads: any thread.
 */
void pm_run_result_stderr(const pm_run_result *result, pm_bytes *bytes);

/**
 * Bytes of output that came and are not in the result: beyond the limit of the run, or dropped
 * because this thread was held up (only if the command's output policy drops). 0 for NULL.
 *
 * result: borrows. Threads: any thread.
 */
uint64_t pm_run_result_lost(const pm_run_result *result);

/**
 * Frees a result. NULL is fine.
 *
 * result: takes. Threads: any thread.
 */
void pm_run_result_free(pm_run_result *result);

/* ---- Callbacks and event loops ----------------------------------------------------------------- */

/**
 * Sets the function that gets the output of all processes of the manager: those that it knows
 * (from the oldest output that is kept) and those to come. It replaces the one set before, whose
 * user data is destroyed; NULL only does that.
 *
 * manager: borrows. callback, user_data, destroy: takes, also on failure; see the callback
 * contract at the top.
 * Errors: `PM_ERROR_CLOSED`, `PM_ERROR_IO`. Threads: any thread.
 */
pm_status pm_manager_set_output_callback(pm_manager *manager,
                                         pm_output_callback callback,
                                         void *user_data,
                                         pm_destroy_callback destroy,
                                         pm_error **error);

/**
 * Sets the function that is told the end of each process of the manager: those that it knows and
 * those to come. It replaces the one set before, whose user data is destroyed; NULL only does
 * that.
 *
 * manager: borrows. callback, user_data, destroy: takes, also on failure; see the callback
 * contract at the top.
 * Errors: `PM_ERROR_CLOSED`, `PM_ERROR_IO`. Threads: any thread.
 */
pm_status pm_manager_set_exit_callback(pm_manager *manager,
                                       pm_exit_callback callback,
                                       void *user_data,
                                       pm_destroy_callback destroy,
                                       pm_error **error);

/**
 * Sets the function that gets the events of the manager from now on. It replaces the one set
 * before, whose user data is destroyed; NULL only does that.
 *
 * manager: borrows. callback, user_data, destroy: takes, also on failure; see the callback
 * contract at the top.
 * Errors: `PM_ERROR_CLOSED`, `PM_ERROR_IO`. Threads: any thread.
 */
pm_status pm_manager_set_event_callback(pm_manager *manager,
                                        pm_event_callback callback,
                                        void *user_data,
                                        pm_destroy_callback destroy,
                                        pm_error **error);

/**
 * Waits until there is something to tell, runs the callbacks for all that is ready, on this
 * thread, and returns. It drives the engine meanwhile. It returns with 0 calls when the time is
 * over or pm_manager_wake() was called.
 *
 * manager: borrows; it may be freed in a callback. timeout_ms: 0 does not wait, negative waits
 * without a deadline. dispatched: the number of calls made; may be NULL.
 * Errors: `PM_ERROR_REENTRANT` from a callback of the same poll; `PM_ERROR_BUSY` while another
 * thread is inside; `PM_ERROR_CLOSED` when another thread frees the manager; `PM_ERROR_FORKED`;
 * `PM_ERROR_IO`. Threads: one at a time per object; not from a callback.
 */
pm_status pm_manager_poll(pm_manager *manager,
                          int64_t timeout_ms,
                          size_t *dispatched,
                          pm_error **error);

/**
 * Makes a poll that waits on another thread return at once, or else the next poll.
 *
 * manager: borrows. Errors: `PM_ERROR_CLOSED`, `PM_ERROR_IO`. Threads: any thread.
 */
pm_status pm_manager_wake(pm_manager *manager, pm_error **error);

/**
 * A descriptor for the program's own event loop: readable (level-triggered) when a poll with
 * timeout 0 would find something to do. Use it with poll, epoll or select only: never read, write
 * or close it. Valid until the manager is freed.
 *
 * manager: borrows. fd: the descriptor.
 * Errors: `PM_ERROR_CLOSED`, `PM_ERROR_FORKED`, `PM_ERROR_IO`. Threads: any thread.
 */
pm_status pm_manager_fd(pm_manager *manager, int32_t *fd, pm_error **error);

/**
 * Has the callbacks of this manager called directly, on a thread of the library, from now on: for
 * programs without a loop of their own. pm_manager_poll() then gives `PM_ERROR_BUSY`. Callbacks
 * should be short, and what they share with other threads is the program's to protect.
 *
 * manager: borrows. Errors: `PM_ERROR_CLOSED`, `PM_ERROR_IO`. Threads: any thread.
 */
pm_status pm_manager_deliver_directly(pm_manager *manager, pm_error **error);

/* ---- Events and output of all processes without callbacks -------------------------------------- */

/**
 * A new subscription to the events of the manager.
 *
 * manager: borrows. events: returns owned; free with pm_events_free().
 * Errors: `PM_ERROR_CLOSED`, `PM_ERROR_IO`. Threads: any thread.
 */
pm_status pm_manager_events(pm_manager *manager, pm_events **events, pm_error **error);

/**
 * Waits for the next event.
 *
 * events: borrows. timeout_ms: 0 does not wait, negative waits without a deadline. event: a view,
 * valid until the next call with the same `events`.
 * Returns `PM_END` when the manager is gone, `PM_TIMED_OUT` when the time is over.
 * Errors: `PM_ERROR_FORKED`. Threads: one at a time per object.
 */
pm_status pm_events_next(pm_events *events,
                         int64_t timeout_ms,
                         const pm_event **event,
                         pm_error **error);

/**
 * Ends a subscription. NULL is fine.
 *
 * events: takes. Threads: one at a time per object.
 */
void pm_events_free(pm_events *events);

/**
 * A new watch over the manager: events and output together.
 *
 * manager: borrows. watch: returns owned; free with pm_watch_free().
 * Errors: `PM_ERROR_CLOSED`, `PM_ERROR_IO`. Threads: any thread.
 */
pm_status pm_manager_watch(pm_manager *manager, pm_watch **watch, pm_error **error);

/**
 * Waits until there is something, and gives what is there: at least one item, at most 1024.
 *
 * watch: borrows. timeout_ms: 0 does not wait, negative waits without a deadline. items: an array
 * of `count`, a view that is valid, with what it points to, until the next call with this watch.
 * Returns `PM_END` when the manager is gone, `PM_TIMED_OUT` when the time is over.
 * Errors: `PM_ERROR_FORKED`. Threads: one at a time per object.
 */
pm_status pm_watch_next(pm_watch *watch,
                        int64_t timeout_ms,
                        const pm_watch_item **items,
                        size_t *count,
                        pm_error **error);

/**
 * Ends a watch, and with it the views that it gave. NULL is fine.
 *
 * watch: takes. Threads: one at a time per object.
 */
void pm_watch_free(pm_watch *watch);

/* ---- Process ----------------------------------------------------------------------------------- */

/**
 * Starts a process without a manager, on this thread. Its output is read with pm_output; it has no
 * callbacks.
 *
 * command: copies; must name a program of this machine. process: returns owned; free with
 * pm_process_free().
 * Errors: as pm_manager_start(). Threads: any thread.
 */
pm_status pm_process_start(const pm_command *command, pm_process **process, pm_error **error);

/**
 * Adds an owner. NULL gives NULL. The result is `process`, to be freed once more.
 *
 * process: borrows. Threads: any thread.
 */
pm_process *pm_process_ref(pm_process *process);

/**
 * Gives up one owner's handle. The last one ends the callbacks that were set on the handle: a
 * call that runs on another thread is waited for; in that call itself the end comes when it
 * returns. NULL is fine.
 *
 * process: takes. Threads: any thread.
 */
void pm_process_free(pm_process *process);

/**
 * The process's id; all zero for NULL.
 *
 * process: borrows. Threads: any thread.
 */
pm_id pm_process_id(const pm_process *process);

/**
 * The process id of the system; 0 for NULL. After the end the number may belong to somebody else:
 * signal with pm_process_signal(), never with kill().
 *
 * process: borrows. Threads: any thread.
 */
uint32_t pm_process_pid(const pm_process *process);

/**
 * Where the process stands; `PM_STATE_UNKNOWN` for NULL.
 *
 * process: borrows. Threads: any thread.
 */
pm_state pm_process_state(const pm_process *process);

/**
 * True until the end of the process has been seen; false for NULL.
 *
 * process: borrows. Threads: any thread.
 */
bool pm_process_is_running(const pm_process *process);

/**
 * The facts about the process now.
 *
 * process: borrows. info: returns owned; free with pm_info_free().
 * Errors: `PM_ERROR_FORKED`. Threads: any thread.
 */
pm_status pm_process_info(const pm_process *process, pm_info **info, pm_error **error);

/**
 * Waits until the process itself has ended; output may still come.
 *
 * process: borrows. timeout_ms: negative waits without a deadline. exit: how it ended; may be
 * NULL.
 * Returns `PM_TIMED_OUT` when the time is over. Errors: `PM_ERROR_FORKED`. Threads: any thread.
 */
pm_status pm_process_wait(const pm_process *process,
                          int64_t timeout_ms,
                          pm_exit *exit,
                          pm_error **error);

/**
 * Waits until the process has ended and all its output was received.
 *
 * process: borrows. timeout_ms: negative waits without a deadline.
 * Returns `PM_TIMED_OUT` when the time is over. Errors: `PM_ERROR_FORKED`. Threads: any thread.
 */
pm_status pm_process_wait_closed(const pm_process *process, int64_t timeout_ms, pm_error **error);

/**
 * Stops the process and its descendants and waits until they are gone; as pm_manager_stop().
 *
 * process: borrows. steps: borrows; `count` of them, none: the steps of its command.
 * Errors: `PM_ERROR_STOP_FAILED`, `PM_ERROR_FORKED`. Threads: any thread.
 */
pm_status pm_process_stop(pm_process *process,
                          const pm_stop_step *steps,
                          size_t count,
                          pm_error **error);

/**
 * Asks for the stop and returns at once; the exit callback or a wait tells its end.
 *
 * process: borrows. steps, count: as for pm_process_stop().
 * Errors: `PM_ERROR_FORKED`. Threads: any thread.
 */
pm_status pm_process_begin_stop(pm_process *process,
                                const pm_stop_step *steps,
                                size_t count,
                                pm_error **error);

/**
 * Kills the tree and returns when it is gone, at most after five seconds.
 *
 * process: borrows. Errors: `PM_ERROR_STOP_FAILED`, `PM_ERROR_FORKED`. Threads: any thread.
 */
pm_status pm_process_kill(pm_process *process, pm_error **error);

/**
 * Sends a signal to the process and its descendants. It is never sent to a stranger: a process
 * that has ended gets none.
 *
 * process: borrows. signal: 1 to 64.
 * Errors: `PM_ERROR_INVALID_ARGUMENT`; `PM_ERROR_CLOSED` when it has ended; `PM_ERROR_IO`;
 * `PM_ERROR_FORKED`. Threads: any thread.
 */
pm_status pm_process_signal(pm_process *process, int32_t signal, pm_error **error);

/**
 * Suspends the process and its descendants (SIGSTOP).
 *
 * process: borrows. Errors: as pm_process_signal(). Threads: any thread.
 */
pm_status pm_process_suspend(pm_process *process, pm_error **error);

/**
 * Resumes the process and its descendants (SIGCONT).
 *
 * process: borrows. Errors: as pm_process_signal(). Threads: any thread.
 */
pm_status pm_process_resume(pm_process *process, pm_error **error);

/**
 * Sets the function that gets the output of the process, from the oldest that is kept. It
 * replaces the one set before on this handle, whose user data is destroyed; NULL only does that.
 *
 * process: borrows. callback, user_data, destroy: takes, also on failure; see the callback
 * contract at the top.
 * Errors: `PM_ERROR_CLOSED` where the manager is gone, or there is none. Threads: any thread.
 */
pm_status pm_process_set_output_callback(pm_process *process,
                                         pm_output_callback callback,
                                         void *user_data,
                                         pm_destroy_callback destroy,
                                         pm_error **error);

/**
 * Sets the function that is told the end of the process, after all its output. It replaces the
 * one set before on this handle, whose user data is destroyed; NULL only does that.
 *
 * process: borrows. callback, user_data, destroy: takes, also on failure; see the callback
 * contract at the top.
 * Errors: `PM_ERROR_CLOSED` where the manager is gone, or there is none. Threads: any thread.
 */
pm_status pm_process_set_exit_callback(pm_process *process,
                                       pm_exit_callback callback,
                                       void *user_data,
                                       pm_destroy_callback destroy,
                                       pm_error **error);

/* ---- Sudo: starting as another user ------------------------------------------------------------ */

/**
 * Starts a process as the user that the options name: through sudo, unless the host is that user
 * already. Talks to sudo on this thread, until sudo has started the command or refused.
 *
 * manager: borrows. command: copies. options: copies; NULL: all defaults. process: returns owned;
 * free with pm_process_free().
 * Errors: as pm_manager_start(); `PM_ERROR_AUTHENTICATION_FAILED`, where pm_error_sudo() says why;
 * `PM_ERROR_INVALID_ARGUMENT` for a user that does not exist or a password that sudo would
 * misread; `PM_ERROR_UNSUPPORTED` for what sudo does not leave to the host. Threads: any thread;
 * not from the password callback.
 */
pm_status pm_manager_start_with_sudo(pm_manager *manager,
                                     const pm_command *command,
                                     const pm_sudo_options *options,
                                     pm_process **process,
                                     pm_error **error);

/**
 * As pm_manager_start_with_sudo(), without a manager.
 *
 * command: copies; must name a program of this machine. options: copies; NULL: all defaults.
 * process: returns owned; free with pm_process_free().
 * Errors: as there. Threads: any thread.
 */
pm_status pm_process_start_with_sudo(const pm_command *command,
                                     const pm_sudo_options *options,
                                     pm_process **process,
                                     pm_error **error);

/* ---- Standard input ---------------------------------------------------------------------------- */

/**
 * Writes all bytes to the child's standard input, as fast as the child reads.
 *
 * process: borrows. data: borrows. timeout_ms: negative waits without a deadline.
 * Returns `PM_TIMED_OUT` when the time is over; a part may have been written then.
 * Errors: `PM_ERROR_CLOSED` when standard input is not piped or was closed; `PM_ERROR_IO` (EPIPE)
 * when the child has closed its end; `PM_ERROR_FORKED`. Threads: any thread.
 */
pm_status pm_process_write(pm_process *process,
                           const uint8_t *data,
                           size_t len,
                           int64_t timeout_ms,
                           pm_error **error);

/**
 * Writes what the pipe to the child's standard input takes now, without waiting.
 *
 * process: borrows. data: borrows. written: the number of bytes taken.
 * Returns `PM_TIMED_OUT` when the pipe is full. Errors: as pm_process_write(). Threads: any thread.
 */
pm_status pm_process_try_write(pm_process *process,
                               const uint8_t *data,
                               size_t len,
                               size_t *written,
                               pm_error **error);

/**
 * Ends the child's standard input.
 *
 * process: borrows. Errors: `PM_ERROR_CLOSED` when it is not piped or was closed before;
 * `PM_ERROR_FORKED`. Threads: any thread.
 */
pm_status pm_process_close_stdin(pm_process *process, pm_error **error);

/* ---- Output without callbacks ------------------------------------------------------------------ */

/**
 * A new reader of the process's output.
 *
 * process: borrows. output: returns owned; free with pm_output_free().
 * Errors: `PM_ERROR_FORKED`. Threads: any thread.
 */
pm_status pm_process_output(const pm_process *process, pm_output **output, pm_error **error);

/**
 * Waits until there is output and gives all that is there, at least one record and at most about
 * 256 KiB.
 *
 * output: borrows. timeout_ms: 0 does not wait, negative waits without a deadline. records: an
 * array of `count`, a view that is valid until the next call with this reader; what it keeps
 * counts as not read, so read on or free soon.
 * Returns `PM_END` when all was read and no more can come, `PM_TIMED_OUT` when the time is over.
 * Errors: `PM_ERROR_FORKED`. Threads: one at a time per object.
 */
pm_status pm_output_next(pm_output *output,
                         int64_t timeout_ms,
                         const pm_record **records,
                         size_t *count,
                         pm_error **error);

/**
 * As pm_output_next(), with the output as it was read, without regard to lines: so that a prompt
 * without a newline is seen at once. Use one of the two with a reader: what one took the other
 * does not see.
 *
 * output: borrows. timeout_ms, records, count: as for pm_output_next(); of kind `PM_RECORD_BYTES`
 * or `PM_RECORD_GAP`.
 * Returns `PM_END`, `PM_TIMED_OUT` and errors as pm_output_next(). Threads: one at a time per
 * object.
 */
pm_status pm_output_next_bytes(pm_output *output,
                               int64_t timeout_ms,
                               const pm_record **records,
                               size_t *count,
                               pm_error **error);

/**
 * Passes one of the two streams over from here on.
 *
 * output: borrows. source: one of pm_source, the one to keep.
 * Errors: `PM_ERROR_INVALID_ARGUMENT`. Threads: one at a time per object.
 */
pm_status pm_output_only(pm_output *output, uint32_t source, pm_error **error);

/**
 * Frees a reader, and with it the views that it gave. NULL is fine.
 *
 * output: takes. Threads: one at a time per object.
 */
void pm_output_free(pm_output *output);

/* ---- The library's own messages ---------------------------------------------------------------- */

/**
 * Sets the function that gets the library's messages about itself, for the whole program. It
 * replaces the one set before, whose user data is destroyed; NULL only does that. Free what it
 * needs by setting NULL before the program ends.
 *
 * level: one of pm_log_level; messages that matter less are not made. callback, user_data,
 * destroy: takes, also on failure; see the callback contract at the top, and pm_log_callback.
 * Errors: `PM_ERROR_INVALID_ARGUMENT`. Threads: any thread, but not the logging function itself.
 */
pm_status pm_set_log_callback(uint32_t level,
                              pm_log_callback callback,
                              void *user_data,
                              pm_destroy_callback destroy,
                              pm_error **error);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#undef PM_ENUM
#undef PM_ENUM_NAME

#endif /* PROCESS_MANAGER_H */
