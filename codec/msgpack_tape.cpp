#include "codec/msgpack_tape.hpp"

#include <algorithm>
#include <exception>

#define MSGPACK_NO_BOOST
#include <msgpack/null_visitor.hpp>
#include <msgpack/unpack.hpp>

namespace troupe {
namespace {

using Type = MsgpackToken::Type;

// Told of every value by msgpack-c's parser; returning false stops it.
class TapeVisitor : public msgpack::null_visitor {
 public:
  explicit TapeVisitor(std::vector<MsgpackToken>& tape) : tape_{tape} {}

  bool visit_nil() {
    add(Type::nil);
    return true;
  }
  bool visit_boolean(bool x) {
    add(Type::boolean).natural = x;
    return true;
  }
  bool visit_positive_integer(std::uint64_t x) {
    add(Type::natural).natural = x;
    return true;
  }
  bool visit_negative_integer(std::int64_t x) {
    add(Type::integer).integer = x;
    return true;
  }
  bool visit_float32(float x) { return visit_float64(x); }
  bool visit_float64(double x) {
    add(Type::real).real = x;
    return true;
  }
  bool visit_str(const char* bytes, std::uint32_t size) {
    return add_bytes(Type::text, bytes, size);
  }
  bool visit_bin(const char* bytes, std::uint32_t size) {
    return add_bytes(Type::binary, bytes, size);
  }
  bool visit_ext(const char* bytes, std::uint32_t size) {
    return add_bytes(Type::extension, bytes, size);
  }
  bool start_array(std::uint32_t items) { return open(Type::array, items); }
  bool start_map(std::uint32_t pairs) { return open(Type::map, pairs); }
  bool end_array() { return close(); }
  bool end_map() { return close(); }

  void parse_error(std::size_t, std::size_t offset) {
    stop("no msgpack", offset);
  }
  void insufficient_bytes(std::size_t, std::size_t offset) {
    stop("cut off", offset);
  }

  std::string_view why() const { return why_; }
  std::size_t offset() const { return offset_; }

 private:
  MsgpackToken& add(Type type) {
    auto& token = tape_.emplace_back();
    token.type = type;
    token.next = static_cast<std::uint32_t>(tape_.size());
    return token;
  }
  bool add_bytes(Type type, const char* bytes, std::uint32_t size) {
    auto& token = add(type);
    token.bytes = bytes;
    token.size = size;
    return true;
  }
  bool open(Type type, std::uint32_t size) {
    if (depth_ == kMaxMsgpackDepth) {
      stop("nested too deep", 0);
      return false;
    }
    open_[depth_++] = static_cast<std::uint32_t>(tape_.size());
    add(type).size = size;
    return true;
  }
  bool close() {
    tape_[open_[--depth_]].next = static_cast<std::uint32_t>(tape_.size());
    return true;
  }
  void stop(std::string_view why, std::size_t offset) {
    why_ = why;
    offset_ = offset;
  }

  std::vector<MsgpackToken>& tape_;
  std::uint32_t open_[kMaxMsgpackDepth];
  std::uint32_t depth_ = 0;
  std::string_view why_;
  std::size_t offset_ = 0;
};

Error bad(std::string_view why, std::size_t offset) {
  return {Errc::corrupt, "msgpack: " + std::string(why) + " at byte " +
                             std::to_string(offset)};
}

}  // namespace

Result<std::vector<MsgpackToken>> parse_msgpack(std::string_view bytes) {
  if (bytes.size() > kMaxMsgpackBytes)
    return Error{Errc::too_large, "msgpack: " + std::to_string(bytes.size()) +
                                      " bytes, allowed are " +
                                      std::to_string(kMaxMsgpackBytes)};
  try {
    std::vector<MsgpackToken> tape;
    tape.reserve(std::min<std::size_t>(bytes.size() + 1, 96));
    TapeVisitor visitor{tape};
    std::size_t offset = 0;
    if (bytes.empty()) return bad("cut off", 0);
    const bool whole =
        msgpack::parse(bytes.data(), bytes.size(), offset, visitor);
    if (!visitor.why().empty()) return bad(visitor.why(), visitor.offset());
    if (!whole) return bad("no msgpack", offset);
    if (offset != bytes.size()) return bad("more bytes than the value", offset);
    return tape;
  } catch (const std::exception& e) {
    return Error{Errc::corrupt, std::string("msgpack: ") + e.what()};
  }
}

}  // namespace troupe
