// The program troupe-device: the CPU of a machine as a device, started by its
// node and spoken to over standard input and output. For nobody else.
#include "apps/device_program.hpp"

int main() {
  troupe::become_device_process();
  return troupe::serve_node("troupe-device", {});
}
