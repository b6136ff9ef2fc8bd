//! What a process has used, as the kernel says it.

use crate::Fallible;
use std::fs;

/// CPU seconds of all threads of `pid`: `/proc/PID/stat`, in ticks of 10 ms.
pub(crate) fn cpu_seconds(pid: u32) -> Fallible<f64> {
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 = after_name.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Ok(ticks as f64 / TICKS_PER_SECOND)
}

/// Resident memory of `pid` in kB.
pub(crate) fn resident_kilobytes(pid: u32) -> Fallible<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let row = status.lines().find_map(|row| row.strip_prefix("VmRSS:")).ok_or("the process has no memory")?;
    Ok(row.trim().trim_end_matches(" kB").parse()?)
}
