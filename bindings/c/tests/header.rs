//! `include/process_manager.h` is what cbindgen makes of the sources, word for word.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};

/// The first function of each section, and the section's title.
const SECTIONS: [(&str, &str); 16] = [
    ("enum pm_status ", "Types"),
    ("uint32_t pm_version_number(", "Version"),
    ("const char *pm_status_string(", "Status and errors"),
    ("size_t pm_names_count(", "Lists of texts"),
    ("pm_status pm_extractor_new(", "Extractor: binaries that the program carries"),
    ("pm_status pm_command_new(", "Command: what to start and how"),
    ("pm_id pm_info_id(", "Info: the facts about a process"),
    ("pm_status pm_manager_new(", "Manager: many processes"),
    ("pm_status pm_manager_set_output_callback(", "Callbacks and event loops"),
    ("pm_status pm_manager_events(", "Events and output of all processes without callbacks"),
    ("pm_status pm_command_run(", "Runs: start, collect, wait"),
    ("pm_status pm_process_start(", "Process"),
    ("pm_status pm_manager_start_with_sudo(", "Sudo: starting as another user"),
    ("pm_status pm_process_write(", "Standard input"),
    ("pm_status pm_process_output(", "Output without callbacks"),
    ("pm_status pm_set_log_callback(", "The library's own messages"),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn generate() -> String {
    let crate_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(crate_dir.join("cbindgen.toml")).unwrap();
    let bindings = cbindgen::generate_with_config(crate_dir, config).unwrap();
    let mut raw = Vec::new();
    bindings.write(&mut raw);
    let top = include_str!("../header_top.h");
    let body = with_sections(&short_enums(&on_one_line(&String::from_utf8(raw).unwrap())));
    format!("{top}\n{}\n{body}\n#undef PM_ENUM\n#undef PM_ENUM_NAME\n\n#endif /* PROCESS_MANAGER_H */\n", preamble())
}

fn preamble() -> String {
    let part = |text: &str| text.parse::<u32>().unwrap();
    let major = part(env!("CARGO_PKG_VERSION_MAJOR"));
    let minor = part(env!("CARGO_PKG_VERSION_MINOR"));
    let patch = part(env!("CARGO_PKG_VERSION_PATCH"));
    let version = env!("CARGO_PKG_VERSION");
    let number = major * 1_000_000 + minor * 1_000 + patch;
    format!(
        "#ifndef PROCESS_MANAGER_H\n#define PROCESS_MANAGER_H\n\n\
         #include <stdbool.h>\n#include <stddef.h>\n#include <stdint.h>\n\n\
         /** The version of this header; pm_version_number() gives that of the library. */\n\
         #define PM_VERSION_MAJOR {major}\n#define PM_VERSION_MINOR {minor}\n\
         #define PM_VERSION_PATCH {patch}\n#define PM_VERSION_NUMBER {number}\n\
         #define PM_VERSION_STRING \"{version}\"\n\n\
         /* Enums have a fixed size in every language: where C has no way to say so, an integer type\n \
         * takes their name. */\n\
         #if defined(__cplusplus)\n\
         #define PM_ENUM(type) : type\n#define PM_ENUM_NAME(name, type) static_assert(sizeof(name) == sizeof(type), \"\")\n\
         #elif __STDC_VERSION__ >= 202311L\n\
         #define PM_ENUM(type) : type\n#define PM_ENUM_NAME(name, type) typedef enum name name\n\
         #else\n\
         #define PM_ENUM(type)\n#define PM_ENUM_NAME(name, type) typedef type name\n\
         #endif\n\n\
         /** Given as the length of a text: the text ends at its first NUL byte. */\n\
         #define PM_NUL_TERMINATED SIZE_MAX\n\n\
         /** What the option structs begin with. */\n\
         #define PM_OUTPUT_OPTIONS_INIT {{sizeof(pm_output_options), 0, 0, 0, 0}}\n\
         #define PM_EXTRACTOR_OPTIONS_INIT {{sizeof(pm_extractor_options), NULL, NULL, NULL}}\n\
         #define PM_RUN_OPTIONS_INIT {{sizeof(pm_run_options), 0, 0}}\n\
         #define PM_SUDO_OPTIONS_INIT {{sizeof(pm_sudo_options), NULL, NULL, NULL, 0, NULL, NULL, 0, 0, NULL}}\n"
    )
}

/// Puts a comment of one line on one line.
fn on_one_line(header: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in header.trim_start().lines() {
        let indent = line.len() - line.trim_start().len();
        let text = lines.last().and_then(|text| text.trim_start().strip_prefix("* "));
        let opens = lines.len() > 1 && lines[lines.len() - 2].trim_start() == "/**";
        match text.filter(|_| opens && line.trim_start() == "*/") {
            Some(text) => {
                let joined = format!("{}/** {text} */", " ".repeat(indent - 1));
                lines.truncate(lines.len() - 2);
                lines.push(joined);
            }
            None => lines.push(line.to_owned()),
        }
    }
    lines.join("\n") + "\n"
}

/// Says in two macros what cbindgen writes around each enum in fifteen lines.
fn short_enums(header: &str) -> String {
    let (if_typed, end_typed) = (
        "\n#if defined(__cplusplus) || __STDC_VERSION__ >= 202311L\n  : ",
        "\n#endif // defined(__cplusplus) || __STDC_VERSION__ >= 202311L\n {",
    );
    let mut rest = header;
    let mut short = String::new();
    while let Some((before, after)) = rest.split_once(if_typed) {
        let (kind, after) = after.split_once(end_typed).unwrap();
        let (body, after) = after.split_once("\n#ifndef __cplusplus\n").unwrap();
        let name = before.rsplit_once("enum ").unwrap().1;
        short
            .push_str(&format!("{before} PM_ENUM({kind}) {{{body}\nPM_ENUM_NAME({name}, {kind});"));
        rest = after.split_once("#endif // __cplusplus").unwrap().1;
    }
    short + rest
}

/// Puts a heading before the comment of each section's first function.
fn with_sections(header: &str) -> String {
    let mut header = header.to_owned();
    for (function, title) in SECTIONS {
        let Some(at) = header.find(function) else { panic!("no function {function}") };
        let comment = header[..at].rfind("/**").unwrap();
        let rule = "-".repeat(90 - title.len());
        header.insert_str(comment, &format!("/* ---- {title} {rule} */\n\n"));
    }
    header
}

#[test]
fn the_header_is_fresh() {
    let path = root().join("include/process_manager.h");
    let fresh = generate();
    if std::env::var_os("PM_UPDATE").is_some() {
        fs::write(&path, &fresh).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == fresh,
        "include/process_manager.h is stale: PM_UPDATE=1 cargo test -p process_manager_capi --test header"
    );
}
