#include <cublasLt.h>

#include <array>
#include <map>
#include <string>
#include <tuple>

#include "kernels/cuda_libraries.hpp"
#include "kernels/launch.cuh"
#include "kernels/matmul.hpp"

namespace troupe {
namespace {

void check_lt(cublasStatus_t status, const char* what) {
  if (status != CUBLAS_STATUS_SUCCESS)
    throw kernels::CudaError(std::string("cublasLt, ") + what + ": " +
                             cublasLtGetStatusString(status));
}

template <class T, cublasStatus_t (*kDestroy)(T)>
struct Handle {
  Handle() = default;
  ~Handle() {
    if (value != nullptr) kDestroy(value);
  }
  Handle(Handle&& other) noexcept
      : value{std::exchange(other.value, nullptr)} {}
  Handle& operator=(Handle&&) = delete;

  T value = nullptr;
};

using Operation = Handle<cublasLtMatmulDesc_t, cublasLtMatmulDescDestroy>;
using Layout = Handle<cublasLtMatrixLayout_t, cublasLtMatrixLayoutDestroy>;
using Preference =
    Handle<cublasLtMatmulPreference_t, cublasLtMatmulPreferenceDestroy>;

// What an algorithm may read or write at once; cuBLASLt takes it for 256 bytes
// where it is not told.
std::uint32_t alignment_of(const void* data) {
  constexpr std::uintptr_t kMost = 256;
  const auto at = reinterpret_cast<std::uintptr_t>(data) | kMost;
  return static_cast<std::uint32_t>(at & (~at + 1));
}

/// Of weight, x and y.
using Alignments = std::array<std::uint32_t, 3>;

Alignments alignments_of(const kernels::Matmul& p) {
  return {alignment_of(p.weight), alignment_of(p.x), alignment_of(p.y)};
}

/// All that a plan depends on.
using Shape = std::tuple<DType, bool, std::int64_t, std::int64_t, std::int64_t,
                         std::int64_t, std::int64_t, std::int64_t, std::size_t,
                         Alignments>;

Shape shape_of(const kernels::Matmul& p) {
  return {p.type,           p.bias != nullptr, p.rows,     p.inputs,
          p.outputs,        p.y_stride,        p.x_stride, p.weight_stride,
          p.scratch.size(), alignments_of(p)};
}

/// cuBLASLt has columns where we have rows: y as [outputs, rows] is the
/// transposed weight [inputs, outputs] times x [inputs, rows].
struct Plan {
  Operation operation;
  Layout weight, x, y;
  cublasLtMatmulAlgo_t algorithm{};
};

template <class T>
void set(const Operation& operation, cublasLtMatmulDescAttributes_t name,
         const T& value) {
  check_lt(cublasLtMatmulDescSetAttribute(operation.value, name, &value,
                                          sizeof(value)),
           "set an attribute");
}

template <class T>
void set(const Preference& preference,
         cublasLtMatmulPreferenceAttributes_t name, const T& value) {
  check_lt(cublasLtMatmulPreferenceSetAttribute(preference.value, name, &value,
                                                sizeof(value)),
           "set a preference");
}

void describe(Layout& layout, cudaDataType_t type, std::int64_t rows,
              std::int64_t columns, std::int64_t stride) {
  check_lt(cublasLtMatrixLayoutCreate(
               &layout.value, type, static_cast<std::uint64_t>(rows),
               static_cast<std::uint64_t>(columns), stride),
           "describe a matrix");
}

Plan make_plan(cublasLtHandle_t handle, const kernels::Matmul& p) {
  Plan plan;
  const auto type = p.type == DType::bf16 ? CUDA_R_16BF : CUDA_R_32F;
  // Sums in fp32; fp32 factors are not rounded to TF32.
  check_lt(cublasLtMatmulDescCreate(&plan.operation.value, CUBLAS_COMPUTE_32F,
                                    CUDA_R_32F),
           "describe a product");
  set(plan.operation, CUBLASLT_MATMUL_DESC_TRANSA, CUBLAS_OP_T);
  if (p.bias != nullptr) {
    set(plan.operation, CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_BIAS);
    set(plan.operation, CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, CUDA_R_32F);
  }
  describe(plan.weight, type, p.inputs, p.outputs, p.weight_stride);
  describe(plan.x, type, p.inputs, p.rows, p.x_stride);
  describe(plan.y, CUDA_R_32F, p.outputs, p.rows, p.y_stride);
  Preference preference;
  check_lt(cublasLtMatmulPreferenceCreate(&preference.value), "prefer");
  const std::uint64_t most = p.scratch.size();
  set(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, most);
  const auto [weight, x, y] = alignments_of(p);
  set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, weight);
  set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, x);
  set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, y);
  set(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, y);
  cublasLtMatmulHeuristicResult_t best{};
  int found = 0;
  check_lt(cublasLtMatmulAlgoGetHeuristic(
               handle, plan.operation.value, plan.weight.value, plan.x.value,
               plan.y.value, plan.y.value, preference.value, 1, &best, &found),
           "find an algorithm");
  if (found == 0) throw kernels::CudaError("cublasLt has no algorithm");
  plan.algorithm = best.algo;
  return plan;
}

}  // namespace

struct CudaLibraries::Products {
  Products() { check_lt(cublasLtCreate(&handle), "start"); }
  ~Products() { cublasLtDestroy(handle); }

  Plan& plan(const kernels::Matmul& product) {
    const auto shape = shape_of(product);
    auto at = plans.find(shape);
    if (at == plans.end())
      at = plans.emplace(shape, make_plan(handle, product)).first;
    return at->second;
  }

  cublasLtHandle_t handle = nullptr;
  std::map<Shape, Plan> plans;
};

CudaLibraries::CudaLibraries() : products{std::make_unique<Products>()} {}
CudaLibraries::~CudaLibraries() = default;

namespace kernels {

void matmul(Context& ctx, const Matmul& product) {
  TROUPE_ASSERT(ctx.libraries != nullptr);
  auto& products = *ctx.libraries->products;
  auto& plan = products.plan(product);
  if (product.bias != nullptr)
    set(plan.operation, CUBLASLT_MATMUL_DESC_BIAS_POINTER, product.bias);
  const float one = 1, zero = 0;
  check_lt(cublasLtMatmul(
               products.handle, plan.operation.value, &one, product.weight,
               plan.weight.value, product.x, plan.x.value, &zero, product.y,
               plan.y.value, product.y, plan.y.value, &plan.algorithm,
               product.scratch.data(), product.scratch.size(), ctx.stream),
           "multiply");
}

}  // namespace kernels
}  // namespace troupe
