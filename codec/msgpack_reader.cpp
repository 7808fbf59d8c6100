#include "codec/msgpack_reader.hpp"

namespace troupe {

using Type = MsgpackToken::Type;

MsgpackReader::MsgpackReader(std::string_view bytes) {
  auto tape = parse_msgpack(bytes);
  if (tape)
    tape_ = *std::move(tape);
  else
    error_ = tape.error();
}

Error MsgpackReader::error() const {
  if (path_.empty()) return error_;
  Error error = error_;
  error.message = path_ + ": " + error.message;
  return error;
}

bool MsgpackReader::fail(std::string_view why) {
  if (error_.message.empty()) error_.message = why;
  return false;
}

bool MsgpackReader::at_field(std::string_view name) {
  const bool joined = path_.empty() || path_.front() == '[';
  path_ = std::string(name) + (joined ? "" : ".") + path_;
  return false;
}

bool MsgpackReader::at_item(std::uint32_t i) {
  return at_field("[" + std::to_string(i) + "]");
}

// The tape is empty only after a parse error, which is kept then.
const MsgpackToken* MsgpackReader::take(Type type, std::string_view what) {
  if (position_ >= tape_.size() || tape_[position_].type != type) {
    fail(what);
    return nullptr;
  }
  return &tape_[position_++];
}

bool MsgpackReader::take_nil() {
  const bool is_nil =
      position_ < tape_.size() && tape_[position_].type == Type::nil;
  if (is_nil) ++position_;
  return is_nil;
}

bool MsgpackReader::open(Type container, std::uint32_t& size) {
  const auto* token =
      take(container, container == Type::map ? "a map is expected"
                                             : "an array is expected");
  if (!token) return false;
  size = token->size;
  return true;
}

bool MsgpackReader::read_fields(const Slot* slots, std::size_t count) {
  std::uint32_t pairs = 0;
  if (!open(Type::map, pairs)) return false;
  std::size_t expected = 0;  // Writers keep the order of `inspect`.
  for (std::uint32_t pair = 0; pair < pairs; ++pair) {
    const MsgpackToken& key = tape_[position_];
    position_ = key.next;
    std::size_t i = count;
    if (key.type == Type::text) {
      const auto name = key.view();
      for (i = expected; i < count && slots[i].name != name;) ++i;
      if (i == count) {
        for (i = 0; i < expected && slots[i].name != name;) ++i;
        if (i == expected) i = count;
      }
    }
    const bool is_nil = tape_[position_].type == Type::nil;
    if (i == count || is_nil) {
      position_ = tape_[position_].next;
      continue;
    }
    if (!slots[i].read(*this, slots[i].value)) return at_field(slots[i].name);
    expected = i + 1;
  }
  return true;
}

bool MsgpackReader::read_boolean(bool& x) {
  const auto* token = take(Type::boolean, "true or false is expected");
  if (token) x = token->natural != 0;
  return token != nullptr;
}

bool MsgpackReader::read_natural(std::uint64_t& x, std::uint64_t max) {
  const auto* token = take(Type::natural, "a number from 0 is expected");
  if (!token) return false;
  if (token->natural > max) return fail("the number is too large");
  x = token->natural;
  return true;
}

bool MsgpackReader::read_integer(std::int64_t& x, std::int64_t min,
                                 std::int64_t max) {
  if (position_ < tape_.size() && tape_[position_].type == Type::integer) {
    x = tape_[position_++].integer;
    return x >= min || fail("the number is too small");
  }
  const auto* token = take(Type::natural, "a whole number is expected");
  if (!token) return false;
  if (token->natural > static_cast<std::uint64_t>(max))
    return fail("the number is too large");
  x = static_cast<std::int64_t>(token->natural);
  return true;
}

bool MsgpackReader::read_real(double& x) {
  if (position_ < tape_.size()) {
    const MsgpackToken& token = tape_[position_];
    if (token.type == Type::natural || token.type == Type::integer) {
      x = token.type == Type::natural ? static_cast<double>(token.natural)
                                      : static_cast<double>(token.integer);
      ++position_;
      return true;
    }
  }
  const auto* token = take(Type::real, "a number is expected");
  if (token) x = token->real;
  return token != nullptr;
}

bool MsgpackReader::value(std::string& x) {
  // Text and binary are told apart by writers, not by what holds them.
  if (position_ < tape_.size() && tape_[position_].type == Type::binary) {
    x = tape_[position_++].view();
    return true;
  }
  const auto* token = take(Type::text, "text is expected");
  if (token) x = token->view();
  return token != nullptr;
}

bool MsgpackReader::value(JobId& x) {
  const auto* token = take(Type::binary, "a job id is expected");
  if (!token) return false;
  if (token->size != 16) return fail("a job id has 16 bytes");
  const auto* bytes = reinterpret_cast<const unsigned char*>(token->bytes);
  x = {};
  for (int i = 0; i < 8; ++i) {
    x.hi = x.hi << 8 | bytes[i];
    x.lo = x.lo << 8 | bytes[8 + i];
  }
  return true;
}

}  // namespace troupe
