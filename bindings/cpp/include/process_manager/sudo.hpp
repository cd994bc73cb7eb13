// Starting as another user, through sudo.
#ifndef PROCESS_MANAGER_SUDO_HPP
#define PROCESS_MANAGER_SUDO_HPP

#include <process_manager/callback.hpp>
#include <process_manager/command.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace process_manager {

// How sudo is used.
enum class SudoMode {
    Relay = PM_SUDO_RELAY,   // sudo starts a helper, which starts the command; the default. sudoers
                             // must allow any command
    Direct = PM_SUDO_DIRECT, // sudo starts the command itself, for sudoers that allow only named
                             // commands. The guarantees are weaker: see pm_sudo_mode
};

// Asked for the password, at most once, inside the call that starts, on its thread, and only when
// sudo really asks. It writes at most `capacity` bytes into the buffer, which the library wipes,
// and gives their number; none cancels, and the start fails with PM_SUDO_ERROR_NO_PASSWORD. What it
// throws is thrown by the call that starts. It must not use the same manager.
using AskPassword = std::function<std::optional<size_t>(char *buffer, size_t capacity)>;

// How to start as another user. Texts must hold no NUL.
struct SudoOptions {
    std::string user;  // a name, or "#" and a number, in UTF-8; default root
    std::string group; // a name, or "#" and a number, in UTF-8; default the user's own

    // The password: borrowed until the start returns; at most 511 bytes, without line ends and NUL.
    // The library wipes its copy after use; the caller wipes its own.
    std::optional<std::string_view> password;

    AskPassword ask; // asked for the password instead

    SudoMode mode = SudoMode::Relay;
    Milliseconds timeout{0}; // how long sudo may take until the command starts; default 30 s

    // The names of the host's variables that the command gets, beside those that it sets itself.
    // In direct mode sudo keeps them beside what it keeps by itself, which the sudoers file must
    // allow (SETENV). Default all that it would get without sudo.
    std::optional<std::vector<std::string>> preserve_env;
};

namespace detail {

inline bool ask_password(uint8_t *buffer, size_t capacity, size_t *len, void *ask) noexcept
{
    std::optional<size_t> length;
    const auto &function = *static_cast<const AskPassword *>(ask);
    guarded([&] { length = function(reinterpret_cast<char *>(buffer), capacity); });
    *len = length.value_or(0);
    return length.has_value();
}

// The options as the C interface has them; a view.
class RawSudoOptions {
public:
    explicit RawSudoOptions(const SudoOptions &options) : raw_(PM_SUDO_OPTIONS_INIT)
    {
        raw_.user = text(options.user);
        raw_.group = text(options.group);
        if (options.password) {
            raw_.password = bytes(options.password->data() ? options.password->data() : "");
            raw_.password_len = options.password->size();
        }
        if (options.ask) {
            raw_.ask = ask_password;
            raw_.ask_data = const_cast<AskPassword *>(&options.ask);
        }
        raw_.mode = number(options.mode);
        raw_.timeout_ms = short_ms(options.timeout);
        if (options.preserve_env) {
            names_ = pointers(*options.preserve_env);
            raw_.preserve_env = names_.data();
        }
    }
    RawSudoOptions(const RawSudoOptions &) = delete;
    RawSudoOptions &operator=(const RawSudoOptions &) = delete;

    const pm_sudo_options *get() const noexcept { return &raw_; }

private:
    pm_sudo_options raw_;
    std::vector<const char *> names_;
};

// Makes a start of the C interface, during which the password may be asked for.
template <class Process, class Call>
Result<Process> start_with_sudo(const Command &command, const SudoOptions &options, Call &&call)
{
    const RawSudoOptions all(options);
    pm_process *raw = nullptr;
    return with<Process>(
        command,
        [&](pm_error **e) { return collecting([&] { return call(all.get(), &raw, e); }, e); },
        [&](pm_status) { return Process(raw); });
}

} // namespace detail

} // namespace process_manager

#endif // PROCESS_MANAGER_SUDO_HPP
