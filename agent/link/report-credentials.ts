import type { PeerCertificate } from "node:tls";
import { type ChannelCredentials, credentials } from "@grpc/grpc-js";
import type { Refusal, ReportAddress } from "../../shared/control/control.ts";

/** The agent's certificate and key, and the authority whose coordinators it reports to; PEM. */
export interface ReportLinkTls {
  readonly caPem: string;
  readonly certificatePem: string;
  readonly keyPem: string;
}

/**
 * A coordinator may run anywhere, so that its certificate cannot name its host: the agent was told the certificate's
 * fingerprint on the control path, and takes that one only, signed by its fleet's authority.
 */
export function reportCredentials(
  { certificateFingerprint }: ReportAddress,
  tls: ReportLinkTls | undefined,
): ChannelCredentials {
  if (tls === undefined) return credentials.createInsecure();
  return credentials.createSsl(
    Buffer.from(tls.caPem),
    Buffer.from(tls.keyPem),
    Buffer.from(tls.certificatePem),
    {
      checkServerIdentity: (_host: string, { fingerprint256 }: PeerCertificate) =>
        fingerprint256 === certificateFingerprint
          ? undefined
          : new Error("this is not the certificate that the coordinator named"),
    },
  );
}

/** Why an agent does not report there at all; undefined when it does. */
export function whyNotReport(
  { url, certificateFingerprint }: ReportAddress,
  tls: ReportLinkTls | undefined,
): Refusal | undefined {
  if (tls === undefined && certificateFingerprint !== "")
    return {
      code: "LL_REPORT_NO_CREDENTIALS",
      message: `the report server at ${url} names a certificate, but this agent has no TLS credentials`,
      hint: "start the agent with the --identity of its fleet",
    };
  if (tls !== undefined && certificateFingerprint === "")
    return {
      code: "LL_REPORT_INSECURE",
      message: `the report server at ${url} names no certificate, and this agent reports over TLS only`,
      hint: "start the run with the --identity of the fleet's coordinator",
    };
  return undefined;
}
