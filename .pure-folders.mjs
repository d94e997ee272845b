// The coordinator's folders that hold no I/O, clock or ambient randomness; read by ESLint and dependency-cruiser.
export const pureFolders = [
  "plan",
  "fleet",
  "merge",
  "validity",
  "search",
  "server",
  "forecast",
  "size",
  "compare",
  "calibrate",
  "show",
].map((name) => `coordinator/${name}`);
