// What a process writes: lines, parts of lines, gaps.
#ifndef PROCESS_MANAGER_RECORD_HPP
#define PROCESS_MANAGER_RECORD_HPP

#include <process_manager/time.hpp>

#include <string_view>

namespace process_manager {

// The output stream that something came from.
enum class Source {
    Stdout = PM_SOURCE_STDOUT, // also standard error where that was merged into it
    Stderr = PM_SOURCE_STDERR,
};

// A view of one line, part of a line or gap of output, or of raw output; valid as long as what gave
// it says: until a callback returns, or until the next record is asked for.
class Record {
public:
    // Borrows.
    explicit Record(const pm_record &raw) noexcept : raw_(&raw) {}

    // What it is, as a number of the C interface.
    pm_record_kind kind() const noexcept { return raw_->kind; }

    // True for output that was dropped before it could be delivered: lost_bytes() counts it.
    bool is_gap() const noexcept { return raw_->kind == PM_RECORD_GAP; }

    // True for a part of a line: longer than the limit, cut by a gap, or the end without newline.
    bool is_partial() const noexcept { return raw_->kind == PM_RECORD_PARTIAL_LINE; }

    // The stream that it came from.
    Source source() const noexcept { return static_cast<Source>(raw_->source); }

    // The bytes, untouched but for the newline: not terminated, not always UTF-8. Empty for a gap.
    // Of raw output, all that was read, newlines too.
    std::string_view line() const noexcept
    {
        return {reinterpret_cast<const char *>(raw_->line.data), raw_->line.len};
    }

    // Orders the records of both streams: the number of bytes that the process had written when
    // this record was complete. 0 for raw output.
    uint64_t sequence() const noexcept { return raw_->sequence; }

    // When it was read.
    TimePoint time() const noexcept { return TimePoint(std::chrono::nanoseconds(raw_->time)); }

    // Bytes dropped, and newlines among them; 0 unless this is a gap.
    uint64_t lost_bytes() const noexcept { return raw_->lost_bytes; }
    uint64_t lost_lines() const noexcept { return raw_->lost_lines; }

private:
    const pm_record *raw_;
};

} // namespace process_manager

#endif // PROCESS_MANAGER_RECORD_HPP
