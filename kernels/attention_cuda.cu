#include "kernels/attention_cuda.hpp"

#include "kernels/attention_decode.cuh"
#include "kernels/attention_prefill.cuh"

namespace troupe::kernels {
namespace {

AttendRows rows_of(const Attention::Args& a) {
  return {.y = data_of<float>(a.y),
          .q = data_of<const float>(a.q),
          .rows = static_cast<int>(a.q.shape[0]),
          .heads = static_cast<int>(a.heads),
          .scale = a.scale};
}

template <class T, int kDim, int kHeads>
void attend_chunks(Context& ctx, const Attention::Args& a,
                   const Chunks& chunks) {
  const auto group = a.heads / a.pages.kv_heads;
  const auto parts = (group + kHeads - 1) / kHeads;
  launch(attend_chunk_kernel<T, kDim, kHeads>,
         {.name = "attend_chunk",
          .blocks = {static_cast<unsigned>(a.q.shape[0]),
                     static_cast<unsigned>(a.pages.kv_heads * parts),
                     static_cast<unsigned>(chunks.chunks)},
          .threads = kDecodeThreads,
          .shared_bytes = sizeof(DecodeShared<kDim, kHeads>),
          .stream = ctx.stream},
         rows_of(a), kv_view<T>(a.pages, a.at), chunks);
}

template <class T, int kDim>
void decode(Context& ctx, const Attention::Args& a) {
  const auto chunked = chunked_attention(a);
  const Chunks chunks{.found = reinterpret_cast<float*>(ctx.scratch.data()),
                      .positions = static_cast<int>(chunked.positions),
                      .chunks = static_cast<int>(chunked.chunks)};
  const auto group = a.heads / a.pages.kv_heads;
  if (group == 1)
    attend_chunks<T, kDim, 1>(ctx, a, chunks);
  else if (group == 2)
    attend_chunks<T, kDim, 2>(ctx, a, chunks);
  else if (group <= 4)
    attend_chunks<T, kDim, 4>(ctx, a, chunks);
  else
    attend_chunks<T, kDim, 8>(ctx, a, chunks);
  launch(join_chunks_kernel<kDim>,
         {.name = "join_chunks",
          .blocks = {static_cast<unsigned>(a.q.shape[0]),
                     static_cast<unsigned>(a.heads)},
          .threads = kDim,
          .stream = ctx.stream},
         rows_of(a), data_of<const std::int32_t>(a.at.positions), chunks);
}

template <class T, int kDim>
void run(Context& ctx, const Attention::Args& a) {
  if (a.decode) return decode<T, kDim>(ctx, a);
  const auto tiles = (a.q.shape[0] + kTileRows - 1) / kTileRows;
  launch(
      attend_tile_kernel<T, kDim>,
      {.name = "attend_tile",
       .blocks = {static_cast<unsigned>(tiles), static_cast<unsigned>(a.heads)},
       .threads = kPrefillThreads,
       .shared_bytes = sizeof(PrefillShared<kDim>),
       .stream = ctx.stream},
      rows_of(a), kv_view<T>(a.pages, a.at));
}

template <class T>
void run(Context& ctx, const Attention::Args& a) {
  if (a.pages.head_dim == 64)
    run<T, 64>(ctx, a);
  else
    run<T, 128>(ctx, a);
}

}  // namespace

void Attention::cuda(Context& ctx, const Args& a) {
  if (a.q.shape[0] == 0) return;
  if (a.pages.dtype == DType::f32)
    run<float>(ctx, a);
  else
    run<__nv_bfloat16>(ctx, a);
}

}  // namespace troupe::kernels
