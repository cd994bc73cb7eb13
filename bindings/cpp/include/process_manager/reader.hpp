// What the readers of output, events and watches share. Not for programs: anything here may change.
#ifndef PROCESS_MANAGER_READER_HPP
#define PROCESS_MANAGER_READER_HPP

#include <process_manager/detail.hpp>

#include <iterator>
#include <optional>
#include <utility>

namespace process_manager {

namespace detail {

// Hands out one by one the views that a call of the C interface gives many of.
template <class Item, class View> class Views {
public:
    // Of what was given before, only that which `wanted` says true of.
    template <class Call, class Wanted>
    Result<std::optional<Item>> next(Call &&call, Wanted &&wanted)
    {
        while (at_ < count_) {
            const View &view = views_[at_++];
            if (wanted(view))
                return std::optional<Item>(Item(view));
        }
        at_ = count_ = 0;
        return result<std::optional<Item>>(
            [&](pm_error **e) { return call(&views_, &count_, e); },
            [&](pm_status status) {
                is_over_ = status == PM_END;
                return status == PM_OK ? std::optional<Item>(Item(views_[at_++])) : std::nullopt;
            });
    }

    template <class Call> Result<std::optional<Item>> next(Call &&call)
    {
        return next(std::forward<Call>(call), [](const View &) { return true; });
    }

    bool is_over() const noexcept { return is_over_; }

private:
    const View *views_ = nullptr;
    size_t count_ = 0;
    size_t at_ = 0;
    bool is_over_ = false;
};

#if PM_HAS_EXCEPTIONS
// Makes a range for one pass of a reader, whose next() gives an Item or none at the end.
template <class Reader, class Item> class Iterator {
public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Item;
    using difference_type = std::ptrdiff_t;
    using pointer = const Item *;
    using reference = const Item &;

    Iterator() = default;
    explicit Iterator(Reader *reader) : reader_(reader) { ++*this; }
    reference operator*() const { return *item_; }
    pointer operator->() const { return &*item_; }
    Iterator &operator++()
    {
        item_ = reader_->next();
        if (!item_)
            reader_ = nullptr;
        return *this;
    }
    void operator++(int) { ++*this; }
    friend bool operator==(const Iterator &a, const Iterator &b) { return a.reader_ == b.reader_; }
    friend bool operator!=(const Iterator &a, const Iterator &b) { return a.reader_ != b.reader_; }

private:
    Reader *reader_ = nullptr;
    std::optional<Item> item_;
};
#endif

} // namespace detail

} // namespace process_manager

#endif // PROCESS_MANAGER_READER_HPP
