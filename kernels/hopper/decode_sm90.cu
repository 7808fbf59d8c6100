#include "kernels/attention_cuda.hpp"
#include "kernels/hopper/decode.cuh"
#include "kernels/hopper/decode.hpp"
#include "kernels/hopper/host.cuh"

namespace troupe::kernels {
namespace {

using namespace hopper;

TensorMap pages_map(const void* data, const KvPages& pages) {
  return make_map({.data = data,
                   .z = pages.pages * pages.kv_heads,
                   .y = kPageTokens,
                   .x = pages.head_dim,
                   .box_z = 1,
                   .box_y = kPage,
                   .box_x = kColumn});
}

template <class V>
void decode(Context& ctx, const Attention::Args& a) {
  const auto chunked = chunked_attention(a);
  const DecodePages args{
      .keys = pages_map(a.pages.keys, a.pages),
      .values = pages_map(a.pages.values, a.pages),
      .rows = {.y = data_of<float>(a.y),
               .q = data_of<const float>(a.q),
               .rows = static_cast<int>(a.q.shape[0]),
               .heads = static_cast<int>(a.heads),
               .scale = a.scale},
      .kv = kv_view<__nv_bfloat16>(a.pages, a.at),
      .out = {.found = reinterpret_cast<float*>(ctx.scratch.data()),
              .positions = static_cast<int>(chunked.positions),
              .chunks = static_cast<int>(chunked.chunks)}};
  launch(decode_pages_kernel<V>,
         {.name = "decode_pages",
          .blocks = {static_cast<unsigned>(a.q.shape[0]),
                     static_cast<unsigned>(a.pages.kv_heads),
                     static_cast<unsigned>(chunked.chunks)},
          .threads = V::kThreads,
          .shared_bytes = sizeof(PagesShared<V>) + kAtomBytes,
          .stream = ctx.stream},
         args);
  launch(join_chunks_kernel<V::kDim>,
         {.name = "join_chunks",
          .blocks = {static_cast<unsigned>(a.q.shape[0]),
                     static_cast<unsigned>(a.heads)},
          .threads = V::kDim,
          .stream = ctx.stream},
         args.rows, data_of<const std::int32_t>(a.at.positions), args.out);
}

template <int kDim>
void decode(Context& ctx, const Attention::Args& a) {
  if (a.heads / a.pages.kv_heads <= kHeadRows / 2)
    decode<PageVariant<kDim, 1>>(ctx, a);
  else
    decode<PageVariant<kDim, 2>>(ctx, a);
}

}  // namespace

bool decodes_on_hopper(const Attention::Args& a) {
  return a.decode && a.pages.dtype == DType::bf16 &&
         a.heads / a.pages.kv_heads <= kHeadRows;
}

void decode_on_hopper(Context& ctx, const Attention::Args& a) {
  if (a.q.shape[0] == 0) return;
  if (a.pages.head_dim == 64)
    decode<64>(ctx, a);
  else
    decode<128>(ctx, a);
}

}  // namespace troupe::kernels
