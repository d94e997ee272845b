import assert from "node:assert/strict";
import { test } from "node:test";
import { nkeys } from "@nats-io/transport-node";
import fc from "fast-check";
import { signedHeaders, whyNotSigned } from "../../../shared/platform/command-signature.ts";
import { createNkey, isSignedBy, nkeySigner } from "../../../shared/platform/nkey.ts";

const MINUTE_MS = 60_000;
const NOW_MS = Date.UTC(2026, 0, 1);
const pair = createNkey();
const signer = nkeySigner(pair.seed);
const subject = "loadline.gpu.agent.left";
const data = Uint8Array.of(1, 2, 3);

function signed(nowMs = NOW_MS) {
  return { subject, data, headers: signedHeaders(signer, { subject, payload: data }, nowMs) };
}

test("what one implementation of nkeys signs, the other takes, and nothing else", () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.nat(), (bytes, place) => {
      const { seed, publicKey } = createNkey();
      const theirs = nkeys.fromSeed(new TextEncoder().encode(seed));
      const own = nkeySigner(seed);
      assert.equal(own.publicKey, publicKey);
      const signature = own.sign(bytes);
      assert.ok(theirs.verify(bytes, signature));
      assert.ok(isSignedBy(publicKey, { bytes, signature: theirs.sign(bytes) }));
      const altered = Uint8Array.from(signature);
      altered[place % altered.length]! ^= 1;
      assert.ok(!isSignedBy(publicKey, { bytes, signature: altered }));
      assert.ok(!isSignedBy(pair.publicKey, { bytes, signature }));
    }),
    { numRuns: 20 },
  );
});

test("a signature is none for what is no key, or no signature", () => {
  const otherEnd = pair.publicKey.endsWith("A") ? "B" : "A";
  for (const publicKey of ["", "U", "SU", pair.seed, `${pair.publicKey.slice(0, -1)}${otherEnd}`])
    assert.ok(!isSignedBy(publicKey, { bytes: data, signature: signer.sign(data) }), publicKey);
  for (const length of [0, 1, 63, 65])
    assert.ok(!isSignedBy(pair.publicKey, { bytes: data, signature: new Uint8Array(length) }));
});

test("a command of a signer that the policy names is carried out while it is good", () => {
  for (const nowMs of [NOW_MS - 10 * MINUTE_MS, NOW_MS, NOW_MS + 5 * MINUTE_MS])
    assert.equal(
      whyNotSigned(signed(), [createNkey().publicKey, pair.publicKey], nowMs),
      undefined,
    );
});

test("a command is refused with a reason: unsigned, by another, altered, for another agent, too late", () => {
  const why = (message: Parameters<typeof whyNotSigned>[0], nowMs = NOW_MS): string | undefined =>
    whyNotSigned(message, [pair.publicKey], nowMs)?.code;
  const other = nkeySigner(createNkey().seed);
  const forged = signed();
  forged.headers.set("Loadline-Signer", other.publicKey);
  const longer = signed();
  longer.headers.set("Loadline-Expires", String(NOW_MS + 60 * MINUTE_MS));
  const cut = signed();
  cut.headers.delete("Loadline-Signature");
  assert.equal(why({ subject, data }), "LL_SIGNATURE_MISSING");
  assert.equal(why(cut), "LL_SIGNATURE_MISSING");
  assert.equal(
    why({ subject, data, headers: signedHeaders(other, { subject, payload: data }, NOW_MS) }),
    "LL_SIGNATURE_FOREIGN",
  );
  assert.equal(why(forged), "LL_SIGNATURE_FOREIGN");
  assert.equal(why({ ...signed(), data: Uint8Array.of(1, 2, 4) }), "LL_SIGNATURE_WRONG");
  assert.equal(why({ ...signed(), subject: "loadline.gpu.agent.right" }), "LL_SIGNATURE_WRONG");
  assert.equal(why(longer), "LL_SIGNATURE_WRONG");
  assert.equal(why(signed(), NOW_MS + 5 * MINUTE_MS + 1), "LL_SIGNATURE_EXPIRED");
});
