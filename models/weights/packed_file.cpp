#include "models/weights/packed_file.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "codec/json.hpp"
#include "platform/regular_file.hpp"

namespace troupe {

template <class Inspector>
bool inspect(Inspector& f, PackedSource& x) {
  return f.object(x).fields(
      f.field("name", x.name), f.field("inode", x.stamp.inode),
      f.field("bytes", x.stamp.bytes), f.field("mtime_ns", x.stamp.mtime_ns));
}

namespace {

namespace fs = std::filesystem;

// Ends the file; another layout of it has another one.
constexpr std::string_view kMagic = "TRPACK01";

// What stands before kMagic, after the trailer's JSON.
struct End {
  std::uint64_t json_sum;
  std::uint64_t json_bytes;
};
constexpr std::uint64_t kEndBytes = sizeof(End) + kMagic.size();

// The trailer.
struct Trailer {
  std::string what;
  std::string folder;
  std::vector<PackedSource> sources;
  std::uint64_t bytes = 0;
  std::uint64_t block_bytes = 0;
  std::vector<std::uint64_t> sums;
};
template <class Inspector>
bool inspect(Inspector& f, Trailer& x) {
  return f.object(x).fields(
      f.field("what", x.what), f.field("folder", x.folder),
      f.field("sources", x.sources), f.field("bytes", x.bytes),
      f.field("block_bytes", x.block_bytes), f.field("sums", x.sums));
}

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span{text.data(), text.size()});
}

Error broken(const fs::path& path, const std::string& why) {
  return {Errc::corrupt, path.string() + ": " + why};
}

std::uint64_t blocks_for(std::uint64_t bytes) {
  return (bytes + kPackedBlockBytes - 1) / kPackedBlockBytes;
}

// What the file's end says of it.
Result<Trailer> read_trailer(int fd, const fs::path& path) {
  const auto size = platform::file_size(fd);
  if (!size) return size.error();
  const auto no_such = broken(path, "is not a whole file of packed weights");
  if (*size < kEndBytes) return no_such;
  const auto end = platform::read_at(fd, *size - kEndBytes, kEndBytes);
  if (!end) return end.error();
  if (end->size() != kEndBytes || !end->ends_with(kMagic)) return no_such;
  End about{};
  std::memcpy(&about, end->data(), sizeof about);
  if (about.json_bytes > std::min(kMaxPackedTagBytes, *size - kEndBytes))
    return no_such;
  const auto bytes = *size - kEndBytes - about.json_bytes;
  const auto text = platform::read_at(fd, bytes, about.json_bytes);
  if (!text) return text.error();
  if (block_sum(bytes_of(*text)) != about.json_sum) return no_such;
  const auto json = parse_json(*text);
  auto trailer = json ? from_json<Trailer>(*json, UnknownFields::skip)
                      : Result<Trailer>{json.error()};
  if (!trailer || trailer->bytes != bytes ||
      trailer->block_bytes != kPackedBlockBytes ||
      trailer->sums.size() != blocks_for(bytes))
    return no_such;
  return trailer;
}

}  // namespace

// Four chains, since a product takes three cycles; each step can be undone, so
// that no change within one word is lost.
std::uint64_t block_sum(std::span<const std::byte> bytes) {
  constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15;
  std::array<std::uint64_t, 4> sum{bytes.size(), 1, 2, 3};
  const auto add = [](std::uint64_t one, std::uint64_t word) {
    return std::rotl((one ^ word) * kOdd, 29);
  };
  std::size_t at = 0;
  for (; at + sizeof sum <= bytes.size(); at += sizeof sum) {
    std::array<std::uint64_t, 4> words;
    std::memcpy(words.data(), bytes.data() + at, sizeof words);
    for (std::size_t i = 0; i < words.size(); ++i)
      sum[i] = add(sum[i], words[i]);
  }
  for (; at < bytes.size(); ++at)
    sum[0] = add(sum[0], std::to_integer<std::uint64_t>(bytes[at]));
  std::uint64_t all = 0;
  for (const auto one : sum) all = add(all, one);
  return all;
}

Result<PackedFileWriter> PackedFileWriter::create(const fs::path& path,
                                                  const fs::path& aside,
                                                  PackedTag tag) {
  auto file = platform::AtomicFile::create(aside);
  if (!file) return file.error();
  return PackedFileWriter{std::move(*file), path, std::move(tag)};
}

Status PackedFileWriter::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const auto block =
        bytes.first(std::min<std::uint64_t>(kPackedBlockBytes, bytes.size()));
    sums_.push_back(block_sum(block));
    auto wrote = file_.write(
        {reinterpret_cast<const char*>(block.data()), block.size()});
    if (!wrote) return wrote;
    bytes = bytes.subspan(block.size());
  }
  return ok();
}

Status PackedFileWriter::commit() {
  Trailer trailer{.what = std::move(tag_.what),
                  .folder = std::move(tag_.folder),
                  .sources = std::move(tag_.sources),
                  .bytes = file_.size(),
                  .block_bytes = kPackedBlockBytes,
                  .sums = std::move(sums_)};
  const auto json = dump_json(to_json(trailer));
  const End end{.json_sum = block_sum(bytes_of(json)),
                .json_bytes = json.size()};
  const std::string about(reinterpret_cast<const char*>(&end), sizeof end);
  if (auto wrote = file_.write(json + about + std::string(kMagic)); !wrote)
    return wrote;
  return file_.commit(path_);
}

Result<PackedFile> PackedFile::open(const fs::path& path) {
  auto fd = platform::open_regular(path);
  if (!fd) return fd.error();
  auto reader = platform::BulkReader::open(path, std::move(*fd));
  if (!reader) return reader.error();
  auto trailer = read_trailer(reader->fd(), path);
  if (!trailer) return trailer.error();
  PackedFile file{path, std::move(*reader)};
  file.tag_ = {std::move(trailer->what), std::move(trailer->folder),
               std::move(trailer->sources)};
  file.bytes_ = trailer->bytes;
  file.sums_ = std::move(trailer->sums);
  return file;
}

std::uint64_t PackedFile::block_bytes(std::uint64_t block) const {
  return std::min(kPackedBlockBytes, bytes_ - block * kPackedBlockBytes);
}

void PackedFile::read_ahead(std::uint64_t first, std::uint64_t count) const {
  file_.read_ahead(first * kPackedBlockBytes, count * kPackedBlockBytes);
}

Status PackedFile::read(std::uint64_t block, std::span<std::byte> out) const {
  TROUPE_ASSERT(block < blocks() && out.size() == block_bytes(block));
  const auto have = file_.read(block * kPackedBlockBytes, out);
  if (!have) return have.error();
  if (*have == out.size() && block_sum(out) == sums_[block]) return ok();
  return broken(path_, "block " + std::to_string(block) +
                           " holds other bytes than were written");
}

}  // namespace troupe
