// Reading the output of a process without callbacks.
#ifndef PROCESS_MANAGER_OUTPUT_HPP
#define PROCESS_MANAGER_OUTPUT_HPP

#include <process_manager/reader.hpp>
#include <process_manager/record.hpp>

#include <optional>

namespace process_manager {

// A reader of a process's output, at its own place in it; it begins at the oldest output that is
// kept, and holds output, not the process. It is a range of records, for one pass:
//     for (const Record &record : output) ...
// A record is valid until the next one is asked for, or the reader is moved or gone. What a reader
// keeps counts as not read. One thread at a time with each reader.
class Output {
public:
    // Takes a handle of the C interface.
    explicit Output(pm_output *raw) noexcept : handle_(raw) {}

    // Waits for the next record; none at the end. Fails with PM_ERROR_FORKED.
    Result<std::optional<Record>> next() { return next(pm_output_next, -1); }

    // As next(), for this long at most; none also when the time is over: is_over() tells which.
    template <class Rep, class Period>
    Result<std::optional<Record>> next_for(std::chrono::duration<Rep, Period> time)
    {
        return next(pm_output_next, detail::ms(time));
    }

    // As next(), with the output as it was read, without regard to lines: so that a prompt without
    // a newline is seen at once. Use one of the two with a reader: what one took the other does not
    // see.
    Result<std::optional<Record>> next_bytes() { return next(pm_output_next_bytes, -1); }

    // As next_bytes(), for this long at most.
    template <class Rep, class Period>
    Result<std::optional<Record>> next_bytes_for(std::chrono::duration<Rep, Period> time)
    {
        return next(pm_output_next_bytes, detail::ms(time));
    }

    // True when all was read and no more can come.
    bool is_over() const noexcept { return records_.is_over(); }

    // Passes the other stream over from here on.
    Result<void> only(Source source)
    {
        only_ = source;
        return detail::done([&](pm_error **e) {
            return pm_output_only(raw(), detail::number(source), e);
        });
    }

    // The handle of the C interface; borrowed.
    pm_output *raw() const noexcept { return handle_.get(); }

#if PM_HAS_EXCEPTIONS
    // Each step waits for a record, as next() does.
    using iterator = detail::Iterator<Output, Record>;
    iterator begin() { return iterator(this); }
    iterator end() { return iterator(); }
#endif

private:
    using Next = pm_status (*)(pm_output *, int64_t, const pm_record **, size_t *, pm_error **);

    Result<std::optional<Record>> next(Next call, int64_t timeout)
    {
        return records_.next(
            [&](const pm_record **records, size_t *count, pm_error **e) {
                return call(raw(), timeout, records, count, e);
            },
            [this](const pm_record &record) {
                return !only_ || record.source == detail::number(*only_);
            });
    }

    detail::Handle<pm_output, pm_output_free> handle_;
    detail::Views<Record, pm_record> records_;
    std::optional<Source> only_;
};

} // namespace process_manager

#endif // PROCESS_MANAGER_OUTPUT_HPP
