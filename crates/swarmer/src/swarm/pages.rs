//! Memory in small pages.

/// Asks the kernel for no huge pages, in this process and those it starts. To fill one takes it a millisecond or more, in which
/// no user of the thread that touched it gets its turn; and where users wait in great numbers, half of what it fills is never
/// used. Whoever refuses this is no worse off than before.
#[cfg(target_os = "linux")]
pub(super) fn keep_small() {
    let [yes, none]: [libc::c_ulong; 2] = [1, 0];
    // SAFETY: the call takes numbers only.
    unsafe { libc::prctl(libc::PR_SET_THP_DISABLE, yes, none, none, none) };
}

/// Elsewhere that is the system's business.
#[cfg(not(target_os = "linux"))]
pub(super) fn keep_small() {}
