import { type MetricFamily, single } from "../metrics/exposition.ts";

/** What this process takes of its machine, read at the moment of the call. */
export function processFamilies(): readonly MetricFamily[] {
  const { user, system } = process.cpuUsage();
  return [
    single("loadline_process_cpu_seconds_total", "counter", {
      help: "CPU time of this process, s.",
      value: (user + system) / 1e6,
    }),
    single("loadline_process_resident_memory_bytes", "gauge", {
      help: "Memory of this process that is resident, bytes.",
      value: process.memoryUsage.rss(),
    }),
  ];
}
