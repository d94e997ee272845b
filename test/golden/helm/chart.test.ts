import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { buildProgram } from "../../../cli/program.ts";
import { loadline } from "../../support/cli.ts";
import { type Labels, type Manifest, type Pod, readManifest } from "../../support/kubernetes.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));
const CHART = join(ROOT, "deploy/helm/loadline");

/** What each golden file was rendered with. */
const RENDERINGS = {
  "default.yaml": [],
  "run.yaml": ["--values", fileURLToPath(new URL("run-values.yaml", import.meta.url))],
  "existing-nats.yaml": [
    ...["--set", "nats.enabled=false", "--set", "nats.url=tls://nats.example:4222"],
    ...["--set", "podDisruptionBudget.enabled=false", "--set", "networkPolicy.enabled=false"],
  ],
} as const;
type Rendering = keyof typeof RENDERINGS;

const helm = spawnSync("helm", ["version"]).status === 0;
const noHelm = helm ? false : "NOT TESTED with helm: it is not installed";
if (!helm)
  process.stderr.write(`\n*** ${noHelm || ""}: the golden manifests are looked at instead ***\n\n`);

function golden(name: Rendering): URL {
  return new URL(name, import.meta.url);
}

function render(args: readonly string[]): {
  status: number | null;
  stdout: string;
  stderr: string;
} {
  return spawnSync(
    "helm",
    ["template", "loadline", CHART, "--namespace", "load", "--kube-version", "1.33.0", ...args],
    { encoding: "utf8" },
  );
}

/** The first line of a golden file: which chart it was made of, so that one can be told to be old without helm. */
function chartLine(): string {
  const hash = createHash("sha256");
  const files = readdirSync(CHART, { recursive: true, encoding: "utf8" }).sort();
  for (const name of files.filter((each) => statSync(join(CHART, each)).isFile()))
    hash.update(`${name}\n`).update(readFileSync(join(CHART, name)));
  return `# deploy/helm/loadline ${hash.digest("hex").slice(0, 16)}, rendered by helm; made anew by UPDATE_GOLDEN=1\n`;
}

for (const [name, args] of Object.entries(RENDERINGS) as [Rendering, readonly string[]][]) {
  test(`${name} is what helm makes of the chart`, { skip: noHelm }, () => {
    const { status, stdout, stderr } = render(args);
    assert.equal(status, 0, stderr);
    const text = chartLine() + stdout;
    if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(golden(name), text);
    assert.equal(text, readFileSync(golden(name), "utf8"));
  });

  test(`${name} is of the chart as it stands, and every object in it is what Kubernetes takes`, () => {
    const text = readFileSync(golden(name), "utf8");
    assert.ok(text.startsWith(chartLine()), "run this test with helm and UPDATE_GOLDEN=1");
    const names = objectsOf(name).map(({ kind, metadata }) => `${kind}/${metadata.name}`);
    assert.equal(new Set(names).size, names.length, "each object is there once");
  });
}

test("a misspelt field is no Kubernetes object", () => {
  const text = readFileSync(golden("default.yaml"), "utf8");
  for (const [right, wrong] of [
    ["replicas: 3", "replicass: 3"],
    ["readOnlyRootFilesystem: true", "readOnlyRootFileSystem: true"],
    ["port: 4222 }", "port: [4222] }"],
  ] as const) {
    assert.ok(text.includes(right));
    assert.throws(() => readManifest(text.replace(right, wrong)), assert.AssertionError, wrong);
  }
});

test("values that cannot be meant are refused with their place", { skip: noHelm }, () => {
  for (const [set, place] of [
    ["agents.replicas=0", "agents/replicas"],
    ["agents.replica=3", "agents"],
    ["run.command=fnd", "run/command"],
    ["nats.replicas=2", "replicas"],
    ["nats.url=nats.example", "nats/url"],
  ] as const) {
    const { status, stderr } = render(["--set", set]);
    assert.equal(status, 1, set);
    assert.ok(stderr.includes(place), `${set}: ${stderr}`);
  }
  const lint = spawnSync("helm", ["lint", "--strict", CHART], { encoding: "utf8" });
  assert.equal(lint.status, 0, lint.stdout);
});

