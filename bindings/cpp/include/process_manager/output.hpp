// Reading the output of a process without callbacks.
#ifndef PROCESS_MANAGER_OUTPUT_HPP
#define PROCESS_MANAGER_OUTPUT_HPP

#include <process_manager/detail.hpp>
#include <process_manager/record.hpp>

#include <iterator>
#include <optional>
#include <utility>

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
    bool is_over() const noexcept { return is_over_; }

    // Passes the other stream over from here on.
    Result<void> only(Source source)
    {
        return detail::done([&](pm_error **e) {
            return pm_output_only(raw(), detail::number(source), e);
        });
    }

    // The handle of the C interface; borrowed.
    pm_output *raw() const noexcept { return handle_.get(); }

#if PM_HAS_EXCEPTIONS
    // Each step waits for a record, as next() does.
    class iterator {
    public:
        using iterator_category = std::input_iterator_tag;
        using value_type = Record;
        using difference_type = std::ptrdiff_t;
        using pointer = const Record *;
        using reference = const Record &;

        iterator() = default;
        explicit iterator(Output *output) : output_(output) { ++*this; }
        reference operator*() const { return *record_; }
        pointer operator->() const { return &*record_; }
        iterator &operator++()
        {
            record_ = output_->next();
            if (!record_)
                output_ = nullptr;
            return *this;
        }
        void operator++(int) { ++*this; }
        friend bool operator==(const iterator &a, const iterator &b)
        {
            return a.output_ == b.output_;
        }
        friend bool operator!=(const iterator &a, const iterator &b)
        {
            return a.output_ != b.output_;
        }

    private:
        Output *output_ = nullptr;
        std::optional<Record> record_;
    };
    iterator begin() { return iterator(this); }
    iterator end() { return iterator(); }
#endif

private:
    using Next = pm_status (*)(pm_output *, int64_t, const pm_record **, size_t *, pm_error **);

    // One call of the C interface gives many records; they are handed out one by one.
    Result<std::optional<Record>> next(Next call, int64_t timeout)
    {
        if (at_ < count_)
            return std::optional<Record>(Record(records_[at_++]));
        at_ = count_ = 0;
        return detail::result<std::optional<Record>>(
            [&](pm_error **e) { return call(raw(), timeout, &records_, &count_, e); },
            [&](pm_status status) {
                is_over_ = status == PM_END;
                return status == PM_OK ? std::optional<Record>(Record(records_[at_++]))
                                       : std::nullopt;
            });
    }

    detail::Handle<pm_output, pm_output_free> handle_;
    const pm_record *records_ = nullptr;
    size_t count_ = 0;
    size_t at_ = 0;
    bool is_over_ = false;
};

} // namespace process_manager

#endif // PROCESS_MANAGER_OUTPUT_HPP
