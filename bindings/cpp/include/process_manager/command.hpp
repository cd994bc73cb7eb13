// What to start and how.
#ifndef PROCESS_MANAGER_COMMAND_HPP
#define PROCESS_MANAGER_COMMAND_HPP

#include <process_manager/options.hpp>
#include <process_manager/info.hpp>

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace process_manager {

// A program and options, all copied. One command can be started many times; what is running does
// not follow it. Unless an option says otherwise: standard input is empty, standard output and
// standard error are captured apart, the process gets a process group of its own, and the
// environment and working directory of the host. Every option returns the command, so that they can
// be chained. Calls with the same command are kept apart by the caller.
class Command {
public:
    // A program of this machine: a path, or a name that is looked up in PATH.
    explicit Command(std::string_view program) { make(pm_command_new, program); }

    // A binary of the manager's extractor. The name is UTF-8, or PM_ERROR_INVALID_ARGUMENT.
    static Command binary(std::string_view name)
    {
        Command command;
        command.make(pm_command_new_binary, name);
        return command;
    }

    // Names the process for people, in its info and in messages; else that is the program's file
    // name. UTF-8, or PM_ERROR_INVALID_ARGUMENT.
    Command &name(std::string_view name) &
    {
        return set(pm_command_set_name, name.data(), name.size());
    }

    // Sets the name that the program sees as its own (argv[0]); else the program as it was named.
    Command &arg0(std::string_view arg0) &
    {
        return set(pm_command_set_arg0, arg0.data(), arg0.size());
    }

    // Adds one argument; the program's own name is not one of them. The start refuses a NUL in it.
    Command &arg(std::string_view arg) &
    {
        return set(pm_command_add_arg, arg.data(), arg.size());
    }

    // Adds several arguments.
    Command &args(std::initializer_list<std::string_view> args) &
    {
        for (const std::string_view &one : args)
            arg(one);
        return *this;
    }
    Command &args(const std::vector<std::string> &args) &
    {
        for (const std::string &one : args)
            arg(one);
        return *this;
    }

    // Sets a variable in the child's environment. The start refuses an empty name, a "=" in it, a
    // NUL.
    Command &env(std::string_view name, std::string_view value) &
    {
        return set(pm_command_set_env, name.data(), name.size(), value.data(), value.size());
    }

    // Removes a variable of the host from the child's environment.
    Command &env_remove(std::string_view name) &
    {
        return set(pm_command_remove_env, name.data(), name.size());
    }

    // Gives the child none of the host's variables, and forgets those that were set before.
    Command &env_clear() &
    {
        return set(pm_command_clear_env);
    }

    // Sets the child's working directory; else that is the host's.
    Command &directory(std::string_view path) &
    {
        return set(pm_command_set_directory, path.data(), path.size());
    }

    // Says where a standard stream of the child comes from or goes to.
    Command &stdio(Stream stream, Stdio stdio) &
    {
        return set(pm_command_set_stdio, detail::number(stream), detail::number(stdio));
    }

    // Connects a standard stream to a file: standard input reads it; output creates it if it is
    // missing, and truncates it unless `append`. The start opens it.
    Command &stdio_file(Stream stream, std::string_view path, bool append = false) &
    {
        return set(pm_command_set_stdio_file, detail::number(stream), path.data(), path.size(),
                   append);
    }

    // Connects a standard stream to a duplicate, made now, of a descriptor of the host.
    Command &stdio_fd(Stream stream, int fd) &
    {
        return set(pm_command_set_stdio_fd, detail::number(stream), fd);
    }

    // Feeds these bytes to the child's standard input, then ends it.
    Command &input(std::string_view data) &
    {
        return set(pm_command_set_input, detail::bytes(data.data()), data.size());
    }

    // Gives the child a duplicate of the host's descriptor `fd` under the number `target`, which is
    // 3 or more and used once; the start refuses others.
    Command &extra_fd(int fd, int target) &
    {
        return set(pm_command_add_fd, fd, target);
    }

    // Sets which process group and session the child gets.
    Command &group(Group group) &
    {
        return set(pm_command_set_group, detail::number(group));
    }

    // Sets a resource limit: an RLIMIT_ number, the soft and the hard value; UINT64_MAX is
    // unlimited.
    Command &rlimit(uint32_t resource, uint64_t soft, uint64_t hard) &
    {
        return set(pm_command_add_rlimit, resource, soft, hard);
    }

    // Sets the child's nice value, -20 (favoured) to 19; the start refuses others.
    Command &nice(int nice) &
    {
        return set(pm_command_set_nice, nice);
    }

    // Sets the child's file mode creation mask, 0 to 0777; the start refuses others.
    Command &umask(uint32_t umask) &
    {
        return set(pm_command_set_umask, umask);
    }

    // Sets the CPUs that the child may use, numbered from 0.
    Command &cpus(const std::vector<uint32_t> &cpus) &
    {
        return set(pm_command_set_cpus, cpus.data(), cpus.size());
    }

    // Sets the user that the child runs as. Needs privileges.
    Command &uid(uint32_t uid) &
    {
        return set(pm_command_set_uid, uid);
    }

    // Sets the group that the child runs as. Needs privileges.
    Command &gid(uint32_t gid) &
    {
        return set(pm_command_set_gid, gid);
    }

    // Sets the supplementary groups of the child; with a user and without this call it has none.
    Command &groups(const std::vector<uint32_t> &gids) &
    {
        return set(pm_command_set_groups, gids.data(), gids.size());
    }

    // Stops the process by its steps when it has run this long; it then counts as failed.
    Command &timeout(Milliseconds time) &
    {
        return set(pm_command_set_timeout, static_cast<uint64_t>(detail::ms(time)));
    }

    // Sets what letting go of the last handle of the running process does.
    Command &on_drop(OnDrop policy) &
    {
        return set(pm_command_set_on_drop, detail::number(policy));
    }

    // Sets what happens to descendants that outlive the process itself.
    Command &descendants(Descendants descendants) &
    {
        return set(pm_command_set_descendants, detail::number(descendants));
    }

    // Demands a level of containment; the start fails with PM_ERROR_UNSUPPORTED where it cannot be
    // had.
    Command &containment(Containment level) &
    {
        return set(pm_command_set_containment, detail::number(level));
    }

    // Sets how the process is stopped: each step's signal, then its grace; SIGKILL follows by
    // itself. With no steps it is killed at once. If never set: SIGTERM, 5 s, SIGKILL.
    Command &stop_steps(const std::vector<StopStep> &steps) &
    {
        const auto ladder = detail::ladder(steps);
        return set(pm_command_set_stop, ladder.data(), ladder.size());
    }

    // Sets how captured output is kept.
    Command &output(const OutputOptions &options) &
    {
        const pm_output_options all = {sizeof all, options.limit, options.max_line,
                                       detail::number(options.policy),
                                       detail::short_ms(options.drain)};
        return set(pm_command_set_output, &all);
    }

    // The same for a command that is made and given away in one expression.
    Command &&name(std::string_view name) && { return std::move(this->name(name)); }
    Command &&arg0(std::string_view arg0) && { return std::move(this->arg0(arg0)); }
    Command &&arg(std::string_view arg) && { return std::move(this->arg(arg)); }
    Command &&args(std::initializer_list<std::string_view> args) &&
    {
        return std::move(this->args(args));
    }
    Command &&args(const std::vector<std::string> &args) && { return std::move(this->args(args)); }
    Command &&env(std::string_view name, std::string_view value) &&
    {
        return std::move(this->env(name, value));
    }
    Command &&env_remove(std::string_view name) && { return std::move(this->env_remove(name)); }
    Command &&env_clear() && { return std::move(this->env_clear()); }
    Command &&directory(std::string_view path) && { return std::move(this->directory(path)); }
    Command &&stdio(Stream stream, Stdio stdio) && { return std::move(this->stdio(stream, stdio)); }
    Command &&stdio_file(Stream stream, std::string_view path, bool append = false) &&
    {
        return std::move(this->stdio_file(stream, path, append));
    }
    Command &&stdio_fd(Stream stream, int fd) && { return std::move(this->stdio_fd(stream, fd)); }
    Command &&input(std::string_view data) && { return std::move(this->input(data)); }
    Command &&extra_fd(int fd, int target) && { return std::move(this->extra_fd(fd, target)); }
    Command &&group(Group group) && { return std::move(this->group(group)); }
    Command &&rlimit(uint32_t resource, uint64_t soft, uint64_t hard) &&
    {
        return std::move(this->rlimit(resource, soft, hard));
    }
    Command &&nice(int nice) && { return std::move(this->nice(nice)); }
    Command &&umask(uint32_t umask) && { return std::move(this->umask(umask)); }
    Command &&cpus(const std::vector<uint32_t> &cpus) && { return std::move(this->cpus(cpus)); }
    Command &&uid(uint32_t uid) && { return std::move(this->uid(uid)); }
    Command &&gid(uint32_t gid) && { return std::move(this->gid(gid)); }
    Command &&groups(const std::vector<uint32_t> &gids) && { return std::move(this->groups(gids)); }
    Command &&timeout(Milliseconds time) && { return std::move(this->timeout(time)); }
    Command &&on_drop(OnDrop policy) && { return std::move(this->on_drop(policy)); }
    Command &&descendants(Descendants descendants) &&
    {
        return std::move(this->descendants(descendants));
    }
    Command &&containment(Containment level) && { return std::move(this->containment(level)); }
    Command &&stop_steps(const std::vector<StopStep> &steps) &&
    {
        return std::move(this->stop_steps(steps));
    }
    Command &&output(const OutputOptions &options) && { return std::move(this->output(options)); }

    // The handle of the C interface; borrowed.
    pm_command *raw() const noexcept { return handle_.get(); }

    // The first mistake in the options. Only a build without exceptions gets this far with one; the
    // start tells it then.
    const std::optional<Error> &mistake() const noexcept { return mistake_; }

private:
    Command() = default;

    void make(pm_status (*make)(const char *, size_t, pm_command **, pm_error **),
              std::string_view text)
    {
        pm_command *raw = nullptr;
        note([&](pm_error **e) { return make(text.data(), text.size(), &raw, e); });
        handle_.reset(raw);
    }

    template <class Set, class... Arguments> Command &set(Set set, Arguments... arguments)
    {
        note([&](pm_error **e) { return set(raw(), arguments..., e); });
        return *this;
    }

    template <class Call> void note(Call &&call)
    {
#if PM_HAS_EXCEPTIONS
        detail::done(call);
#else
        if (mistake_)
            return;
        Result<void> outcome = detail::done(call);
        if (!outcome)
            mistake_ = outcome.error();
#endif
    }

    detail::Handle<pm_command, pm_command_free> handle_;
    std::optional<Error> mistake_;
};

namespace detail {

// As result(), for calls that need a command without a mistake.
template <class T, class Call, class Make>
Result<T> with(const Command &command, Call &&call, Make &&make)
{
#if PM_HAS_EXCEPTIONS
    static_cast<void>(command);
#else
    if (command.mistake())
        return *command.mistake();
#endif
    return result<T>(call, make);
}

} // namespace detail

} // namespace process_manager

#endif // PROCESS_MANAGER_COMMAND_HPP
