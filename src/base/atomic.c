// SPDX-License-Identifier: MIT
#include "base/atomic.h"

_Thread_local unsigned atomic_depth_ __attribute__((tls_model("initial-exec")));
