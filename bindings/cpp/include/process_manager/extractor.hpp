// The executables that a program carries with it, as files that can be started.
#ifndef PROCESS_MANAGER_EXTRACTOR_HPP
#define PROCESS_MANAGER_EXTRACTOR_HPP

#include <process_manager/detail.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace process_manager {

// Where the executables of an extractor are.
enum class Location {
    None = PM_LOCATION_NONE,         // there is no directory yet
    Base = PM_LOCATION_BASE,         // in a private directory in the base directory
    Fallback = PM_LOCATION_FALLBACK, // elsewhere: the base directory cannot be used
    Memory = PM_LOCATION_MEMORY,     // in sealed memory: no directory allows execution
};

// How an extractor is made. Texts must hold no NUL.
struct ExtractorOptions {
    // The directory, which must exist, in which the private directory is made. Default TMPDIR, or
    // /tmp.
    std::string base;

    // How the private directory's name begins, in UTF-8. Extractors remove what killed programs
    // left under their own prefix. Default process_manager.
    std::string prefix;

    // The directories tried in this order where the base directory is mounted noexec; memory is
    // next. Default XDG_RUNTIME_DIR, /tmp, /dev/shm, /var/tmp, $HOME/.cache.
    std::optional<std::vector<std::string>> fallbacks;
};

// One of several binaries: its name, and its bytes, which are borrowed.
struct Binary {
    std::string name;
    std::string_view data;
};

// Owns a private directory (mode 0700) and the executables extracted into it. The managers over it
// keep it too; the directory goes, with all that is in it, with the last of them. Any thread may
// call any member at once with others.
class Extractor {
public:
    // With a directory in TMPDIR or /tmp. Fails with PM_ERROR_EXTRACTION_FAILED where none can be
    // made.
    static Result<Extractor> create()
    {
        pm_extractor *raw = nullptr;
        return detail::result<Extractor>([&](pm_error **e) { return pm_extractor_new(&raw, e); },
                                         [&](pm_status) { return Extractor(raw); });
    }

    // With a directory in this one, which must exist.
    static Result<Extractor> create_in(std::string_view base)
    {
        pm_extractor *raw = nullptr;
        return detail::result<Extractor>(
            [&](pm_error **e) { return pm_extractor_new_in(base.data(), base.size(), &raw, e); },
            [&](pm_status) { return Extractor(raw); });
    }

    // With options. Fails with PM_ERROR_INVALID_ARGUMENT too.
    static Result<Extractor> create(const ExtractorOptions &options)
    {
        std::vector<const char *> fallbacks;
        if (options.fallbacks)
            fallbacks = detail::pointers(*options.fallbacks);
        const pm_extractor_options all = {sizeof all, detail::text(options.base),
                                          detail::text(options.prefix),
                                          options.fallbacks ? fallbacks.data() : nullptr};
        pm_extractor *raw = nullptr;
        return detail::result<Extractor>(
            [&](pm_error **e) { return pm_extractor_new_with(&all, &raw, e); },
            [&](pm_status) { return Extractor(raw); });
    }
#if PM_HAS_EXCEPTIONS
    // As create().
    Extractor() : Extractor(create()) {}
    explicit Extractor(const ExtractorOptions &options) : Extractor(create(options)) {}
#endif
    // Takes a handle of the C interface.
    explicit Extractor(pm_extractor *raw) noexcept : handle_(raw) {}

    // Another owner of the same directory.
    Extractor share() const { return Extractor(pm_extractor_ref(raw())); }

    // Extracts bytes as the executable of this name (UTF-8, one path component), for
    // Command::binary(). One that has the name already is replaced; processes that run it keep the
    // old one. Fails with PM_ERROR_INVALID_ARGUMENT, PM_ERROR_EXTRACTION_FAILED (also for empty
    // data) or PM_ERROR_FORKED, and leaves nothing then.
    Result<void> add_binary(std::string_view name, const void *data, size_t size)
    {
        return detail::done([&](pm_error **e) {
            return pm_extractor_add_binary(raw(), name.data(), name.size(), detail::bytes(data),
                                           size, e);
        });
    }

