// process_manager for C++17: header-only, over process_manager.h, whose comments say in full what
// each call does. Objects own what they hold, move, and do not copy.
//
//     namespace pm = process_manager;
//
//     pm::Extractor extractor;
//     extractor.add_binary("ticker", ticker, ticker_size);
//     pm::Manager manager(extractor);
//     pm::Process process = manager.start(pm::Command::binary("ticker").arg("50"));
//     int lines = 0;
//     process.on_output([&](const pm::Record &record) {
//         std::cout << record.line() << '\n';
//         ++lines;
//     });
//     while (lines < 5)
//         manager.poll();
//     process.stop();
//
// Errors are thrown as process_manager::Error. Built with -fno-exceptions, every function that is
// declared to return Result<T> returns such an object instead of a T, constructors that can fail
// are missing (use the static functions `create`), and a mistake in a Command is told by the start.
//
// Callbacks run inside Manager::poll(), on the thread that polls. An exception that leaves one is
// thrown again by that poll when it is done; if several did, the first one is.
//
// This header is all of it. Each part below can be included alone, too.
//
// Words. A function "takes" what is the object's from then on, and "borrows" what it only uses
// during the call; everything else is copied. Any object may be used on any thread; where its class
// or function does not say otherwise, on several at once. What can fail says how; in addition every
// call may fail with PM_ERROR_PANIC (a defect of the library) and PM_ERROR_IO (with the errno).
#ifndef PROCESS_MANAGER_HPP
#define PROCESS_MANAGER_HPP

#include <process_manager/batch.hpp>
#include <process_manager/command.hpp>
#include <process_manager/error.hpp>
#include <process_manager/event.hpp>
#include <process_manager/extractor.hpp>
#include <process_manager/id.hpp>
#include <process_manager/info.hpp>
#include <process_manager/library.hpp>
#include <process_manager/manager.hpp>
#include <process_manager/options.hpp>
#include <process_manager/output.hpp>
#include <process_manager/process.hpp>
#include <process_manager/record.hpp>
#include <process_manager/result.hpp>
#include <process_manager/run.hpp>
#include <process_manager/sudo.hpp>
#include <process_manager/time.hpp>
#include <process_manager/watch.hpp>

#endif // PROCESS_MANAGER_HPP
