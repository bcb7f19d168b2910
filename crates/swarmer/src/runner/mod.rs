//! Driver threads and the control plane that steers them.
