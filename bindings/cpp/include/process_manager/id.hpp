// The id of a process.
#ifndef PROCESS_MANAGER_ID_HPP
#define PROCESS_MANAGER_ID_HPP

#include <process_manager.h>

#include <cstring>
#include <string>

namespace process_manager {

// A UUID of version 7, so that ids sort by start. All zero: none.
class Id {
public:
    Id() noexcept : raw_() {}
    Id(pm_id raw) noexcept : raw_(raw) {}
    pm_id raw() const noexcept { return raw_; }
    std::string to_string() const;

    friend bool operator==(const Id &a, const Id &b) noexcept { return a.compare(b) == 0; }
    friend bool operator!=(const Id &a, const Id &b) noexcept { return a.compare(b) != 0; }
    // In the order of the starts.
    friend bool operator<(const Id &a, const Id &b) noexcept { return a.compare(b) < 0; }

private:
    int compare(const Id &other) const noexcept
    {
        return std::memcmp(raw_.bytes, other.raw_.bytes, sizeof raw_.bytes);
    }
    pm_id raw_;
};

inline std::string Id::to_string() const
{
    static const char digits[] = "0123456789abcdef";
    std::string text;
    for (size_t at = 0; at < sizeof raw_.bytes; ++at) {
        if (at == 4 || at == 6 || at == 8 || at == 10)
            text += '-';
        text += digits[raw_.bytes[at] >> 4];
        text += digits[raw_.bytes[at] & 15];
    }
    return text;
}

} // namespace process_manager

#endif // PROCESS_MANAGER_ID_HPP