    // As add_binary(), with the content of a file.
    Result<void> add_file(std::string_view name, std::string_view path)
    {
        return detail::done([&](pm_error **e) {
            return pm_extractor_add_file(raw(), name.data(), name.size(), path.data(), path.size(),
                                         e);
        });
    }

    // As add_binary(), and refuses data whose SHA-256 is not this, in hexadecimal digits.
    Result<void> add_verified(std::string_view name, const void *data, size_t size,
                              const std::string &sha256)
    {
        return detail::done([&](pm_error **e) {
            return pm_extractor_add_verified(raw(), name.data(), name.size(), detail::bytes(data),
                                             size, sha256.c_str(), e);
        });
    }

    // As add_file(), and refuses a file whose SHA-256 is not this.
    Result<void> add_file_verified(std::string_view name, std::string_view path,
                                   const std::string &sha256)
    {
        return detail::done([&](pm_error **e) {
            return pm_extractor_add_file_verified(raw(), name.data(), name.size(), path.data(),
                                                  path.size(), sha256.c_str(), e);
        });
    }

    // As add_binary(), with what a descriptor, which is borrowed, yields up to its end, read from
    // where it stands. It blocks for as long as that takes.
    Result<void> add_fd(std::string_view name, int fd)
    {
        return detail::done([&](pm_error **e) {
            return pm_extractor_add_fd(raw(), name.data(), name.size(), fd, e);
        });
    }

    // Extracts several binaries, all or none: they get their names when the last one is written.
    // Fails as add_binary(), for the first that fails. Names must hold no NUL.
    Result<void> add_multiple_binaries(const std::vector<Binary> &binaries)
    {
        std::vector<const char *> names;
        std::vector<pm_bytes> data;
        for (const Binary &binary : binaries) {
            names.push_back(binary.name.c_str());
            data.push_back({detail::bytes(binary.data.data()), binary.data.size()});
        }
        return detail::done([&](pm_error **e) {
            return pm_extractor_add_multiple_binaries(raw(), names.data(), data.data(),
                                                      names.size(), e);
        });
    }

    // Removes a binary; processes that run it keep it. Fails with PM_ERROR_BINARY_NOT_FOUND.
    Result<void> remove(std::string_view name)
    {
        return detail::done([&](pm_error **e) {
            return pm_extractor_remove(raw(), name.data(), name.size(), e);
        });
    }

    // The path of an extracted binary. Fails with PM_ERROR_BINARY_NOT_FOUND.
    Result<std::string> path(std::string_view name) const
    {
        pm_names *names = nullptr;
        return detail::result<std::string>(
            [&](pm_error **e) {
                return pm_extractor_path(raw(), name.data(), name.size(), &names, e);
            },
            [&](pm_status) { return list(names).front(); });
    }

    // The names of all binaries, sorted.
    Result<std::vector<std::string>> binaries() const
    {
        pm_names *names = nullptr;
        return detail::result<std::vector<std::string>>(
            [&](pm_error **e) { return pm_extractor_list(raw(), &names, e); },
            [&](pm_status) { return list(names); });
    }

    // The private directory.
    std::string directory() const { return pm_extractor_directory(raw()); }

    // Where the executables are.
    Location location() const noexcept
    {
        return static_cast<Location>(pm_extractor_location(raw()));
    }

    // Why every directory before the one in use was refused, for people; "" where the base
    // directory is used or nothing is known yet.
    std::string location_reason() const { return pm_extractor_location_reason(raw()); }

    // The handle of the C interface; borrowed.
    pm_extractor *raw() const noexcept { return handle_.get(); }

private:
    static std::vector<std::string> list(pm_names *names)
    {
        const detail::Handle<pm_names, pm_names_free> owner(names);
        std::vector<std::string> texts;
        for (size_t at = 0; at < pm_names_count(names); ++at)
            texts.emplace_back(pm_names_get(names, at));
        return texts;
    }
    detail::Handle<pm_extractor, pm_extractor_free> handle_;
};

} // namespace process_manager

#endif // PROCESS_MANAGER_EXTRACTOR_HPP