test("every container is hardened, and starts a command with flags that there are", () => {
  const commands = buildProgram().commands;
  const pods = objectsOf("run.yaml").flatMap(podsOf);
  assert.equal(pods.length, 3);
  for (const pod of pods) {
    assert.equal(pod.automountServiceAccountToken, false);
    assert.equal(pod.securityContext.runAsNonRoot, true);
    for (const container of pod.containers) {
      assert.equal(container.securityContext.readOnlyRootFilesystem, true);
      assert.equal(container.securityContext.allowPrivilegeEscalation, false);
      assert.deepEqual(container.securityContext.capabilities.drop, ["ALL"]);
      if (container.name === "nats") continue;
      const [name, ...args] = container.args ?? [];
      const known = commands.find((each) => each.name() === name)?.options.map(({ long }) => long);
      assert.ok(known !== undefined, name);
      for (const arg of args.filter((each) => each.startsWith("--")))
        assert.ok(known.includes(arg.split("=")[0] ?? ""), arg);
    }
  }
});

test("network policies and budgets are about pods that there are", () => {
  const objects = objectsOf("run.yaml");
  const labels = objects.flatMap(({ spec }) =>
    spec?.template === undefined ? [] : [spec.template.metadata.labels],
  );
  const selectors = objects.flatMap(({ kind, spec }): readonly (Labels | undefined)[] => {
    if (kind === "NetworkPolicy") return [spec?.podSelector?.matchLabels];
    if (kind === "PodDisruptionBudget") return [spec?.selector?.matchLabels];
    return kind === "Service" ? [spec?.selector] : [];
  });
  assert.ok(selectors.length >= 9);
  const isIn = (selector: Labels, pod: Labels): boolean =>
    Object.entries(selector).every(([key, value]) => pod[key] === value);
  for (const selector of selectors) {
    assert.ok(selector !== undefined);
    const chosen = labels.filter((pod) => isIn(selector, pod));
    assert.equal(chosen.length, 1, JSON.stringify(selector));
  }
});

test("the secrets of a fleet hold what the chart mounts, and each agent sees its own", async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "loadline-chart-"));
  context.after(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  const fleet = join(folder, "fleet");
  const servers = [0, 1, 2].map((place) => `loadline-nats-${place}.loadline-nats`);
  const made = await loadline(
    context,
    "fleet",
    "init",
    fleet,
    "--agents",
    "4",
    "--server",
    ...servers,
  );
  assert.equal(made.exitCode, 0, made.stderr);
  const script = spawnSync(join(ROOT, "deploy/helm/fleet-secrets.sh"), [fleet], {
    encoding: "utf8",
  });
  assert.equal(script.status, 0, script.stderr);
  const secrets = new Map(
    readManifest(script.stdout).map(({ metadata, data }) => [metadata.name, data ?? {}]),
  );
  assert.deepEqual(
    [...secrets.keys()],
    ["loadline-agents", "loadline-coordinator", "loadline-nats"],
  );
  const read = (secret: string, key: string): string => {
    const value = secrets.get(secret)?.[key];
    assert.ok(value !== undefined, `${secret} has ${key}`);
    return Buffer.from(value, "base64").toString();
  };

  const agents = objectsOf("run.yaml").find(
    ({ kind, metadata }) => kind === "StatefulSet" && metadata.name === "loadline-agent",
  );
  const secret = agents?.spec?.template?.spec.volumes[0]?.secret;
  assert.ok(secret !== undefined);
  const { items, secretName } = secret;
  for (const place of [0, 1, 2, 3]) {
    const own = items.filter(({ path }) => path.startsWith(`loadline-agent-${place}/`));
    assert.equal(own.length, 6);
    for (const { key, path } of own) {
      assert.equal(key, `agent-${place + 1}.${path.split("/")[1]!}`);
      read(secretName, key);
    }
    const { id, nats } = JSON.parse(read(secretName, `agent-${place + 1}.identity.json`)) as {
      id: string;
      nats: readonly string[];
    };
    assert.equal(id, `agent-${place + 1}`);
    // Pods of the chart's StatefulSet have these names, by its headless Service.
    assert.deepEqual(
      nats,
      servers.map((server) => `tls://${server}:4222`),
    );
  }
  assert.match(read("loadline-nats", "nats-server.conf"), /loadline-nats-2\.loadline-nats:6222/);
  assert.equal(secrets.get("loadline-nats")?.["ca.key"], undefined, "no authority's key leaves");
  read("loadline-coordinator", "identity.json");
});

function objectsOf(name: Rendering): readonly Manifest[] {
  return readManifest(readFileSync(golden(name), "utf8"));
}

function podsOf({ spec }: Manifest): readonly Pod[] {
  return spec?.template === undefined ? [] : [spec.template.spec];
}
