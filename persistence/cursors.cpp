#include "persistence/cursors.hpp"

#include <algorithm>

#include "persistence/job_store_impl.hpp"

namespace troupe::storage {
namespace {

using Iterator = std::unique_ptr<rocksdb::Iterator>;

rocksdb::Status first_error(const Cursors& parts) {
  for (const auto& part : parts)
    if (!part->status().ok()) return part->status();
  return rocksdb::Status::OK();
}

class PostingCursor : public Cursor {
 public:
  PostingCursor(Iterator it, std::string prefix)
      : it_{std::move(it)}, prefix_{std::move(prefix)} {}

  std::optional<std::uint64_t> seek(std::uint64_t at_most) override {
    if (!it_->status().ok()) return std::nullopt;
    if (!members_.empty() && at_most >= members_.front())
      return last_up_to(at_most);
    it_->SeekForPrev(slice(posting_key(prefix_, at_most)));
    for (; it_->Valid() && bytes_of(it_->key()).starts_with(prefix_) &&
           it_->key().size() == prefix_.size() + 8;
         it_->Prev()) {
      members_ = decode_postings(last_u64(bytes_of(it_->key())),
                                 bytes_of(it_->value()));
      if (!members_.empty() && members_.front() <= at_most)
        return last_up_to(at_most);
    }
    members_.clear();
    return std::nullopt;
  }
  rocksdb::Status status() const override { return it_->status(); }

 private:
  std::optional<std::uint64_t> last_up_to(std::uint64_t at_most) const {
    return *std::prev(std::ranges::upper_bound(members_, at_most));
  }

  Iterator it_;
  std::string prefix_;
  std::vector<std::uint64_t> members_;  // Of the window it stands on.
};

// Keys that end with the number.
class KeyCursor : public Cursor {
 public:
  KeyCursor(Iterator it, std::string prefix)
      : it_{std::move(it)}, prefix_{std::move(prefix)} {}

  std::optional<std::uint64_t> seek(std::uint64_t at_most) override {
    if (!it_->status().ok()) return std::nullopt;
    if (at_ && *at_ == at_most) return at_;
    auto key = prefix_;
    put_u64(key, at_most);
    // The neighbour is the usual case when every job is a member.
    if (at_ && *at_ > at_most && it_->Valid()) it_->Prev();
    if (!at_ || !it_->Valid() || it_->key().compare(slice(key)) > 0 ||
        *at_ < at_most)
      it_->SeekForPrev(slice(key));
    at_.reset();
    if (it_->Valid() && bytes_of(it_->key()).starts_with(prefix_))
      at_ = last_u64(bytes_of(it_->key()));
    return at_;
  }
  rocksdb::Status status() const override { return it_->status(); }

 private:
  Iterator it_;
  std::string prefix_;
  std::optional<std::uint64_t> at_;
};

class TimeCursor : public Cursor {
 public:
  TimeCursor(Iterator it, UnixMs since_ms, UnixMs until_ms)
      : it_{std::move(it)}, since_ms_{since_ms}, until_ms_{until_ms} {}

  std::optional<std::uint64_t> seek(std::uint64_t at_most) override {
    if (!it_->status().ok()) return std::nullopt;
    const auto window = at_most >> kWindowBits;
    if (window_ == window) return at_most;
    it_->SeekForPrev(slice(zone_key(at_most)));
    const auto prefix = zone_key(0).substr(0, 2);
    for (; it_->Valid() && bytes_of(it_->key()).starts_with(prefix);
         it_->Prev()) {
      const auto zone = decode_zone(bytes_of(it_->value()));
      if (!zone || zone->min_ms >= until_ms_ || zone->max_ms < since_ms_)
        continue;
      window_ = last_u64(bytes_of(it_->key()));
      return std::min(at_most, ((*window_ + 1) << kWindowBits) - 1);
    }
    return std::nullopt;
  }
  rocksdb::Status status() const override { return it_->status(); }

 private:
  Iterator it_;
  UnixMs since_ms_;
  UnixMs until_ms_;
  std::optional<std::uint64_t> window_;
};

class UnionCursor : public Cursor {
 public:
  explicit UnionCursor(Cursors parts) : parts_{std::move(parts)} {}

  std::optional<std::uint64_t> seek(std::uint64_t at_most) override {
    std::optional<std::uint64_t> best;
    for (const auto& part : parts_) best = std::max(best, part->seek(at_most));
    return best;
  }
  rocksdb::Status status() const override { return first_error(parts_); }

 private:
  Cursors parts_;
};

class IntersectionCursor : public Cursor {
 public:
  explicit IntersectionCursor(Cursors parts) : parts_{std::move(parts)} {}

  std::optional<std::uint64_t> seek(std::uint64_t at_most) override {
    for (std::size_t agreed = 0; agreed < parts_.size();) {
      agreed = 0;
      for (const auto& part : parts_) {
        const auto found = part->seek(at_most);
        if (!found) return std::nullopt;
        if (*found == at_most) ++agreed;
        at_most = *found;
      }
    }
    return at_most;
  }
  rocksdb::Status status() const override { return first_error(parts_); }

 private:
  Cursors parts_;
};

Iterator iterator(const Database& base, const rocksdb::ReadOptions& reading) {
  return Iterator{base.db().NewIterator(reading, base.index())};
}

}  // namespace

std::unique_ptr<Cursor> posting_cursor(const Database& base,
                                       const rocksdb::ReadOptions& reading,
                                       Attribute attribute,
                                       std::string_view value) {
  return std::make_unique<PostingCursor>(iterator(base, reading),
                                         posting_prefix(attribute, value));
}
std::unique_ptr<Cursor> live_cursor(const Database& base,
                                    const rocksdb::ReadOptions& reading,
                                    JobState state) {
  return std::make_unique<KeyCursor>(iterator(base, reading),
                                     live_prefix(state));
}
std::unique_ptr<Cursor> job_cursor(const Database& base,
                                   const rocksdb::ReadOptions& reading) {
  return std::make_unique<KeyCursor>(iterator(base, reading),
                                     job_key(0).substr(0, 2));
}
std::unique_ptr<Cursor> time_cursor(const Database& base,
                                    const rocksdb::ReadOptions& reading,
                                    UnixMs since_ms, UnixMs until_ms) {
  return std::make_unique<TimeCursor>(iterator(base, reading), since_ms,
                                      until_ms);
}
std::unique_ptr<Cursor> union_cursor(Cursors parts) {
  return std::make_unique<UnionCursor>(std::move(parts));
}
std::unique_ptr<Cursor> intersection_cursor(Cursors parts) {
  return std::make_unique<IntersectionCursor>(std::move(parts));
}

}  // namespace troupe::storage
