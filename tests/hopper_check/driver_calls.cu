// What starting a Hopper kernel calls, as an object whose undefined names a
// test reads: the driver's are found at run time, none is linked.
#include "kernels/hopper/host.cuh"

namespace troupe::kernels::hopper {

TensorMap driver_calls(const BoxedTensor& tensor) {
  return make_map(tensor);
}

}  // namespace troupe::kernels::hopper
