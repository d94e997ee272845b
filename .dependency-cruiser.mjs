import { pureFolders } from "./.pure-folders.mjs";

const rule = (name, comment, from, to) => ({ name, comment, severity: "error", from, to });
const inside = (path, pathNot) => (pathNot ? { path, pathNot } : { path });
const pure = `^shared/|^(${pureFolders.join("|")})/`;

export default {
  forbidden: [
    rule(
      "shared-is-the-floor",
      "shared/ holds what both processes mean by a word. If it needs one of them, move that part up.",
      inside("^shared/"),
      inside("^(cli|coordinator|agent|simulator)/"),
    ),
    rule(
      "siblings-never-meet",
      "They run on different machines. Share a value through shared/, or send a message in proto/. cli/ composes them.",
      inside("^(coordinator|agent|simulator)/"),
      inside("^(cli|coordinator|agent|simulator)/", "^$1/"),
    ),
    rule("no-cycles", "Move what both need into a third file.", {}, { circular: true }),
    rule(
      "pure-by-rule",
      "The domain must run on simulated time. Take a port; put the adapter in an adapter folder.",
      inside(pure, "^shared/(wire|platform)/"),
      {
        dependencyTypes: ["core", "npm", "npm-dev", "npm-no-pkg", "npm-unknown"],
        pathNot: "node_modules/(hdr-histogram-js|zod|pure-rand|@noble/hashes|yaml)/", // each one pure itself
      },
    ),
    rule(
      "gen-behind-codec",
      "Generated types stop at the codec; the rest of the code speaks domain values.",
      { pathNot: "^shared/(wire|platform)/" },
      inside("^shared/wire/gen/"),
    ),
    rule(
      "adapters-only-in-main",
      "An agent, run or verdict takes a port. Only main.ts and cli/ choose the adapter.",
      inside("^(coordinator|agent)/", "/main[.]ts$|/(link|endpoint|store|broker|observe|web)/"),
      inside("^(coordinator|agent)/(link|endpoint|store|broker|observe|web)/|^shared/platform/"),
    ),
    rule(
      "hot-path-is-bare",
      "Firing and recording run per request. No log, wire or link in reach.",
      inside("^agent/(firing|recording)/"),
      { pathNot: "^agent/(firing|recording)/|^agent/ports[.]ts$|^shared/(?!wire|platform)" },
    ),
    rule(
      "tests-point-inwards",
      "Product code never depends on a test or a bench.",
      inside("^(cli|shared|coordinator|agent|simulator)/"),
      inside("^(test|bench)/"),
    ),
  ],
  options: {
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
    doNotFollow: { path: "node_modules" },
  },
};
