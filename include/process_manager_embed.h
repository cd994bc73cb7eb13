/*
 * Carries a file, an executable say, inside a program, and hands it to an extractor.
 *
 *     PM_EMBED_FILE(ticker, "/path/to/ticker");           at file scope, in one C or C++ file
 *     PM_EMBED_ADD(extractor, ticker, &error)             makes it the binary "ticker"
 *     ... ticker, PM_EMBED_SIZE(ticker) ...               its bytes, and how many
 *
 * The path is a string literal, given by the build where it is not fixed. The object must be built
 * anew when the file changes: name it as a prerequisite. With plain make:
 *
 *     main.o: main.c build/ticker
 *             $(CC) $(CFLAGS) -DTICKER='"build/ticker"' -c main.c
 *
 * and PM_EMBED_FILE(ticker, TICKER); in main.c. With CMake, process_manager_embed() does all of
 * this. Needs gcc or clang.
 */
#ifndef PROCESS_MANAGER_EMBED_H
#define PROCESS_MANAGER_EMBED_H

#include <process_manager.h>

#ifdef __cplusplus
#define PM_EMBED_EXTERN extern "C"
#else
#define PM_EMBED_EXTERN extern
#endif

/** Embeds the file at `path` as the array `symbol`. */
#define PM_EMBED_FILE(symbol, path)                                                              \
    __asm__(".pushsection .rodata\n"                                                             \
            ".balign 16\n"                                                                       \
            ".global " #symbol "\n.hidden " #symbol "\n" #symbol ":\n"                           \
            ".incbin \"" path "\"\n"                                                             \
            ".global " #symbol "_end\n.hidden " #symbol "_end\n" #symbol "_end:\n"               \
            ".byte 0\n"                                                                          \
            ".popsection\n");                                                                    \
    PM_EMBED_DECLARE(symbol)

/** Declares a file that is embedded elsewhere in the program. */
#define PM_EMBED_DECLARE(symbol)                                                                 \
    PM_EMBED_EXTERN const uint8_t symbol[];                                                      \
    PM_EMBED_EXTERN const uint8_t symbol##_end[]

/** The number of bytes of an embedded file. */
#define PM_EMBED_SIZE(symbol) ((size_t)(symbol##_end - symbol))

/**
 * Extracts an embedded file as the executable that has the symbol's name: what
 * pm_extractor_add_binary() does, with its status, errors and thread rule.
 *
 * extractor: borrows. error: as the last argument of every function.
 */
#define PM_EMBED_ADD(extractor, symbol, error)                                                   \
    pm_extractor_add_binary((extractor), #symbol, PM_NUL_TERMINATED, symbol,                     \
                            PM_EMBED_SIZE(symbol), (error))

#endif /* PROCESS_MANAGER_EMBED_H */
