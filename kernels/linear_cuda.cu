#include "kernels/linear_cuda.hpp"

#include <algorithm>

#include "kernels/launch.cuh"
#include "kernels/linear_adapters.hpp"
#include "kernels/linear_codes.cuh"
#include "kernels/linear_rows.cuh"
#include "kernels/matmul.hpp"

namespace troupe::kernels {
namespace {

constexpr int kThreads = 256;

// y += scale * u, each element by itself.
__global__ void __launch_bounds__(kThreads)
    add_scaled_kernel(float* y, const float* u, float scale, std::int64_t n) {
  const auto i = std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (i < n) y[i] += scale * u[i];
}

// Row by row, the last filled up with zeros.
__global__ void __launch_bounds__(kThreads)
    to_bf16_kernel(__nv_bfloat16* to, const float* from, int inputs,
                   int stride) {
  to += std::int64_t{blockIdx.x} * stride;
  from += std::int64_t{blockIdx.x} * inputs;
  for (int c = static_cast<int>(threadIdx.x); c < stride; c += kThreads)
    to[c] = __float2bfloat16(c < inputs ? from[c] : 0.f);
}

template <int kRows>
void run_small(Context& ctx, WeightFormat format, const SmallProduct& p) {
  LaunchConfig config{
      .name = "linear",
      .blocks = static_cast<unsigned>((p.outputs + kPanel - 1) / kPanel),
      .threads = kLinearThreads,
      .shared_bytes = sizeof(LinearCodesShared<kRows>),
      .stream = ctx.stream};
  switch (format) {
    case WeightFormat::int8:
      return launch(linear_codes_kernel<8, kRows>, config, p);
    case WeightFormat::int4:
      return launch(linear_codes_kernel<4, kRows>, config, p);
    case WeightFormat::f32:
    case WeightFormat::bf16:
      break;
  }
  config.blocks = static_cast<unsigned>((p.outputs + 3) / 4);
  config.shared_bytes = sizeof(LinearRowsShared<kRows>);
  if (format == WeightFormat::f32)
    launch(linear_rows_kernel<float, kRows>, config, p);
  else
    launch(linear_rows_kernel<__nv_bfloat16, kRows>, config, p);
}

void run_small(Context& ctx, const Linear::Args& a) {
  const SmallProduct p{
      .y = data_of<float>(a.y),
      .x = data_of<const float>(a.x),
      .weight = a.weight.data,
      .bias = data_of<const float>(a.bias),
      .rows = static_cast<int>(a.x.shape[0]),
      .inputs = static_cast<int>(a.weight.inputs),
      .outputs = static_cast<int>(a.weight.outputs),
      .weight_stride = row_stride(a.weight.format, a.weight.inputs),
      .aligned = a.weight.inputs % 4 == 0 &&
                 reinterpret_cast<std::uintptr_t>(a.x.data) % 16 == 0};
  if (p.rows <= 1) return run_small<1>(ctx, a.weight.format, p);
  if (p.rows <= 2) return run_small<2>(ctx, a.weight.format, p);
  if (p.rows <= 4) return run_small<4>(ctx, a.weight.format, p);
  run_small<kSmallRows>(ctx, a.weight.format, p);
}

// Codes are turned to rows a part at a time.
void multiply_codes(Context& ctx, const Linear::Args& a, Matmul product,
                    const LargeLinear& large, std::byte* part) {
  const auto& weight = a.weight;
  const bool bytes = weight.format == WeightFormat::int8;
  const auto panel_bytes = (weight.inputs + kBlockInputs - 1) / kBlockInputs *
                           (bytes ? kBlockBytes<8> : kBlockBytes<4>);
  product.weight = part;
  for (std::int64_t first = 0; first < weight.outputs;
       first += large.part_outputs) {
    const auto outputs = std::min(large.part_outputs, weight.outputs - first);
    launch(bytes ? codes_to_rows_kernel<8> : codes_to_rows_kernel<4>,
           {.name = "codes_to_rows",
            .blocks = static_cast<unsigned>((outputs + kPanel - 1) / kPanel),
            .threads = kLinearThreads,
            .stream = ctx.stream},
           reinterpret_cast<__nv_bfloat16*>(part),
           static_cast<const unsigned char*>(weight.data) +
               first / kPanel * panel_bytes,
           static_cast<int>(weight.inputs), product.weight_stride);
    product.y = data_of<float>(a.y) + first;
    product.bias =
        a.bias.data == nullptr ? nullptr : data_of<const float>(a.bias) + first;
    product.outputs = outputs;
    matmul(ctx, product);
  }
}

void run_large(Context& ctx, const Linear::Args& a) {
  const auto& weight = a.weight;
  const auto large = large_linear(a);
  Matmul product{.y = data_of<float>(a.y),
                 .x = a.x.data,
                 .weight = weight.data,
                 .bias = data_of<const float>(a.bias),
                 .rows = a.x.shape[0],
                 .inputs = weight.inputs,
                 .outputs = weight.outputs,
                 .y_stride = weight.outputs,
                 .x_stride = weight.inputs,
                 .weight_stride = row_stride(weight.format, weight.inputs)};
  auto* scratch = ctx.scratch.data();
  product.scratch = {scratch + large.inputs_bytes + large.weight_bytes,
                     large.library_bytes};
  if (weight.format == WeightFormat::f32) return matmul(ctx, product);
  product.type = DType::bf16;
  product.x = scratch;
  product.x_stride = product.weight_stride =
      row_stride(WeightFormat::bf16, weight.inputs);
  launch(to_bf16_kernel,
         {.name = "to_bf16",
          .blocks = static_cast<unsigned>(product.rows),
          .threads = kThreads,
          .stream = ctx.stream},
         reinterpret_cast<__nv_bfloat16*>(scratch), data_of<const float>(a.x),
         static_cast<int>(weight.inputs), static_cast<int>(product.x_stride));
  if (weight.format == WeightFormat::bf16) return matmul(ctx, product);
  multiply_codes(ctx, a, product, large, scratch + large.inputs_bytes);
}

void multiply(Context& ctx, const Linear::Args& a) {
  if (a.x.shape[0] <= kSmallRows)
    run_small(ctx, a);
  else
    run_large(ctx, a);
}

}  // namespace

void Linear::cuda(Context& ctx, const Args& a) {
  if (a.x.shape[0] == 0) return;
  multiply(ctx, a);
  if (a.adapters.empty()) return;
  const auto at = adapter_scratch(ctx.device, a);
  const auto elements = a.x.shape[0] * a.weight.outputs;
  for (const auto& adapter : a.adapters) {
    const auto products = adapter_products(ctx, a, at, adapter);
    multiply(ctx, products.low);
    multiply(ctx, products.high);
    launch(
        add_scaled_kernel,
        {.name = "add_scaled",
         .blocks = static_cast<unsigned>((elements + kThreads - 1) / kThreads),
         .threads = kThreads,
         .stream = ctx.stream},
        data_of<float>(a.y), data_of<const float>(products.high.y),
        adapter.scale, elements);
  }
}

}  // namespace troupe::kernels
