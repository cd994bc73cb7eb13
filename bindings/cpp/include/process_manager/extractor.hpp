// The executables that a program carries with it, as files that can be started.
#ifndef PROCESS_MANAGER_EXTRACTOR_HPP
#define PROCESS_MANAGER_EXTRACTOR_HPP

#include <process_manager/detail.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace process_manager {

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
#if PM_HAS_EXCEPTIONS
    // As create().
    Extractor() : Extractor(create()) {}
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
