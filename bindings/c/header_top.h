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
