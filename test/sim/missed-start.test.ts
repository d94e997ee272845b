import assert from "node:assert/strict";
import { test } from "node:test";
import { renderJson } from "../../coordinator/show/json.ts";
import { NS_PER_MS } from "../../shared/units.ts";
import { type ClusterEnd, runCluster } from "../support/sim-cluster.ts";
import { clusterOptions, LIST_PLAN, linesOf, replayOf, resultOfEnd } from "../support/sim-run.ts";

const SEED = 12;
const SEGMENTS = 3;

/** A run that loses its leases from before the start of one of its segments until behind it. */
function losingLeasesAt(calm: ClusterEnd, place: number): Promise<ClusterEnd> {
  const startAtNs = calm.runZeroNs + calm.end.driven[place]!.segment.startAtNs;
  const leasesLost = {
    fromNs: startAtNs - 100 * NS_PER_MS,
    untilNs: startAtNs + 100 * NS_PER_MS,
  };
  return runCluster(SEED, clusterOptions(LIST_PLAN), undefined, { leasesLost });
}

for (const place of [0, 1, 2])
  test(`segment ${place + 1} of ${SEGMENTS} whose lease comes to nobody in time is started anew, and nothing is missing`, async () => {
    const calm = await runCluster(SEED, clusterOptions(LIST_PLAN));
    const { end, journal, served } = await losingLeasesAt(calm, place);

    const rearmed = linesOf(journal).filter(({ kind }) => kind === "rearm");
    assert.ok(rearmed.length >= 1, "its lease was lost");
    assert.deepEqual(end.decision, { kind: "finished" });
    const result = resultOfEnd(LIST_PLAN, end);
    assert.deepEqual(result.validity, { verdict: "valid", reasons: [] });
    assert.equal(result.probes.length, SEGMENTS);
    assert.deepEqual(result.lost, { arrivalRanges: [], unknownCount: 0 });
    for (const { segment, countsByOutcome: counts } of result.probes) {
      const recorded = served.filter((each) => each.segment === segment).length;
      assert.ok(counts.scheduled > 5);
      assert.equal(counts.ok, counts.scheduled);
      assert.ok(recorded >= counts.ok);
    }
    const again = await replayOf(LIST_PLAN, journal);
    assert.equal(renderJson(resultOfEnd(LIST_PLAN, again.end())), renderJson(result));
  });
